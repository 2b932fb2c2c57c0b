"""Configurations of images, and the layers as they describe them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec.structs import replace

from pytest_deploycheck.facts.image import ImageConfig, Layer, Manifest, Platform, Step
from pytest_deploycheck.oci.manifest import ManifestError, digest_of

T = TypeVar("T")


def parse_config(content: bytes, *, digest: str | None = None) -> ImageConfig:
    """Read the configuration of an image; whatever it leaves out stays empty.

    Args:
        content: The bytes, exactly as the registry holds them.
        digest: The digest they must have, or None to take what they have.

    Raises:
        ManifestError: The digest differs, or the content is not a configuration.
    """
    actual = digest_of(content)
    if digest is not None and actual != digest:
        raise ManifestError(
            f"the image's configuration does not match its digest: expected {digest}, computed {actual}"
        )
    try:
        return _config(actual, json.loads(content))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ManifestError(f"configuration {actual} cannot be read: {error!r}") from error


def described(manifest: Manifest, config: ImageConfig) -> tuple[Layer, ...]:
    """The layers of a manifest, with their build steps and the digests of their tars from the configuration.

    The history has a step for every layer, and steps without one. Where the counts differ it is not known which step
    made which layer, and no step is named.
    """
    count = len(manifest.layers)
    steps = [step.created_by for step in config.steps if not step.is_empty]
    named = steps if len(steps) == count else [""] * count
    diff_ids = config.diff_ids if len(config.diff_ids) == count else [None] * count
    return tuple(
        replace(layer, diff_id=diff_id, created_by=created_by)
        for layer, diff_id, created_by in zip(manifest.layers, diff_ids, named, strict=True)
    )


def _config(digest: str, document: Any) -> ImageConfig:
    if not isinstance(document, dict):
        raise TypeError(f"expected dict, found {type(document).__name__}")
    runtime = _mapping(document.get("config"))
    labels = _mapping(runtime.get("Labels"))
    return ImageConfig(
        digest=digest,
        platform=_platform(document),
        created_at=_moment(_text(document.get("created"))),
        labels={_text(key): _text(value) for key, value in labels.items()},
        env=tuple(variable.partition("=")[0] for variable in _texts(runtime.get("Env"))),
        entrypoint=_texts(runtime.get("Entrypoint")),
        command=_texts(runtime.get("Cmd")),
        user=_text(runtime.get("User")),
        working_dir=_text(runtime.get("WorkingDir")),
        steps=tuple(_step(_mapping(step)) for step in _list(document.get("history"))),
        diff_ids=_texts(_mapping(document.get("rootfs")).get("diff_ids")),
    )


def _platform(document: Mapping[str, Any]) -> Platform | None:
    os, architecture = _text(document.get("os")), _text(document.get("architecture"))
    if not (os and architecture):
        return None
    return Platform(os, architecture, _text(document.get("variant")) or None, _text(document.get("os.version")) or None)


def _step(step: Mapping[str, Any]) -> Step:
    return Step(_text(step.get("created_by")), is_empty=step.get("empty_layer") is True)


def _moment(text: str) -> datetime | None:
    """Return a time in UTC; None for Go's zero time, which means that there is none, and for other text.

    No check depends on it, so an unreadable time is not an error.
    """
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC) if moment.year > 1 else None
    except (ValueError, OverflowError):
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return _of(dict, value, {})


def _list(value: Any) -> list[Any]:
    return _of(list, value, [])


def _text(value: Any) -> str:
    return _of(str, value, "")


def _texts(value: Any) -> tuple[str, ...]:
    """Texts of a list; a single text, as old builders wrote a command, is a list of one."""
    return (value,) if isinstance(value, str) else tuple(_text(item) for item in _list(value))


def _of(kind: type[T], value: Any, default: T) -> T:
    """A value of a kind, or the default where there is none: Go writes `null` for what is empty."""
    if value is None:
        return default
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}, found {type(value).__name__}")
    return value
