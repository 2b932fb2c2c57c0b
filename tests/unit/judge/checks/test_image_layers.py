from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest
from support.worlds import NEW, OLD, OLD_PUSHED, digest, reference

from pytest_deploycheck.facts.baseline import Previous
from pytest_deploycheck.facts.build import BuildLog, BuildStep
from pytest_deploycheck.facts.image import Layer
from pytest_deploycheck.facts.source import Compared, FileDigest, SourceFile, SourceTree
from pytest_deploycheck.judge.checks.image_layers import judge_layers
from pytest_deploycheck.judge.finding import Finding, Status

STEP = "COPY app/ ./app/"
SAME = Layer(digest("1"), 100, diff_id=digest("2"), created_by=f"{STEP} # buildkit")
FRESH = Layer(digest("3"), 100, diff_id=digest("4"), created_by=f"{STEP} # buildkit")
RECOMPRESSED = Layer(digest("5"), 90, diff_id=digest("2"), created_by=f"{STEP} # buildkit")
BASE = Layer(digest("6"), 1000, diff_id=digest("7"), created_by="# debian.sh")
YESTERDAY, TODAY = "a" * 64, "b" * 64


def beside(
    *,
    carriers: Sequence[Layer] = (SAME,),
    different: Sequence[str] = (),
    missing: Sequence[str] = (),
    local: str = "backend/app",
    sha256: str = TODAY,
) -> Compared:
    """A source tree beside what the image has in its place."""
    tree = SourceTree(local, (SourceFile("main.py", FileDigest(1, "d" * 64, "d" * 64)),), 0, sha256)
    return Compared(tree, "/app", different=tuple(different), missing=tuple(missing), carriers=tuple(carriers))


STALE = beside(different=["main.py"])


def before(
    *,
    pushed_at: datetime | None = OLD_PUSHED,
    layers: Sequence[Layer] = (BASE, SAME),
    source: Mapping[str, str] | None = None,
    of: str = OLD,
) -> Previous:
    """The image that ran before."""
    return Previous("the baseline of 2025-11-25", of, pushed_at, tuple(layers), source or {})


def log(*steps: tuple[str, bool], of: str | None = None) -> BuildLog:
    """The log of a build of these steps, some of them cached."""
    numbered = enumerate(steps, start=1)
    return BuildLog("buildkit", tuple(BuildStep(f"{n}/9", text, cached) for n, (text, cached) in numbered), of)


def judge(
    *compared: Compared,
    previous: Previous | None = None,
    build_log: BuildLog | None = None,
    image: str | None = NEW,
) -> Finding:
    """Judge the layers of `shop:v2`."""
    return judge_layers(compared, previous, build_log, reference=reference(), digests=[image] if image else [])


def words(finding: Finding) -> str:
    """All that a finding says."""
    told = [finding.summary, finding.cause, finding.remedy, finding.command, finding.details, *finding.notes]
    return "\n".join([*told, json.dumps(dict(finding.evidence))])


def test_a_stale_layer_fails() -> None:
    """The source changed and the layer did not: the step, its first push and the command are told."""
    finding = judge(STALE, previous=before())
    assert (finding.id, finding.link, finding.status) == ("image-layers", "image", Status.FAIL)
    assert STEP in words(finding)
    assert "2025-11-26 08:00" in words(finding)
    assert "docker buildx build" in finding.command
    assert "--no-cache" in finding.command
    assert finding.remedy
    assert json.dumps(dict(finding.evidence))


def test_a_missing_file_is_a_change_too() -> None:
    """A file that was added to the source and is in no layer."""
    assert judge(beside(missing=["new.py"]), previous=before()).status == Status.FAIL


def test_an_unknown_push_time_is_not_made_up() -> None:
    """If nobody knows when the layer was pushed, it still fails and no time is told."""
    finding = judge(STALE, previous=before(pushed_at=None))
    assert finding.status == Status.FAIL
    assert "None" not in finding.summary + finding.cause + finding.remedy


def test_the_same_content_under_another_digest_is_the_same_layer() -> None:
    """An equal diff id means equal content, however it is compressed."""
    stale = beside(different=["main.py"], carriers=[RECOMPRESSED])
    assert judge(stale, previous=before()).status == Status.FAIL


def test_a_layer_whose_diff_id_is_not_known() -> None:
    """Two layers without diff ids are not the same for that; with equal digests they are."""
    unknown, other = Layer(digest("1"), 100), Layer(digest("8"), 100)
    stale = beside(different=["main.py"], carriers=[other])
    assert judge(stale, previous=before(layers=[unknown])).status != Status.FAIL
    stale = beside(different=["main.py"], carriers=[unknown])
    assert judge(stale, previous=before(layers=[unknown])).status == Status.FAIL


def test_a_fresh_layer_passes() -> None:
    """The source is held by a layer that is new."""
    assert judge(beside(carriers=[FRESH]), previous=before()).status == Status.PASS


def test_the_same_layer_on_the_same_source_passes() -> None:
    """A layer that stays the same under unchanged source is right."""
    assert judge(beside(sha256=YESTERDAY), previous=before(source={"backend/app": YESTERDAY})).status == Status.PASS
    assert judge(beside(), previous=before()).status == Status.PASS


