"""The state of the sandbox: everything that exists in its account."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.world.logs.behaviour import LiveTailing, LogPaging, Querying
from pytest_deploycheck.sandbox.world.resources import Resources

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox.world.alarms import SandboxAlarm
    from pytest_deploycheck.sandbox.world.ecs.service import SandboxService
    from pytest_deploycheck.sandbox.world.ecs.tasks import SandboxTask
    from pytest_deploycheck.sandbox.world.logs.queries import SandboxQuery
    from pytest_deploycheck.sandbox.world.registry import Repository


@dataclass(slots=True, eq=False)
class World(Resources):
    """The state that the answers are made of.

    Attributes:
        paging: The pages in which log events are answered.
        tailing: The behaviour of live tails.
        querying: The behaviour of Logs Insights queries.
        service_deployments: Whether ECS has service deployments and revisions.
        endpoint_url: The address of the endpoint.
        signature: The signature in the presigned address of a layer.
        clusters: Region and name of each cluster.
        standalone: The tasks that no service started.
        queries: The queries of Logs Insights by id.
        alarms: The alarms by region and name.
    """

    paging: LogPaging = field(default_factory=LogPaging)
    tailing: LiveTailing = field(default_factory=LiveTailing)
    querying: Querying = field(default_factory=Querying)
    service_deployments: bool = True
    endpoint_url: str = ""
    signature: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    clusters: set[tuple[str, str]] = field(default_factory=set)
    standalone: list[SandboxTask] = field(default_factory=list)
    queries: dict[str, SandboxQuery] = field(default_factory=dict)
    alarms: dict[tuple[str, str], SandboxAlarm] = field(default_factory=dict)
    _services: list[SandboxService] = field(default_factory=list)

    @property
    def services(self) -> dict[tuple[str, str, str], SandboxService]:
        """The services by region, cluster and name; of several with one name, the newest."""
        return {(each.region, each.cluster, each.name): each for each in self.all_services}

    @property
    def all_services(self) -> list[SandboxService]:
        """Every service that was ever created, each followed by those that took its name."""
        return [each for first in self._services for each in first.successors]

    def add_service(self, service: SandboxService) -> None:
        """Add a service, which takes over the name of a deleted one, if any."""
        namesake = self.services.get((service.region, service.cluster, service.name))
        if namesake:
            namesake.successor = service
        else:
            self._services.append(service)

    def blob_url(self, repository: Repository, digest: str) -> str:
        """Return the presigned address of a layer or a config."""
        path = f"{repository.account}/{repository.region}/{repository.name}/{digest}"
        return f"{self.endpoint_url}/layers/{path}?X-Amz-Expires=3600&X-Amz-Signature={self.signature}"

    def tasks(self, region: str, cluster: str) -> list[SandboxTask]:
        """Return the tasks of a cluster that ECS still shows: stopped tasks disappear after an hour."""
        owned = [task for service in self.all_services for task in service.all_tasks]
        horizon = self.account.now() - timedelta(hours=1)
        return [
            task
            for task in (*owned, *self.standalone)
            if (task.region, task.cluster) == (region, cluster)
            and (task.stopped_at is None or task.stopped_at > horizon)
        ]
