"""The settings of a run, from the options as text; the same in every process of a run."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.checkout.git import commit_of
from pytest_deploycheck.config import loading, values
from pytest_deploycheck.config.baseline import read_baseline
from pytest_deploycheck.config.build_log import read_build_log
from pytest_deploycheck.config.settings import EnvironmentSettings, Options, When
from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.facts.baseline import Baseline
from pytest_deploycheck.plugin import header, options
from pytest_deploycheck.plugin.collection.node_ids import given_ids, services_of_ids
from pytest_deploycheck.plugin.options import Given, Option, given
from pytest_deploycheck.plugin.report_files import report_paths

_SANDBOX_WAIT = "2s"

_SANDBOX_SETTLE_SECONDS = 0.1
"""Lines of the sandbox are visible at once, so that an absence needs no wait."""
_DEFAULT_SCENARIO = "healthy"


class RunSettings(Struct, frozen=True):
    """The settings of a run.

    Attributes:
        environment: The environment.
        options: The options of the verification.
        reports: The files to write.
        test_timeout: Seconds that a test which uses the fixtures may take where nothing else limits it; 0 for none.
        header: All this with its sources, for the header of the run; without the account.
    """

    environment: EnvironmentSettings
    options: Options
    reports: tuple[Path, ...]
    test_timeout: float
    header: str


def scenario(config: pytest.Config, names: Mapping[str, object]) -> str:
    """Return the scenario of the sandbox that the options name.

    Raises:
        ConfigurationError: It is not one of `names`.
    """
    name = given(config, options.SANDBOX).text or _DEFAULT_SCENARIO
    if name not in names:
        raise ConfigurationError(
            f"--deploy-sandbox: unknown scenario {name!r}{did_you_mean(name, names)}",
            f"There are: {', '.join(names)}.",
        )
    return name


def baseline_of(config: pytest.Config) -> Baseline | None:
    """Read the baseline that the options name, or return None where they name none.

    Raises:
        ConfigurationError: It cannot be read, or is not a report.
    """
    asked = given(config, options.BASELINE)
    return read_baseline(_path(config, asked), asked.source) if asked.values else None


def resolve(config: pytest.Config, *, sandbox: Mapping[str, Any] | None, baseline: Baseline | None) -> RunSettings:
    """Read the configuration and all options.

    Args:
        config: The configuration of pytest.
        sandbox: The table of the built-in environment, where the run is one in the sandbox.
        baseline: The baseline, which the process that started the run has read.

    Raises:
        ConfigurationError: One of them cannot be used.
    """
    asked = {option.flag: _given(config, option, in_sandbox=sandbox is not None) for option in options.OPTIONS}
    file, environment = _environment(config, asked, sandbox)
    services = _services(config, asked[options.SERVICE.flag], environment)
    return RunSettings(
        environment=environment,
        options=_options(config, asked, environment, services, baseline),
        reports=report_paths(config),
        test_timeout=values.duration(str(config.getini(options.TEST_TIMEOUT_INI)), f"ini {options.TEST_TIMEOUT_INI}"),
        header=header.settings_line(asked, file, selected_by_id=services if given_ids(config) else ()),
    )


def _command(env: Given, scenario: Given) -> str:
    """Return the command of the run as far as it names what is verified."""
    words = ["pytest", f"{options.ENV.flag}={env.text}"]
    words += [f"{options.SANDBOX.flag}={scenario.text}"] if scenario.values else []
    return shlex.join(words)


def _given(config: pytest.Config, option: Option, *, in_sandbox: bool) -> Given:
    asked = given(config, option)
    if in_sandbox and asked.is_default and option in (options.WAIT, options.LOG_WAIT):
        return Given((_SANDBOX_WAIT,), "default")
    return asked


def _environment(
    config: pytest.Config, asked: Mapping[str, Given], sandbox: Mapping[str, Any] | None
) -> tuple[loading.ConfigurationFile | None, EnvironmentSettings]:
    """Return the configuration file and the environment out of it."""
    env = asked[options.ENV.flag]
    if sandbox is None and asked[options.SANDBOX.flag].values:
        raise ConfigurationError(
            f"--deploy-sandbox is for the environment 'sandbox', but the environment is {env.text!r} "
            f"(from {env.source}).",
            "Give --deploy-env=sandbox, or leave --deploy-sandbox out.",
        )
    starts = (config.invocation_params.dir, config.rootpath)
    file = loading.find(starts, _config_path(config, asked[options.CONFIG.flag]))
    environment = loading.environment(file, env.text or "", sandbox, searched=loading.searched(starts))
    if sandbox is not None and environment.log_settle is None:
        environment = replace(environment, log_settle=_SANDBOX_SETTLE_SECONDS)
    return file, environment


def _config_path(config: pytest.Config, asked: Given) -> Path | None:
    if asked.text is None:
        return None
    if asked.source.startswith("ini"):
        return (config.inipath.parent if config.inipath else config.rootpath) / asked.text
    return config.invocation_params.dir / asked.text


def _services(config: pytest.Config, asked: Given, environment: EnvironmentSettings) -> tuple[str, ...]:
    """Return the services that are part of the run: by option, and by the node ids of checks."""
    return services_of_ids(given_ids(config), values.services(asked.values, environment, asked.source))


def _options(
    config: pytest.Config,
    asked: Mapping[str, Given],
    environment: EnvironmentSettings,
    services: tuple[str, ...],
    baseline: Baseline | None,
) -> Options:
    build_log = asked[options.BUILD_LOG.flag]
    return Options(
        services=services,
        images=_images(config, asked[options.IMAGE.flag], asked[options.SERVICE.flag], environment, services),
        wait=_duration(asked[options.WAIT.flag]),
        log_wait=_duration(asked[options.LOG_WAIT.flag]),
        since=_when(asked[options.SINCE.flag]),
        pushed_after=_when(asked[options.PUSHED_AFTER.flag], repository=config.rootpath),
        baseline=baseline,
        build_log=read_build_log(_path(config, build_log), build_log.source) if build_log.values else None,
        commit=commit_of(config.invocation_params.dir, os.environ),
        command=_command(asked[options.ENV.flag], asked[options.SANDBOX.flag]),
    )


def _images(
    config: pytest.Config, asked: Given, by_option: Given, environment: EnvironmentSettings, services: Sequence[str]
) -> Mapping[str, str]:
    """Return the image that the options name for each service of the run."""
    for value in asked.values:
        if asked.source == options.IMAGE.flag and value.lstrip().startswith("{"):
            # pytest reads arguments from the file of an argument `@FILE`, one a line.
            raise ConfigurationError(
                f"{asked.source}: found the text of a file, {value!r}; allowed: a tag, a digest sha256:…, a whole "
                "reference or @FILE. pytest itself replaces a bare argument @FILE by the lines of the file.",
                f"Write it with an equals sign: {options.IMAGE.flag}=@FILE",
            )
    # An image may be named for a service that the node ids leave out, but not for one that --deploy-service does.
    selected = values.services(by_option.values, environment, by_option.source)
    named = values.images(asked.values, selected, asked.source, folder=config.invocation_params.dir)
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


def _path(config: pytest.Config, asked: Given) -> Path:
    return config.invocation_params.dir / (asked.text or "")
