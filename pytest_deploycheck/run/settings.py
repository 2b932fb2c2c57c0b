"""The settings of a run, from the options as text: the same for pytest and for the console script."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.checkout.git import commit_of
from pytest_deploycheck.config import loading, options, values
from pytest_deploycheck.config.baseline import baseline_for, read_baselines
from pytest_deploycheck.config.build_log import read_build_log
from pytest_deploycheck.config.building import with_found
from pytest_deploycheck.config.options import Given
from pytest_deploycheck.config.settings import EnvironmentRun, EnvironmentSettings, Options, When
from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.facts.baseline import Baseline
from pytest_deploycheck.run.fleet import selection

_SANDBOX_WAIT = "2s"

_SANDBOX_SETTLE_SECONDS = 0.1
"""Lines of the sandbox are visible at once, so that an absence needs no wait."""
_DEFAULT_SCENARIO = "healthy"


class RunFolders(Struct, frozen=True):
    """The folders that a run is about.

    Attributes:
        folder: The folder in which it was started; relative names of files start here, and so does git.
        root: The folder of the project; the search for a configuration goes on here, and so does that for the time
            of the commit.
        config_base: The folder at which the name of the configuration file starts.
    """

    folder: Path
    root: Path
    config_base: Path


class ResolvedSettings(Struct, frozen=True):
    """The settings of a run.

    Attributes:
        runs: The environments with a selected service, and what is asked of each.
        unselected: The names of the environments that have none.
        file: The configuration file, or None where the environment is built in.
    """

    runs: tuple[EnvironmentRun, ...]
    unselected: tuple[str, ...]
    file: loading.ConfigurationFile | None


def only(runs: Sequence[EnvironmentRun]) -> EnvironmentRun:
    """Return the environment of a run over one.

    Raises:
        ConfigurationError: There are several.
    """
    if len(runs) > 1:
        names = ", ".join(run.environment.name for run in runs)
        raise ConfigurationError(f"Several environments are named, where one is allowed: {names}.", "Name one of them.")
    return runs[0]


Find = Callable[[Sequence[EnvironmentSettings]], Mapping[str, Sequence[str]]]
"""Finds the services of those environments that discover them; returns their names, by the environment's name.

