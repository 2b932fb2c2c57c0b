from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace
from support.worlds import digest

from pytest_deploycheck.facts.image import ImageConfig, Layer
from pytest_deploycheck.facts.source import Checkout, Compared, FileDigest, SourceFile, SourceTree
from pytest_deploycheck.judge.checks.image_content import judge_content
from pytest_deploycheck.judge.finding import Finding, Status

HEAD, OTHER = "a1" * 20, "b2" * 20
CARRIER = Layer(digest("f"), 100, diff_id=digest("e"), created_by="COPY app/ ./app/ # buildkit")
REVISION = "org.opencontainers.image.revision"


def tree(local: str = "backend/app", *names: str, sha256: str = "c" * 64) -> SourceTree:
    """A source tree of these files."""
    files = names or ("main.py", "api/ws.py")
    return SourceTree(local, tuple(SourceFile(name, FileDigest(10, "d" * 64, "d" * 64)) for name in files), 0, sha256)


def beside(place: str = "/app", local: str = "backend/app", **more: Any) -> Compared:
    """A source tree beside what the image has in its place."""
    return Compared(tree(local), place, carriers=(CARRIER,), **more)


def labelled(revision: str | None) -> ImageConfig:
    """A configuration whose label names a revision."""
    return ImageConfig(digest("9"), labels={REVISION: revision} if revision else {})


def words(finding: Finding) -> str:
    """All that a finding says."""
    told = [finding.summary, finding.cause, finding.remedy, finding.command, finding.details, *finding.notes]
    return "\n".join([*told, json.dumps(dict(finding.evidence))])


def test_what_is_held_passes() -> None:
    """Nothing missing and nothing different: a pass, with a digest for each source tree as evidence."""
    finding = judge_content([beside()], Checkout(HEAD, is_dirty=False), labelled(HEAD))
    assert (finding.id, finding.link, finding.status) == ("image-content", "image", Status.PASS)
    assert not finding.notes
    assert "c" * 64 in json.dumps(dict(finding.evidence))
    assert HEAD in json.dumps(dict(finding.evidence))


def test_without_a_source_nothing_is_proven() -> None:
    """Nothing was compared, so there is nothing to pass."""
    assert judge_content([], Checkout(), None).status in {Status.SKIP, Status.UNPROVEN}


def test_a_tree_without_files_is_no_pass() -> None:
    """Nothing was compared, so nothing is proven."""
    nothing = Compared(SourceTree("backend/app", ()), "/app")
    assert judge_content([nothing], Checkout(HEAD, is_dirty=False), None).status != Status.PASS


@pytest.mark.parametrize(("sizes", "status"), [((0,), "unproven"), ((0, 2), "unproven"), ((0, 3), "pass")])
def test_empty_files_are_no_pass(sizes: tuple[int, ...], status: str) -> None:
    """An empty `__init__.py` is in every build, so it shows nothing; one file with content does, and a lack fails."""
    files = tuple(SourceFile(f"{size}.py", FileDigest(size, "d" * 64, "d" * 64)) for size in sizes)
    empty = Compared(SourceTree("backend/app", files), "/app")
    finding = judge_content([empty], Checkout(HEAD, is_dirty=False), None)
    assert finding.status == status
    if status == "unproven":
        assert "every file of backend/app is empty" in finding.summary
        assert finding.remedy
    held = Compared(SourceTree("backend/lib", (SourceFile("a.py", FileDigest(9, "e" * 64, "e" * 64)),)), "/lib")
    assert judge_content([empty, held], Checkout(), None).status is Status.PASS
    assert judge_content([replace(empty, missing=("0.py",))], Checkout(), None).status is Status.FAIL


@pytest.mark.parametrize("way", ["missing", "different"])
def test_a_file_that_is_not_held_fails(way: str) -> None:
    """The file is named with what is wrong with it, beside the step of its layer, and there is something to do."""
    lacking: dict[str, Any] = {way: ("api/ws.py",)}
    finding = judge_content([beside(**lacking)], Checkout(), None)
    assert finding.status == Status.FAIL
    assert "api/ws.py" in finding.summary
    assert "COPY app/ ./app/" in words(finding)
    assert finding.remedy
    assert ("missing" in words(finding).lower()) or way == "different"


def test_one_tree_of_two_is_enough_to_fail() -> None:
    """The tree that is held does not make up for the one that is not, and is not blamed."""
    compared = [beside(), beside("/srv/lib", "backend/lib", different=("a.py",))]
    finding = judge_content(compared, Checkout(), None)
    assert finding.status == Status.FAIL
    assert "a.py" in finding.summary
    assert "main.py" not in finding.summary


def test_the_diff_is_shown() -> None:
    """The first differences are in the details."""
    finding = judge_content([beside(different=("main.py",), diff=("-old line", "+new line"))], Checkout(), None)
    assert "-old line" in words(finding)
    assert "+new line" in words(finding)


def test_many_files_are_not_all_in_one_line() -> None:
    """A thousand files that differ are counted, and the summary stays readable."""
    names = tuple(f"module_{number:04}.py" for number in range(1000))
    finding = judge_content([beside(different=names)], Checkout(), None)
    assert "1000" in finding.summary or "1,000" in finding.summary
    assert "module_0000.py" in finding.summary
    assert len(finding.summary) < 600


def test_line_endings_are_a_note() -> None:
    """Files that differ in their line endings only pass, and are named."""
    finding = judge_content([beside(line_endings=("main.py",))], Checkout(), None)
    assert finding.status == Status.PASS
    assert "main.py" in " ".join(finding.notes)
    assert "line ending" in " ".join(finding.notes)


def test_files_beside_the_source_are_no_failure() -> None:
    """Files that only the image has fail nothing."""
    assert judge_content([beside(extra=("generated.py",))], Checkout(), None).status == Status.PASS


@pytest.mark.parametrize(
    ("head", "label", "is_said"),
    [
        (HEAD, HEAD, False),
        (HEAD, HEAD[:7], False),
        (HEAD, HEAD.upper(), False),
        (HEAD, OTHER, True),
        (HEAD, None, False),
        (None, OTHER, False),
    ],
)
def test_a_label_that_disagrees_with_head(head: str | None, label: str | None, is_said: bool) -> None:  # noqa: FBT001
    """Only a label that names another commit than HEAD is said, with both revisions; it changes no status."""
    finding = judge_content([beside()], Checkout(head, is_dirty=False), labelled(label))
    assert finding.status == Status.PASS
    said = " ".join(finding.notes)
    assert bool(said) == is_said, said
    if is_said:
        assert HEAD[:7] in said
        assert OTHER[:7] in said


def test_a_new_label_saves_no_old_file() -> None:
    """The label is a claim; the file decides."""
    finding = judge_content([beside(different=("main.py",))], Checkout(HEAD, is_dirty=False), labelled(HEAD))
    assert finding.status == Status.FAIL


def test_dirtiness_is_evidence() -> None:
    """Changes to tracked files since HEAD are told apart from not knowing."""
    seen = {
        json.dumps(dict(judge_content([beside()], Checkout(HEAD, is_dirty=dirty), None).evidence))
        for dirty in (True, False, None)
    }
    assert len(seen) == 3


def test_the_evidence_is_plain_json() -> None:
    """Evidence for a report can be written."""
    finding = judge_content([beside(different=("main.py",), missing=("x",), extra=("y",))], Checkout(HEAD), None)
    assert json.loads(json.dumps(dict(finding.evidence)))
