"""More facts written by hand: task sets, stages, stopped tasks, target groups, alarms, requests and baselines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec.structs import replace

from pytest_deploycheck.facts.baseline import Previous
from pytest_deploycheck.facts.health import Alarm, AlarmChange, Health, Target, TargetGroup, Traffic
from pytest_deploycheck.facts.rollout import TaskSet
from pytest_deploycheck.facts.service import ContainerDefinition, LoadBalancer, Service, TaskDefinition
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.facts.task import Container, Task
from pytest_deploycheck.sandbox.stops import Stop
from support.worlds import (
    DEFINITION,
    NOW,
    OLD,
    OLD_DEFINITION,
    OLD_PUSHED,
    OLD_ROLLOUT,
    ROLLOUT,
    STARTED,
    Way,
    clock,
    completed,
    container,
    definition,
    deployment,
    facts,
    judged,
    old_image,
    old_task,
    reference,
    service,
    task,
)

Controller = Literal["CODE_DEPLOY", "EXTERNAL"]
CONTROLLERS: tuple[Controller, ...] = ("CODE_DEPLOY", "EXTERNAL")
"""Who runs rollouts that ECS keeps count of in task sets."""


def task_set(
    name: str = "ecs-svc/2",
    status: str = "PRIMARY",
    *,
    began: datetime = ROLLOUT,
    brings: str = DEFINITION,
    running: int = 2,
    is_steady: bool = True,
    pending: int = 0,
) -> TaskSet:
    """A task set, by default the one that serves production with both its tasks."""
    return TaskSet(name, status, brings, began, is_steady=is_steady, desired=2, running=running, pending=pending)


def old_set(status: str = "ACTIVE", *, running: int = 2) -> TaskSet:
    """The task set of the rollout before."""
    return task_set("ecs-svc/1", status, began=OLD_ROLLOUT, brings=OLD_DEFINITION, running=running)


def in_sets(*sets: TaskSet, tasks: Sequence[Task], controller: Controller = "CODE_DEPLOY", **changes: Any) -> Any:
    """A service whose rollouts another controller runs."""
    return facts(
        **{
            "service": service(controller=controller, task_sets=sets),
            "tasks": tasks,
            "judged": [judged()],
            "running_images": [old_image()],
            **changes,
        }
    )


def stopped(
    said: Stop | None = None,
    *,
    name: str = "stopped",
    by: str = "ecs-svc/2",
    at: str = "11:07",
    created_at: datetime = STARTED,
    containers: Sequence[Container] | None = None,
    **words: Any,
) -> Task:
    """A task that stopped, in the words of `said` or of `words`."""
    how: Stop = {**(said or {}), **words}  # type: ignore[typeddict-item]
    code, reason = how.get("code", "TaskFailedToStart"), how.get("reason", "")
    one = container(of=None, status="STOPPED", exit_code=how.get("exit_code"), reason=how.get("container_reason", ""))
    base = task(
        name,
        by=by,
        started_at=created_at,
        status="STOPPED",
        desired_status="STOPPED",
        stopped_at=clock(at),
        stop_code=code,
        stopped_reason=reason,
        containers=containers if containers is not None else [one],
    )
    return base if code != "TaskFailedToStart" else replace(base, started_at=None)


GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop-blue/0123456789abcdef"
OTHER_GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop-green/fedcba9876543210"
ADDRESSES = {"one": "10.0.0.1", "two": "10.0.0.2"}


def group(*targets: Target, arn: str = GROUP) -> TargetGroup:
    """A target group and what it says of its targets."""
    return TargetGroup(arn, targets)


def target(
    of: str = "one", state: str = "healthy", reason: str = "", description: str = "", port: int = 8080
) -> Target:
    """The health of a task in a target group, which knows it by its address."""
    return Target(ADDRESSES.get(of, of), port, state, reason, description)


def balanced(
    *groups: TargetGroup,
    balancers: Sequence[LoadBalancer] = (LoadBalancer("app", 8080, GROUP),),
    tasks: Sequence[Task] | None = None,
    way: Way = "service deployments",
    **changes: Any,
) -> ServiceFacts:
    """All went well so far: both new tasks are reachable at their addresses, behind load balancers."""
    reachable = [task(name, addresses=(address,)) for name, address in ADDRESSES.items()]
    good: dict[str, Any] = {
        "service": service(deployment(), load_balancers=tuple(balancers)),
        "tasks": reachable if tasks is None else tasks,
        "health": Health(groups=groups),
    }
    return completed(way, **{**good, **changes})


def alarm(name: str = "shop-5xx", state: str = "OK", *changes: AlarmChange, **more: Any) -> Alarm:
    """A declared alarm, OK since before the rollout and without a change since by default."""
    return Alarm(name, state, **{"since": OLD_ROLLOUT, "changes": changes, **more})


def change(at: str, before: str, after: str, reason: str = "Threshold Crossed") -> AlarmChange:
    """A change of an alarm's state."""
    return AlarmChange(clock(at), before, after, reason)


def watched(*alarms: Alarm, **health: Any) -> ServiceFacts:
    """All went well so far, beside what alarms say."""
    return completed(health=Health(alarms=alarms, **health))


def traffic(requests: float, errors: float, *, max_share: float = 0.01, min_requests: int = 50) -> Traffic:
    """Return the numbers of requests and failures since the new tasks serve alone."""
    return Traffic(requests, errors, clock("11:10"), NOW, max_share, min_requests, "HTTPCode_Target_5XX_Count")


def baseline(
    of: str = OLD,
    *,
    seen: str = "10:00",
    rollout: str | None = "ecs-svc/1",
    began: datetime | None = OLD_ROLLOUT,
    running: Sequence[str] = (OLD,),
    **more: Any,
) -> Previous:
    """A report from before the rollout, when the old image ran."""
    return Previous(
        f"the baseline of 2025-11-26 {seen}:00 UTC",
        of,
        OLD_PUSHED,
        seen_at=clock(seen),
        reference=str(reference()),
        rollout=rollout,
        rollout_began_at=began,
        running=tuple(running),
        **more,
    )


def checked_definition(arn: str = DEFINITION) -> TaskDefinition:
    """A task definition whose container `app` has a health check of its own."""
    base = definition(arn)
    return replace(base, containers=(replace(base.containers[0], has_health_check=True),))


def sidecar_definition(name: str = "sidecar") -> ContainerDefinition:
    """A container beside `app`, without a health check."""
    return ContainerDefinition(name, "public.ecr.aws/sidecar:1")


def old_tasks(*names: str, **more: Any) -> list[Task]:
    """Running tasks of the rollout before."""
    return [old_task(name, **more) for name in names]


def of_service(world: ServiceFacts) -> Service:
    """The ECS service of a world that has one."""
    assert world.service is not None
    return world.service
