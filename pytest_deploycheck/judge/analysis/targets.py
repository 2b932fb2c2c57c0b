"""The new tasks where users meet them: in target groups, and by the health checks of their containers."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

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
        group: The target group, or of two that take turns, the one in which the task is healthier.
        target: The target that the task is in that group, or None where it is not registered there.
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
        """The load balancer's own name for why it is not healthy."""
        return self.target.reason if self.target else "Target.NotRegistered"

    @property
    def is_unknown(self) -> bool:
        """Whether the state does not tell if the target is healthy."""
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
            found += [_registration(task, groups, balancer) for task in new_tasks if task.addresses]
    return tuple(found)


def checked_containers(facts: ServiceFacts, new_tasks: Sequence[Task]) -> tuple[CheckedContainer, ...]:
    """Return the containers that have a health check: by their task definition, or as ECS knows its result."""
    return tuple(
        (task, container)
        for task in new_tasks
        for container in task.containers
        if container.health != "UNKNOWN" or _is_checked(container, task, facts)
    )


def _registration(task: Task, groups: Sequence[TargetGroup], balancer: LoadBalancer) -> Registration:
    container = task.container(balancer.container)
    port = container.host_port(balancer.port) if container else balancer.port
    found = [
        Registration(task, group, target)
        for group in groups
        for target in group.targets
        if target.id in task.addresses and (port is None or target.port in (None, port))
    ]
    best = min(found, key=lambda one: (one.state != "healthy", one.state != "initial"), default=None)
    return best or Registration(task, groups[0], None)


def _is_checked(container: Container, task: Task, facts: ServiceFacts) -> bool:
    definition = facts.definition_of(task)
    own = definition.container(container.name) if definition else None
    return own is not None and own.has_health_check
