"""Controls of ECS: clusters, services and standalone tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox.world.ecs.deployment import DeploymentSettings
from pytest_deploycheck.sandbox.world.ecs.service import SandboxService
from pytest_deploycheck.sandbox.world.ecs.task_definitions import Architecture, SandboxContainer, TaskSettings
from pytest_deploycheck.sandbox.world.ecs.tasks import START_UP, SandboxTask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.ecs.deployment import Stage, Strategy
    from pytest_deploycheck.sandbox.world.ecs.instances import LaunchType, NetworkMode
    from pytest_deploycheck.sandbox.world.ecs.task_definitions import SandboxTaskDefinition
    from pytest_deploycheck.sandbox.world.target_groups import TargetType
    from pytest_deploycheck.sandbox.world.world import World


class ServiceControls:
    """The part of the sandbox that is about ECS."""

    _world: World

    def create_service(
        self,
        name: str,
        *,
        cluster: str,
        image: str = "",
        container: str = "app",
        containers: Sequence[SandboxContainer] = (),
        family: str = "",
        desired: int = 1,
        region: str = "",
        architecture: Architecture = "X86_64",
        controller: str = "ECS",
        strategy: Strategy = "ROLLING",
        bake_minutes: int = 0,
        alarms: Sequence[str] = (),
        circuit_breaker: bool = True,
        hooks: Sequence[Stage | Mapping[str, Any]] = (),
        scheduling: str = "REPLICA",
        target_groups: Sequence[str] = (),
        alternate_target_groups: Sequence[str] = (),
        launch_type: LaunchType = "FARGATE",
        network_mode: NetworkMode = "awsvpc",
        cpu: int = 256,
        memory: int = 512,
        volumes: Mapping[str, Mapping[str, Any]] | None = None,
        proxy: str = "",
        tags: Mapping[str, str] | None = None,
        at: datetime | None = None,
    ) -> SandboxService:
        """Create a service with its cluster, task definition, log groups, a completed rollout and its tasks.

        Args:
            name: The service's name.
            cluster: The name of the cluster; it is created if it does not exist.
            image: The image of its one container; give `containers` instead for more than one or other settings.
            container: The name of that container.
            containers: All its containers, the application's first.
            family: The family of its task definition; default: the service's name.
            desired: The desired count of tasks.
            region: The region; default: that of the sandbox.
            architecture: The processor architecture of its tasks.
            controller: Its deployment controller: `ECS`, `CODE_DEPLOY` or `EXTERNAL`.
            strategy: Its deployment strategy: `ROLLING`, `BLUE_GREEN`, `LINEAR` or `CANARY`.
            bake_minutes: How long old and new tasks run side by side after traffic has shifted.
            alarms: The names of the alarms by which a rollout fails.
            circuit_breaker: Whether ECS gives up a rollout whose tasks fail, and rolls it back.
            hooks: The hooks of its lifecycle: a stage at which rollouts pause, or a hook in the members of the
                service model's DeploymentLifecycleHook.
            scheduling: Its scheduling strategy: `REPLICA` or `DAEMON`.
            target_groups: The names or ARNs of the target groups in which its tasks are registered, where each task has
                its `target_health`. One that does not exist is created, for a load balancer that is named as the
                service is.
            alternate_target_groups: The target groups in which the tasks of every other rollout are registered, one for
                each of `target_groups`; see [SandboxService.shift_targets][].
            launch_type: The infrastructure of its tasks: `FARGATE`, or `EC2` for container instances.
            network_mode: The network mode of its tasks: `awsvpc` for an address of their own, on `EC2` also `bridge`
                or `host` for a port of their instance.
            cpu: The CPU units of a task.
            memory: The memory of a task in MiB.
            volumes: The configuration of volumes by name, such as
                `{"data": {"efsVolumeConfiguration": {"fileSystemId": "fs-1"}}}`; the `mounts` of containers name them.
            proxy: The name of the container that is the App Mesh proxy.
            tags: Its tags.
            at: When the first rollout begins; default: now. Tasks run 15 s later, but never in the future.

        Raises:
            LookupError: If an image does not exist.
            ValueError: If there already is such a service, neither `image` nor `containers` is given, or the settings
                contradict each other.
        """
        if launch_type == "FARGATE" and network_mode != "awsvpc":
            raise ValueError(f"Tasks on Fargate have the network mode awsvpc, not {network_mode}")
        if alternate_target_groups and len(alternate_target_groups) != len(target_groups):
            raise ValueError("Give an alternate target group for each target group")
        deploying = DeploymentSettings(
            controller=controller,
            strategy=strategy,
            bake_minutes=bake_minutes,
            alarms=tuple(alarms),
            circuit_breaker=circuit_breaker,
            hooks=tuple(hooks),
        )
        world = self._world
        region = region or world.account.region
        kind: TargetType = "ip" if network_mode == "awsvpc" else "instance"
        with world.account.lock:
            self._require_free(region, cluster, name)
            created_at = world.account.moment(at)
            definition = self._register(
                family or name,
                _containers(image, container, containers),
                TaskSettings(
                    architecture=architecture,
                    network_mode=network_mode,
                    cpu=cpu,
                    memory=memory,
                    volumes=volumes or {},
                    proxy=proxy,
                ),
                region=region,
                cluster=cluster,
                at=created_at,
            )
            service = SandboxService(
                world,
                name,
                cluster,
                region,
                definition,
                desired,
                created_at,
                deploying,
                scheduling,
                self._open_target_groups(target_groups, region, name, kind),
                self._open_target_groups(alternate_target_groups, region, name, kind),
                launch_type,
                tags or {},
            )
            world.add_service(service)
            service.roll_out(at=created_at)
            return service

    def replace_service(
        self,
        service: SandboxService,
        image: str | None = None,
        *,
        desired: int | None = None,
        at: datetime | None = None,
    ) -> SandboxService:
        """Delete a service and create it again under its name; see [SandboxService.recreate][]."""
        return service.recreate(image, desired=desired, at=at)

    def create_cluster(self, name: str, *, region: str = "") -> None:
        """Create an empty cluster, in the region of the sandbox or another."""
        with self._world.account.lock:
            self._world.clusters.add((region or self._world.account.region, name))

    def run_task(
        self,
        family: str,
        *,
        cluster: str,
        image: str = "",
        container: str = "app",
        containers: Sequence[SandboxContainer] = (),
        started_by: str = "",
        at: datetime | None = None,
    ) -> SandboxTask:
        """Run a standalone task, such as a migration: it belongs to no service, but may share the family of one.

        Args:
            family: The family of its task definition, which is registered.
            cluster: The name of the cluster; it is created if it does not exist.
            image: The image of its one container; give `containers` instead for more than one or other settings.
            container: The name of that container.
            containers: All its containers.
            started_by: The text for `startedBy`.
            at: When it becomes PENDING; default: now. It runs 15 s later, but never in the future.

        Raises:
            LookupError: If an image does not exist.
            ValueError: If neither `image` nor `containers` is given.
        """
        world = self._world
        with world.account.lock:
            began = world.account.moment(at)
            definition = self._register(
                family,
                _containers(image, container, containers),
                TaskSettings(),
                region=world.account.region,
                cluster=cluster,
                at=began,
            )
            digests = definition.digests(world.registries)
            task = SandboxTask(
                world.account, world.logs, definition, cluster, digests, began, started_by, f"family:{family}"
            )
            task.start(world.account.soon(began, START_UP))
            world.standalone.append(task)
            return task

    def _require_free(self, region: str, cluster: str, name: str) -> None:
        namesake = self._world.services.get((region, cluster, name))
        if namesake and namesake.status != "INACTIVE":
            raise ValueError(f"There already is a service {name} on {cluster} in {region}")

    def _register(
        self,
        family: str,
        containers: Sequence[SandboxContainer],
        settings: TaskSettings,
        *,
        region: str,
        cluster: str,
        at: datetime,
    ) -> SandboxTaskDefinition:
        """Register a task definition whose images can be pulled, and create the cluster it is for."""
        world = self._world
        definition = world.register(family, containers, region=region, settings=settings, at=at)
        definition.require_images(world.registries)
        world.clusters.add((region, cluster))
        return definition

    def _open_target_groups(
        self, names: Sequence[str], region: str, load_balancer: str, kind: TargetType
    ) -> tuple[str, ...]:
        groups = self._world.target_groups
        return tuple(groups.open(region, name, load_balancer, kind).arn for name in names)


def _containers(image: str, name: str, containers: Sequence[SandboxContainer]) -> tuple[SandboxContainer, ...]:
    if bool(image) == bool(containers):
        raise ValueError("Give either image or containers")
    return tuple(containers) or (SandboxContainer(name=name, image=image),)
