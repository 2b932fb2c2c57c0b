"""The observation of an environment: its cluster, and the selected services side by side."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from pytest_deploycheck.config.settings import EnvironmentSettings, Options, ServiceSettings
from pytest_deploycheck.config.suggestions import did_you_mean, nearest
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.facts.image import Registry
from pytest_deploycheck.facts.service import Service
from pytest_deploycheck.facts.snapshot import SERVICE_GONE, SERVICE_REPLACED, Identity, Problem, ServiceFacts
from pytest_deploycheck.observe.calls import Once, side_by_side
from pytest_deploycheck.observe.ecs.inventory import last_part, some_clusters, some_services
from pytest_deploycheck.observe.ecs.listing import EarlyListing, list_services
from pytest_deploycheck.observe.ecs.queries import EcsQueries
from pytest_deploycheck.observe.ecs.services import FoundServices
from pytest_deploycheck.observe.first_observation import FirstObservation
from pytest_deploycheck.observe.health.health import expect_traffic
from pytest_deploycheck.observe.images.contents import Contents
from pytest_deploycheck.observe.images.expected import ExpectedImages
from pytest_deploycheck.observe.problems import DENIED, Answered
from pytest_deploycheck.observe.rates import polling
from pytest_deploycheck.observe.service import ServiceObserver
from pytest_deploycheck.observe.session import Session

_MISSING = {"ClusterNotFoundException": "cluster", "ServiceNotFoundException": "service"}


class Observer:
    """Observes the selected services of one environment, as often as it is asked.

    What cannot change within a run (task definitions, service revisions, images and manifests) is asked for once.

    Args:
        session: The clients.
        identity: The caller, the account and the region.
        environment: The environment.
        options: The options of the run.
        contents: Opens images.
        first: The first observation of the run; default: this observer makes it.
        once: Keeps what cannot change within a run, for all its observers; default: for this one.
        with_health: Whether load balancers and alarms are observed as well.
        early: What was listed before this observer was made.
    """

    def __init__(
        self,
        session: Session,
        identity: Identity,
        environment: EnvironmentSettings,
        options: Options,
        contents: Contents,
        *,
        first: FirstObservation | None = None,
        once: Once | None = None,
        with_health: bool = True,
        early: EarlyListing | None = None,
    ) -> None:
        once = once or Once()
        self._session = session
        self._identity = identity
        self._environment = environment
        self._options = options
        self._first = first or FirstObservation()
        self._early = early
        self._ecs = EcsQueries(session, environment.cluster, once)
        home = Registry(identity.account, identity.region)
        commit = options.commit if environment.intent != "task-definition" else None
        self._images = ExpectedImages(
            session, contents, options, home=home, first=self._first, once=once, commit=commit
        )
        self._services = ServiceObserver(
            session, identity, environment, options, self._ecs, self._images, with_health=with_health
        )

    def observe(
        self,
        *,
        is_poll: bool = False,
        show: Callable[[ServiceFacts], None] = lambda _: None,
        only: Collection[str] = (),
    ) -> tuple[ServiceFacts, ...]:
        """Return the facts of the selected services, in the configuration's order.

        Args:
            is_poll: Whether another observation follows in any case, so that its calls must leave room for others'.
            show: Is called with the facts of each service as soon as they are there, from any thread.
            only: The names of the services that are observed; default: all.

        Raises:
            EnvironmentUnusableError: In the first observation, the cluster or a service does not exist, or nothing
                can be observed.
        """
        selected = [self._environment.services[name] for name in self._options.services if not only or name in only]
        if not selected:
            return ()
        with polling(is_on=is_poll):
            return self._observe(selected, show)

    def with_history(self, facts: ServiceFacts) -> ServiceFacts:
        """Return the facts of a service with those of the earlier rollouts, as far as they can be read."""
        if facts.has_history or facts.service is None:
            return facts
        return self._services.history(facts)

    def _observe(
        self, selected: Sequence[ServiceSettings], show: Callable[[ServiceFacts], None]
    ) -> tuple[ServiceFacts, ...]:
        names = list(dict.fromkeys(settings.service for settings in selected))
        listed = (self._early and self._early.take(names)) or list_services(self._ecs, names)
        services, problems = self._described(names, listed.services)
        tasks = listed.tasks
        self._ecs.begin(services.values())
        sources = self._services.sources(selected)
        for settings in selected:
            found = tasks[settings.service][0]
            self._images.expect(settings, found or ())
            expect_traffic(sources, settings, services.get(settings.service), found)

        def observe(settings: ServiceSettings) -> ServiceFacts:
            name = settings.service
            facts = self._services.observe(settings, services.get(name), problems.get(name), tasks[name], sources)
            show(facts)
            return facts

        observed = side_by_side(observe, selected)
        if not self._first.is_complete:
            for facts in observed:
                self._require_existing(facts.problems.get("tasks"))
            _require_something_observed(observed, self._environment)
        # What fails later, such as credentials that expire, leaves questions open and does not end the run.
        self._first.is_complete = True
        return tuple(observed)

    def _described(
        self, names: Sequence[str], answer: Answered[FoundServices]
    ) -> tuple[Mapping[str, Service], Mapping[str, Problem]]:
        """Return the services, and the problems of those that are missing from them, by their names."""
        found, problem = answer
        if found is None:
            self._require_existing(problem)
            return {}, dict.fromkeys(names, problem) if problem else {}
        if not self._first.is_complete:
            self._require_found(found)
        services = dict(found.services)
        problems = {**found.problems, **{name: _gone(name) for name in found.missing}}
        for name, service in found.services.items():
            if self._first.created_at.setdefault(name, service.created_at) != service.created_at:
                problems[name] = _replaced(services.pop(name))
        return services, problems

    def _require_found(self, found: FoundServices) -> None:
        cluster, region = self._environment.cluster, self._identity.region
        where = f"cluster {cluster!r} (account {self._identity.account}, {region})"
        if found.missing:
            raise EnvironmentUnusableError(
                f"There is no service {_listed(found.missing)} in {where}{self._near_services(found.missing)}",
                f"Check `service`, `cluster` and `region` of [env.{self._environment.name}], and the credentials' "
                f"account; list the services with: aws ecs list-services --cluster {cluster} --region {region}",
            )
        if found.ambiguous:
            raise EnvironmentUnusableError(
                f"Two services match {_listed(found.ambiguous)} in {where}.", "Give the service's ARN as `service`."
            )

    def _require_existing(self, problem: Problem | None) -> None:
        if problem and problem.code in _MISSING and not self._first.is_complete:
            raise EnvironmentUnusableError(
                f"The {_MISSING[problem.code]} does not exist: {problem.message}{self._near_cluster()}",
                f"Check `cluster` ({self._environment.cluster!r}) and `region` ({self._identity.region}) of "
                f"[env.{self._environment.name}], and the credentials' account ({self._identity.account}).",
            )

    def _near_services(self, missing: Sequence[str]) -> str:
        if len(missing) != 1:
            return "."
        names = some_services(self._session, self._environment.cluster)
        if missing[0] in names:
            return ", according to ecs:DescribeServices; but ecs:ListServices lists it, so run again."
        return did_you_mean(missing[0], names)

    def _near_cluster(self) -> str:
        cluster = last_part(self._environment.cluster)
        near = nearest(cluster, some_clusters(self._session))
        return f" Did you mean {near!r}?" if near and near != cluster else ""


def _gone(name: str) -> Problem:
    return Problem(
        "ecs:DescribeServices",
        SERVICE_GONE,
        f"The service {name!r} existed when the run began, and has been deleted since.",
        "Find out who deletes or replaces it; verify again when it is back.",
    )


def _replaced(service: Service) -> Problem:
    created_at = f" at {service.created_at:%Y-%m-%d %H:%M:%S} UTC" if service.created_at else ""
    return Problem(
        "ecs:DescribeServices",
        SERVICE_REPLACED,
        f"The service {service.name!r} was deleted and recreated{created_at} during the run: what was observed before "
        "belongs to the deleted service.",
        "Verify again, now that the new service exists.",
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _require_something_observed(observed: Sequence[ServiceFacts], environment: EnvironmentSettings) -> None:
    if any(facts.service or facts.tasks is not None or facts.service_deployments for facts in observed):
        return
    problems = {problem.operation: problem for facts in observed for problem in facts.problems.values()}
    first = next(iter(problems.values()))
    if all(problem.code in DENIED for problem in problems.values()):
        raise EnvironmentUnusableError(
            f"The credentials have no permission to observe the environment {environment.name!r}: "
            f"{', '.join(sorted(problems))} are denied. {first.message}",
            "Allow these actions to the caller, or use the credentials of another role.",
        )
    raise EnvironmentUnusableError(
        f"Nothing in the environment {environment.name!r} can be observed: {first.message}", first.remedy
    )
