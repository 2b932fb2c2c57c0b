"""The fixtures: what a test holds of the deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.plugin.state import run_of

if TYPE_CHECKING:
    from pytest_deploycheck.facts.build import BuildLog
    from pytest_deploycheck.handles.environment import DeployEnvironment
    from pytest_deploycheck.handles.health import Alarms, TargetHealth
    from pytest_deploycheck.handles.image import DeployedImage
    from pytest_deploycheck.handles.logs.tail import LogTail
    from pytest_deploycheck.handles.tasks import RunningTasks
    from pytest_deploycheck.judge.checks.rollout import Rollout
    from pytest_deploycheck.plugin.run import DeployRun

NO_ENVIRONMENT = "no deploy environment: give --deploy-env=NAME (or DEPLOYCHECK_ENV, or ini deploy_env)"

SERVICE_FIXTURE = "_deploy_service"
FIXTURES = frozenset({"deploy_env", "deployment", "deployed_image", "running_tasks", "deploy_logs"})


@pytest.fixture(scope="session")
def _deploy_service(request: pytest.FixtureRequest) -> str:
    """Name of the service that a test looks at; tests are run once for each."""
    run = run_of(request.config)
    if run is None:
        pytest.skip(NO_ENVIRONMENT)
    name = getattr(request, "param", None)
    return name if name is not None else run.only_service()


@pytest.fixture(scope="session")
def deploy_env(request: pytest.FixtureRequest) -> DeployEnvironment:
    """The environment that is verified: `name`, `account`, `region`, `cluster`, `base_url`, `services`."""
    run = run_of(request.config)
    if run is None:
        pytest.skip(NO_ENVIRONMENT)
    return run.verification.deploy_environment()


@pytest.fixture(scope="session")
def deployment(request: pytest.FixtureRequest, _deploy_service: str) -> Rollout:
    """The rollout being verified: `outcome`, `reason`, `id`, `started_at`, `desired`, `running`, `events`.

    assert deployment.outcome == "COMPLETED"
    """
    return _run(request).verification.rollout(_deploy_service)


@pytest.fixture(scope="session")
def deployed_image(request: pytest.FixtureRequest, _deploy_service: str) -> DeployedImage:
    """The expected image: `uri`, `tag`, `digest`, `pushed_at`, `layers`, `labels`, and its files by `read_text(path)`.

    assert deployed_image.compare("backend/app", "/app/app")
    """
    return _run(request).verification.deployed_image(_deploy_service)


@pytest.fixture(scope="session")
def build_log(request: pytest.FixtureRequest) -> BuildLog:
    """What the build said, from `--deploy-build-log`: `steps` and `copies`, each with `instruction` and `is_cached`.

    assert not any(step.is_cached for step in build_log.copies)
    """
    run = run_of(request.config)
    if run is None:
        pytest.skip(NO_ENVIRONMENT)
    log = run.settings.options.build_log
    if log is None:
        pytest.skip("no build log: give --deploy-build-log=FILE")
    return log


@pytest.fixture(scope="session")
def running_tasks(request: pytest.FixtureRequest, _deploy_service: str) -> RunningTasks:
    """The running tasks, a sequence: each has `id`, `image_digest`, `started_at`, `health`, `containers`.

    assert running_tasks.digests <= deployed_image.digests
    """
    from pytest_deploycheck.handles.tasks import running_tasks as make  # noqa: PLC0415  # loaded when it is used

    return make(_run(request).verification.observation.service(_deploy_service))


@pytest.fixture(scope="session")
def deploy_logs(request: pytest.FixtureRequest, _deploy_service: str) -> LogTail:
    """The log tail of the tasks that run the image, since the rollout began; questions wait for late lines.

    assert "Found 3 platform sections" in deploy_logs
    """
    return _run(request).log_tail(_deploy_service)


@pytest.fixture(scope="session")
def target_health(request: pytest.FixtureRequest, _deploy_service: str) -> TargetHealth:
    """How each new task stands in the target groups, a sequence: each has `task`, `state`, `reason`; and `states`.

    assert target_health.states == {"healthy"}
    """
    run = _run(request)
    service = run.verification.observation.service(_deploy_service).service
    if service and not service.load_balancers:
        pytest.skip(f"the service {_deploy_service!r} has no load balancer")
    return run.verification.target_health(_deploy_service)


@pytest.fixture(scope="session")
def alarms(request: pytest.FixtureRequest, _deploy_service: str) -> Alarms:
    """The declared alarms by their names: each has `state`, `since`, `went_off_at` and `is_quiet`.

    assert alarms["backend-5xx"].is_quiet
    """
    run = _run(request)
    if not run.settings.environment.services[_deploy_service].alarms:
        pytest.skip(f"no alarms are declared for the service {_deploy_service!r}")
    return run.verification.alarms(_deploy_service)


def _run(request: pytest.FixtureRequest) -> DeployRun:
    run = run_of(request.config)
    assert run is not None, "_deploy_service skips where there is no run"  # noqa: S101  # narrows the type
    return run
