"""Raw strings of options, variables and ini files, turned into values."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_deploycheck.config.build_metadata import read_references
from pytest_deploycheck.config.settings import When
from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_deploycheck.config.settings import EnvironmentSettings

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?|\.\d+)(?P<unit>[smhd]?)", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION_FORMS = "90, 90s, 5m, 1h, 1d"

_EPOCH_SECONDS = 10
_EPOCH = re.compile(r"\d{10}(?:\d{3})?", re.ASCII)
"""Seconds or milliseconds since 1970, as `date +%s` prints them, from 1970 until 2286."""

# Longer than any rollout or log takes; what is longer is a number that was taken for another unit or for a time.
_LONGEST = timedelta(days=366)
DURATIONS = f"a duration of 0 or more and at most {_LONGEST.days}d"
"""The durations that are allowed, for messages."""


def is_a_duration(text: str) -> bool:
    """Return True if a text is a duration, as `duration` reads it."""
    return _seconds(text) is not None


def duration(text: str, source: str) -> float:
    """Seconds, from `90`, `90s`, `5m`, `1h` or `1d`; fractions such as `1.5m` are fine.

    Args:
        text: As written.
        source: The option it came from, for messages.

    Raises:
        ConfigurationError: It is not a duration, or negative, or longer than 366 days.
    """
    seconds = _seconds(text)
    if seconds is None:
        raise ConfigurationError(f"{source}: found {text!r}; allowed: {DURATIONS}, such as {_DURATION_FORMS}")
    return seconds


def when(text: str, source: str, *, commit_time: Callable[[], datetime] | None) -> When:
    """Return a moment, from an ISO time, a time since 1970, a duration back from now, `today` or `commit`.

    A time without a zone is UTC; a date alone is its first moment. A number of 10 digits is seconds since 1970, one of
    13 digits milliseconds; any other is seconds back.

    Args:
        text: As written.
        source: The option it came from, for messages.
        commit_time: Gives the time that `commit` stands for, or None where `commit` is not allowed.

    Raises:
        ConfigurationError: It is none of these.
    """
    word = text.strip()
    if word == "today":
        return When(text, today=True)
    if _EPOCH.fullmatch(word):
        return When(text, at=datetime.fromtimestamp(int(word) / (1000 if len(word) > _EPOCH_SECONDS else 1), UTC))
    if word == "commit" and commit_time is not None:
        return When(text, at=commit_time())
    seconds = _seconds(word)
    moment = _iso_time(word)
    if seconds is not None and moment is not None:
        raise ConfigurationError(
            f"{source}: found {text!r}, which can be a date or seconds back;"
            f" allowed: {moment.date().isoformat()!r} for the date or '{word}s' for the seconds"
        )
    if moment is not None:
        return When(text, at=moment)
    if seconds is None:
        words = ["today"] if commit_time is None else ["today", "commit"]
        raise ConfigurationError(
            f"{source}: found {text!r}{did_you_mean(word, words)} Allowed: an ISO time such as"
            f" 2025-11-26T11:17:40Z, seconds or milliseconds since 1970, a duration back of at most"
            f" {_LONGEST.days}d such as {_DURATION_FORMS},"
            f" {', '.join(words)}"
        )
    return When(text, ago=timedelta(seconds=seconds))


def commit_time(rootdir: Path) -> datetime:
    """Return the commit time of the HEAD of the checkout in `rootdir`, as an aware time.

    Raises:
        ConfigurationError: There is no git, no checkout, or no commit.
    """
    remedy = "Name the time itself instead of `commit`."
    git = shutil.which("git")
    if git is None:
        raise ConfigurationError(f"the commit time of {rootdir} needs git, which is not on the PATH", remedy)
    finished = subprocess.run(  # noqa: S603 - no shell, and nothing of a user's but the directory
        [git, "-C", str(rootdir), "log", "-1", "--format=%cI", "--no-show-signature"],
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        check=False,
        encoding="utf-8",
        errors="replace",
    )
    if finished.returncode != 0:
        raise ConfigurationError(
            f"the commit time of {rootdir} cannot be told; git says: {finished.stderr.strip()}", remedy
        )
    return datetime.fromisoformat(finished.stdout.strip())


def images(values: Sequence[str], services: Sequence[str], source: str, *, folder: Path = Path()) -> dict[str, str]:
    """The expected image for each service, from `[SERVICE=]REF` values, in the order of `services`.

    A value without `SERVICE=` is for every service that has none of its own. References stay as written; `@FILE` is
    the image that a build's metadata file names.

    Args:
        values: As written.
        services: The configured names of the selected services.
        source: The option they came from, for messages.
        folder: Where files are that are not named by an absolute path.

    Raises:
        ConfigurationError: A reference is empty, a file names no image, a service is unknown, or two values are for
            the same.
    """
    named: dict[str, str] = {}
    for value in values:
        service, equals, reference = divided_image(value)
        _check_reference(reference, value, source)
        if reference.startswith("@"):
            reference = read_references(reference[1:], source, folder=folder)
        if equals and service not in services:
            raise ConfigurationError(
                f"{source}: found {value!r}, for an unknown service{did_you_mean(service, services)}"
                f" {_selected(services)}"
            )
        if service in named:
            whom = f"the service {service!r}" if equals else "no service in particular"
            raise ConfigurationError(
                f"{source}: found two images for {whom}, {named[service]!r} and {reference!r}; allowed: one"
            )
        named[service] = reference
    for_the_rest = named.get("")
    expected = {service: named.get(service, for_the_rest) for service in services}
    return {service: reference for service, reference in expected.items() if reference is not None}


def services(values: Sequence[str], environment: EnvironmentSettings, source: str) -> tuple[str, ...]:
    """The configured names of the services that `values` name, or of all when there are no values.

    Args:
        values: Configured names, or names of ECS services.
        environment: Where the services are configured.
        source: The option they came from, for messages.

    Returns:
        Each name once, in the configuration's order.

    Raises:
        ConfigurationError: A name is unknown, or is an ECS service that two configured services share.
    """
    if not values:
        return tuple(environment.services)
    chosen = {_service(value, environment, source) for value in values}
    return tuple(name for name in environment.services if name in chosen)


def comma_list(text: str) -> list[str]:
    """The items between commas, without the blanks around them and without empty ones."""
    return [item for part in text.split(",") if (item := part.strip())]


def _seconds(text: str) -> float | None:
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return None
    seconds = float(match["number"]) * _SECONDS[match["unit"]]
    return seconds if seconds <= _LONGEST.total_seconds() else None


def _iso_time(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def divided_image(value: str) -> tuple[str, str, str]:
    """The service, the equals sign and the reference; a file's name may have an equals sign of its own."""
    if value.startswith("@"):
        return "", "", value
    service, equals, reference = value.partition("=@")
    return (service, "=", f"@{reference}") if equals else value.rpartition("=")


def _check_reference(reference: str, value: str, source: str) -> None:
    allowed = "allowed: a tag, a digest sha256:…, a whole reference or @FILE, with SERVICE= before it or without"
    if not reference.strip("@ "):
        raise ConfigurationError(f"{source}: found {value!r}, without an image; {allowed}")


def _selected(services: Sequence[str]) -> str:
    return f"Selected are: {', '.join(services)}" if services else "None is selected"


def _service(value: str, environment: EnvironmentSettings, source: str) -> str:
    configured = environment.services
    if value in configured:
        return value
    matches = [name for name, settings in configured.items() if settings.service == value]
    if len(matches) > 1:
        how_many = {2: "two"}.get(len(matches), len(matches))
        raise ConfigurationError(
            f"{source}: found {value!r}, and {how_many} services match:"
            f" {', '.join(matches)}; allowed: one of these names"
        )
    if not matches:
        names = [*configured, *(settings.service for settings in configured.values())]
        there_are = f"There are: {', '.join(configured)}" if configured else "It has none"
        raise ConfigurationError(
            f"{source}: found {value!r}, no service of the environment"
            f" {environment.name!r}{did_you_mean(value, names)} {there_are}"
        )
    return matches[0]
