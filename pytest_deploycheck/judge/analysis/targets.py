"""The new tasks where users meet them: in target groups, and by the health checks of their containers."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.facts.health import Target, TargetGroup
from pytest_deploycheck.facts.service import LoadBalancer
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.facts.task import Container, Task
from pytest_deploycheck.redaction import one_line

_KNOWN = frozenset({"initial", "healthy", "unhealthy", "unhealthy.draining", "unused", "draining"})
"""The states that tell whether a target is healthy; `unavailable`, as without health checks, is not one of them."""


class Registration(Struct, frozen=True):
    """A new task in a target group.

    Attributes:
        task: The task.
        group: The target group, or of two of which it is not known which serves production, the one in which the task
            is healthier.
        target: The target that the task is in that group, or None where it is not registered there.
        other: The second of two groups of which it is not known which serves production, where the task is not in the
            same state in both; None otherwise.
    """

    task: Task
    group: TargetGroup
    target: Target | None
    other: TargetGroup | None = None

    @property
    def state(self) -> str:
        """Its state, in the load balancer's word."""
        return self.target.state if self.target else "not registered"

    @property
    def reason(self) -> str:
        """The load balancer's own name for why it is not healthy."""
        return self.target.reason if self.target else "Target.NotRegistered"

    @property
    def is_unknown(self) -> bool:
        """True if the state does not tell if the target is healthy."""
        return self.target is not None and self.state not in _KNOWN

    def __str__(self) -> str:
        where = f" ({self.target.id}{f':{self.target.port}' if self.target.port else ''})" if self.target else ""
        reported = ", ".join(filter(None, [self.target.reason, self.target.description])) if self.target else ""
        why = f": {one_line(reported, 300)}" if reported else ""
        return f"task {self.task.id}{where} is {self.state} in {self.group.name}{why}"


CheckedContainer = tuple[Task, Container]
"""A container that has a health check, with its task."""


def registrations(facts: ServiceFacts, new_tasks: Sequence[Task]) -> tuple[Registration, ...]:
    """Return each new task in each target group of the service."""
    balancers = facts.service.load_balancers if facts.service else ()
    found = []
    for balancer in balancers:
        groups = [group for arn in balancer.target_groups if (group := facts.health.group(arn))]
        if groups:
            tasks = [task for task in new_tasks if task.addresses]
            serving = [group for group in groups if facts.health.serving.get(group.arn)]
            found += [
                one
                for task in tasks
                for one in (
                    _serving_registrations(task, serving, balancer)
                    if serving
                    else [_registration(task, groups, balancer)]
                )
            ]
    return tuple(found)


def idle_serving_groups(facts: ServiceFacts) -> tuple[TargetGroup, ...]:
    """Return the target groups that serve production and have no target that takes requests.

    While traffic is shifted both groups serve, and each has targets: those of the old or of the new tasks.
    """
    balancers = facts.service.load_balancers if facts.service else ()
    serving = (arn for balancer in balancers for arn in balancer.target_groups if facts.health.serving.get(arn))
    groups = (group for arn in dict.fromkeys(serving) if (group := facts.health.group(arn)))
    return tuple(group for group in groups if all(target.state == "draining" for target in group.targets))


def checked_containers(facts: ServiceFacts, new_tasks: Sequence[Task]) -> tuple[CheckedContainer, ...]:
    """Return the containers that have a health check: by their task definition, or as ECS knows its result."""
    return tuple(
        (task, container)
        for task in new_tasks
        for container in task.containers
        if container.health != "UNKNOWN" or _is_checked(container, task, facts)
    )


def _serving_registrations(task: Task, groups: Sequence[TargetGroup], balancer: LoadBalancer) -> Sequence[Registration]:
    """Return a task in the groups that serve production: while traffic is shifted, it is registered in one of two."""
    return _found(task, groups, balancer) or [Registration(task, groups[0], None)]


def _registration(task: Task, groups: Sequence[TargetGroup], balancer: LoadBalancer) -> Registration:
    """Return a task in the only group, or in the one of two in which it is healthier."""
    found = _found(task, groups, balancer)
    best = min(found, key=lambda one: (one.state != "healthy", one.state != "initial"), default=None)
    if best is None:
        return Registration(task, groups[0], None)
    states = {one.group.arn: one.state for one in found}
    other = next((group for group in groups if states.get(group.arn) != best.state), None)
    return replace(best, other=other)


def _found(task: Task, groups: Sequence[TargetGroup], balancer: LoadBalancer) -> list[Registration]:
    container = task.container(balancer.container)
    port = container.host_port(balancer.port) if container else balancer.port
    return [
        Registration(task, group, target)
        for group in groups
        for target in group.targets
        if target.id in task.addresses and (port is None or target.port in (None, port))
    ]


def _is_checked(container: Container, task: Task, facts: ServiceFacts) -> bool:
    definition = facts.definition_of(task)
    own = definition.container(container.name) if definition else None
    return own is not None and own.has_health_check
