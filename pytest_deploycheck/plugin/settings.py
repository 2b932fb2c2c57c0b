"""The settings of a run of pytest; the same in every process of a run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from pytest_deploycheck.config import options, values
from pytest_deploycheck.config.options import Given
from pytest_deploycheck.config.settings import EnvironmentRun
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.facts.baseline import Baseline
from pytest_deploycheck.plugin.collection.node_ids import given_ids, services_of_ids
from pytest_deploycheck.plugin.options import TEST_TIMEOUT_INI, given
from pytest_deploycheck.run import settings
from pytest_deploycheck.run.header import settings_line
from pytest_deploycheck.run.recording.replay import Replay, read_replays
from pytest_deploycheck.run.recording.settings import replay_line, replayed_runs
from pytest_deploycheck.run.report_files import ReportTarget, report_targets

_FEW_PATHS = 3
"""Folders and files of tests that a proposed command repeats."""


class RunSettings(Struct, frozen=True):
    """The settings of a run.

    Attributes:
        runs: The environments, and what is asked of each.
        reports: The reports to write.
        test_timeout: Seconds that a test which uses the fixtures may take where nothing else limits it; 0 for none.
        header: All this with its sources, for the header of the run; without the account.
    """

    runs: tuple[EnvironmentRun, ...]
    reports: tuple[ReportTarget, ...]
    test_timeout: float
    header: str


def baselines_of(config: pytest.Config) -> tuple[Baseline, ...]:
    """Read the baseline that the options name, for each environment of it; none where they name none.

    Raises:
        ConfigurationError: It cannot be read, or is not a report.
    """
    return settings.baselines_of(given(config, options.BASELINE), config.invocation_params.dir)


def replays_of(config: pytest.Config) -> tuple[Replay, ...]:
    """Read the report that is to be replayed, for each environment of it; none where none is named.

    Raises:
        ConfigurationError: It cannot be read, or cannot be replayed.
    """
    asked = given(config, options.REPLAY)
    return read_replays(config.invocation_params.dir / asked.text, asked.source) if asked.text else ()


def resolve_replay(config: pytest.Config, replays: Sequence[Replay]) -> RunSettings:
    """Read the options of a replay; all other settings are those of the run that is replayed.

    Raises:
        ConfigurationError: One of them cannot be used.
    """
    asked = {option.flag: given(config, option) for option in options.OPTIONS}
    ids = given_ids(config)
    return RunSettings(
        runs=replayed_runs(asked, replays, lambda labels: services_of_ids(ids, labels)),
        reports=report_targets(asked[options.REPORT.flag], config.invocation_params.dir),
        test_timeout=_test_timeout(config),
        header=replay_line(asked[options.REPLAY.flag], replays),
    )


def resolve(
    config: pytest.Config, *, sandbox: Mapping[str, Any] | None, baselines: Sequence[Baseline], find: settings.Find
) -> RunSettings:
    """Read the configuration and all options.

    Args:
        config: The configuration of pytest.
        sandbox: The table of the built-in environment, where the run is one in the sandbox.
        baselines: The baselines, which the process that started the run has read.
        find: Finds the services of the environments that discover them.

    Raises:
        ConfigurationError: One of them cannot be used.
    """
    asked = {option.flag: given(config, option) for option in options.OPTIONS}
    if sandbox is not None:
        asked = settings.in_sandbox(asked)
    _check_expanded(asked[options.IMAGE.flag])
    ids = given_ids(config)
    resolved = settings.resolve(
        asked,
        settings.RunFolders(
            config.invocation_params.dir, config.rootpath, _config_base(config, asked[options.CONFIG.flag])
        ),
        sandbox=sandbox,
        baselines=baselines,
        command=lambda environment: _command(environment, asked[options.SANDBOX.flag], _paths(config)),
        narrow=lambda labels: services_of_ids(ids, labels),
        find=find,
    )
    labels = [label for run in resolved.runs for label in run.labels]
    return RunSettings(
        runs=resolved.runs,
        reports=report_targets(asked[options.REPORT.flag], config.invocation_params.dir),
        test_timeout=_test_timeout(config),
        header=settings_line(
            asked, resolved.file, selected_by_id=labels if ids else (), unselected=resolved.unselected
        ),
    )


def _test_timeout(config: pytest.Config) -> float:
    return values.duration(str(config.getini(TEST_TIMEOUT_INI)), f"ini {TEST_TIMEOUT_INI}")


def _command(environment: str, scenario: Given, paths: Sequence[str]) -> str:
    """Return the command of a run over an environment as far as it names what is verified."""
    words = ["pytest", *paths, f"{options.ENV.flag}={environment}"]
    words += [f"{options.SANDBOX.flag}={scenario.text}"] if scenario.values else []
    return shlex.join(words)


def _paths(config: pytest.Config) -> list[str]:
    """Return the folders and files of tests that the command line names; none where it names single tests, or many."""
    given = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []
    return [] if len(given) > _FEW_PATHS or any("::" in path for path in given) else [*given]


def _config_base(config: pytest.Config, asked: Given) -> Path:
    """Return the folder at which the name of the configuration file starts: an ini file names it from its own."""
    if asked.source.startswith("ini"):
        return config.inipath.parent if config.inipath else config.rootpath
    return config.invocation_params.dir


def _check_expanded(asked: Given) -> None:
    """See that no image is the text of a file: pytest reads arguments from the file of an argument `@FILE`.

    Raises:
        ConfigurationError: One of them is.
    """
    for value in asked.values:
        if asked.source == options.IMAGE.flag and value.lstrip().startswith("{"):
            raise ConfigurationError(
                f"{asked.source}: found the text of a file, {value!r}; allowed: a tag, a digest sha256:…, a whole "
                "reference or @FILE. pytest itself replaces a bare argument @FILE by the lines of the file.",
                f"Write it with an equals sign: {options.IMAGE.flag}=@FILE",
            )
