"""The observation of one service: each query returns its value and its problem, and the problems are gathered here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.config.settings import EnvironmentSettings, Options, ServiceSettings
from pytest_deploycheck.facts.baseline import Previous
from pytest_deploycheck.facts.health import Health
from pytest_deploycheck.facts.rollout import Revision, ServiceDeployment
from pytest_deploycheck.facts.service import Service, TaskDefinition
from pytest_deploycheck.facts.snapshot import (
    SERVICE_GONE,
    SERVICE_REPLACED,
    Identity,
    Judged,
    Problem,
    ServiceFacts,
    unlisted_tasks,
)
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.observe.ecs.newest import (
    is_as_rolled_out,
    newest_revision,
    rollout_began,
    serves_alone_since,
    target_definition,
)
from pytest_deploycheck.observe.ecs.queries import EcsQueries
from pytest_deploycheck.observe.health.health import Problems, observe_health
from pytest_deploycheck.observe.health.sources import HealthSources
from pytest_deploycheck.observe.images.expected import ExpectedImages
from pytest_deploycheck.observe.problems import Answered
from pytest_deploycheck.observe.session import Session


class _Seen(Struct, frozen=True):
    """A service with its tasks, as far as they were observed."""

    settings: ServiceSettings
    service: Service | None
    tasks: tuple[Task, ...] | None


class _RolloutSeen(Struct, frozen=True):
    """The newest rollout of a service, with the images that it was to bring, as far as they were observed."""

    records: tuple[ServiceDeployment, ...] | None
    revisions: tuple[Revision, ...]
    definition: TaskDefinition | None
    definitions: tuple[TaskDefinition, ...]
    judged: tuple[Judged, ...]
    baseline: Previous | None
    problems: Mapping[str, Problem | None]
    has_history: bool


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
    with_health: bool

    def observe(
        self,
        settings: ServiceSettings,
        service: Service | None,
        problem: Problem | None,
        listed: Answered[tuple[Task, ...]],
        sources: HealthSources,
    ) -> ServiceFacts:
        """Return the facts of a service.

        Args:
            settings: The settings of the service.
            service: The described service, or None where it could not be described.
            problem: Why it could not be described, or None.
            listed: Its tasks, or why they could not be listed.
            sources: Reads the health of all services of the observation.
        """
        if problem and problem.code in (SERVICE_GONE, SERVICE_REPLACED):
            # A service that has the name now is not the one that was observed before.
            return ServiceFacts(settings.name, problems={"service": problem, "tasks": problem})
        service, (tasks, tasks_problem) = self._counted(settings.service, service, listed)
        tasks, instances_problem = self._on_instances(tasks, service)
        seen = _Seen(settings, service, tasks)
        rollout = self._newest_rollout(seen)
        health, health_problems = self._health(seen, rollout.records, sources)
        problems = {
            "service": problem,
            "tasks": tasks_problem,
            "instances": instances_problem,
            **rollout.problems,
            **health_problems,
        }
        return ServiceFacts(
            name=settings.name,
            service=service,
            definition=rollout.definition,
            definitions=rollout.definitions,
            tasks=tasks,
            service_deployments=rollout.records,
            revisions=rollout.revisions,
            judged=rollout.judged,
            running_images=self.images.running(rollout.judged, tasks or ()),
            health=health,
            baseline=rollout.baseline,
            problems={name: one for name, one in problems.items() if one},
            has_history=rollout.has_history,
        )

    def sources(self, selected: Iterable[ServiceSettings]) -> HealthSources:
        """Return what reads the health of some services in one observation that begins now."""
        now = datetime.now(UTC) + timedelta(seconds=self.identity.clock_offset)
        return HealthSources(self.session, now, (alarm for settings in selected for alarm in settings.alarms))

    def history(self, facts: ServiceFacts) -> ServiceFacts:
        """Return the facts of a service with those of the rollouts before its newest one."""
        settings = self.environment.services[facts.name]
        seen = _Seen(settings, facts.service, facts.tasks)
        records, problem = self.ecs.service_deployments(settings.service, facts.service, with_history=True)
        if problem or records is None:
            return facts
        rollout = self._rollout(seen, (records, None), has_history=True)
        judged = {one.container: one for one in rollout.judged}
        return replace(
            facts,
            service_deployments=records,
            revisions=rollout.revisions,
            judged=tuple(
                replace(one, earlier=now.earlier, ran_before=now.ran_before)
                if (now := judged.get(one.container))
                else one
                for one in facts.judged
            ),
            has_history=True,
        )

    def _counted(
        self, name: str, service: Service | None, listed: Answered[tuple[Task, ...]]
    ) -> tuple[Service | None, Answered[tuple[Task, ...]]]:
        """Return a service and its tasks, both asked for again where it counts more tasks than were listed."""
        tasks, _ = listed
        if service is None or tasks is None or not unlisted_tasks(service, tasks):
            return service, listed
        # A task may have started or stopped between the two calls.
        found, _ = self.ecs.services([name])
        return (found and found.services.get(name)) or service, self.ecs.tasks(name)

    def _newest_rollout(self, seen: _Seen) -> _RolloutSeen:
        """Return the newest rollout of a service, with those before it where they may matter."""
        name, service = seen.settings.service, seen.service
        has_record = bool(service and service.service_deployment)
        if service and has_record:
            self.ecs.read_newest(name, service)
        records = self.ecs.service_deployments(name, service)
        rollout = self._rollout(seen, records, has_history=not has_record)
        if has_record and self._needs_history(seen, rollout):
            earlier = self.ecs.service_deployments(name, service, with_history=True)
            if earlier[0] is not None or records[0] is None:
                return self._rollout(seen, earlier, has_history=True)
        return rollout

    def _rollout(
        self, seen: _Seen, answer: Answered[tuple[ServiceDeployment, ...]], *, has_history: bool
    ) -> _RolloutSeen:
        """Return the newest rollout of a service, and the images that it was to bring."""
        service, tasks = seen.service, seen.tasks
        records, records_problem = answer
        revisions, revisions_problem = self.ecs.revisions(records or ())
        target = target_definition(service, records, revisions or (), tasks)
        running = [task.task_definition for task in tasks or () if task.is_running]
        arns = dict.fromkeys(arn for arn in (target, *running) if arn)
        definitions, definition_problem = self.ecs.definitions(list(arns))
        definition = next((one for one in definitions if one.arn == target), None)
        baseline, baseline_problem = self._baseline(seen.settings.name)
        judged, judged_problem = self.images.judged(
            seen.settings,
            definition,
            tasks or (),
            revisions or (),
            newest=newest_revision(service, records, revisions or ()),
            baseline=baseline,
            targeted=[one.container for one in service.load_balancers] if service else (),
            has_history=has_history,
        )
        problems = {
            "service_deployments": records_problem,
            "revisions": revisions_problem,
            "definition": judged_problem or definition_problem,
            "baseline": baseline_problem,
        }
        return _RolloutSeen(
            records,
            revisions or (),
            definition,
            definitions,
            judged,
            baseline,
            problems,
            has_history=has_history,
        )

    def _needs_history(self, seen: _Seen, rollout: _RolloutSeen) -> bool:
        """Return whether the rollouts before the newest one may matter: in all cases but that everything is well."""
        if seen.service is None or seen.service.controller != "ECS":
            return False
        if seen.settings.source or self.options.build_log or rollout.baseline:
            # The files of the image before are compared with.
            return True
        return not is_as_rolled_out(seen.service, rollout.records, seen.tasks, rollout.judged)

    def _on_instances(
        self, tasks: tuple[Task, ...] | None, service: Service | None
    ) -> tuple[tuple[Task, ...] | None, Problem | None]:
        """Return the tasks, and the problem where the EC2 instances of a load balancer's targets are not known."""
        if not tasks or not service or not service.load_balancers or not self.with_health:
            return tasks, None
        placed, problem = self.ecs.on_instances(tasks)
        return placed or tasks, problem

    def _health(
        self,
        seen: _Seen,
        records: Sequence[ServiceDeployment] | None,
        sources: HealthSources,
    ) -> tuple[Health, Problems]:
        if not self.with_health:
            return Health(), {}
        service, tasks = seen.service, seen.tasks
        return observe_health(
            self.session,
            service,
            seen.settings,
            began=rollout_began(service, records, tasks),
            alone_since=serves_alone_since(service, records, tasks, now=sources.now),
            sources=sources,
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
