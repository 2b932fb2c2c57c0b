"""Whole findings: tasks-running, tasks-run-image and rollout-complete.

Their texts and their evidence, as the JSON report has them, are in `__snapshots__`, to be read. After a change
`pytest tests/unit/report/findings --snapshot-update` writes them again, to be read once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from support.judging import (
    judge_complete,
    judge_run_image,
    judge_running,
    judge_still_newest,
)
from support.worlds import (
    FOR_AMD64,
    FOR_ARM64,
    INDEX_CHILDREN,
    LATER,
    OLD,
    OLD_PUSHED,
    PUSHED,
    clock,
    completed,
    container,
    crashed,
    definition,
    denied,
    deployment,
    digest,
    failed,
    found,
    gone,
    image,
    judged,
    never_restarted,
    old_image,
    old_task,
    record,
    reference,
    revision,
    rolled_back,
    rolling,
    service,
    superseded,
    task,
)
from syrupy.assertion import SnapshotAssertion

from pytest_deploycheck.facts.rollout import Pause
from pytest_deploycheck.facts.service import ServiceEvent
from pytest_deploycheck.facts.snapshot import Lookup, ServiceFacts
from pytest_deploycheck.judge.finding import Finding

Case = Callable[[], Finding]
FIRST_V1 = found(OLD, named=reference("v1"), pushed_at=OLD_PUSHED, tags=("v1",))
LATEST = reference("latest")
BEFORE = PUSHED - timedelta(hours=1)


def one(lookup: Lookup, *, pulled: Lookup | None = None, **more: Any) -> ServiceFacts:
    """Return a completed rollout whose judged container has an expected image."""
    return completed(judged=[replace(judged(lookup, pulled=pulled), **more)])


SIDECAR = container("sidecar", digest("d"))


def with_containers(*containers: Any) -> ServiceFacts:
    """Return a completed rollout of two tasks with these containers."""
    return completed(tasks=[task(name, containers=list(containers)) for name in ("one", "two")])


RUNNING: Mapping[str, Case] = {
    "as many as desired": lambda: judge_running(completed()),
    "one is missing": lambda: judge_running(completed(tasks=[task("one")])),
    "none runs": lambda: judge_running(completed(tasks=[])),
    "one stopped": lambda: judge_running(completed(tasks=[task("one"), crashed()])),
    "none desired": lambda: judge_running(completed(service=service(deployment(), desired=0), tasks=[])),
    "none desired of a daemon": lambda: judge_running(
        completed(service=service(deployment(), desired=0, scheduling="DAEMON"), tasks=[])
    ),
    "being deleted": lambda: judge_running(completed(service=replace(service(deployment()), status="DRAINING"))),
    "an unknown status of the service": lambda: judge_running(
        completed(service=replace(service(deployment()), status="PAUSED"))
    ),
    "an unknown status of a task": lambda: judge_running(
        completed(tasks=[task("one"), task("two", status="HIBERNATED")])
    ),
    "not all are listed": lambda: judge_running(completed(service=service(deployment(), desired=2), counted=3)),
    "tasks are denied": lambda: judge_running(completed(tasks=None, problems={"tasks": denied("ecs:ListTasks")})),
    "the service is denied": lambda: judge_running(
        completed(service=None, problems={"service": denied("ecs:DescribeServices")})
    ),
}

RUN_IMAGE: Mapping[str, Case] = {
    "all": lambda: judge_run_image(completed()),
    "the only one": lambda: judge_run_image(completed(tasks=[task("one")])),
    "an index": lambda: judge_run_image(
        completed(
            judged=[judged(found(children=INDEX_CHILDREN))],
            tasks=[task("one", FOR_AMD64, architecture="x86_64"), task("two", FOR_ARM64, architecture="arm64")],
        )
    ),
    "another platform": lambda: judge_run_image(
        completed(
            judged=[judged(found(children=INDEX_CHILDREN))], tasks=[task("one", FOR_ARM64, architecture="x86_64")]
        )
    ),
    "one of an index, on a platform that is not known": lambda: judge_run_image(
        completed(
            judged=[judged(found(FOR_AMD64, named=reference(None, pinned=FOR_AMD64), tags=()))],
            tasks=[task("one")],
            running_images=[image(children=INDEX_CHILDREN)],
        )
    ),
    "never restarted": lambda: judge_run_image(never_restarted()),
    "one of two": lambda: judge_run_image(completed(tasks=[task("one"), task("two", OLD)])),
    "two other images": lambda: judge_run_image(completed(tasks=[task("one", OLD), task("two", LATER)])),
    "stopped, and the service is denied": lambda: judge_run_image(
        replace(with_containers(container(status="STOPPED", exit_code=0), SIDECAR), service=None)
    ),
    "in progress": lambda: judge_run_image(rolling("service deployments", task("one"), old_task("two"))),
    "failed": lambda: judge_run_image(failed("service deployments")),
    "rolled back": lambda: judge_run_image(rolled_back("service deployments")),
    "superseded": lambda: judge_run_image(superseded("service deployments")),
    "pinned by the definition": lambda: judge_run_image(
        completed(
            judged=[
                judged(found(named=LATEST, tags=("latest",)), pulled=found(OLD, named=reference(None, pinned=OLD)))
            ],
            tasks=[task("one", OLD), task("two", OLD)],
            revisions=[revision(of=OLD)],
            running_images=[old_image()],
            definitions=[definition(named=str(reference(None, pinned=OLD)))],
        )
    ),
    "the hosts keep their image": lambda: judge_run_image(
        completed(tasks=[task("one", OLD), task("two", OLD)], running_images=[old_image()])
    ),
    "each resolves the tag": lambda: judge_run_image(
        completed(
            tasks=[task("one"), task("two", OLD)],
            running_images=[old_image()],
            definitions=[
                replace(
                    definition(),
                    containers=tuple(replace(each, version_consistency=False) for each in definition().containers),
                )
            ],
        )
    ),
    "no digest": lambda: judge_run_image(completed(tasks=[task("one"), task("two", None)])),
    "no digest, and started before the push": lambda: judge_run_image(
        completed(tasks=[task("one"), task("two", None, started_at=BEFORE)])
    ),
    "the definition names another image": lambda: judge_run_image(never_restarted(judged=[judged(pulled=FIRST_V1)])),
    "two containers": lambda: judge_run_image(
        completed(
            judged=[judged(), judged(found(LATER, named=reference("v2", repository="worker")), container="worker")],
            tasks=[task("one", containers=[container(), container("worker", OLD)])],
        )
    ),
    "stopped": lambda: judge_run_image(with_containers(container(status="STOPPED", exit_code=0), SIDECAR)),
    "stopped without an exit code": lambda: judge_run_image(
        with_containers(container(status="STOPPED", exit_code=None), SIDECAR)
    ),
    "pending": lambda: judge_run_image(with_containers(container(status="PENDING"), SIDECAR)),
    "no task": lambda: judge_run_image(completed(tasks=[])),
    "not all are listed": lambda: judge_run_image(completed(service=service(deployment(), desired=2), counted=3)),
    "tasks are denied": lambda: judge_run_image(completed(tasks=None, problems={"tasks": denied("ecs:ListTasks")})),
    "the registry is denied": lambda: judge_run_image(one(Lookup(reference(), problem=denied("ecr:DescribeImages")))),
    "the image is not there": lambda: judge_run_image(one(gone("tag"))),
    "nothing to judge": lambda: judge_run_image(completed(judged=[])),
    "nothing to judge, as it is denied": lambda: judge_run_image(
        completed(judged=[], problems={"definition": denied("ecs:DescribeTaskDefinition")})
    ),
}

ROLLOUTS: Mapping[str, Case] = {
    "completed": lambda: judge_complete(completed(), waited=0),
    "another one began meanwhile": lambda: judge_still_newest(
        completed(),
        completed(records=[record(3, began=clock("11:25")), record()], service=service(deployment("ecs-svc/3"))),
        judge_complete(completed(), waited=0),
    ),
    "paused without an end": lambda: judge_complete(
        rolling(
            "service deployments",
            task("one"),
            records=[record(status="IN_PROGRESS", stage="POST_TEST_TRAFFIC_SHIFT", pauses=(Pause("hook-1"),))],
        ),
        waited=300,
    ),
    "completed by an event": lambda: judge_complete(
        completed(
            "deployments alone",
            service=service(
                deployment(state=None, reason=""),
                events=[ServiceEvent(clock("11:09"), "(service shop) (deployment ecs-svc/2) deployment completed.")],
            ),
        ),
        waited=0,
    ),
    "in progress": lambda: judge_complete(rolling("service deployments", task("one"), old_task("two")), waited=300),
    "failed": lambda: judge_complete(failed("service deployments"), waited=0),
    "rolled back": lambda: judge_complete(rolled_back("service deployments"), waited=0),
    "rolled back by hand": lambda: judge_complete(
        rolled_back(
            "service deployments",
            records=[record(status="ROLLBACK_SUCCESSFUL", rollback_reason="Requested by a user.")],
        ),
        waited=0,
    ),
    "superseded": lambda: judge_complete(superseded("service deployments"), waited=0),
    "never started": lambda: judge_complete(never_restarted(), waited=0),
    "the definition names another image": lambda: judge_complete(
        never_restarted(judged=[judged(pulled=FIRST_V1)]), waited=0
    ),
}

CASES = {
    **{f"running: {name}": case for name, case in RUNNING.items()},
    **{f"run_image: {name}": case for name, case in RUN_IMAGE.items()},
    **{f"rollouts: {name}": case for name, case in ROLLOUTS.items()},
}


@pytest.mark.parametrize("name", list(CASES))
def test_findings(name: str, whole: SnapshotAssertion) -> None:
    """A finding has the texts that were read and found good, and the evidence that reports rely on."""
    assert CASES[name]() == whole
