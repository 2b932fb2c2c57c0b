"""The handles of a run: what a test holds of an environment and of each of its services."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from pytest_deploycheck.config.settings import EnvironmentSettings, Options
from pytest_deploycheck.handles.environment import DeployEnvironment
from pytest_deploycheck.handles.health import Alarms, TargetHealth, alarms, target_health
from pytest_deploycheck.handles.http_wait import HttpWait
from pytest_deploycheck.handles.image import DeployedImage, deployed_image
from pytest_deploycheck.handles.release import Release, release
from pytest_deploycheck.handles.tasks import RunningTasks, running_tasks
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.polling import Clock
from pytest_deploycheck.run.image_checks import ImageChecks
from pytest_deploycheck.run.on_demand import OnDemand

if TYPE_CHECKING:
    from pytest_deploycheck.facts.snapshot import Identity


class Handles(Struct):
    """Makes the handles of a run.

    Attributes:
        environment: The environment.
        options: What was asked of this run.
        identity: Returns the identity of the caller.
        analysis: Returns the analysis of the last observation of a service.
        images: Opens the images.
        on_demand: Looks up what no check needs.
        clock: Where the time of waits comes from.
        time_left: Tells how many seconds the running test may still take, or None where nothing limits it.
    """

    environment: EnvironmentSettings
    options: Options
    identity: Callable[[], Identity]
    analysis: Callable[[str], ServiceAnalysis]
    images: ImageChecks
    on_demand: OnDemand
    clock: Clock
    time_left: Callable[[], float | None]

    def deploy_environment(self) -> DeployEnvironment:
        """The environment, as a test holds it."""
        identity, environment = self.identity(), self.environment
        return DeployEnvironment(
            name=environment.name,
            account=identity.account,
            region=identity.region,
            cluster=environment.cluster,
            base_url=environment.base_url,
            services=environment.services,
            _open_client=self.on_demand.client,
            _http=HttpWait(environment.base_url, environment.name, self.on_demand.request, self.clock, self.time_left),
        )

    def deployed_image(self, service: str) -> DeployedImage:
        """The expected image for a service, as a test holds it.

        Raises:
            AssertionError: It is not in its registry.
            UnprovenError: It could not be looked at, or several containers are judged and none was named.
        """
        facts = self.analysis(service).facts
        return deployed_image(facts, self.images.opened(facts))

    def release(self, service: str) -> Release:
        """Return what was named to be shipped for a service."""
        counts = self.environment.intent != "task-definition"
        return release(self.analysis(service).facts, self.options.commit if counts else None)

    def target_health(self, service: str) -> TargetHealth:
        """Return the health of the new tasks of a service in its target groups.

        Raises:
            UnprovenError: That could not be looked at.
        """
        return target_health(self.analysis(service), self.on_demand.dns_names)

    def running_tasks(self, service: str) -> RunningTasks:
        """Return the running tasks of a service, as a test holds them.

        Raises:
            UnprovenError: They could not be looked at, or several containers are judged and none was named.
        """
        return running_tasks(self.analysis(service).facts, self.on_demand.task_settings)

    def alarms(self, service: str) -> Alarms:
        """The alarms that are declared for a service, as a test holds them.

        Raises:
            UnprovenError: They could not be looked at, or one of them does not exist.
        """
        return alarms(self.analysis(service).facts)