An environment whose services could not be listed is missing from the answer.
"""


@contextmanager
def needs_sandbox() -> Iterator[None]:
    """Name the extra to install where the sandbox, imported inside the block, lacks its packages.

    Raises:
        ConfigurationError: It does.
    """
    try:
        yield
    except ImportError as error:
        raise ConfigurationError(
            f"The environment 'sandbox' needs packages that are not installed: {error}.",
            "Install it with: pip install 'pytest-deploycheck[sandbox]'",
        ) from error


def scenario(asked: Given, names: Mapping[str, object]) -> str:
    """Return the scenario of the sandbox that an option names.

    Raises:
        ConfigurationError: It is not one of `names`.
    """
    name = asked.text or _DEFAULT_SCENARIO
    if name not in names:
        raise ConfigurationError(
            f"{asked.source}: unknown scenario {name!r}{did_you_mean(name, names)}",
            f"There are: {', '.join(names)}.",
        )
    return name


def baselines_of(asked: Given, folder: Path) -> tuple[Baseline, ...]:
    """Read the baseline that an option names, for each environment of it; none where the option names none.

    Raises:
        ConfigurationError: It cannot be read, or is not a report.
    """
    return read_baselines(_path(folder, asked), asked.source) if asked.values else ()


def in_sandbox(asked: Mapping[str, Given]) -> dict[str, Given]:
    """Return what was given for each option in a run against the sandbox, whose waits are short by default."""
    waits = (flag for flag in (options.WAIT.flag, options.LOG_WAIT.flag) if asked[flag].is_default)
    return {**asked, **dict.fromkeys(waits, Given((_SANDBOX_WAIT,), "default"))}


def resolve(
    asked: Mapping[str, Given],
    folders: RunFolders,
    *,
    sandbox: Mapping[str, Any] | None,
    baselines: Sequence[Baseline],
    command: Callable[[str], str],
    narrow: Callable[[tuple[str, ...]], tuple[str, ...]] = lambda labels: labels,
    find: Find = lambda _: {},
) -> ResolvedSettings:
    """Read the configuration and all options.

    Args:
        asked: What was given for each option, by its flag.
        folders: The folders that the run is about.
        sandbox: The table of the built-in environment, where the run is one in the sandbox.
        baselines: The baselines, which were read before.
        command: Returns the command of a run over one environment, as far as it names what is verified.
        narrow: Selects among the services that the options select, by their labels.
        find: Finds the services of the environments that discover them.

    Raises:
        ConfigurationError: One of them cannot be used.
    """
    file, environments = _environments(asked, folders, sandbox)
    found = find([one for one in environments if one.discover])
    unlisted = [one.name for one in environments if one.discover and one.name not in found]
    environments = [with_found(one, found.get(one.name, ())) for one in environments]
    by_option, images, build_log = (asked[one.flag] for one in (options.SERVICE, options.IMAGE, options.BUILD_LOG))
    # An image may be named for a service that the node ids leave out, but not for one that --deploy-service does.
    services = selection.services(by_option.values, environments, by_option.source, unlisted=unlisted)
    named = selection.images(images.values, services, images.source, folder=folders.folder, unlisted=unlisted)
    common = Options(
        services=(),
        wait=_duration(asked[options.WAIT.flag]),
        log_wait=_duration(asked[options.LOG_WAIT.flag]),
        since=_when(asked[options.SINCE.flag]),
        pushed_after=_when(asked[options.PUSHED_AFTER.flag], repository=folders.root),
        build_log=read_build_log(_path(folders.folder, build_log), build_log.source) if build_log.values else None,
        commit=commit_of(folders.folder, os.environ),
    )
    is_fleet = len(environments) > 1
    runs = [
        EnvironmentRun(
            one,
            replace(
                common,
                services=services[one.name],
                images=named[one.name],
                baseline=baseline_for(one.name, baselines, is_one_of_several=is_fleet),
                command=command(one.name),
            ),
            f"{one.name}/" if is_fleet else "",
        )
        for one in environments
    ]
    return _narrowed(runs, narrow, file, unlisted)


def _narrowed(
    runs: Sequence[EnvironmentRun],
    narrow: Callable[[tuple[str, ...]], tuple[str, ...]],
    file: loading.ConfigurationFile | None,
    unlisted: Collection[str],
) -> ResolvedSettings:
    """Return the settings of a run with the services that are selected, without environments that have none of them.

    An environment stays that has no services, or whose services could not be listed: nothing of it is verified, and
    that must not be lost.
    """
    labels = tuple(label for run in runs for label in run.labels)
    if len(set(labels)) < len(labels):
        twice = sorted({label for label in labels if labels.count(label) > 1})
        raise ConfigurationError(
            f"Two services of the environments have the same label: {', '.join(twice)}.",
            "Verify these environments in runs of their own.",
        )
    kept = set(narrow(labels))
    narrowed = [_with_services(run, [name for label, name in run.labels.items() if label in kept]) for run in runs]
    parts = [
        after
        for before, after in zip(runs, narrowed, strict=True)
        if after.options.services or after.environment.name in unlisted or not before.environment.services
    ]
    # A run in which nothing is selected is one over its first environment, in which nothing is verified.
    parts = parts or narrowed[:1]
    names = [run.environment.name for run in parts]
    others = tuple(run.environment.name for run in runs if run.environment.name not in names)
    return ResolvedSettings(tuple(parts), others, file)


def _with_services(run: EnvironmentRun, services: Sequence[str]) -> EnvironmentRun:
    images = {service: image for service, image in run.options.images.items() if service in services}
    return replace(run, options=replace(run.options, services=tuple(services), images=images))


def _environments(
    asked: Mapping[str, Given], folders: RunFolders, sandbox: Mapping[str, Any] | None
) -> tuple[loading.ConfigurationFile | None, list[EnvironmentSettings]]:
    """Return the configuration file and the environments out of it."""
    env, scenario_asked, config = (asked[one.flag] for one in (options.ENV, options.SANDBOX, options.CONFIG))
    if sandbox is None and scenario_asked.values:
        raise ConfigurationError(
            f"{scenario_asked.source} is for the environment 'sandbox', but the environment is {env.text!r} "
            f"(from {env.source}).",
            f"Verify the environment 'sandbox', or leave {scenario_asked.source} out.",
        )
    starts = (folders.folder, folders.root)
    file = loading.find(starts, folders.config_base / config.text if config.text else None)
    environments = list(loading.environments(file, env.text or "", sandbox, searched=loading.searched(starts)))
    if sandbox is not None:
        # The sandbox brings credentials of its own; a profile of this machine would lead elsewhere.
        environments[0] = replace(environments[0], profile=None)
    if sandbox is not None and environments[0].log_settle is None:
        environments[0] = replace(environments[0], log_settle=_SANDBOX_SETTLE_SECONDS)
    return file, environments


def _duration(asked: Given) -> float:
    return values.duration(asked.text or "", asked.source)


def _when(asked: Given, *, repository: Path | None = None) -> When | None:
    """Return the time that an option names; `commit` is allowed where there is a repository to ask."""
    if asked.text is None:
        return None

    def commit_time() -> datetime:
        return values.commit_time(repository or Path.cwd())

    return values.when(asked.text, asked.source, commit_time=commit_time if repository else None)


def _path(folder: Path, asked: Given) -> Path:
    return folder / (asked.text or "")
