"""The services and images of a run over several environments, from the raw strings of options."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from pytest_deploycheck.config import values
from pytest_deploycheck.config.settings import EnvironmentSettings
from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.errors import ConfigurationError


def services(
    asked: Sequence[str],
    environments: Sequence[EnvironmentSettings],
    source: str,
    *,
    unlisted: Collection[str] = (),
) -> dict[str, tuple[str, ...]]:
    """Return the names of the services that `asked` names, by the environment; of all where it names none.

    Args:
        asked: Names as `values.services` takes them, each for every environment that has it; or `ENVIRONMENT/NAME`.
        environments: The environments of the run.
        source: The option they came from, for messages.
        unlisted: The environments whose services are not known, so that a name may be that of one of theirs.

    Raises:
        ConfigurationError: No environment has one of them.
    """
    if len(environments) == 1 and not unlisted:
        return {environments[0].name: values.services(asked, environments[0], source)}
    chosen: dict[str, list[str]] = {environment.name: [] for environment in environments}
    for name in asked:
        found = {one.name: _named(name, one) for one in environments}
        if not any(found.values()) and not unlisted:
            labels = [label for one in environments for label in (*one.services, *_labels(one))]
            raise ConfigurationError(
                f"{source}: found {name!r}, no service of the environments "
                f"{', '.join(one.name for one in environments)}{did_you_mean(name, labels)}"
            )
        for environment, own in found.items():
            chosen[environment] += own
    return {
        one.name: values.services(chosen[one.name], one, source) if chosen[one.name] or not asked else ()
        for one in environments
    }


def images(
    asked: Sequence[str],
    services: Mapping[str, Sequence[str]],
    source: str,
    *,
    folder: Path,
    unlisted: Collection[str] = (),
) -> dict[str, dict[str, str]]:
    """Return the expected image for each service, by the environment, from `[[ENVIRONMENT/]SERVICE=]REF`.

    Args:
        asked: As written.
        services: The names of the selected services, by the environment.
        source: The option they came from, for messages.
        folder: Where files are that are not named by an absolute path.
        unlisted: The environments whose services are not known.

    Raises:
        ConfigurationError: As `values.images`; a service is unknown that no environment has.
    """
    if len(services) == 1 and not unlisted:
        return {name: values.images(asked, own, source, folder=folder) for name, own in services.items()}
    known = {name for own in services.values() for name in own}
    labels = {f"{environment}/{name}" for environment, own in services.items() for name in own}
    for value in asked:
        service = values.divided_image(value)[0]
        if service and service not in known | labels and not unlisted:
            values.images([value], sorted(known | labels), source, folder=folder)
    return {
        environment: values.images(_images_of(environment, own, asked), own, source, folder=folder)
        for environment, own in services.items()
    }


def _named(name: str, environment: EnvironmentSettings) -> list[str]:
    """Return the service of an environment that has this name or label."""
    own = name.removeprefix(f"{environment.name}/")
    if own in environment.services or any(one.service == own for one in environment.services.values()):
        return [own]
    return []


def _labels(environment: EnvironmentSettings) -> list[str]:
    return [f"{environment.name}/{service}" for service in environment.services]


def _images_of(environment: str, services: Sequence[str], asked: Sequence[str]) -> list[str]:
    """Return the values that concern an environment, without its name."""
    own = []
    for value in asked:
        service, equals, _ = values.divided_image(value)
        name = service.removeprefix(f"{environment}/")
        if not equals or name in services:
            own.append(name + value.removeprefix(service))
    return own
