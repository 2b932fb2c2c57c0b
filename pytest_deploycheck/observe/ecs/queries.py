"""The queries of a run to one ECS cluster: each returns its value and its problem."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.observe.calls import Once, side_by_side
from pytest_deploycheck.observe.ecs import services as ecs
from pytest_deploycheck.observe.ecs import tasks
from pytest_deploycheck.observe.ecs.records import RolloutRecords
from pytest_deploycheck.observe.problems import Answered, attempt
from pytest_deploycheck.observe.together import Together

if TYPE_CHECKING:
    from pytest_deploycheck.facts.rollout import Revision, ServiceDeployment
    from pytest_deploycheck.facts.service import Service, TaskDefinition
    from pytest_deploycheck.facts.snapshot import Problem
    from pytest_deploycheck.facts.task import Task
    from pytest_deploycheck.observe.session import Session

_INSTANCES = "ecs:DescribeContainerInstances"
_INSTANCES_PER_CALL = 100


class _ClusterSize(Struct):
    """The number of services for which a cluster has too many tasks to list all of them; 0 where that is not known."""

    too_large_for: int = 0


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
        self._records = RolloutRecords(session, cluster)
        self._instances: Together[str, str] = Together(
            _INSTANCES, lambda arns: tasks.instances(session.ecs(), cluster, arns), _INSTANCES_PER_CALL
        )

    def begin(self, services: Iterable[Service]) -> None:
        """Begin an observation, in which these services are going to be asked about."""
        self._records.begin(services)

    def read_newest(self, name: str, service: Service) -> None:
        """Read at the same time what else ECS has of a service, for the queries that ask for it one after the other."""
        jobs: tuple[Callable[[], object], ...] = (
            lambda: self._records.service_deployments(name, service),
            lambda: self._records.read_revisions(service),
            lambda: self._definition(service.task_definition) if service.task_definition else None,
        )
        side_by_side(lambda job: job(), jobs)

    def read_definition(self, service: Service) -> None:
        """Read the task definition of a service, where it is going to be asked for."""
        if service.service_deployment and service.task_definition:
            self._definition(service.task_definition)

    def services(
        self, names: Sequence[str], show: Callable[[Service], object] = lambda _: None
    ) -> Answered[ecs.FoundServices]:
        """Return the services of these names or ARNs; a problem only where there is none for any of them.

        Args:
            names: The names or ARNs.
            show: Is called with each service as soon as it is described, from any thread.
        """
        found = ecs.services(self._session.ecs(), self._cluster, names, show)
        if names and len(found.problems) == len(names):
            return None, next(iter(found.problems.values()))
        return found, None

    def tasks(self, service: str) -> Answered[tuple[Task, ...]]:
        """Return the tasks of a service, those included that stopped a short while ago."""
        return attempt("ecs:ListTasks", lambda: tasks.tasks(self._session.ecs(), self._cluster, service))

    def tasks_of(self, services: Sequence[str]) -> Mapping[str, Answered[tuple[Task, ...]]]:
        """Return the tasks of several services, by name."""
        size = self._once.get(("the size of a cluster", self._cluster), _ClusterSize)
        if len(services) > max(1, size.too_large_for):
            try:
                found = tasks.tasks_by_cluster(self._session.ecs(), self._cluster, services)
            except tasks.TooManyTasksError:
                size.too_large_for = len(services)
            else:
                if found is not None:
                    return found
        if len(services) == 1:
            return {services[0]: self.tasks(services[0])}
        return tasks.tasks_by_service(self._session.ecs(), self._cluster, services)

    def on_instances(self, found: Sequence[Task]) -> Answered[tuple[Task, ...]]:
        """Return the tasks with the EC2 instances that they run on among their addresses, where they have none.

        With the network modes `bridge` and `host` a target group knows a task by its instance and a port of it.
        """

        def placed(task: Task) -> Task:
            instance = self._instances.get(task.instance) if task.instance and not task.addresses else ""
            return replace(task, addresses=(instance,)) if instance else task

        self._instances.expect(task.instance for task in found if task.instance and not task.addresses)
        return attempt(_INSTANCES, lambda: tuple(map(placed, found)))

    def service_deployments(
        self, name: str, service: Service | None, *, with_history: bool = False
    ) -> Answered[tuple[ServiceDeployment, ...]]:
        """Return ECS's record of the newest rollout of a service, or those of the last few rollouts."""
        return self._records.service_deployments(name, service, with_history=with_history)

    def revisions(self, records: Sequence[ServiceDeployment]) -> Answered[tuple[Revision, ...]]:
        """Return the service revisions that rollouts bring, and those that the oldest of them replaced."""
        return self._records.revisions(records)

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
