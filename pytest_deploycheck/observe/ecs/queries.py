"""The queries of a run to one ECS cluster: each returns its value and its problem."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pytest_deploycheck.observe.calls import Once, side_by_side
from pytest_deploycheck.observe.ecs import rollouts
from pytest_deploycheck.observe.ecs import services as ecs
from pytest_deploycheck.observe.problems import THROTTLED, Answered, attempt

if TYPE_CHECKING:
    from pytest_deploycheck.facts.rollout import Revision, ServiceDeployment
    from pytest_deploycheck.facts.service import Service, TaskDefinition
    from pytest_deploycheck.facts.snapshot import Problem
    from pytest_deploycheck.facts.task import Task
    from pytest_deploycheck.observe.session import Session


class EcsQueries:
    """Asks ECS about the services of a cluster; what cannot change within a run is asked for once.

    Args:
        session: The clients.
        cluster: Name or ARN of the cluster.
        once: Keeps what cannot change within a run.
    """

    def __init__(self, session: Session, cluster: str, once: Once) -> None:
        self._session = session
        self._cluster = cluster
        self._once = once
        self._refused: dict[str, Problem] = {}

    def services(self, names: Sequence[str]) -> Answered[ecs.FoundServices]:
        """Return the services of these names or ARNs."""
        return attempt("ecs:DescribeServices", lambda: ecs.services(self._session.ecs(), self._cluster, names))

    def tasks(self, service: str) -> Answered[tuple[Task, ...]]:
        """Return the tasks of a service, those included that stopped a short while ago."""
        return attempt("ecs:ListTasks", lambda: ecs.tasks(self._session.ecs(), self._cluster, service))

    def on_instances(self, tasks: Sequence[Task]) -> Answered[tuple[Task, ...]]:
        """Return the tasks with the EC2 instances that they run on, by which target groups know them."""
        return attempt(
            "ecs:DescribeContainerInstances", lambda: ecs.on_instances(self._session.ecs(), self._cluster, tasks)
        )

    def service_deployments(self, name: str, service: Service | None) -> Answered[tuple[ServiceDeployment, ...]]:
        """Return ECS's records of the newest rollouts of a service.

        A role or an endpoint that refuses them once will refuse them again: the refusal is kept for the run.
        """
        if service and service.controller != "ECS":
            # Other deployment controllers keep their own records of rollouts.
            return (), None
        if name in self._refused:
            return None, self._refused[name]
        records, problem = attempt(
            "ecs:ListServiceDeployments",
            lambda: rollouts.service_deployments(self._session.ecs(), self._cluster, name),
        )
        if problem and problem.code not in THROTTLED:
            self._refused[name] = problem
        return records, problem

    def revisions(self, records: Iterable[ServiceDeployment]) -> Answered[tuple[Revision, ...]]:
        """Return the service revisions that service deployments deploy."""
        targets = tuple(record.target for record in records if record.target)
        if not targets:
            return (), None
        return attempt(
            "ecs:DescribeServiceRevisions",
            lambda: self._once.get(targets, lambda: rollouts.revisions(self._session.ecs(), targets)),
        )

    def definitions(self, arns: Sequence[str]) -> tuple[tuple[TaskDefinition, ...], Problem | None]:
        """Return the task definitions that can be read, and the problem of the last that cannot."""
        answers = side_by_side(self._definition, arns)
        problems = [problem for _, problem in answers if problem]
        return tuple(definition for definition, _ in answers if definition), problems[-1] if problems else None

    def _definition(self, arn: str) -> Answered[TaskDefinition]:
        return attempt(
            "ecs:DescribeTaskDefinition",
            lambda: self._once.get(arn, lambda: ecs.task_definition(self._session.ecs(), arn)),
        )
