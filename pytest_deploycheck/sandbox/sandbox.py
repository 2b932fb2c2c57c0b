"""AWS in a box: a world to fill, and the endpoint that answers for it."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.definitions import Architecture, SandboxContainer
from pytest_deploycheck.sandbox.faults import Call, Fault, Faults
from pytest_deploycheck.sandbox.logcontrols import LogControls
from pytest_deploycheck.sandbox.monitoringcontrols import MonitoringControls
from pytest_deploycheck.sandbox.names import target_group_arn
from pytest_deploycheck.sandbox.registrycontrols import RegistryControls
from pytest_deploycheck.sandbox.server import Application, Server
from pytest_deploycheck.sandbox.service import SandboxService
from pytest_deploycheck.sandbox.tasks import START_UP, SandboxTask
from pytest_deploycheck.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self


class Sandbox(LogControls, MonitoringControls, RegistryControls):
    """AWS in a box, in this process: ECR, ECS and CloudWatch as they really answer, on a loopback port.

    What runs in it is made with the methods below; boto3 reads it over HTTP without knowing the difference.
    STS and what else there is of load balancers are answered by moto. One sandbox runs at a time in a process.

    Example:
        ```python
        with Sandbox() as aws:
            aws.push_image("shop-backend:latest", {"app/main.py": "print('hello')"})
            service = aws.create_service("shop", cluster="shop-cluster", image="shop-backend:latest")
            service.log("hello")
            ecs = boto3.client("ecs", region_name="us-east-1", endpoint_url=aws.endpoint_url)
        ```

    Attributes:
        account: The account the callers belong to.
        region: The region where things are made unless another is named.
    """

    def __init__(
        self,
        *,
        account: str = "123456789012",
        region: str = "us-east-1",
        clock_offset: timedelta = timedelta(0),
    ) -> None:
        """Make an empty world; nothing is served yet.

        Args:
            account: The account the callers belong to.
            region: The region where things are made unless another is named.
            clock_offset: How far AWS's clock is ahead of this machine's.
        """
        super().__init__(World(account, region, clock_offset))
        self.account = account
        self.region = region
        self._faults = Faults(account)
        self._application = Application(self._world, self._faults)
        self._server: Server | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to serve. What was made before it is there as well."""
        if self._server is None:
            self._server = Server(self._application)
            self._world.endpoint_url = self._server.url
            self._server.start()

    def stop(self) -> None:
        """Close the port."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    @property
    def endpoint_url(self) -> str:
        """Where boto3 finds the sandbox.

        Raises:
            ValueError: If it was not started.
        """
        if self._server is None:
            raise ValueError("The sandbox is not started: use it in a with statement, or call start()")
        return self._server.url

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables by which boto3, or a subprocess, uses the sandbox and nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            # Live Tail puts `stream-` before the host, which no loopback address has.
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def now(self) -> datetime:
        """Return AWS's time, in UTC."""
        return self._world.now()

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
        scheduling: str = "REPLICA",
        target_groups: Sequence[str] = (),
        at: datetime | None = None,
    ) -> SandboxService:
        """Make a service with its cluster, task definition, log groups, a completed rollout and its tasks.

        Args:
            name: The service's name.
            cluster: The name of the cluster; it is made if it is not there.
            image: The image of its one container; for more say, give `containers` instead.
            container: The name of that container.
            containers: All its containers, the application's first.
            family: The family of its task definition; default: the service's name.
            desired: How many tasks it wants.
            region: Where; default: the sandbox's region.
            architecture: The processor its tasks run on.
            controller: Its deployment controller: `ECS`, `CODE_DEPLOY` or `EXTERNAL`.
            scheduling: Its scheduling strategy: `REPLICA` or `DAEMON`.
            target_groups: The names or ARNs of the target groups its tasks register with; each task's
                `target_health` is what they say of it.
            at: When the first rollout begins; default: now. Tasks run 15 s later, but not in the future.

        Raises:
            LookupError: If an image is not there.
            ValueError: If there is such a service already, or neither `image` nor `containers` is given.
        """
        world = self._world
        with world.lock:
            where = (region or self.region, cluster, name)
            if where in world.services:
                raise ValueError(f"There is a service {name} on {cluster} in {where[0]} already")
            made_at = world.moment(at)
            definition = world.register(
                family or name,
                _containers(image, container, containers),
                region=where[0],
                architecture=architecture,
                at=made_at,
            )
            definition.require_images(world)
            world.clusters.add(where[:2])
            service = SandboxService(
                world,
                name,
                cluster,
                where[0],
                definition,
                desired,
                made_at,
                controller,
                scheduling,
                tuple(target_group_arn(where[0], self.account, name) for name in target_groups),
            )
            world.services[where] = service
            service.roll_out(at=made_at)
            return service

    def create_cluster(self, name: str, *, region: str = "") -> None:
        """Make a cluster with nothing on it, in the sandbox's region or another."""
        with self._world.lock:
            self._world.clusters.add((region or self.region, name))

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
        """Run a standalone task, such as a migration: it is no service's, though it may share the family.

        Args:
            family: The family of the task definition that is registered for it.
            cluster: The name of the cluster; it is made if it is not there.
            image: The image of its one container; for more say, give `containers` instead.
            container: The name of that container.
            containers: All its containers.
            started_by: Who started it.
            at: When; default: now. It runs 15 s later, but not in the future.

        Raises:
            LookupError: If an image is not there.
            ValueError: If neither `image` nor `containers` is given.
        """
        world = self._world
        with world.lock:
            began = world.moment(at)
            definition = world.register(
                family,
                _containers(image, container, containers),
                region=self.region,
                architecture="X86_64",
                at=began,
            )
            definition.require_images(world)
            world.clusters.add((self.region, cluster))
            digests = definition.digests(world)
            task = SandboxTask(world, definition, cluster, digests, began, started_by, f"family:{family}")
            task.start(world.soon(began, START_UP))
            world.standalone.append(task)
            return task

    @property
    def service_deployments(self) -> bool:
        """Whether ECS knows service deployments and revisions. Set it to False to be like other emulators."""
        return self._world.service_deployments

    @service_deployments.setter
    def service_deployments(self, known: bool) -> None:
        self._world.service_deployments = known

    @property
    def calls(self) -> list[Call]:
        """The calls that arrived, oldest first; clear the list to count anew."""
        return self._application.calls

    def deny(self, operation: str) -> None:
        """Let a call fail the way IAM denies it, until [Sandbox.allow][].

        Args:
            operation: Such as `ecr:DescribeImages`; `ecr:*` and `*` fit many.
        """
        self._faults.add(Fault(operation, "", "", 400, None))

    def fail(
        self, operation: str, *, code: str, message: str = "", status: int = 400, times: int | None = None
    ) -> None:
        """Let a call fail.

        Args:
            operation: Such as `logs:FilterLogEvents`; `logs:*` and `*` fit many. The download of a layer
                counts as `s3:GetObject`.
            code: The error code, such as `ThrottlingException`.
            message: The message for people.
            status: The HTTP status. From 500 on, botocore tries again by itself.
            times: How many calls fail; None goes on until [Sandbox.allow][].
        """
        self._faults.add(Fault(operation, code, message, status, times))

    def allow(self, operation: str = "*") -> None:
        """Take back what [Sandbox.deny][] and [Sandbox.fail][] said of these operations, by default of all."""
        self._faults.clear(operation)


def _containers(image: str, name: str, containers: Sequence[SandboxContainer]) -> tuple[SandboxContainer, ...]:
    if bool(image) == bool(containers):
        raise ValueError("Give either image or containers")
    return tuple(containers) or (SandboxContainer(name=name, image=image),)
