"""`targets-healthy`: is each new task healthy where the load balancer sends the traffic?"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from pytest_deploycheck.facts.health import Target, TargetGroup
from pytest_deploycheck.facts.service import LoadBalancer
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.analysis.matching import is_new
from pytest_deploycheck.judge.finding import TARGETS_HEALTHY, Finding
from pytest_deploycheck.judge.wording import plural
from pytest_deploycheck.redaction import one_line

_UNTOLD = frozenset({"unavailable"})
"""States that say nothing of a target's health, such as that of a group whose health checks are off."""

_KNOWN = frozenset({"initial", "healthy", "unhealthy", "unhealthy.draining", "unused", "draining"})

_REMEDIES = {
    "Target.ResponseCodeMismatch": "Ask the health check's path of a new task by hand: it answers with another status "
    "than the target group's matcher wants.",
    "Target.Timeout": "See that the application listens on all addresses at that port, that the tasks' security group "
    "lets the load balancer in, and that the path answers within the health check's timeout.",
    "Target.FailedHealthChecks": "See that something listens at that port, and speaks the health check's protocol.",
    "Target.NotRegistered": "See in the service's events why ECS did not register the task.",
    "Target.NotInUse": "Let a listener of the load balancer forward to the target group, and enable the zone of the "
    "task for the load balancer.",
    "Target.DeregistrationInProgress": "See who takes the task out of service, and verify again.",
    "Elb.RegistrationInProgress": "Wait longer (--deploy-wait=10m).",
    "Elb.InitialHealthChecking": "Wait longer (--deploy-wait=10m): interval times healthy threshold of the health "
    "check is the least it takes.",
}
"""What to do about the load balancer's own reasons, from the API's documentation."""


class Registration(Struct, frozen=True):
    """How a new task stands in a target group.

    Attributes:
        task: The task.
        group: The target group, or that of several in which it stands best.
        target: What the group says of it, or None where it is not registered there.
    """

    task: Task
    group: TargetGroup
    target: Target | None

    @property
    def state(self) -> str:
        """Its state, in the load balancer's word."""
        return self.target.state if self.target else "not registered"

    @property
    def reason(self) -> str:
        """Why it is not healthy, by the load balancer's own name for that."""
        return self.target.reason if self.target else "Target.NotRegistered"

    @property
    def is_untold(self) -> bool:
        """Whether the state says nothing of its health."""
        return self.target is not None and (self.state in _UNTOLD or self.state not in _KNOWN)

    def __str__(self) -> str:
        where = f" ({self.target.id}{f':{self.target.port}' if self.target.port else ''})" if self.target else ""
        said = ", ".join(filter(None, [self.target.reason, self.target.description])) if self.target else ""
        why = f": {one_line(said, 300)}" if said else ""
        return f"task {self.task.id}{where} is {self.state} in {self.group.name}{why}"


def judge_targets(facts: ServiceFacts) -> Finding:
    """`targets-healthy`: each new task is healthy in every target group of the service."""
    service = facts.service
    if service is None:
        return TARGETS_HEALTHY.errs(facts.problems["service"])
    if not service.load_balancers:
        return TARGETS_HEALTHY.skips("the service has no load balancer")
    for subject in ("tasks", "targets"):
        if subject in facts.problems:
            return TARGETS_HEALTHY.errs(facts.problems[subject])
    if not any(one.target_groups for one in service.load_balancers):
        return TARGETS_HEALTHY.unproven(
            f"what the Classic Load Balancer {service.load_balancers[0].classic!r} says of the tasks is not looked at",
            remedy="Look at its instances in the AWS console, or deselect this check.",
        )
    new = _new_tasks(facts)
    if not new:
        return TARGETS_HEALTHY.unproven(
            "no running task runs the image, so none can be healthy in a target group", remedy="See tasks-run-image."
        )
    unknown = [task for task in new if not task.addresses]
    if unknown:
        if "instances" in facts.problems:
            return TARGETS_HEALTHY.errs(facts.problems["instances"])
        return TARGETS_HEALTHY.unproven(
            f"ECS does not say at which address {plural(len(unknown), 'new task')} can be reached "
            f"({', '.join(task.id for task in unknown)})",
            remedy="Look at the target groups in the AWS console.",
        )
    unseen = [one for one in service.load_balancers if not any(map(facts.health.group, one.target_groups))]
    found = registrations(facts)
    if unseen and all(one.state == "healthy" for one in found):
        name = TargetGroup(unseen[0].target_groups[0]).name if unseen[0].target_groups else unseen[0].classic
        return TARGETS_HEALTHY.unproven(
            f"what {name} says of the new tasks was not seen", remedy="Look at it in the AWS console."
        )
    return _judge(found)


