"""pytest's skin of the verifier: options, fixtures, items and hooks; it holds no logic of its own.

Without an environment to verify it costs nothing: no other room of the package is loaded, and tests that use the
fixtures are skipped with the reason.
"""

from __future__ import annotations

import pytest

from pytest_deploycheck.plugin import options
from pytest_deploycheck.plugin.fixtures import (
    FIXTURES,
    NO_ENVIRONMENT,
    SERVICE_FIXTURE,
    _deploy_service,
    alarms,
    build_log,
    deploy_env,
    deploy_logs,
    deployed_image,
    deployment,
    running_tasks,
    target_health,
)
from pytest_deploycheck.plugin.options import given, pytest_addoption
from pytest_deploycheck.plugin.state import RUN

__all__ = [
    "_deploy_service",
    "alarms",
    "build_log",
    "deploy_env",
    "deploy_logs",
    "deployed_image",
    "deployment",
    "pytest_addoption",
    "pytest_configure",
    "running_tasks",
    "target_health",
]


# First, as BaseUrl has to see what pytest-base-url's own pytest_configure changes.
@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and the parts of the plugin that an environment calls for."""
    config.addinivalue_line("markers", "deploycheck: the built-in checks of a deployment.")
    config.addinivalue_line(
        "markers", "deploy_service(*names): run a test that uses the deploy fixtures for these services only."
    )
    if given(config, options.ENV).text is None:
        if config.getoption(options.SANDBOX.dest) is not None:
            raise pytest.UsageError("--deploy-sandbox needs --deploy-env=sandbox")
        config.pluginmanager.register(WithoutEnvironment(), "deploycheck-without-environment")
        return
    from pytest_deploycheck.plugin.run import DeployRun  # noqa: PLC0415  # loaded when an environment is given

    run = DeployRun(config)
    config.stash[RUN] = run
    config.pluginmanager.register(run, "deploycheck-run")
    if hasattr(config, "workerinput"):
        from pytest_deploycheck.plugin.worker import Worker  # noqa: PLC0415

        config.pluginmanager.register(Worker(config, run), "deploycheck-worker")
    else:
        from pytest_deploycheck.plugin.controller import Controller  # noqa: PLC0415

        config.pluginmanager.register(Controller(config, run), "deploycheck-controller")


class WithoutEnvironment:
    """Skips what cannot be answered: there is no environment to look at."""

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Skip a test before any other of its fixtures is set up."""
        if FIXTURES.union({SERVICE_FIXTURE}).intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.skip(reason=NO_ENVIRONMENT))
