"""A service and its task definitions as ECS reports them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field

from pytest_deploycheck.facts.rollout import Deployment, ServiceDeployment, TaskSet
from pytest_deploycheck.facts.task import Task

_EVENT_SLACK = timedelta(seconds=5)
"""How long before a deployment is made ECS may already speak of it in the service's events."""


class ContainerDefinition(Struct, frozen=True):
    """A container as a task definition describes it.

    Attributes:
        name: Its name within the task.
        image: The image, as written in the task definition.
        essential: Whether the task stops when it does.
        log_driver: Name of the log driver, or None where it has none.
        log_options: The options of the log driver.
        has_health_check: Whether ECS itself checks its health (a Dockerfile's HEALTHCHECK is not monitored).
        version_consistency: Whether ECS fixes the digest once per rollout.
        mounts: The paths in the container at which volumes are mounted, over whatever the image has there.
        serves_others: Whether the task definition makes it the log router or the proxy of the other containers.
    """

    name: str
    image: str
    essential: bool = True
    log_driver: str | None = None
    log_options: Mapping[str, str] = field(default_factory=dict)
    has_health_check: bool = False
    version_consistency: bool = True
    mounts: tuple[str, ...] = ()
    serves_others: bool = False


class TaskDefinition(Struct, frozen=True):
    """A task definition.

    Attributes:
        arn: Its ARN.
        containers: Its containers.
        architecture: Its own word for the CPU architecture (`X86_64`, `ARM64`), or None.
        os: Its own word for the operating system (`LINUX`, `WINDOWS_SERVER_2022_CORE`), or None.
    """

    arn: str
    containers: tuple[ContainerDefinition, ...]
    architecture: str | None = None
    os: str | None = None

    def container(self, name: str) -> ContainerDefinition | None:
        """The container of that name, if there is one."""
        return next((container for container in self.containers if container.name == name), None)


class ServiceEvent(Struct, frozen=True):
    """A line of a service's event list."""

    at: datetime
    message: str


class LoadBalancer(Struct, frozen=True):
    """A load balancer with which a service is registered.

    Attributes:
        container: The container that takes the traffic.
        port: The port it listens on, or None where the service does not say.
        target_group: ARN of the target group, or None for a Classic Load Balancer.
        alternate: ARN of the target group with which a blue/green rollout takes turns, or None.
        classic: Name of the Classic Load Balancer, or an empty string.
        production_rule: ARN of the listener rule (of a Network Load Balancer: the listener) that forwards production
            traffic to one of two target groups, or an empty string.
        production_group: ARN of the target group of the task set that serves production, or None.
    """

    container: str = ""
    port: int | None = None
    target_group: str | None = None
    alternate: str | None = None
    classic: str = ""
    production_rule: str = ""
    production_group: str | None = None

    @property
    def target_groups(self) -> tuple[str, ...]:
        """The target groups in one of which a task is to be healthy."""
        return tuple(arn for arn in (self.target_group, self.alternate) if arn)


class Undone(Struct, frozen=True):
    """A deployment that was rolled back.

    Attributes:
        id: Its id; its tasks name it as what started them.
        task_definition: ARN of the task definition it was to bring.
        began_at: When it began, or the earliest moment at which it is known to have been under way.
    """

    id: str
    task_definition: str
    began_at: datetime


