from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox import Sandbox

SUITE = """
import pytest
import unittest

@pytest.fixture
def costly():
    raise SystemExit("set up for a test that is skipped")

def test_plain(): pass

@pytest.mark.parametrize("name", ["deploy_env", "deployment", "deployed_image", "running_tasks", "deploy_logs"])
def test_asks_late(request, name):
    request.getfixturevalue(name)

def test_env(costly, deploy_env): pass
def test_rollout(costly, deployment): pass
def test_image(costly, deployed_image): pass
def test_tasks(costly, running_tasks): pass

@pytest.mark.deploy_service("backend")
def test_logs(costly, deploy_logs):
    assert "x" in deploy_logs

@pytest.fixture
def my_logs(deploy_logs): return deploy_logs

def test_wrapped(costly, my_logs): pass

class TestCase(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _ask(self, deploy_logs): pass

    def test_unittest(self): pass
"""

HEAVY = ("boto3", "botocore", "jsonschema", "moto", "msgspec", "flask", "werkzeug")

PRINT_MODULES = f"""
import json, pathlib, sys

def pytest_unconfigure(config):
    loaded = [name for name in {HEAVY} if name in sys.modules]
    own = sorted(name for name in sys.modules if name.startswith("pytest_deploycheck."))
    pathlib.Path("loaded.json").write_text(json.dumps([loaded, own]))
"""


def test_tests_that_use_the_fixtures_are_skipped_with_the_reason(pytester: pytest.Pytester, empty_aws: Sandbox) -> None:
    """A suite runs as before; what asks for a deployment is skipped before anything else of it is set up."""
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_inprocess("-rs")
    result.assert_outcomes(passed=1, skipped=12)
    assert result.ret == 0
    for words in ("--deploy-env", "DEPLOYCHECK_ENV", "deploy_env"):
        assert words in str(result.stdout)
    assert "deploycheck::" not in str(result.stdout)
    assert "deployment ===" not in str(result.stdout)
    assert empty_aws.calls == []


def test_nothing_heavy_is_loaded(pytester: pytest.Pytester) -> None:
    """Without an environment the run costs what it cost without the plugin."""
    pytester.makepyfile(SUITE)
    pytester.makeconftest(PRINT_MODULES)
    result = pytester.runpytest_subprocess("-W", "error")
    assert result.ret == 0
    loaded, own = json.loads((pytester.path / "loaded.json").read_text(encoding="utf-8"))
    assert loaded == []
    names = {"pytest_deploycheck.config", "pytest_deploycheck.config.options"}
    assert all(name.startswith("pytest_deploycheck.plugin") or name in names for name in own), own


def test_nothing_is_printed_of_the_plugin(pytester: pytest.Pytester) -> None:
    """Header and summary of a suite without tests of a deployment are as they were."""
    pytester.makepyfile("def test_one(): pass")
    result = pytester.runpytest_inprocess("--deploy-report=report.json")
    assert result.ret == 0
    assert not [line for line in result.outlines if line.startswith(("deploycheck: ", "VERIFIED", "UNPROVEN"))]
    assert not (pytester.path / "report.json").exists()


def test_no_test_at_all_keeps_pytests_status(pytester: pytest.Pytester) -> None:
    """If nothing is collected, pytest's own status 5 stands."""
    assert pytester.runpytest_inprocess().ret == 5


def test_workers_skip_as_well(pytester: pytest.Pytester) -> None:
    """Under pytest-xdist the tests are skipped in the same way."""
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_inprocess("-n1")
    result.assert_outcomes(passed=1, skipped=12)
    assert result.ret == 0


@pytest.mark.parametrize(
    ("configuration", "named"),
    [
        ("", "--deploy-env=sandbox"),
        ("[env.dev.services.a]\n[env.sandbox.services.a]", "deploycheck.toml has: dev;"),
        ("[env.dev.services.a", "--deploy-env=sandbox"),
    ],
)
def test_node_ids_of_checks_need_an_environment(pytester: pytest.Pytester, configuration: str, named: str) -> None:
    """`pytest deploycheck` without an environment says what is missing, and which environments there are."""
    if configuration:
        pytester.makefile(".toml", deploycheck=configuration)
    result = pytester.runpytest_inprocess("deploycheck::a")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: deploycheck::a runs checks of a deployment, and no environment is given: *"])
    assert named in str(result.stderr)