def unsettled_targets(facts: ServiceFacts) -> list[str]:
    """What of the target groups may still change for the better, in words."""
    waiting = [one for one in registrations(facts) if one.state != "healthy" and not one.is_untold]
    groups = dict.fromkeys(one.group.name for one in waiting)
    words = []
    for name in groups:
        states = [one.state for one in waiting if one.group.name == name]
        now = ", ".join(dict.fromkeys(states))
        words.append(f"{plural(len(states), 'new task')} to be healthy in {name} (now {now})")
    return words


def registrations(facts: ServiceFacts) -> tuple[Registration, ...]:
    """How each new task stands in each target group of the service."""
    balancers = facts.service.load_balancers if facts.service else ()
    found = []
    for balancer in balancers:
        groups = [group for arn in balancer.target_groups if (group := facts.health.group(arn))]
        if groups:
            found += [_registration(task, groups, balancer) for task in _new_tasks(facts) if task.addresses]
    return tuple(found)


def _new_tasks(facts: ServiceFacts) -> list[Task]:
    return [task for task in facts.running if is_new(task, facts)]


def _registration(task: Task, groups: Sequence[TargetGroup], balancer: LoadBalancer) -> Registration:
    """How a task stands in the target group, or in that of two which take turns in which it stands best."""
    container = task.container(balancer.container)
    port = container.host_port(balancer.port) if container else balancer.port
    stands = [
        Registration(task, group, target)
        for group in groups
        for target in group.targets
        if target.id in task.addresses and (port is None or target.port in (None, port))
    ]
    best = min(stands, key=lambda one: (one.state != "healthy", one.state != "initial"), default=None)
    return best or Registration(task, groups[0], None)


def _judge(all_of: Sequence[Registration]) -> Finding:
    evidence: dict[str, Any] = {
        "targets": [
            {
                "task": one.task.id,
                "target_group": one.group.name,
                "target": one.target.id if one.target else None,
                "state": one.state,
                "reason": one.reason if one.state != "healthy" else "",
            }
            for one in all_of
        ]
    }
    tasks = len({one.task.id for one in all_of})
    bad = [one for one in all_of if one.state != "healthy" and not one.is_untold]
    if bad:
        sick = len({one.task.id for one in bad})
        empty = "" if bad[0].group.targets else f"; {bad[0].group.name} has no targets at all"
        return TARGETS_HEALTHY.fails(
            f"{sick} of {plural(tasks, 'new task')} not healthy: {'; '.join(map(str, bad[:3]))}{empty}",
            cause="The load balancer sends no traffic to a task that is not healthy.",
            remedy=" ".join(dict.fromkeys(_remedy(one) for one in bad[:3])),
            command=_command(bad[0].group),
            evidence=evidence,
        )
    if not all_of:
        return TARGETS_HEALTHY.unproven("no target group tells of a new task", remedy="See tasks-run-image.")
    untold = [one for one in all_of if one.is_untold]
    if untold:
        return TARGETS_HEALTHY.unproven(
            f"whether the new tasks are healthy is not told: {untold[0]}",
            remedy="Switch the target group's health checks on, or deselect this check.",
            command=_command(untold[0].group),
            evidence=evidence,
        )
    groups = dict.fromkeys(one.group.name for one in all_of)
    return TARGETS_HEALTHY.passes(f"{plural(tasks, 'new task')} healthy in {', '.join(groups)}", evidence=evidence)


def _remedy(registration: Registration) -> str:
    return _REMEDIES.get(registration.reason, "Look at the target group's health checks, and at the task's log.")


def _command(group: TargetGroup) -> str:
    region = group.arn.split(":")[3] if group.arn.count(":") > 3 else ""  # noqa: PLR2004  # as ARNs are made
    words = ["aws", "elbv2", "describe-target-health", "--target-group-arn", group.arn]
    return shlex.join([*words, *(["--region", region] if region else [])])
