"""The check `image-content`: the image holds the code of the checkout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_deploycheck.facts.image import ImageConfig
from pytest_deploycheck.facts.source import Checkout, Compared
from pytest_deploycheck.judge.finding import IMAGE_CONTENT, Finding
from pytest_deploycheck.judge.wording import plural, step_of
from pytest_deploycheck.redaction import one_line

_SHOWN = 10

_SHORTEST_REVISION = 7
"""Characters to which git shortens a revision, and some builders their label."""


def judge_content(compared: Sequence[Compared], checkout: Checkout, config: ImageConfig | None) -> Finding:
    """`image-content`: the files of each source tree are in their place in the image, on each platform that runs.

    Args:
        compared: The source trees beside the image.
        checkout: The state of the checkout.
        config: The configuration of the image, or None where it was not read.
    """
    if not compared:
        return IMAGE_CONTENT.skips("no source is configured")
    evidence: dict[str, Any] = {
        "revision": checkout.revision,
        "dirty": checkout.is_dirty,
        "image_revision": config.revision if config else None,
        # The first platform's under the name of the tree, where a later run looks for it.
        "source": {one.tree.local: _tree_evidence(one) for one in reversed(compared)},
    }
    notes = [*_line_ending_notes(compared), *_revision_notes(checkout, config)]
    broken = [one for one in compared if not one.is_held]
    if broken:
        return IMAGE_CONTENT.fails(
            f"the image does not hold {_state(checkout)}: {'; '.join(map(_difference, broken))}",
            cause=_cause(broken),
            remedy="Build the image without the cache of that step and push it (docker build --no-cache), then roll it "
            "out; or check out the intended revision.",
            notes=notes,
            details="\n".join(line for one in broken for line in _details(one)),
            evidence=evidence,
        )
    empty = dict.fromkeys(one.tree.local for one in compared if not one.tree.files)
    if empty:
        return IMAGE_CONTENT.unproven(
            f"there is no file to compare in {', '.join(empty)}",
            remedy="Check `source` and `source_exclude`, and that the checkout is complete: a submodule that was not "
            "checked out is an empty folder (git submodule update --init).",
            evidence=evidence,
        )
    if not any(one.tree.has_content for one in compared):
        return IMAGE_CONTENT.unproven(
            f"every file of {', '.join(dict.fromkeys(one.tree.local for one in compared))} is empty, as it is in any "
            "build",
            remedy="Name the folders that hold the code in `source`.",
            evidence=evidence,
        )
    hidden = [one for one in compared if one.hidden]
    if hidden:
        return IMAGE_CONTENT.unproven(
            "volumes are mounted over paths of the source, so that the tasks see other files there than the image "
            f"holds: {'; '.join(map(_hidden, hidden))}",
            remedy="Take these paths out of `source` or name them in `source_exclude`; prove what the volume holds by "
            "a test of the running application.",
            notes=notes,
            evidence=evidence,
        )
    held = ", ".join(map(_held, compared))
    return IMAGE_CONTENT.passes(f"the image holds {held}, as {_state(checkout)}", notes=notes, evidence=evidence)


def _tree_evidence(compared: Compared) -> dict[str, Any]:
    return {
        "place": compared.place,
        "sha256": compared.tree.sha256,
        "files": len(compared.tree.files),
        "left_out": compared.tree.left_out,
        "missing": list(compared.missing[:_SHOWN]),
        "different": list(compared.different[:_SHOWN]),
        "line_endings": list(compared.line_endings[:_SHOWN]),
        "extra": list(compared.extra[:_SHOWN]),
        "layers": [layer.digest for layer in compared.carriers],
    }


def _state(checkout: Checkout) -> str:
    if checkout.revision is None:
        return "the local files (no git checkout)"
    changed = {True: " with uncommitted changes", False: "", None: ""}[checkout.is_dirty]
    return f"the checkout at {checkout.revision[:12]}{changed}"


def _held(compared: Compared) -> str:
    platform = f" for {compared.platform}" if compared.platform else ""
    return f"{plural(len(compared.tree.files), 'file')} of {compared.tree.local} in {compared.place}{platform}"


def _difference(compared: Compared) -> str:
    parts = []
    for one, several, paths in (
        ("differs", "differ", compared.different),
        ("is missing", "are missing", compared.missing),
    ):
        if paths:
            number = f"{len(paths)} of {plural(len(compared.tree.files), 'file')}"
            parts.append(f"{number} {one if len(paths) == 1 else several} ({_few(compared, paths)})")
    platform = f" of {compared.platform}" if compared.platform else ""
    return f"{compared.tree.local} in {compared.place}{platform}: {', '.join(parts)}"


def _hidden(compared: Compared) -> str:
    number = plural(len(compared.hidden), "file")
    return f"{', '.join(compared.mounts)} hides {number} of {compared.tree.local} ({_few(compared, compared.hidden)})"


def _few(compared: Compared, paths: Sequence[str]) -> str:
    # A tree of a single file has an empty path.
    shown = ", ".join(one_line(path or compared.place, 200) for path in paths[:3])
    return f"{shown}, …" if len(paths) > 3 else shown  # noqa: PLR2004


def _cause(broken: Sequence[Compared]) -> str:
    steps = dict.fromkeys(step_of(layer) for one in broken for layer in one.carriers if layer.created_by)
    made = f" The layer was made by {', '.join(steps)}." if steps else ""
    return f"The image was built from other files: from another revision, or with a cached layer.{made}"


def _line_ending_notes(compared: Sequence[Compared]) -> list[str]:
    return [
        f"{plural(len(one.line_endings), 'file')} of {one.tree.local} "
        f"{'differs only in its' if len(one.line_endings) == 1 else 'differ only in their'} line endings "
        f"({_few(one, one.line_endings)})"
        for one in compared
        if one.line_endings
    ]


def _revision_notes(checkout: Checkout, config: ImageConfig | None) -> list[str]:
    claimed = config.revision if config else None
    if not claimed or not checkout.revision:
        return []
    if len(claimed) >= _SHORTEST_REVISION and checkout.revision.startswith(claimed.lower()):
        return []
    return [
        f"the image's label says it was built from {one_line(claimed, 60)}, but the checkout is at {checkout.revision}"
    ]


def _details(compared: Compared) -> list[str]:
    lines = [f"{compared.tree.local} -> {compared.place}"]
    for what, paths in (("differs", compared.different), ("missing", compared.missing), ("extra", compared.extra)):
        lines += [f"  {what:9}{one_line(path, 300)}" for path in paths[:_SHOWN]]
        lines += [f"  {what:9}… and {len(paths) - _SHOWN} more"] if len(paths) > _SHOWN else []
    return [*lines, *compared.diff]
