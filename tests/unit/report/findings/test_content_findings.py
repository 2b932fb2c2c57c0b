"""Whole findings: image-content and image-layers.

Their texts and their evidence, as the JSON report has them, are in `__snapshots__`, to be read. After a change
`pytest tests/unit/report/findings --snapshot-update` writes them again, to be read once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from msgspec.structs import replace
from support.worlds import (
    NEW,
    OLD,
    OLD_PUSHED,
    digest,
    reference,
)
from syrupy.assertion import SnapshotAssertion

from pytest_deploycheck.facts.baseline import Previous
from pytest_deploycheck.facts.build import BuildLog, BuildStep
from pytest_deploycheck.facts.image import ImageConfig, Layer
from pytest_deploycheck.facts.source import Checkout, Compared, FileDigest, SourceFile, SourceTree
from pytest_deploycheck.judge.checks.image_content import judge_content
from pytest_deploycheck.judge.checks.image_layers import judge_layers
from pytest_deploycheck.judge.finding import Finding

Case = Callable[[], Finding]
REVISION = "org.opencontainers.image.revision"
HEAD = "a1" * 20
STEP = "COPY app/ ./app/"
CARRIER = Layer(digest("1"), 100, diff_id=digest("2"), created_by=f"{STEP} # buildkit")
FRESH = Layer(digest("3"), 100, diff_id=digest("4"), created_by=f"{STEP} # buildkit")
BASE = Layer(digest("6"), 1000, diff_id=digest("7"), created_by="# debian.sh")


def beside(local: str = "backend/app", *, carriers: tuple[Layer, ...] = (CARRIER,), **more: Any) -> Compared:
    """Return a source tree beside what the image has in its place."""
    files = tuple(SourceFile(name, FileDigest(10, "d" * 64, "d" * 64)) for name in ("main.py", "api/ws.py"))
    return Compared(SourceTree(local, files, 0, "c" * 64), more.pop("place", "/app"), carriers=carriers, **more)


def content(*compared: Compared, head: str | None = HEAD, dirty: bool | None = False, label: str = HEAD) -> Finding:
    """Return the finding on some trees at a commit."""
    return judge_content(compared, Checkout(head, is_dirty=dirty), ImageConfig(digest("9"), labels={REVISION: label}))


CONTENT: Mapping[str, Case] = {
    "the same": lambda: content(beside()),
    "the same in two trees": lambda: content(beside(), beside("backend/lib", place="/lib")),
    "the same, with changes": lambda: content(beside(), dirty=True),
    "the same, without git": lambda: content(beside(), head=None, dirty=None),
    "the same, with another label": lambda: content(beside(), label="b2" * 20),
    "other line endings": lambda: content(beside(line_endings=("main.py",))),
    "files that only the image has": lambda: content(beside(extra=("generated.py",))),
    "a file is missing": lambda: content(beside(missing=("api/ws.py",))),
    "a file differs": lambda: content(beside(different=("main.py",), diff=("-old line", "+new line"))),
    "both, in one of two trees": lambda: content(
        beside(missing=("x.py",), different=("main.py",)), beside("backend/lib", place="/lib")
    ),
    "many files": lambda: content(beside(different=tuple(f"m{number:03}.py" for number in range(300)))),
    "no layer is known": lambda: content(beside(different=("main.py",), carriers=())),
    "no source": content,
    "no file": lambda: content(Compared(SourceTree("backend/app", ()), "/app")),
    "empty files": lambda: content(
        Compared(SourceTree("backend/app", (SourceFile("__init__.py", FileDigest(0, "d" * 64, "d" * 64)),)), "/app")
    ),
    "a volume over some files": lambda: content(beside(hidden=("main.py",), mounts=("/app/data", "/app/other"))),
    "volumes over two trees": lambda: content(
        beside(hidden=("main.py",), mounts=("/app",)),
        beside("backend/lib", place="/lib", hidden=("main.py", "api/ws.py"), mounts=("/lib",)),
    ),
    "a layer with a long step": lambda: content(
        beside(different=("main.py",), carriers=(replace(CARRIER, created_by=f"RUN {'true; ' * 100}"),))
    ),
    "no file in one of two trees": lambda: content(beside(), Compared(SourceTree("backend/lib", ()), "/lib")),
}


def previous(pushed_at: Any = OLD_PUSHED, layers: tuple[Layer, ...] = (BASE, CARRIER), **more: Any) -> Previous:
    """Return the image that ran before."""
    return Previous("the baseline of 2025-11-25", more.get("of", OLD), pushed_at, layers, more.get("source", {}))


def log(*steps: tuple[str, bool], of: str | None = None) -> BuildLog:
    """Return the log of a build of these steps, some of them cached."""
    return BuildLog(
        "buildkit", tuple(BuildStep(f"{n}/9", text, cached) for n, (text, cached) in enumerate(steps, 1)), of
    )


def layers(*compared: Compared, ran: Previous | None = None, built: BuildLog | None = None) -> Finding:
    """Return the finding on the layers of an image."""
    return judge_layers(compared, ran, built, reference=reference(), digests=[NEW])


STALE = beside(different=("main.py",))

LAYERS: Mapping[str, Case] = {
    "nothing to compare with": lambda: layers(STALE),
    "no source": lambda: layers(ran=previous()),
    "stale": lambda: layers(STALE, ran=previous()),
    "stale, and first pushed some time": lambda: layers(STALE, ran=previous(None)),
    "stale, as the baseline had other source": lambda: layers(STALE, ran=previous(source={"backend/app": "e" * 64})),
    "stale by the build log": lambda: layers(STALE, built=log((STEP, True))),
    "stale by both": lambda: layers(STALE, ran=previous(), built=log((STEP, True))),
    "one of two is stale": lambda: layers(STALE, beside("backend/lib", carriers=(FRESH,)), ran=previous()),
    "two are stale": lambda: layers(STALE, beside("backend/lib", missing=("new.py",)), ran=previous()),
    "fresh": lambda: layers(beside(carriers=(FRESH,)), ran=previous()),
    "the same layer with the same source": lambda: layers(beside(), ran=previous(source={"backend/app": "c" * 64})),
    "the same layer": lambda: layers(beside(), ran=previous()),
    "the same image": lambda: layers(beside(), ran=previous(of=NEW)),
    "another layer with other code": lambda: layers(beside(different=("main.py",), carriers=(FRESH,)), ran=previous()),
    "the same source and layer, and other code": lambda: layers(STALE, ran=previous(source={"backend/app": "c" * 64})),
    "a cached step with the source": lambda: layers(beside(), built=log((STEP, True))),
    "a step that was built": lambda: layers(beside(carriers=(FRESH,)), built=log((STEP, False))),
    "another step was cached": lambda: layers(STALE, built=log(("COPY requirements.txt ./", True), (STEP, False))),
    "the log of another build": lambda: layers(beside(), built=log((STEP, True), of=digest("0"))),
    "no layer is known": lambda: layers(beside(carriers=()), ran=previous()),
}

CASES = {
    **{f"content: {name}": case for name, case in CONTENT.items()},
    **{f"layers: {name}": case for name, case in LAYERS.items()},
}


@pytest.mark.parametrize("name", list(CASES))
def test_findings(name: str, whole: SnapshotAssertion) -> None:
    """A finding has the texts that were read and found good, and the evidence that reports rely on."""
    assert CASES[name]() == whole
