"""The fixtures: what a test holds of the deployment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.plugin.state import FIXTURES, state_of

if TYPE_CHECKING:
    from pytest_deploycheck.facts.build import BuildLog
    from pytest_deploycheck.handles.environment import DeployEnvironment
    from pytest_deploycheck.handles.health import Alarms, TargetHealth
    from pytest_deploycheck.handles.image import DeployedImage
    from pytest_deploycheck.handles.logs.tail import LogTail
    from pytest_deploycheck.handles.release import Release
    from pytest_deploycheck.handles.tasks import RunningTasks
    from pytest_deploycheck.judge.analysis.service import Rollout


def _deploy_fixture(function: Callable[..., Any]) -> Any:
    """Make a function a session fixture, and add its name to the list of the plugin's fixtures."""
    FIXTURES.add(function.__name__)
    return pytest.fixture(scope="session")(function)


@_deploy_fixture
def _deploy_service(request: pytest.FixtureRequest) -> str:
    """The service of a test; a test runs once for each selected service."""
    state = state_of(request.config)
    name: str | None = getattr(request, "param", None)
    if name is not None:
        return name
    return _only(state.services, "service", "Select one with --deploy-service.")


@_deploy_fixture
def _deploy_environment(request: pytest.FixtureRequest) -> str:
    """The name of the environment of a test; in a run over several, a test runs once for each."""
    state = state_of(request.config)
    name: str | None = getattr(request, "param", None)
    return name or _only(state.environments, "environment", "Verify one with --deploy-env.")


def _only(names: Sequence[str], what: str, remedy: str) -> str:
    """Return the only name, for a test that does not run once for each."""
    if len(names) == 1:
        return names[0]
    from pytest_deploycheck.errors import ConfigurationError  # noqa: PLC0415  # loaded when an environment is given

    raise ConfigurationError(
        f"This test does not run once per {what}, because it uses getfixturevalue or is a unittest class, and "
        f"{len(names)} {what}s are selected: {', '.join(names)}.",
        remedy,
    )


@_deploy_fixture
def deploy_env(request: pytest.FixtureRequest, _deploy_environment: str) -> DeployEnvironment:
    """The environment: `name`, `account`, `region`, `cluster`, `base_url`, `services`, `client(…)`, `wait_for_http(…)`.

    assert deploy_env.wait_for_http("/health", json={"status": "ok"})
    """
    return state_of(request.config).environment(_deploy_environment).handles.deploy_environment()


@_deploy_fixture
def deployment(request: pytest.FixtureRequest, _deploy_service: str) -> Rollout:
    """The rollout being verified: `outcome`, `reason`, `id`, `started_at`, `desired`, `running`, `events`.

    assert deployment.outcome == "COMPLETED"
    """
    verification, service = state_of(request.config).service(_deploy_service)
    return verification.analysis(service).rollout


@_deploy_fixture
def deployed_image(request: pytest.FixtureRequest, _deploy_service: str) -> DeployedImage:
    """The expected image: `uri`, `tag`, `digest`, `pushed_at`, `layers`, `labels`, and its files by `read_text(path)`.

    assert deployed_image.compare("backend/app", "/app/app")
    """
    verification, service = state_of(request.config).service(_deploy_service)
    return verification.handles.deployed_image(service)


@_deploy_fixture
def release(request: pytest.FixtureRequest, _deploy_service: str) -> Release:
    """The release that was named to be shipped: `reference`, `tag`, `digest`, `commit`, each None where not known.

    assert release.tag in deployed_image.tags
    """
    verification, service = state_of(request.config).service(_deploy_service)
    return verification.handles.release(service)


@_deploy_fixture
def build_log(request: pytest.FixtureRequest) -> BuildLog:
    """The build log of `--deploy-build-log`: `steps` and `copies`, each with `instruction` and `is_cached`.

    assert not any(step.is_cached for step in build_log.copies)
    """
    log = state_of(request.config).settings.runs[0].options.build_log
    if log is None:
        pytest.skip("no build log: give --deploy-build-log=FILE")
    return log


@_deploy_fixture
def running_tasks(request: pytest.FixtureRequest, _deploy_service: str) -> RunningTasks:
    """The running tasks: each has `id`, `image_digest`, `started_at`, `health`, `containers` by name, `definition`.

    assert running_tasks.digests <= deployed_image.digests
    """
    verification, service = state_of(request.config).service(_deploy_service)
    return verification.handles.running_tasks(service)


@_deploy_fixture
def deploy_logs(request: pytest.FixtureRequest, _deploy_service: str) -> LogTail:
    """The logs of the tasks that run the expected image, since the rollout began; questions wait for late lines.

    assert "Found 3 platform sections" in deploy_logs
    """
    verification, service = state_of(request.config).service(_deploy_service)
    return verification.log_tail(service)


@_deploy_fixture
def target_health(request: pytest.FixtureRequest, _deploy_service: str) -> TargetHealth:
    """The new tasks in their target groups, a sequence: each has `task`, `state`, `reason`; all `states`, `dns_name`.

    assert target_health.states == {"healthy"}
    """
    verification, name = state_of(request.config).service(_deploy_service)
    service = verification.observation.service(name).service
    if service and not service.load_balancers:
        pytest.skip(f"the service {_deploy_service!r} has no load balancer")
    return verification.handles.target_health(name)


@_deploy_fixture
def alarms(request: pytest.FixtureRequest, _deploy_service: str) -> Alarms:
    """The declared alarms by name: each has `state`, `since`, `went_off_at` and `is_quiet`.

    assert alarms["backend-5xx"].is_quiet
    """
    verification, name = state_of(request.config).service(_deploy_service)
    if not verification.environment.services[name].alarms:
        pytest.skip(f"no alarms are declared for the service {_deploy_service!r}")
    return verification.handles.alarms(name)
