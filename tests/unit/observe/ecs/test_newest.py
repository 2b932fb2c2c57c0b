"""The newest rollout of a service, as far as what ECS still shows tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from support.worlds import (
    DEFINITION,
    LATER,
    LATER_DEFINITION,
    LATER_STARTED,
    NEW,
    OLD,
    OLD_ROLLOUT,
    clock,
    crashed,
    deployment,
    found,
    gone,
    judged,
    record,
    service,
    task,
)

from pytest_deploycheck.observe.ecs.newest import is_as_rolled_out, target_definition


def test_the_definition_of_a_service_that_lists_no_deployment() -> None:
    """Emulators list none: the task definition that the service itself names is what was rolled out."""
    later = task("later", definition=LATER_DEFINITION, started_at=LATER_STARTED)
    assert target_definition(service(), None, (), [later]) == DEFINITION


def test_the_definition_of_a_service_that_cannot_be_described() -> None:
    """The task that was created last tells it, and where there is none it is not known."""
    later = task("later", definition=LATER_DEFINITION, started_at=LATER_STARTED)
    unborn = task("unborn", definition=OLD, started_at=None)
    assert target_definition(None, None, (), [task(), later, unborn]) == LATER_DEFINITION
    assert target_definition(None, None, (), [unborn]) is None
    assert target_definition(None, None, (), None) is None


ENDED = clock("11:08")
WELL: Mapping[str, Any] = {
    "service": service(deployment()),
    "records": [record(finished_at=ENDED)],
    "tasks": [task("one"), task("two")],
    "judged": [judged()],
}
"""A rollout that succeeded, and whose two tasks run the expected image."""


def is_well(**changes: Any) -> bool:
    """Return whether nothing contradicts that all is well, with some facts changed."""
    facts = {**WELL, **changes}
    return is_as_rolled_out(facts["service"], facts["records"], facts["tasks"], facts["judged"])


def test_a_rollout_that_succeeded() -> None:
    """Nothing contradicts it, so the rollouts before it need not be read."""
    assert is_well()


@pytest.mark.parametrize(
    "changes",
    [
        {"records": None},
        {"records": [record(status="IN_PROGRESS")]},
        {"records": [record(finished_at=ENDED, rollback_reason="alarm")]},
        {"service": service()},
        {"service": service(deployment(), deployment("ecs-svc/1", status="ACTIVE", began=OLD_ROLLOUT))},
        {"service": service(deployment(reason="rolling back to deploymentId ecs-svc/1."))},
        {"service": service(deployment(began=OLD_ROLLOUT))},
        {"service": service(deployment(began=clock("11:09")))},
        {"tasks": None},
        {"tasks": [task("one"), task("two"), crashed()]},
        {"tasks": [task("one")]},
        {"tasks": [task("one"), task("two", by="ecs-svc/1")]},
        {"tasks": [task("one"), task("two", of=OLD)]},
        {"tasks": [task("one"), task("two", containers=())]},
        {"judged": []},
        {"judged": [judged(found(LATER))]},
        {"judged": [judged(gone("tag", still=found(NEW).image))]},
    ],
    ids=[
        "no record",
        "in progress",
        "rolled back by its record",
        "no deployment",
        "another deployment",
        "rolled back by its deployment",
        "an earlier deployment",
        "a deployment after the record ended",
        "tasks not known",
        "a task that failed",
        "a task too few",
        "a task of another deployment",
        "another image in one task",
        "a task without the container",
        "nothing to judge",
        "another expected image",
        "an expected tag that is gone",
    ],
)
def test_what_contradicts_it(changes: dict[str, Any]) -> None:
    """One fact that differs is enough: the rollouts before may tell why, and are read."""
    assert not is_well(**changes)
