"""The survey: it lists clusters and services, and observes those that were chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pytest_deploycheck.checkout.dockerfile import copied_folders
from pytest_deploycheck.config.settings import EnvironmentSettings, Options, ServiceSettings
from pytest_deploycheck.errors import EnvironmentUnusableError, UnprovenError
from pytest_deploycheck.facts.snapshot import Identity, Observation
from pytest_deploycheck.polling import Overtime, SystemClock
from pytest_deploycheck.redaction import clean, one_line
from pytest_deploycheck.run.connections import Access
from pytest_deploycheck.run.survey.found import FoundService, found_service, key_of
from pytest_deploycheck.run.verification import Verification

if TYPE_CHECKING:
    from pytest_deploycheck.facts.snapshot import Problem
    from pytest_deploycheck.observe.health.alarm_listing import ListedAlarm

_LINES = 3
_LINE_WIDTH = 100


def proposed_source(folder: Path) -> Mapping[str, str]:
    """Return the folders that the Dockerfile of a project copies, by their local path, with their places in images."""
    return copied_folders(folder)


class Survey:
    """A survey of one account and region.

    Args:
        base: The credentials and the endpoint, as an environment without a cluster.

    Attributes:
        notes: What could not be read, in sentences.
        observation: The observation of the chosen services; None before that.
    """

    def __init__(self, base: EnvironmentSettings) -> None:
        self._base = base
        self._access = Access(base, Overtime(SystemClock()))
        self.notes: list[str] = []
        self.observation: Observation | None = None

    @property
    def identity(self) -> Identity:
        """The caller, its account and region.

        Raises:
            EnvironmentUnusableError: The credentials do not work, or AWS cannot be reached.
        """
        return self._access.identity

    def clusters(self) -> tuple[str, ...]:
        """Return the names of the clusters.

        Raises:
            EnvironmentUnusableError: They may not be listed.
        """
        from pytest_deploycheck.observe.ecs.inventory import cluster_names  # noqa: PLC0415  # boto3 only when needed

        return _required(*cluster_names(self._access.session), "Name the cluster: --cluster NAME.")

    def services(self, cluster: str) -> tuple[str, ...]:
        """Return the names of the services of a cluster.

        Raises:
            EnvironmentUnusableError: They may not be listed, or there is no such cluster.
        """
        from pytest_deploycheck.observe.ecs.inventory import service_names  # noqa: PLC0415  # boto3 only when needed

        return _required(*service_names(self._access.session, cluster), "Name the services: --service NAME.")

    def observe(self, cluster: str, services: Sequence[str]) -> tuple[FoundService, ...]:
        """Return what there is to configure of services.

        Raises:
            EnvironmentUnusableError: One of them does not exist, or they may not be observed.
        """
        keys = _keys(services, cluster, self._base.name)
        tables = {key: ServiceSettings(key, name) for key, name in zip(keys, services, strict=True)}
        environment = replace(self._base, cluster=cluster, services=tables)
        verification = Verification(environment, Options(tuple(keys), wait=0.0, log_wait=0.0))
        try:
            observation = self.observation = verification.observe()
            names = (environment.name, observation.identity.region)
            alarms = self._alarms()
            return tuple(
                _with_alarms(
                    replace(found_service(facts, names), last_lines=_last_lines(verification, facts.name)), alarms
                )
                for facts in observation.services
            )
        finally:
            verification.close()

    def _alarms(self) -> tuple[ListedAlarm, ...]:
        from pytest_deploycheck.observe.health.alarm_listing import listed_alarms  # noqa: PLC0415  # as above

        alarms, problem = listed_alarms(self._access.session)
        if problem:
            self.notes.append(f"Alarms could not be listed: {problem.message}")
        return alarms or ()


def _required(names: tuple[str, ...] | None, problem: Problem | None, remedy: str) -> tuple[str, ...]:
    if names is None:
        raise EnvironmentUnusableError(problem.message if problem else "Nothing could be listed.", remedy)
    return names


def _keys(services: Sequence[str], cluster: str, env: str) -> list[str]:
    """Return a short name for each service; the names themselves where two would be the same."""
    keys = [key_of(name, cluster, env) for name in services]
    return keys if len(set(keys)) == len(keys) else list(services)


def _with_alarms(service: FoundService, alarms: Sequence[ListedAlarm]) -> FoundService:
    own = [one for one in alarms if _watches(one, service)]
    return replace(
        service,
        alarms=tuple(one.name for one in own if _is_quiet(one)),
        other_alarms=tuple((one.name, one.state) for one in own if not _is_quiet(one)),
    )


def _is_quiet(alarm: ListedAlarm) -> bool:
    """Tell if an alarm can be declared as it is: it is OK, and its name has nothing that a setting replaces."""
    return alarm.state == "OK" and not {"{", "$"} & set(alarm.name)


def _watches(alarm: ListedAlarm, service: FoundService) -> bool:
    """Tell if an alarm watches a service: by its dimensions, or as it has the service's name in its own."""
    groups = [f"targetgroup/{name}/" for name in service.target_groups]
    by_dimension = service.name in alarm.dimensions or any(
        value.startswith(group) for value in alarm.dimensions for group in groups
    )
    stem = service.name.lower().removesuffix("-service").removesuffix("-svc")
    return by_dimension or stem in alarm.name.lower()


def _last_lines(verification: Verification, service: str) -> tuple[str, ...]:
    """Return the newest lines of a service, masked; none where its logs cannot be read."""
    try:
        events = verification.log_tail(service).tail(_LINES)
    except (UnprovenError, EnvironmentUnusableError):
        return ()
    return tuple(one_line(clean(event.message, _LINE_WIDTH), _LINE_WIDTH) for event in events)
