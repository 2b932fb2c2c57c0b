"""The settings of a run, from the options as text: the same for pytest and for the console script."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.checkout.git import commit_of
from pytest_deploycheck.config import loading, options, values
from pytest_deploycheck.config.baseline import read_baseline
from pytest_deploycheck.config.build_log import read_build_log
from pytest_deploycheck.config.options import Given, Option
from pytest_deploycheck.config.settings import EnvironmentSettings, Options, When
from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.facts.baseline import Baseline

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
    """The settings of a verification.

    Attributes:
        environment: The environment.
        options: The options of the verification.
        file: The configuration file, or None where the environment is built in.
    """

    environment: EnvironmentSettings
    options: Options
    file: loading.ConfigurationFile | None


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


def baseline_of(asked: Given, folder: Path) -> Baseline | None:
    """Read the baseline that an option names, or return None where it names none.

    Raises:
        ConfigurationError: It cannot be read, or is not a report.
    """
    return read_baseline(_path(folder, asked), asked.source) if asked.values else None


def in_sandbox(option: Option, asked: Given) -> Given:
    """Return what was given for an option in a run against the sandbox, whose waits are short by default."""
    if asked.is_default and option in (options.WAIT, options.LOG_WAIT):
        return Given((_SANDBOX_WAIT,), "default")
    return asked


def resolve(
    asked: Mapping[str, Given],
    folders: RunFolders,
    *,
    sandbox: Mapping[str, Any] | None,
    baseline: Baseline | None,
    command: str,
    narrow: Callable[[tuple[str, ...]], tuple[str, ...]] = lambda services: services,
) -> ResolvedSettings:
    """Read the configuration and all options.

    Args:
        asked: What was given for each option, by its flag.
        folders: The folders that the run is about.
        sandbox: The table of the built-in environment, where the run is one in the sandbox.
        baseline: The baseline, which was read before.
        command: The command of the run as far as it names what is verified.
        narrow: Selects among the services that the options select.

    Raises:
        ConfigurationError: One of them cannot be used.
    """
    file, environment = _environment(asked, folders, sandbox)
    by_option = asked[options.SERVICE.flag]
    services = narrow(values.services(by_option.values, environment, by_option.source))
    build_log = asked[options.BUILD_LOG.flag]
    return ResolvedSettings(
        environment=environment,
        options=Options(
            services=services,
            images=_images(asked, environment, services, folders.folder),
            wait=_duration(asked[options.WAIT.flag]),
            log_wait=_duration(asked[options.LOG_WAIT.flag]),
            since=_when(asked[options.SINCE.flag]),
            pushed_after=_when(asked[options.PUSHED_AFTER.flag], repository=folders.root),
            baseline=baseline,
            build_log=read_build_log(_path(folders.folder, build_log), build_log.source) if build_log.values else None,
            commit=commit_of(folders.folder, os.environ),
            command=command,
        ),
        file=file,
    )


def _environment(
    asked: Mapping[str, Given], folders: RunFolders, sandbox: Mapping[str, Any] | None
) -> tuple[loading.ConfigurationFile | None, EnvironmentSettings]:
    """Return the configuration file and the environment out of it."""
    env, scenario_asked, config = (asked[one.flag] for one in (options.ENV, options.SANDBOX, options.CONFIG))
    if sandbox is None and scenario_asked.values:
        raise ConfigurationError(
            f"{scenario_asked.source} is for the environment 'sandbox', but the environment is {env.text!r} "
            f"(from {env.source}).",
            f"Verify the environment 'sandbox', or leave {scenario_asked.source} out.",
        )
    starts = (folders.folder, folders.root)
    file = loading.find(starts, folders.config_base / config.text if config.text else None)
    environment = loading.environment(file, env.text or "", sandbox, searched=loading.searched(starts))
    if sandbox is not None:
        # The sandbox brings credentials of its own; a profile of this machine would lead elsewhere.
        environment = replace(environment, profile=None)
    if sandbox is not None and environment.log_settle is None:
        environment = replace(environment, log_settle=_SANDBOX_SETTLE_SECONDS)
    return file, environment


def _images(
    asked: Mapping[str, Given], environment: EnvironmentSettings, services: Sequence[str], folder: Path
) -> Mapping[str, str]:
    """Return the image that the options name for each service of the run."""
    images, by_option = asked[options.IMAGE.flag], asked[options.SERVICE.flag]
    # An image may be named for a service that the node ids leave out, but not for one that --deploy-service does.
    selected = values.services(by_option.values, environment, by_option.source)
    named = values.images(images.values, selected, images.source, folder=folder)
    return {service: reference for service, reference in named.items() if service in services}


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
