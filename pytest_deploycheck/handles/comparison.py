"""The comparison of files of an image with those of the checkout."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from pytest_deploycheck.checkout.dockerignore import Ignore
from pytest_deploycheck.checkout.source_tree import BY_PRODUCTS
from pytest_deploycheck.facts.image import ImageConfig, Layer, Manifest
from pytest_deploycheck.facts.source import Compared, FileDigest, SourceTree
from pytest_deploycheck.judge.wording import plural
from pytest_deploycheck.oci.files.tree import PathDigests
from pytest_deploycheck.oci.steps import can_hold, destinations
from pytest_deploycheck.redaction import one_line

_LINES_OF_DIFF = 12
_LARGEST_DIFFED = 200_000


class Comparison:
    """The comparison of a local folder or file with its place in the image: true if they are equal.

    Attributes:
        missing: Paths that the image lacks.
        extra: Paths beside them in the image that the checkout lacks, in the layers that were opened.
        different: Paths with another content; line endings make no difference.
    """

    def __init__(self, compared: Compared) -> None:
        self.missing = list(compared.missing)
        self.extra = list(compared.extra)
        self.different = list(compared.different)
        self._compared = compared

    def __bool__(self) -> bool:
        return not (self.missing or self.extra or self.different)

    def __repr__(self) -> str:
        compared = self._compared
        what = f"{compared.tree.local} and {compared.place}"
        if self:
            return f"<{what} are equal: {plural(len(compared.tree.files), 'file')}>"
        counts = [
            f"{len(paths)} {name} ({', '.join(one_line(path, 100) for path in paths[:3])})"
            for name, paths in (("different", self.different), ("missing", self.missing), ("extra", self.extra))
            if paths
        ]
        return f"<{what} differ: {'; '.join(counts)}>"

    def explain(self) -> str:
        """Return the differences, with the first of them line by line."""
        return "\n".join([repr(self), *self._compared.diff])


def state_of(ours: FileDigest, theirs: FileDigest | None) -> str:
    """Return how a file of the checkout compares: `missing`, `equal`, `line endings` or `different`."""
    if theirs is None:
        return "missing"
    if theirs.sha256 == ours.sha256:
        return "equal"
    return "line endings" if theirs.text_sha256 == ours.text_sha256 else "different"


def in_state(states: Mapping[str, str], wanted: str) -> tuple[str, ...]:
    """Return the paths in one of these states."""
    return tuple(path for path, state in states.items() if state == wanted)


def extra_in(digests: PathDigests, tree: SourceTree, place: str, exclude: Sequence[str]) -> tuple[str, ...]:
    """Return the paths in the place of a source tree that the checkout lacks."""
    if not tree.files or tree.files[0].path == "":
        # For a single file, nothing is extra.
        return ()
    ignore = Ignore([*exclude, *BY_PRODUCTS])
    below = [path.removeprefix(place.rstrip("/")).lstrip("/") for path in digests.beside]
    return tuple(path for path in below if not ignore.excludes(path))


def carriers_of(
    digests: PathDigests,
    manifest: Manifest,
    config: ImageConfig | None,
    *,
    different: Sequence[str],
    missing: Sequence[str],
) -> tuple[Layer, ...]:
    """Return the layers of the files that differ, and those whose step copies to the place of a missing file."""
    if not (different or missing):
        return tuple(dict.fromkeys(digests.holder.values()))
    carriers = dict.fromkeys(digests.holder[path] for path in different)
    steps = destinations(config.steps) if config else ()
    if missing and len(steps) == len(manifest.layers):
        carriers |= dict.fromkeys(
            layer
            for layer, step in zip(manifest.layers, steps, strict=True)
            if step is not None and any(can_hold(step, path) for path in missing)
        )
    return tuple(carriers)


def diff_of(ours: bytes, theirs: bytes | None, *, local: str, place: str) -> list[str]:
    """Return the first lines in which a file of the image differs from the local one; None for one not read."""
    local_lines, image_lines = _text(ours), _text(theirs)
    if local_lines is None or image_lines is None:
        return [f"{local}: not shown, as it is not text or too large"]
    diff = difflib.unified_diff(image_lines, local_lines, f"image {place}", f"local {local}", lineterm="", n=1)
    shown = [one_line(line, 200) for line in diff]
    more = [f"… and {len(shown) - _LINES_OF_DIFF} more lines"] if len(shown) > _LINES_OF_DIFF else []
    return [*shown[:_LINES_OF_DIFF], *more]


def _text(content: bytes | None) -> list[str] | None:
    if content is None or len(content) > _LARGEST_DIFFED or b"\0" in content:
        return None
    return content.decode(errors="replace").splitlines()
