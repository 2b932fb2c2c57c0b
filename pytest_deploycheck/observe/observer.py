"""One look at all that the selected services are: side by side where calls are independent, each fact asked once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from pytest_deploycheck.config.settings import EnvironmentSettings, Options, ServiceSettings
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.facts.baseline import Previous
from pytest_deploycheck.facts.health import Health
from pytest_deploycheck.facts.image import Registry
from pytest_deploycheck.facts.rollout import Revision, ServiceDeployment
from pytest_deploycheck.facts.service import ContainerDefinition, Service, TaskDefinition
from pytest_deploycheck.facts.snapshot import (
    SERVICE_GONE,
    SERVICE_REPLACED,
    Identity,
    Judged,
    Problem,
    ServiceFacts,
)
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.observe.asking import Once, side_by_side
from pytest_deploycheck.observe.ecs import rollouts
from pytest_deploycheck.observe.ecs import services as ecs
from pytest_deploycheck.observe.ecs.newest import rollout_began, serves_alone_since
from pytest_deploycheck.observe.ecs.target import newest_revision, target_definition
from pytest_deploycheck.observe.first_look import Memory
from pytest_deploycheck.observe.health.health import look_at_health
from pytest_deploycheck.observe.images.choice import Choice, Named, choose
from pytest_deploycheck.observe.images.contents import Contents
from pytest_deploycheck.observe.images.finder import ImageFinder
from pytest_deploycheck.observe.images.history import with_history
from pytest_deploycheck.observe.problems import DENIED, THROTTLED, attempt
from pytest_deploycheck.observe.session import Session

_NOT_THERE = {"ClusterNotFoundException": "cluster", "ServiceNotFoundException": "service"}


class Observer:
    """Looks at the selected services of one environment, as often as it is asked.

    What cannot change within a run (task definitions, service revisions, images and manifests) is asked for once.

    Args:
        session: The way in to AWS.
        identity: Who looks, and where.
        environment: The environment.
        options: What was asked of this run.
        contents: Opens images.
        memory: What was seen first in this run; default: nothing yet.
        with_health: Whether load balancers and alarms are looked at as well.
    """

    def __init__(
        self,
        session: Session,
        identity: Identity,
        environment: EnvironmentSettings,
        options: Options,
        contents: Contents,
        *,
        memory: Memory | None = None,
        with_health: bool = True,
    ) -> None:
        self._session = session
        self._with_health = with_health
        self._clock_offset = timedelta(seconds=identity.clock_offset)
        self._contents = contents
        self._home = Registry(identity.account, identity.region)
        self._environment = environment
        self._options = options
        self._once = Once()
        self._images = ImageFinder(session, contents, self._once)
        self._no_service_deployments: dict[str, Problem] = {}
        self._memory = memory or Memory()
        self._has_seen = False

    def look(self) -> tuple[ServiceFacts, ...]:
        """One look at every selected service, in the configuration's order.

        Raises:
            EnvironmentUnusableError: The cluster or a service does not exist, or nothing may be looked at.
        """
        selected = [self._environment.services[name] for name in self._options.services]
        if not selected:
            return ()
        services, hidden = self._services(selected)
        looked = side_by_side(
            lambda settings: self._look_at(settings, services.get(settings.service), hidden.get(settings.service)),
            selected,
        )
        if not self._has_seen:
            # What breaks later, such as credentials that expire, leaves questions open and ends no run.
            _require_something_seen(looked, self._environment)
        self._has_seen = True
        return tuple(looked)

    def _services(self, selected: Sequence[ServiceSettings]) -> tuple[Mapping[str, Service], Mapping[str, Problem]]:
        """The services, and why those that are not there could not be looked at, by their names."""
        cluster = self._environment.cluster
        names = list(dict.fromkeys(settings.service for settings in selected))
        found, problem = attempt("ecs:DescribeServices", lambda: ecs.services(self._session.ecs(), cluster, names))
        if found is None:
            self._raise_if_not_there(problem)
            return {}, dict.fromkeys(names, problem) if problem else {}
        if not self._has_seen:
            self._require_found(found)
        services = dict(found.services)
        hidden = {name: _gone(name) for name in found.missing}
        for name, service in found.services.items():
            if self._memory.made_at.setdefault(name, service.created_at) != service.created_at:
                hidden[name] = _replaced(services.pop(name))
        return services, hidden

    def _require_found(self, found: ecs.FoundServices) -> None:
        cluster = self._environment.cluster
        where = f"cluster {cluster!r} (account {self._home.account}, {self._home.region})"
        if found.missing:
            raise EnvironmentUnusableError(
                f"There is no service {_listed(found.missing)} in {where}.",
                f"Check `service`, `cluster` and `region` of [env.{self._environment.name}], and the credentials' "
                f"account; list what there is with: aws ecs list-services --cluster {cluster} "
                f"--region {self._home.region}",
            )
        if found.ambiguous:
            raise EnvironmentUnusableError(
                f"Two services match {_listed(found.ambiguous)} in {where}.", "Give the service's ARN as `service`."
            )

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._clock_offset

    def _look_at(
        self, settings: ServiceSettings, service: Service | None, service_problem: Problem | None
    ) -> ServiceFacts:
        if service_problem and service_problem.code in (SERVICE_GONE, SERVICE_REPLACED):
            # Whatever goes by its name now is not what was looked at before.
            return ServiceFacts(settings.name, problems={"service": service_problem, "tasks": service_problem})
        problems: dict[str, Problem] = {"service": service_problem} if service_problem else {}
        with ThreadPoolExecutor(max_workers=2) as pool:
            tasks_to_come = pool.submit(self._tasks, settings.service, service, problems)
            records_to_come = pool.submit(self._service_deployments, settings.service, service, problems)
        tasks, records = tasks_to_come.result(), records_to_come.result()
        revisions = self._revisions(records or (), problems)
        target = target_definition(service, records, revisions, tasks)
        running = [task.task_definition for task in tasks or () if task.is_running]
        arns = dict.fromkeys([*([target] if target else []), *running])
        definitions = self._definitions(list(arns), problems)
        definition = definitions.get(target) if target else None
        newest = newest_revision(service, records, revisions)
        baseline = self._baseline(settings.name, problems)
        judged = tuple(
            self._with_history(one, revisions, baseline)
            for one in self._judged(settings, definition, tasks, newest, problems)
        )
        return ServiceFacts(
            name=settings.name,
            service=service,
            definition=definition,
            definitions=tuple(definitions.values()),
            tasks=tasks,
            service_deployments=records,
            revisions=revisions,
            judged=judged,
            running_images=self._images.running(judged, tasks or ()),
            health=self._health(settings, service, records, tasks, problems),
            baseline=baseline,
            problems=problems,
        )

    def _tasks(self, name: str, service: Service | None, problems: dict[str, Problem]) -> tuple[Task, ...] | None:
        client, cluster = self._session.ecs(), self._environment.cluster
        tasks, problem = attempt("ecs:ListTasks", lambda: ecs.tasks(client, cluster, name))
        if problem:
            self._raise_if_not_there(problem)
            problems["tasks"] = problem
        if not tasks or not service or not service.load_balancers or not self._with_health:
            return tasks
        placed, problem = attempt("ecs:DescribeContainerInstances", lambda: ecs.on_instances(client, cluster, tasks))
        if problem:
            problems["instances"] = problem
        return placed or tasks

    def _service_deployments(
        self, name: str, service: Service | None, problems: dict[str, Problem]
    ) -> tuple[ServiceDeployment, ...] | None:
        if service and service.controller != "ECS":
            # Whoever runs the rollouts of the others keeps the records of them too.
            return ()
        problem = self._no_service_deployments.get(name)
        if problem is None:
            records, problem = attempt(
                "ecs:ListServiceDeployments",
                lambda: rollouts.service_deployments(self._session.ecs(), self._environment.cluster, name),
            )
            if problem is None:
                return records
        if problem.code not in THROTTLED:
            # A role or an emulator that does not have them will not have them a second later: ask once.
            self._no_service_deployments[name] = problem
        problems["service_deployments"] = problem
        return None

    def _revisions(self, records: Iterable[ServiceDeployment], problems: dict[str, Problem]) -> tuple[Revision, ...]:
        targets = tuple(record.target for record in records if record.target)
        if not targets:
            return ()
        revisions, problem = attempt(
            "ecs:DescribeServiceRevisions",
            lambda: self._once.get(targets, lambda: rollouts.revisions(self._session.ecs(), targets)),
        )
        if problem:
            problems["revisions"] = problem
        return revisions or ()

    def _definitions(self, arns: Sequence[str], problems: dict[str, Problem]) -> dict[str, TaskDefinition]:
        def ask(arn: str) -> tuple[TaskDefinition | None, Problem | None]:
            return attempt(
                "ecs:DescribeTaskDefinition",
                lambda: self._once.get(arn, lambda: ecs.task_definition(self._session.ecs(), arn)),
            )

        definitions: dict[str, TaskDefinition] = {}
        for arn, (definition, problem) in zip(arns, side_by_side(ask, arns), strict=True):
            if definition:
                definitions[arn] = definition
            elif problem:
                problems["definition"] = problem
        return definitions

    def _judged(
        self,
        settings: ServiceSettings,
        definition: TaskDefinition | None,
        tasks: Sequence[Task] | None,
        revision: Revision | None,
        problems: dict[str, Problem],
    ) -> tuple[Judged, ...]:
        containers = definition.containers if definition else _containers_of(tasks or ())
        if not containers:
            return ()
        try:
            choices = choose(containers, only=settings.container, named=self._named(settings), home=self._home)
        except EnvironmentUnusableError as error:
            if not self._has_seen:
                raise
            # A later rollout may have renamed the container.
            problems["definition"] = Problem("ecs:DescribeTaskDefinition", "ContainerGone", error.message, error.remedy)
            return ()

        def judge(choice: Choice) -> Judged:
            pulled = self._images.find_or_recorded(choice, revision, is_named=choice.namer != "task definition")
            found = pulled if choice.expected == choice.pulled else self._images.find(choice.expected, is_named=True)
            # The expected image is the one found first, even if the task definition names another one later in the run.
            expected = self._memory.expected.get((settings.name, choice.container), found)
            if found.image:
                self._memory.expected.setdefault((settings.name, choice.container), found)
            return Judged(
                container=choice.container,
                expected=expected,
                pulled=pulled,
                namer=choice.namer if choice.expected == expected.reference else "first look",
                names_repository=choice.names_repository,
            )

        return tuple(side_by_side(judge, choices))

    def _health(
        self,
        settings: ServiceSettings,
        service: Service | None,
        records: Sequence[ServiceDeployment] | None,
        tasks: Sequence[Task] | None,
        problems: dict[str, Problem],
    ) -> Health:
        if not self._with_health:
            return Health()
        now = self._now()
        health, more = look_at_health(
            self._session,
            service,
            settings,
            began=rollout_began(service, records, tasks),
            alone_since=serves_alone_since(service, records, tasks, now=now),
            now=now,
        )
        problems.update(more)
        return health

    def _baseline(self, service: str, problems: dict[str, Problem]) -> Previous | None:
        """What the baseline says of a service; one of another environment says nothing of what ran here."""
        baseline = self._options.baseline
        if baseline is None:
            return None
        here = (self._environment.name, self._home.account, self._home.region)
        there = (baseline.environment, baseline.account, baseline.region)
        if there != here:
            problems["baseline"] = Problem(
                "",
                "BaselineOfAnother",
                f"The baseline {baseline.path} is of {_place(*there)}, not of {_place(*here)}: it does not tell what "
                "ran here before.",
                "Give a report of an earlier run against the same environment.",
            )
            return None
        return baseline.services.get(service)

    def _with_history(self, judged: Judged, revisions: Sequence[Revision], baseline: Previous | None) -> Judged:
        image = judged.expected.image
        if image is None:
            return judged
        described = replace(judged, expected=replace(judged.expected, image=self._contents.describe(image)))
        if image.reference.ecr is None:
            return described
        client = self._session.ecr(image.reference.ecr.region)
        verified = [baseline.digest] if baseline and baseline.is_verified and baseline.digest else []
        return with_history(
            described, revisions, verified, client=client, once=self._once, open_image=self._images.described
        )

    def _named(self, settings: ServiceSettings) -> Named | None:
        if settings.name in self._options.images:
            return Named(self._options.images[settings.name], "option")
        return Named(settings.image, "configuration") if settings.image else None

    def _raise_if_not_there(self, problem: Problem | None) -> None:
        if problem and problem.code in _NOT_THERE and not self._has_seen:
            raise EnvironmentUnusableError(
                f"There is no {_NOT_THERE[problem.code]} to look at: {problem.message}",
                f"Check `cluster` ({self._environment.cluster!r}) and `region` ({self._home.region}) of "
                f"[env.{self._environment.name}], and the credentials' account ({self._home.account}).",
            )


def _containers_of(tasks: Sequence[Task]) -> tuple[ContainerDefinition, ...]:
    """What running tasks tell of their containers, where the task definition may not be read."""
    task = next((task for task in tasks if task.is_running), None)
    if task is None:
        return ()
    return tuple(ContainerDefinition(one.name, one.image) for one in task.containers if one.image)


def _gone(name: str) -> Problem:
    return Problem(
        "ecs:DescribeServices",
        SERVICE_GONE,
        f"The service {name!r} was there at first, and is no more.",
        "See who deletes or replaces it; verify again when it stands.",
    )


def _replaced(service: Service) -> Problem:
    made_at = f" at {service.created_at:%Y-%m-%d %H:%M:%S} UTC" if service.created_at else ""
    return Problem(
        "ecs:DescribeServices",
        SERVICE_REPLACED,
        f"The service {service.name!r} was deleted and made anew{made_at}, while it was looked at: what was seen of it "
        "before is of another one.",
        "Verify again, now that it stands.",
    )


def _place(environment: str, account: str, region: str) -> str:
    return f"{environment!r} (account {account}, {region})"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _require_something_seen(looked: Sequence[ServiceFacts], environment: EnvironmentSettings) -> None:
    if any(facts.service or facts.tasks is not None or facts.service_deployments for facts in looked):
        return
    problems = {problem.operation: problem for facts in looked for problem in facts.problems.values()}
    first = next(iter(problems.values()))
    if all(problem.code in DENIED for problem in problems.values()):
        raise EnvironmentUnusableError(
            f"The credentials may look at nothing in the environment {environment.name!r}: "
            f"{', '.join(sorted(problems))} are denied. {first.message}",
            "Allow these actions to the caller, or use the credentials of another role.",
        )
    raise EnvironmentUnusableError(
        f"Nothing of the environment {environment.name!r} can be looked at: {first.message}", first.remedy
    )
