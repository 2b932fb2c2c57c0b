"""Prove that the image you meant to deploy on AWS ECS is the image that runs.

With pytest: `pytest --deploy-env=dev`. In a script: `pytest_deploycheck.verify("dev")`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_deploycheck.facts.log import LogEvent, LogMatch
    from pytest_deploycheck.handles.environment import DeployEnvironment
    from pytest_deploycheck.handles.health import Alarms, AlarmState, TargetHealth, TaskTarget
    from pytest_deploycheck.handles.image import DeployedImage
    from pytest_deploycheck.handles.logs.answers import Absence, Count
    from pytest_deploycheck.handles.logs.tail import Captured, LogTail
    from pytest_deploycheck.handles.release import Release
    from pytest_deploycheck.handles.tasks import RunningTask, RunningTasks
    from pytest_deploycheck.judge.analysis.newest_rollout import Outcome
    from pytest_deploycheck.judge.analysis.service import Rollout
    from pytest_deploycheck.judge.verdict import Verdict
    from pytest_deploycheck.observe.http.answer import HttpAnswer
    from pytest_deploycheck.report.model import FleetReport, RunReport

__version__ = "0.1.0"

__all__ = [
    "Absence",
    "AlarmState",
    "Alarms",
    "Captured",
    "Count",
    "DeployEnvironment",
    "DeployedImage",
    "FleetReport",
    "HttpAnswer",
    "LogEvent",
    "LogMatch",
    "LogTail",
    "Outcome",
    "Release",
    "Rollout",
    "RunReport",
    "RunningTask",
    "RunningTasks",
    "TargetHealth",
    "TaskTarget",
    "Verdict",
    "__version__",
    "verify",
    "verify_all",
]

_HOMES = {
    "Absence": "handles.logs.answers",
    "AlarmState": "handles.health",
    "Alarms": "handles.health",
    "Captured": "handles.logs.tail",
    "Count": "handles.logs.answers",
    "DeployEnvironment": "handles.environment",
    "DeployedImage": "handles.image",
    "FleetReport": "report.model",
    "HttpAnswer": "observe.http.answer",
    "LogEvent": "facts.log",
    "LogMatch": "facts.log",
    "LogTail": "handles.logs.tail",
    "Outcome": "judge.analysis.newest_rollout",
    "Release": "handles.release",
    "Rollout": "judge.analysis.service",
    "RunReport": "report.model",
    "RunningTask": "handles.tasks",
    "RunningTasks": "handles.tasks",
    "TargetHealth": "handles.health",
    "TaskTarget": "handles.health",
    "Verdict": "judge.verdict",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used: pytest imports this package in every run, asked for or not."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def verify(
    env: str,
    *,
    config: Path | None = None,
    services: Sequence[str] = (),
    images: Mapping[str, str] | None = None,
    wait: str = "5m",
    log_wait: str = "60s",
    since: str | None = None,
    pushed_after: str | None = None,
    baseline: Path | None = None,
    build_log: Path | None = None,
) -> RunReport:
    """Carry out every built-in check of an environment, without pytest; the verdict is the same.

    Args:
        env: Name of the environment in the configuration.
        config: The configuration file; default: the nearest deploycheck.toml, or pyproject.toml with
            `[tool.deploycheck]`, from the current directory up to the root of the repository.
        services: Names of the services to verify; default: all.
        images: The expected image, by the name of its service; default: what the configuration or else the task
            definition names.
        wait: How long the rollout may take to settle, such as `90s` or `5m`.
        log_wait: How long an expected log line may take to arrive.
        since: Start of the log window: ISO time or duration back; default: the start of the rollout.
        pushed_after: The image must have been pushed after this: ISO time, duration back, `today` or `commit`.
        baseline: An earlier JSON report: what ran before.
        build_log: A file with the output of `docker build`.

    Returns:
        The report; its `verdict` and `broken_link` are the answer.

    Raises:
        pytest_deploycheck.errors.ConfigurationError: An argument or the configuration cannot be used.
        pytest_deploycheck.errors.EnvironmentUnusableError: There is nothing to look at, or no way in.
    """
    report = _verified(
        env,
        is_one=True,
        config=config,
        services=services,
        images=images,
        wait=wait,
        log_wait=log_wait,
        since=since,
        pushed_after=pushed_after,
        baseline=baseline,
        build_log=build_log,
    )
    return report.environments[0]


def verify_all(
    *envs: str,
    config: Path | None = None,
    services: Sequence[str] = (),
    images: Mapping[str, str] | None = None,
    wait: str = "5m",
    log_wait: str = "60s",
    since: str | None = None,
    pushed_after: str | None = None,
    baseline: Path | None = None,
    build_log: Path | None = None,
) -> FleetReport:
    """Carry out every built-in check of several environments, which are observed side by side.

    Args:
        envs: Names of environments, or patterns of configured names, such as `prod-*`.
        config: As in `verify`.
        services: Names of the services to verify, in each environment that has them, or `ENVIRONMENT/NAME`; default:
            all.
        images: The expected image, by the name of its service or by `ENVIRONMENT/NAME`.
        wait: As in `verify`.
        log_wait: As in `verify`.
        since: As in `verify`.
        pushed_after: As in `verify`.
        baseline: As in `verify`; a report of several environments holds a baseline for each.
        build_log: As in `verify`.

    Returns:
        The report: its `verdict` and `broken_link` are those of the run, its `environments` have a report for each. Of
        an environment that cannot be observed each check is in error.

    Raises:
        pytest_deploycheck.errors.ConfigurationError: An argument or the configuration cannot be used.
        pytest_deploycheck.errors.EnvironmentUnusableError: None of the environments can be observed.
    """
    return _verified(
        ",".join(envs),
        is_one=False,
        config=config,
        services=services,
        images=images,
        wait=wait,
        log_wait=log_wait,
        since=since,
        pushed_after=pushed_after,
        baseline=baseline,
        build_log=build_log,
    )


def _verified(
    envs: str,
    *,
    is_one: bool,
    services: Sequence[str],
    images: Mapping[str, str] | None,
    **others: str | Path | None,
) -> FleetReport:
    """Carry out the verification that the arguments ask for."""
    # Loaded when it is called: importing the package, as pytest does in every run, must cost nothing.
    from pytest_deploycheck.run.fleet.script import verify_named  # noqa: PLC0415

    arguments = {
        "services": list(services),
        "images": [f"{service}={reference}" for service, reference in (images or {}).items()],
        **{name: [] if value is None else [str(value)] for name, value in others.items()},
    }
    return verify_named(envs, arguments, is_one=is_one)