class Service(Struct, frozen=True):
    """An ECS service.

    Attributes:
        arn: Its ARN.
        name: Its name.
        cluster: Name or ARN of its cluster, as asked.
        status: ACTIVE, DRAINING or INACTIVE.
        desired: Tasks wanted.
        running: Tasks running.
        pending: Tasks on their way.
        task_definition: ARN of its current task definition.
        controller: ECS, CODE_DEPLOY or EXTERNAL: who runs its rollouts.
        scheduling: REPLICA, or DAEMON where each container instance has one task.
        created_at: The time of its creation, or None where ECS does not report it; a recreated service keeps its ARN.
        deployments: Its deployments, as listed.
        task_sets: Its task sets, where another controller than ECS runs its rollouts.
        load_balancers: The load balancers that it is registered with.
        alarms: The alarms at which ECS ends a rollout.
        events: Its events, the newest first, 100 at the most.
        service_deployment: ARN of the record of its newest rollout; empty where ECS does not report it.
        service_revisions: ARNs of the service revisions that its tasks run, where ECS reports them.
    """

    arn: str
    name: str
    cluster: str
    status: str
    desired: int
    running: int
    pending: int
    task_definition: str
    controller: str = "ECS"
    scheduling: str = "REPLICA"
    created_at: datetime | None = None
    deployments: tuple[Deployment, ...] = ()
    task_sets: tuple[TaskSet, ...] = ()
    load_balancers: tuple[LoadBalancer, ...] = ()
    alarms: tuple[str, ...] = ()
    events: tuple[ServiceEvent, ...] = ()
    service_deployment: str = ""
    service_revisions: tuple[str, ...] = ()

    @property
    def primary(self) -> Deployment | None:
        """The deployment that ECS is steering towards, if it keeps one."""
        return next((one for one in self.deployments if one.status == "PRIMARY"), None)

    @property
    def later_than_primary(self) -> Deployment | None:
        """The newest deployment, where it began after the PRIMARY one; ECS itself makes the newest one PRIMARY."""
        primary = self.primary
        newest = max(self.deployments, key=lambda one: one.created_at, default=None)
        return newest if newest and primary and newest.created_at > primary.created_at else None

    @property
    def listed(self) -> tuple[Deployment | TaskSet, ...]:
        """Its deployments and task sets: each is what started some of its tasks."""
        return (*self.deployments, *self.task_sets)

    @property
    def newest(self) -> Deployment | TaskSet | None:
        """The newest of them; a new task set is not PRIMARY before it serves production."""
        return max(self.listed, key=lambda one: one.created_at, default=None)

    @property
    def newest_set(self) -> TaskSet | None:
        """The newest of its task sets; None where ECS itself runs its rollouts."""
        return max(self.task_sets, key=lambda one: one.created_at, default=None)

    @property
    def rollback(self) -> str | None:
        """ECS's sentence for a rollback, where the PRIMARY deployment is one.

        A rollback is a new PRIMARY deployment; it may well bring the same task definition, so only the sentence tells.
        """
        primary = self.primary
        if primary is None:
            return None
        since = primary.created_at - _EVENT_SLACK
        texts = [primary.rollout_reason, *(event.message for event in self.events if event.at >= since)]
        return next((text for text in texts if "rolling back" in text.lower()), None)

    def undone(self, tasks: Sequence[Task]) -> Undone | None:
        """The deployment that was rolled back, where the PRIMARY one took its place again.

        ECS lists the failed deployment for a while; after that its stopped tasks still name it. ECS itself rolls back
        through a new PRIMARY deployment; some emulators make the earlier one PRIMARY again. None where there was no
        rollback, or where nothing tells of the deployment any more.
        """
        primary, rollback = self.primary, self.rollback
        later = self.later_than_primary
        if later and later.rollout_state in {"FAILED", "COMPLETED"}:
            return Undone(later.id, later.task_definition, later.created_at)
        if primary is None or rollback is None:
            return None
        failed = [one for one in self.deployments if one.rollout_state == "FAILED" and one is not primary]
        if failed:
            last = max(failed, key=lambda one: one.created_at)
            return Undone(last.id, last.task_definition, last.created_at)
        listed = {one.id for one in self.deployments}
        firsts: dict[str, tuple[datetime, str]] = {}
        for task in tasks:
            # The sentence names the deployment that is gone back to: what that one started was not undone.
            is_other = task.is_of_service and task.started_by not in listed and task.started_by not in rollback
            if task.stopped_at and task.created_at and task.created_at < primary.created_at and is_other:
                first = (task.created_at, task.task_definition)
                firsts[task.started_by] = min(first, firsts.get(task.started_by, first))
        if not firsts:
            return None
        starter = max(firsts, key=lambda one: firsts[one][0])
        began, definition = firsts[starter]
        return Undone(starter, definition, began)


def newest_record(service: Service | None, records: Sequence[ServiceDeployment] | None) -> ServiceDeployment | None:
    """The record of the newest rollout, the newest of `records` being the first.

    None where there is none, or where the list of records lags behind: the newest of them had ended before the newest
    deployment began, which is not a rollback of it.
    """
    newest = records[0] if records else None
    if newest is None or newest.finished_at is None or service is None or service.primary is None:
        return newest
    is_way_back = service.rollback is not None and newest.rollback_reason is not None
    began = newest.started_at or newest.created_at
    newest_began = max(one.created_at for one in service.deployments)
    came_later = newest_began > max(newest.finished_at - _EVENT_SLACK, began + _EVENT_SLACK)
    return None if came_later and not is_way_back else newest
