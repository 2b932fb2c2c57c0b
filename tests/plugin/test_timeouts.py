from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy, Ini, World

SUITE = """
import pytest

def test_env(deploy_env): pass
def test_logs(deploy_logs): pass

@pytest.mark.timeout(7)
def test_own(deploy_logs): pass

@pytest.mark.timeout(timeout=8)
class TestOwn:
    def test_in_class(self, deploy_logs): pass

def test_other(): pass
"""

SHOW_LIMITS = """
import json, pathlib
from pytest_timeout import _get_item_settings

def pytest_collection_finish(session):
    limits = {
        item.name.partition("[")[0]: _get_item_settings(item).timeout
        for item in session.items
    }
    pathlib.Path("limits.json").write_text(json.dumps(limits))
"""


@pytest.fixture
def suite(configured: pytest.Pytester) -> pytest.Pytester:
    """Return a project whose time limits are written down when it is collected."""
    configured.makepyfile(SUITE)
    configured.makeconftest(SHOW_LIMITS)
    return configured


def limits(collect: Collect, suite: pytest.Pytester, *args: str) -> dict[str, float | None]:
    """Return the time limit of each test."""
    assert collect("--deploy-env=dev", *args).status == 0
    found: dict[str, float | None] = json.loads((suite.path / "limits.json").read_text(encoding="utf-8"))
    return {name: limit or None for name, limit in found.items() if name.startswith("test_")}


def test_the_default_is_ten_minutes(collect: Collect, suite: pytest.Pytester) -> None:
    """A test that uses the fixtures and has no limit gets one; its own limit and other tests are left alone."""
    assert limits(collect, suite) == {
        "test_env": 600,
        "test_logs": 600,
        "test_own": 7,
        "test_in_class": 8,
        "test_other": None,
    }


def test_the_ini_file_says_another(collect: Collect, suite: pytest.Pytester, ini: Ini, ini_file: str) -> None:
    """`deploy_test_timeout` is a duration; 0 sets no limit."""
    ini(ini_file, deploy_test_timeout="2m")
    assert limits(collect, suite)["test_logs"] == 120
    ini(ini_file, deploy_test_timeout="0")
    found = limits(collect, suite)
    assert (found["test_logs"], found["test_own"]) == (None, 7)


def test_a_limit_for_all_tests_stands(
    collect: Collect, suite: pytest.Pytester, ini: Ini, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--timeout`, the ini value `timeout` and PYTEST_TIMEOUT are the user's own limit, longer or shorter."""
    assert limits(collect, suite, "--timeout=1000")["test_logs"] == 1000
    assert limits(collect, suite, "--timeout=0")["test_logs"] is None
    monkeypatch.setenv("PYTEST_TIMEOUT", "30")
    assert limits(collect, suite)["test_logs"] == 30
    monkeypatch.delenv("PYTEST_TIMEOUT")
    ini("pytest.ini", timeout="40")
    assert limits(collect, suite)["test_logs"] == 40


@pytest.mark.usefixtures("suite")
def test_a_bad_value_is_refused(collect: Collect, ini: Ini, ini_file: str) -> None:
    """The message names the key and what was found."""
    ini(ini_file, deploy_test_timeout="long")
    message = collect("--deploy-env=dev").refused()
    assert "deploy_test_timeout" in message
    assert "'long'" in message


def test_without_pytest_timeout(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """If pytest-timeout is turned off nothing limits a test, and nothing breaks."""
    world.backend.log("hello")
    pytester.makepyfile("def test_it(deploy_logs): assert 'hello' in deploy_logs")
    assert deploy("-p", "no:timeout", env="shop").verdict == ("VERIFIED", None)


def test_a_wait_ends_before_the_tests_own_limit(pytester: pytest.Pytester) -> None:
    """A log wait that is longer than what is left of the test ends first, explains itself, and is unproven.

    With either method of pytest-timeout: neither interrupts the test nor ends the process. With `func_only` the limit
    counts from the call on.
    """
    pytester.makepyfile(
        """
        import time
        import pytest

        @pytest.mark.timeout(2, method="thread")
        def test_thread(deploy_logs): assert "never said" in deploy_logs

        @pytest.mark.timeout(2, method="signal")
        def test_signal(deploy_logs): deploy_logs.wait_for("never said")

        @pytest.mark.timeout(2.8, method="thread")
        def test_used_up(deploy_logs):
            time.sleep(1.2)
            assert deploy_logs.absent("never said")

        @pytest.fixture
        def slow(deploy_env):
            time.sleep(1)

        @pytest.mark.timeout(2.6, method="thread")
        def test_slow_setup(slow, deploy_logs): deploy_logs.wait_for("never said", timeout=50)

        @pytest.mark.timeout(1.8, func_only=True, method="thread")
        def test_func_only(slow, deploy_logs): assert "never said" in deploy_logs

        def test_after(deploy_logs): assert "Found 3" in deploy_logs
        """
    )
    result = pytester.runpytest_subprocess(
        *("--deploy-env=sandbox", "--deploy-sandbox=old-format", "--deploy-log-wait=60s"),
        *("-k", "test_", "--deploy-report=report.json"),
    )
    report = json.loads((pytester.path / "report.json").read_text(encoding="utf-8"))
    assert {test["nodeid"].rpartition("::")[2].partition("[")[0]: test["outcome"] for test in report["tests"]} == {
        "test_thread": "unproven",
        "test_signal": "unproven",
        "test_used_up": "unproven",
        "test_slow_setup": "unproven",
        "test_func_only": "unproven",
        "test_after": "passed",
    }
    assert result.ret == 7
    text = str(result.stdout)
    assert "Timeout (>" not in text
    assert "++ Timeout ++" not in text
    assert "never said" in text
    assert "time limit" in text
    assert "last lines seen" in text


def test_a_test_that_takes_too_long_by_itself_is_an_error(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A test that exceeds its limit without waiting for a log asserts nothing about the deployment."""
    pytester.makepyfile(
        """
        import time
        import pytest

        @pytest.mark.timeout(1, method="signal")
        def test_slow(deploy_env): time.sleep(20)
        """
    )
    outcome = deploy("-k", "test_slow", scenario="healthy")
    assert outcome.tests == {"test_slow": "error"}
    assert outcome.status == 1


def test_a_pattern_that_takes_for_ever_is_an_error_that_names_it(deploy: Deploy, world: World) -> None:
    """A pattern that backtracks endlessly is given up without any limit of pytest, and the run goes on."""
    world.configure("backend", logs="[[env.shop.services.backend.logs]]\nexpect_regex = '(a|a)+$'\n")
    world.backend.log(f"{'a' * 60}!")
    outcome = deploy("-p", "no:timeout", env="shop")
    assert outcome.checks["logs-1"] == "error"
    assert "The search for /(a|a)+$/ was given up" in outcome.output
    assert outcome.checks["tasks-run-image"] == "pass"
    assert (outcome.status, outcome.verdict) == (7, ("UNPROVEN", "logs")), outcome.output


def test_a_pattern_that_backtracks_a_little_is_answered(deploy: Deploy, world: World) -> None:
    """The same pattern on a short line has its answer: it does not match, and the check fails."""
    world.configure("backend", logs="[[env.shop.services.backend.logs]]\nexpect_regex = '(a+)+$'\n")
    world.backend.log(f"{'a' * 8}!")
    assert deploy(env="shop").checks["logs-1"] == "fail"
