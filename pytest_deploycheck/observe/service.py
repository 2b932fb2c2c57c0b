"""The observation of one service: each query returns its value and its problem, and the problems are gathered here."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from pytest_deploycheck.config.settings import EnvironmentSettings, Options, ServiceSettings
from pytest_deploycheck.facts.baseline import Previous
from pytest_deploycheck.facts.health import Health
from pytest_deploycheck.facts.rollout import ServiceDeployment
from pytest_deploycheck.facts.service import Service
from pytest_deploycheck.facts.snapshot import (
    SERVICE_GONE,
    SERVICE_REPLACED,
    Identity,
    Problem,
    ServiceFacts,
    unlisted_tasks,
)
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.observe.ecs.newest import (
    newest_revision,
    rollout_began,
    serves_alone_since,
    target_definition,
)
from pytest_deploycheck.observe.ecs.queries import EcsQueries
from pytest_deploycheck.observe.health.health import Problems, observe_health
from pytest_deploycheck.observe.images.expected import ExpectedImages
from pytest_deploycheck.observe.problems import Answered
from pytest_deploycheck.observe.session import Session


class ServiceObserver(Struct, frozen=True):
    """Observes one service after the other, or several side by side.

    Attributes:
        session: The clients.
        identity: The caller, the account and the region.
        environment: The environment.
        options: The options of the run.
        ecs: The queries to the cluster.
        images: Finds the expected images.
        with_health: Whether load balancers and alarms are observed as well.
    """

    session: Session
    identity: Identity
    environment: EnvironmentSettings
    options: Options
    ecs: EcsQueries
    images: ExpectedImages
    with_health: bool = True

    def observe(self, settings: ServiceSettings, service: Service | None, problem: Problem | None) -> ServiceFacts:
        """Return the facts of a service.

        Args:
            settings: The settings of the service.
            service: The described service, or None where it could not be described.
            problem: Why it could not be described, or None.
        """
        if problem and problem.code in (SERVICE_GONE, SERVICE_REPLACED):
            # A service that has the name now is not the one that was observed before.
            return ServiceFacts(settings.name, problems={"service": problem, "tasks": problem})
        with ThreadPoolExecutor(max_workers=2) as pool:
            listed = pool.submit(self._tasks, settings.service, service)
            recorded = pool.submit(self.ecs.service_deployments, settings.service, service)
        (tasks, tasks_problem), instances_problem = listed.result()
        if service and tasks is not None and unlisted_tasks(service, tasks):
            # A task may have started or stopped between the two calls.
            service = self._again(settings.service) or service
            (tasks, tasks_problem), instances_problem = self._tasks(settings.service, service)
        records, records_problem = recorded.result()
        revisions, revisions_problem = self.ecs.revisions(records or ())
        target = target_definition(service, records, revisions or (), tasks)
        running = [task.task_definition for task in tasks or () if task.is_running]
        definitions, definition_problem = self.ecs.definitions(
            list(dict.fromkeys([*([target] if target else []), *running]))
        )
        definition = next((one for one in definitions if one.arn == target), None)
        baseline, baseline_problem = self._baseline(settings.name)
        judged, judged_problem = self.images.judged(
            settings,
            definition,
            tasks or (),
            revisions or (),
            newest=newest_revision(service, records, revisions or ()),
            baseline=baseline,
            targeted=[one.container for one in service.load_balancers] if service else (),
        )
        health, health_problems = self._health(settings, service, records, tasks)
        problems = {
            "service": problem,
            "tasks": tasks_problem,
            "instances": instances_problem,
            "service_deployments": records_problem,
            "revisions": revisions_problem,
            "definition": judged_problem or definition_problem,
            "baseline": baseline_problem,
            **health_problems,
        }
        return ServiceFacts(
            name=settings.name,
            service=service,
            definition=definition,
            definitions=definitions,
            tasks=tasks,
            service_deployments=records,
            revisions=revisions or (),
            judged=judged,
            running_images=self.images.running(judged, tasks or ()),
            health=health,
            baseline=baseline,
            problems={name: one for name, one in problems.items() if one},
        )

    def _again(self, name: str) -> Service | None:
        found, _ = self.ecs.services([name])
        return found.services.get(name) if found else None

    def _tasks(self, name: str, service: Service | None) -> tuple[Answered[tuple[Task, ...]], Problem | None]:
        """Return the tasks, and the problem where the EC2 instances of a load balancer's targets are not known."""
        tasks, problem = self.ecs.tasks(name)
        if not tasks or not service or not service.load_balancers or not self.with_health:
            return (tasks, problem), None
        placed, instances_problem = self.ecs.on_instances(tasks)
        return (placed or tasks, problem), instances_problem

    def _health(
        self,
        settings: ServiceSettings,
        service: Service | None,
        records: Sequence[ServiceDeployment] | None,
        tasks: Sequence[Task] | None,
    ) -> tuple[Health, Problems]:
        if not self.with_health:
            return Health(), {}
        now = datetime.now(UTC) + timedelta(seconds=self.identity.clock_offset)
        return observe_health(
            self.session,
            service,
            settings,
            began=rollout_began(service, records, tasks),
            alone_since=serves_alone_since(service, records, tasks, now=now),
            now=now,
        )

    def _baseline(self, service: str) -> Answered[Previous]:
        """Return the baseline of a service; the report of another environment is no baseline for this one."""
        baseline = self.options.baseline
        if baseline is None:
            return None, None
        here = (self.environment.name, self.identity.account, self.identity.region)
        there = (baseline.environment, baseline.account, baseline.region)
        if there == here:
            return baseline.services.get(service), None
        return None, Problem(
            "",
            "BaselineOfAnother",
            f"The baseline {baseline.path} was recorded in {_place(*there)}, not in {_place(*here)}: it does not show "
            "what ran here before.",
            "Give a report of an earlier run against the same environment.",
        )


def _place(environment: str, account: str, region: str) -> str:
    return f"{environment!r} (account {account}, {region})"
