"""From the options as text to what a run is asked; the same in every process of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from pytest_deploycheck.config import loading, values
from pytest_deploycheck.config.baseline import read_baseline
from pytest_deploycheck.config.build_log import read_build_log
from pytest_deploycheck.config.settings import EnvironmentSettings, Options
from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.plugin import options
from pytest_deploycheck.plugin.options import Given, given

_SANDBOX_WAIT = "2s"
_REPORT_SUFFIXES = (".json",)
_DEFAULT_SCENARIO = "healthy"


class RunSettings(Struct, frozen=True):
    """What a run is asked.

    Attributes:
        environment: The environment.
        options: How to look at it.
        reports: The files to write.
        test_timeout: Seconds that a test which uses the fixtures may take where nothing else limits it; 0 for none.
        header: What the header of the run says of all this, without who we are.
    """

    environment: EnvironmentSettings
    options: Options
    reports: tuple[Path, ...]
    test_timeout: float
    header: str


def scenario(config: pytest.Config, names: Mapping[str, object]) -> str:
    """The scenario of the sandbox that was asked for.

    Raises:
        ConfigurationError: There is none of that name.
    """
    name = given(config, options.SANDBOX).text or _DEFAULT_SCENARIO
    if name not in names:
        raise ConfigurationError(
            f"--deploy-sandbox: there is no scenario {name!r}{did_you_mean(name, names)}",
            f"There are: {', '.join(names)}.",
        )
    return name


def resolve(config: pytest.Config, *, sandbox: Mapping[str, Any] | None) -> RunSettings:
    """Read the configuration and all options.

    Args:
        config: pytest's configuration.
        sandbox: The table of the built-in environment, where the run is one in the sandbox.

    Raises:
        ConfigurationError: One of them cannot be used.
    """
    env = given(config, options.ENV)
    if sandbox is None and given(config, options.SANDBOX).values:
        raise ConfigurationError(
            f"--deploy-sandbox is for the environment 'sandbox', but {env.text!r} is asked for (from {env.source}).",
            "Give --deploy-env=sandbox, or leave --deploy-sandbox out.",
        )
    starts = (config.invocation_params.dir, config.rootpath)
    file = loading.find(starts, _config_path(config))
    environment = loading.environment(file, env.text or "", sandbox, searched=loading.searched(starts))
    waits = {
        option.flag: _wait(config, option, in_sandbox=sandbox is not None)
        for option in (options.WAIT, options.LOG_WAIT)
    }
    services = given(config, options.SERVICE)
    selected = values.services(services.values, environment, services.source)
    images = given(config, options.IMAGE)
    since = given(config, options.SINCE)
    pushed_after = given(config, options.PUSHED_AFTER)
    baseline = given(config, options.BASELINE)
    build_log = given(config, options.BUILD_LOG)
    return RunSettings(
        environment=environment,
        options=Options(
            services=selected,
            images=values.images(images.values, selected, images.source, folder=config.invocation_params.dir),
            wait=_duration(waits["--deploy-wait"]),
            log_wait=_duration(waits["--deploy-log-wait"]),
            since=values.when(since.text, since.source, commit_time=None) if since.text is not None else None,
            pushed_after=values.when(
                pushed_after.text, pushed_after.source, commit_time=lambda: values.commit_time(config.rootpath)
            )
            if pushed_after.text is not None
            else None,
            baseline=read_baseline(_file(config, baseline), baseline.source) if baseline.values else None,
            build_log=read_build_log(_file(config, build_log), build_log.source) if build_log.values else None,
        ),
        reports=_reports(config),
        test_timeout=values.duration(str(config.getini(options.TEST_TIMEOUT_INI)), f"ini {options.TEST_TIMEOUT_INI}"),
        header=_header(
            env,
            given(config, options.CONFIG),
            file,
            {
                "scenario": given(config, options.SANDBOX),
                "services": services,
                "images": images,
                "wait": waits["--deploy-wait"],
                "log wait": waits["--deploy-log-wait"],
                "since": since,
                "pushed after": pushed_after,
                "baseline": baseline,
                "build log": build_log,
                "report": given(config, options.REPORT),
            },
        ),
    )


def _config_path(config: pytest.Config) -> Path | None:
    asked = given(config, options.CONFIG)
    if asked.text is None:
        return None
    if asked.source.startswith("ini"):
        return (config.inipath.parent if config.inipath else config.rootpath) / asked.text
    return config.invocation_params.dir / asked.text


def _file(config: pytest.Config, asked: Given) -> Path:
    if not asked.text:
        raise ConfigurationError(f"{asked.source}: found an empty text; allowed: the name of a file")
    return config.invocation_params.dir / asked.text


def _wait(config: pytest.Config, option: options.Option, *, in_sandbox: bool) -> Given:
    asked = given(config, option)
    return Given((_SANDBOX_WAIT,), "default") if in_sandbox and asked.is_default else asked


def _duration(asked: Given) -> float:
    return values.duration(asked.text or "", asked.source)


def _reports(config: pytest.Config) -> tuple[Path, ...]:
    asked = given(config, options.REPORT)
    for text in asked.values:
        if Path(text).suffix not in _REPORT_SUFFIXES:
            raise ConfigurationError(
                f"{asked.source}: {text!r} is no kind of report; allowed are files that end in "
                f"{', '.join(_REPORT_SUFFIXES)}.",
            )
    return tuple(config.invocation_params.dir / text for text in asked.values)


def _header(env: Given, config: Given, file: loading.ConfigurationFile | None, others: Mapping[str, Given]) -> str:
    """`env dev (from --deploy-env), config deploycheck.toml`, and whatever else was asked for."""
    parts = [_with_source("env", env)]
    if config.values:
        parts.append(_with_source("config", config))
    else:
        has_it = file is not None and env.text in file.content.get("env", {})
        parts.append(f"config {file if has_it else 'built in'}")
    parts += [_with_source(what, asked) for what, asked in others.items() if asked.values and not asked.is_default]
    return ", ".join(parts)


def _with_source(what: str, asked: Given) -> str:
    return f"{what} {' '.join(asked.values)} (from {asked.source})"
