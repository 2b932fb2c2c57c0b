"""Situations that look like a yes at first sight, and are none."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from support import worlds
from support.judging import judge_exists, judge_rollout, judge_run_image

from pytest_deploycheck.config.settings import Expectation, Pattern
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.facts.task import Container
from pytest_deploycheck.judge.analysis.logs.reading import LogAnswer, read
from pytest_deploycheck.judge.finding import Status

FORBIDDEN = Expectation("forbid", (Pattern("platform='linkedin'"),))


def test_a_container_without_logs_beside_one_that_logs() -> None:
    """The lines of a task's log router are no proof that the application logged nothing."""
    app = worlds.stream("one")
    router = replace(app, container="log_router", name="ecs/log_router/one")
    said = replace(worlds.event("router started", "one"), stream=router.name)

    reading = read(FORBIDDEN, worlds.sight(worlds.scope("one", streams=(app, router)), said))

    assert reading.answer is LogAnswer.NO_EVENTS


def test_a_container_that_cannot_be_read() -> None:
    """If one container logs elsewhere, nothing is known to be absent."""
    seen = worlds.scope("one", blind=("container 'app' logs through awsfirelens, not awslogs",))

    assert read(FORBIDDEN, worlds.sight(seen, worlds.event("hello", "one"))).answer is LogAnswer.NO_EVENTS


def test_a_record_that_lags_behind() -> None:
    """A rollout that ECS has begun and not yet written down is not taken for the one before it."""
    done = worlds.record(2, finished_at=worlds.clock("11:10"))
    begun = worlds.deployment("ecs-svc/3", state="IN_PROGRESS", began=worlds.clock("11:30"))

    rollout = judge_rollout(worlds.completed(service=worlds.service(begun), records=[done]))

    assert rollout.outcome == "IN_PROGRESS"


@pytest.mark.parametrize("exit_code", [1, None, 0])
def test_a_container_that_has_stopped_in_a_task_that_runs(exit_code: int | None) -> None:
    """The expected digest in a container that has stopped serves nobody, whatever its exit code."""
    stopped = worlds.container(status="STOPPED", exit_code=exit_code)

    assert judge_run_image(_with(stopped)).status is Status.FAIL


def _with(container: Container) -> ServiceFacts:
    return worlds.completed(tasks=[worlds.task("one", containers=[container])])


def test_an_application_that_is_kept_elsewhere_is_named() -> None:
    """If only a sidecar's image can be judged, the container that is left out is named."""
    own = worlds.definition()
    elsewhere = replace(own.containers[0], name="web", image="ghcr.io/shop/web:1")
    both = replace(own, containers=(*own.containers, elsewhere))

    finding = judge_exists(worlds.completed(definitions=[both]))

    assert finding.status is Status.PASS
    assert any("'web' (ghcr.io/shop/web:1) is not judged" in note for note in finding.advice)
