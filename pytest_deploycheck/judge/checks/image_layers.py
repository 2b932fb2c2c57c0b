"""The check `image-layers`: no layer that should carry changed source came from the cache of the build."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from typing import Any

from msgspec.structs import replace

from pytest_deploycheck.facts.baseline import Previous
from pytest_deploycheck.facts.build import BuildLog
from pytest_deploycheck.facts.image import Layer, Reference
from pytest_deploycheck.facts.source import Compared
from pytest_deploycheck.judge.finding import IMAGE_LAYERS, Finding
from pytest_deploycheck.judge.wording import at, plural, short, step_of


def judge_layers(
    compared: Sequence[Compared],
    previous: Previous | None,
    build_log: BuildLog | None,
    *,
    reference: Reference,
    digests: Collection[str] = (),
) -> Finding:
    """`image-layers`: no layer that should carry changed source is the one of before, or was taken from the cache.

    A layer that stays the same under unchanged source is right. What is wrong is one whose files are not those of the
    checkout, and which is nevertheless the layer that was there before.

    Args:
        compared: The source trees beside the image.
        previous: The image that ran before, or None where none is known.
        build_log: The output of the build, or None where it was not given.
        reference: The image, for the command that builds it again.
        digests: The digests that the image goes by: of its index, its manifests and their configurations.
    """
    if previous is None and build_log is None:
        return IMAGE_LAYERS.skips("no baseline and no build log, and no earlier image was found")
    if not compared:
        return IMAGE_LAYERS.skips("no source is configured")
    foreign = _foreign(build_log, digests)
    if foreign:
        build_log = None
    evidence: dict[str, Any] = {
        "previous": previous.digest if previous else None,
        "origin": previous.origin if previous else None,
        "cached_steps": [step.instruction for step in build_log.copies if step.is_cached] if build_log else None,
        "layers": {one.tree.local: [layer.digest for layer in one.carriers] for one in compared},
    }
    changed = [one for one in compared if not one.is_held]
    proofs = [
        text
        for one in changed
        for layer in one.carriers
        for text in (_as_before(one, layer, previous), _as_logged(one, layer, build_log))
        if text
    ]
    if proofs:
        finding = IMAGE_LAYERS.fails(
            "; ".join(dict.fromkeys(proofs)),
            cause="The builder took the layer from its cache although the source behind it had changed: a new digest "
            "with yesterday's files.",
            remedy="Build it without the cache, push it, and roll it out.",
            command=_build_command(reference),
            evidence=evidence,
        )
        return replace(finding, is_proof=True)
    if foreign and previous is None:
        return IMAGE_LAYERS.unproven(
            foreign, remedy="Give the log of the build that made the image.", evidence=evidence
        )
    if changed and previous is None:
        return IMAGE_LAYERS.unproven(
            f"the image does not hold {', '.join(one.tree.local for one in changed)}, but the build log shows no "
            "cached step that should have brought it: it may be of another build, or of another checkout",
            remedy="See image-content, which lists what the image lacks.",
            evidence=evidence,
        )
    unknown = [one for one in compared if not one.carriers]
    if unknown:
        return IMAGE_LAYERS.unproven(
            f"it is not known which layer should carry {', '.join(one.tree.local for one in unknown)}",
            remedy="See image-content, which tells what of the source could be compared with the image.",
            evidence=evidence,
        )
    notes = [foreign] if foreign else []
    if previous and previous.digest in digests:
        notes.append(f"nothing new was shipped: the image is that of {previous.origin}")
    return IMAGE_LAYERS.passes(_proof(compared, previous, build_log), notes=notes, evidence=evidence)


def _foreign(build_log: BuildLog | None, digests: Collection[str]) -> str:
    """Return a sentence on a build log that is of another image; empty where it is not, or that is not known."""
    if build_log is None or build_log.digest is None or not digests or build_log.digest in digests:
        return ""
    return f"the build log is of another image, {short(build_log.digest)}"


def _as_before(compared: Compared, layer: Layer, previous: Previous | None) -> str:
    if previous is None or not previous.has(layer):
        return ""
    was = previous.source.get(compared.tree.local)
    if was == compared.tree.sha256:
        # The image lacked these files then, too: it was built from others, and not from a cache.
        return ""
    pushed = f", pushed {at(previous.pushed_at)}" if previous.pushed_at else ""
    since = " since then" if was else ""
    return (
        f"{_step(layer)} is the layer of {previous.origin} ({short(previous.digest)}{pushed}), but "
        f"{compared.tree.local} has changed{since} ({_how_much(compared)})"
    )


def _as_logged(compared: Compared, layer: Layer, build_log: BuildLog | None) -> str:
    name = step_of(layer)
    steps = [step for step in build_log.copies if " ".join(step.instruction.split()) == name] if build_log else []
    # Of several builds, or platforms, in one log the layer may be of the one that ran the step.
    if not steps or not all(step.is_cached for step in steps):
        return ""
    return (
        f"{_step(layer)} was CACHED in the build log, but {compared.tree.local} is not what the image holds "
        f"({_how_much(compared)})"
    )


def _how_much(compared: Compared) -> str:
    number = len(compared.different) + len(compared.missing)
    what = "differs or is missing" if number == 1 else "differ or are missing"
    return f"{plural(number, 'file')} of {len(compared.tree.files)} {what}"


def _step(layer: Layer) -> str:
    return step_of(layer) or f"the layer {short(layer.digest)}"


def _proof(compared: Sequence[Compared], previous: Previous | None, build_log: BuildLog | None) -> str:
    carriers = dict.fromkeys(layer for one in compared for layer in one.carriers)
    if previous:
        same = [layer for layer in carriers if previous.has(layer)]
        new = [layer for layer in carriers if not previous.has(layer)]
        parts = [f"{', '.join(map(_step, new))} is new since {previous.origin}"] if new else []
        parts += [f"{', '.join(map(_step, same))} is as before, and so is the source"] if same else []
        return "; ".join(parts)
    cached = [step for step in build_log.copies if step.is_cached] if build_log else []
    if cached:
        verb = "carries" if len(cached) == 1 else "carry"
        return f"{plural(len(cached), 'cached step')} ({cached[0].instruction}) {verb} unchanged source"
    return "no COPY or ADD step was cached"


def _build_command(reference: Reference) -> str:
    tag = reference.tag or "TAG"
    return shlex.join(["docker", "buildx", "build", "--no-cache", "--push", "--tag", f"{reference.place}:{tag}", "."])
