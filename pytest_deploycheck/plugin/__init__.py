"""The pytest plugin: options, fixtures, items and hooks; it holds no logic of its own.

Without an environment to verify it costs nothing: no other room of the package is loaded, and tests that use the
fixtures are skipped with the reason.
"""

from __future__ import annotations

import pytest

from pytest_deploycheck.config.options import ENV, REPLAY, SANDBOX, empty_variables
from pytest_deploycheck.plugin import fixtures
from pytest_deploycheck.plugin.collection.node_ids import given_ids
from pytest_deploycheck.plugin.options import POLICY_FLAG, given, pytest_addoption, refuse_empty
from pytest_deploycheck.plugin.state import NO_ENVIRONMENT, STATE, DeployState, uses_fixtures

__all__ = ["pytest_addoption", "pytest_cmdline_main", "pytest_configure"]


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Print the IAM policy and end, where that is asked for."""
    if not config.getoption(POLICY_FLAG):
        return None
    from pytest_deploycheck.plugin.policy import print_policy  # noqa: PLC0415  # loaded where it is asked for

    return print_policy(config)


# First, as BaseUrl has to see what pytest-base-url's own pytest_configure changes.
@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and the parts of the plugin that the run needs."""
    config.addinivalue_line(
        "markers", "deploycheck: the built-in checks of a deployment, and the tests that use the deploy fixtures."
    )
    config.addinivalue_line(
        "markers", "deploy_service(*names): run a test that uses the deploy fixtures for these services only."
    )
    config.pluginmanager.register(fixtures, "deploycheck-fixtures")
    config.pluginmanager.register(_DeployTests(), "deploycheck-tests")
    if given(config, ENV).text is None and config.getoption(REPLAY.dest) is None:
        config.pluginmanager.register(_WithoutEnvironment(config), "deploycheck-without-environment")
        return
    from pytest_deploycheck.plugin.run import DeployRun  # noqa: PLC0415  # loaded when an environment is given

    state = config.stash[STATE] = DeployState()
    run = DeployRun(config, state)
    config.pluginmanager.register(run, "deploycheck-run")
    if hasattr(config, "workerinput"):
        from pytest_deploycheck.plugin.worker import Worker  # noqa: PLC0415  # loaded in workers only

        config.pluginmanager.register(Worker(config, run), "deploycheck-worker")
    else:
        from pytest_deploycheck.plugin.controller import Controller  # noqa: PLC0415  # loaded where it is needed

        config.pluginmanager.register(Controller(config, run), "deploycheck-controller")


def _refuse(config: pytest.Config) -> None:
    """Refuse options and node ids that need an environment.

    Raises:
        UsageError: One is given.
    """
    refuse_empty(config)
    if config.getoption(SANDBOX.dest) is not None:
        raise pytest.UsageError("--deploy-sandbox needs --deploy-env=sandbox")
    ids = given_ids(config)
    if ids:
        # Pytest itself would look for a file of that name.
        from pytest_deploycheck.plugin.without_environment import environments  # noqa: PLC0415  # for the message only

        raise pytest.UsageError(
            f"{ids[0]} runs checks of a deployment, and no environment is given: add --deploy-env=NAME (or set "
            f"DEPLOYCHECK_ENV, or ini deploy_env). {environments(config)}"
        )


class _DeployTests:
    """Marks the tests that use the fixtures, and names variables that have no effect."""

    def pytest_report_header(self) -> str | None:
        """Name the variables that are set to nothing, as an earlier step of CI without output leaves them."""
        names = empty_variables()
        return f"deploycheck: {_empty(names)}" if names else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Mark a test, so that `-m deploycheck` selects it."""
        if uses_fixtures(item):
            item.add_marker(pytest.mark.deploycheck)


class _WithoutEnvironment:
    """Skips the tests that use the fixtures where no environment is given, and refuses what needs one."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        empty = [name for name in empty_variables() if name == ENV.variable]
        self._reason = f"{NO_ENVIRONMENT}; {_empty(empty)}" if empty else NO_ENVIRONMENT

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Refuse it here, where pytest has its JUnit report, which then has the reason."""
        try:
            _refuse(self._config)
        except pytest.UsageError as error:
            from pytest_deploycheck.plugin.outcomes.redacting import ReportRedaction  # noqa: PLC0415  # for refusals only
            from pytest_deploycheck.plugin.reporters.junit import JunitEvidence  # noqa: PLC0415  # for refusals only

            JunitEvidence(self._config, ReportRedaction()).record_refusal(str(error), is_under_way=False)
            raise

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Skip a test before any other of its fixtures is set up."""
        if uses_fixtures(item):
            item.add_marker(pytest.mark.skip(reason=self._reason))


def _empty(names: list[str]) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} set but empty, which counts as unset"
