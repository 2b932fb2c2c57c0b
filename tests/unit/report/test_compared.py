"""Disagreements of services of which several containers are judged."""

from __future__ import annotations

from msgspec.structs import replace
from support.judging import judge_repository, judge_run_image
from support.runs import service_report
from support.worlds import LATER, NEW, OLD, completed, container, found, judged, reference, task

from pytest_deploycheck.report.compared import disagreement


def test_the_container_that_runs_another_image_is_named() -> None:
    """Of two judged containers, the one that runs what was not expected stands beside what was."""
    worker = judged(found(LATER, named=reference(repository="worker")), container="worker")
    tasks = [task(name, containers=[container(), container("worker", OLD)]) for name in ("one", "two")]
    world = completed(judged=[judged(), worker], tasks=tasks)
    found_out = disagreement(service_report(world), judge_run_image(world))
    assert found_out is not None
    assert found_out.sentence == "2 of 2 tasks run another image in container worker"
    assert [(side.label, side.what) for side in found_out.sides] == [("expected", "c" * 12), ("running", "a" * 12)]


def test_several_repositories_are_named_by_the_summary() -> None:
    """Two containers that pull from elsewhere are two disagreements, of which neither is shown as the only one."""
    one = judged(found(NEW, named=reference(region="eu-west-1")), pulled=found(), names_repository=True)
    both = completed(judged=[one, replace(one, container="worker")])
    alone = completed(judged=[one])
    assert disagreement(service_report(both), judge_repository(both)) is None
    found_out = disagreement(service_report(alone), judge_repository(alone))
    assert found_out is not None
    assert [side.label for side in found_out.sides] == ["expected", "pulls from"]