def test_a_pass_claims_no_change() -> None:
    """If source and layer are as they were, nothing says that content changed."""
    finding = judge(beside(sha256=YESTERDAY), previous=before(source={"backend/app": YESTERDAY}))
    assert "changed since" not in words(finding).replace("unchanged since", "")


def test_nothing_to_compare_with_is_a_skip() -> None:
    """No earlier image and no build log."""
    assert judge(STALE).status == Status.SKIP


def test_without_a_source_nothing_is_proven() -> None:
    """The layer that should carry it is not known, so there is nothing to pass."""
    assert judge(previous=before()).status in {Status.SKIP, Status.UNPROVEN}


def test_a_wrong_layer_that_is_new_is_no_stale_one() -> None:
    """Built from other code: image-content says so, and no cache is blamed."""
    finding = judge(beside(different=["main.py"], carriers=[FRESH]), previous=before())
    assert finding.status != Status.FAIL


def test_source_that_is_what_it_was_is_no_proof_of_a_cache() -> None:
    """If the baseline has the same source and the same layer, the image lacked it before: no cache is to blame."""
    wrong = beside(different=["main.py"], sha256=YESTERDAY)
    assert judge(wrong, previous=before(source={"backend/app": YESTERDAY})).status is not Status.FAIL
    assert judge(wrong, previous=before(source={"backend/app": TODAY})).status is Status.FAIL
    assert judge(wrong, previous=before(source={"backend/lib": YESTERDAY})).status is Status.FAIL


@pytest.mark.parametrize("stale_first", [True, False])
def test_only_the_stale_tree_is_named(stale_first: bool) -> None:  # noqa: FBT001
    """Of two trees, the one that is held is not held against the image."""
    lib = Layer(digest("8"), 10, diff_id=digest("9"), created_by="COPY lib/ ./lib/ # buildkit")
    good = beside(local="backend/lib", carriers=[lib])
    compared = (STALE, good) if stale_first else (good, STALE)
    finding = judge(*compared, previous=before(layers=[BASE, lib, SAME]))
    assert finding.status == Status.FAIL
    assert STEP in finding.summary + finding.cause
    assert "COPY lib/" not in finding.summary + finding.cause


# What the build said.


def test_a_cached_step_on_changed_source_fails() -> None:
    """The log shows the COPY as cached, and the image lacks the source: the step is named."""
    finding = judge(STALE, build_log=log((STEP, True)))
    assert finding.status == Status.FAIL
    assert STEP in words(finding)
    assert "--no-cache" in finding.command


def test_a_cached_step_on_unchanged_source_passes() -> None:
    """A cached layer with the right content is right."""
    assert judge(beside(), build_log=log((STEP, True))).status == Status.PASS


def test_a_step_that_was_built_passes() -> None:
    """Nothing was cached, and the source is held."""
    assert judge(beside(carriers=[FRESH]), build_log=log((STEP, False))).status == Status.PASS


def test_another_step_that_was_cached_is_not_blamed() -> None:
    """A cached COPY of something else is not the reason why this source is not held."""
    finding = judge(STALE, build_log=log(("COPY requirements.txt ./", True), (STEP, False)))
    assert finding.status != Status.FAIL


def test_a_cached_step_that_copies_nothing_is_not_blamed() -> None:
    """Cached RUN and WORKDIR steps say nothing of files."""
    finding = judge(beside(carriers=[FRESH]), build_log=log(("WORKDIR /", True), ("RUN pip install .", True)))
    assert finding.status != Status.FAIL


def test_the_log_of_another_build_proves_nothing() -> None:
    """A log that names another image's digest is not of this image, and is no ground for a pass."""
    finding = judge(beside(), build_log=log((STEP, True), of=digest("0")))
    assert finding.status != Status.FAIL
    assert finding.status != Status.PASS or finding.notes


def test_log_and_earlier_image_together() -> None:
    """Either of them is enough to fail."""
    for previous, build_log in (
        (before(), log((STEP, True))),
        (before(layers=[BASE]), log((STEP, True))),
        (before(), log(("RUN true", False))),
    ):
        assert judge(STALE, previous=previous, build_log=build_log).status == Status.FAIL


def test_the_same_image_as_before() -> None:
    """The very digest of before, with the source it should have: a pass."""
    finding = judge(beside(), previous=before(of=NEW))
    assert finding.status == Status.PASS


@pytest.mark.parametrize(
    "known",
    [{"previous": before()}, {"build_log": log((STEP, False))}, {"build_log": log((STEP, True))}],
    ids=["earlier image", "step that ran", "cached step"],
)
def test_a_source_of_which_no_layer_is_known(known: Mapping[str, Any]) -> None:
    """No layer was compared if none is known to carry the source, as under a volume: unproven."""
    finding = judge(beside(carriers=[]), **known)
    assert finding.status == Status.UNPROVEN
    assert "backend/app" in finding.summary
    assert finding.remedy


@pytest.mark.parametrize("other", [beside(carriers=[FRESH]), beside(carriers=[FRESH], different=["main.py"])])
def test_one_of_two_sources_of_which_no_layer_is_known(other: Compared) -> None:
    """A layer of another source tree, new or not, does not answer for the one whose layer is unknown."""
    unknown = beside(carriers=[], missing=["new.py"], local="backend/lib")
    finding = judge(other, unknown, previous=before())
    assert finding.status == Status.UNPROVEN
    assert "backend/lib" in finding.summary
