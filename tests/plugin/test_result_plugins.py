"""Results that other plugins gather, repeat or show: pytest-check, rerunfailures, retry, flaky and allure."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from support.other_plugins import without

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.conftest import Deploy, World

REFUTED, UNPROVEN, PASSED = "failed", "unproven", "passed"
"""The ways a test ends: it refutes, its question stays open, or it passes."""

HEAD = """
import pytest
from pytest_deploycheck.errors import UnprovenError

RUNS = []

def ask():
    raise UnprovenError("nothing was logged")
"""


@pytest.fixture
def proven(world: World, pytester: pytest.Pytester) -> World:
    """Return a world that one test proves."""
    world.backend.log("hello")
    pytester.makepyfile(test_a_proof="def test_proof(deploy_logs): assert 'hello' in deploy_logs")
    return world


def endings(deploy: Deploy, pytester: pytest.Pytester, tests: Mapping[str, str], *args: str) -> list[str]:
    """Run these tests, each in a module of its own beside the proof, and return how each ended."""
    pytester.makepyfile(**{f"test_b_{name}": f"{HEAD}\n{text}" for name, text in tests.items()})
    outcome = deploy(*args, env="shop")
    ended = {
        one["nodeid"].partition(".py")[0].removeprefix("test_b_"): one["outcome"] for one in outcome.report["tests"]
    }
    assert ended.pop("test_a_proof") == PASSED, outcome.output
    worst = REFUTED if REFUTED in ended.values() else UNPROVEN if UNPROVEN in ended.values() else PASSED
    assert (outcome.report["verdict"], outcome.status) == RUNS[worst], outcome.output
    return [ended[name] for name in tests]


RUNS = {REFUTED: ("REFUTED", 1), UNPROVEN: ("UNPROVEN", 7), PASSED: ("VERIFIED", 0)}
"""The verdict and the exit status by the worst ending of a test."""

GATHERED = [
    ("with check: ask()", UNPROVEN),
    ("with check: ask()\n    with check('why'): ask()", UNPROVEN),
    ("check.equal(1, 1)", PASSED),
    ("with check: ask()\n    check.equal(1, 2)", REFUTED),
    ("with check: ask()\n    assert deploy_env is None", REFUTED),
    ("check.equal(1, 2)\n    ask()", REFUTED),
]


@pytest.mark.usefixtures("proven")
@pytest.mark.parametrize("cases", [GATHERED[:3], GATHERED[3:]], ids=["unproven", "refuted"])
def test_failures_that_pytest_check_gathers(
    deploy: Deploy, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, cases: list[tuple[str, str]]
) -> None:
    """Each gathered failure counts by itself: the test is unproven only where all of them are."""
    monkeypatch.setenv("PYTEST_ADDOPTS", without("check"))
    tests = {f"{number}": f"def test_it(check, deploy_env):\n    {body}" for number, (body, _) in enumerate(cases)}
    assert endings(deploy, pytester, tests) == [expected for _, expected in cases]


@pytest.mark.usefixtures("world")
def test_a_question_that_stays_open_in_a_subtest_or_a_gathered_check(
    deploy: Deploy, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was logged: `in` and `wait_for` are unproven there too, and no failure of the deployment."""
    monkeypatch.setenv("PYTEST_ADDOPTS", without("check"))
    pytester.makepyfile(
        """
def test_subtest(deploy_logs, subtests):
    with subtests.test(): assert "x" in deploy_logs
def test_subtest_that_waits(deploy_logs, subtests):
    with subtests.test(): deploy_logs.wait_for("x")
def test_check(deploy_logs, check):
    with check: assert "x" in deploy_logs
"""
    )
    outcome = deploy("--deploy-log-wait=0", env="shop")
    assert (outcome.status, outcome.report["verdict"]) == (7, "UNPROVEN")
    assert set(outcome.tests.values()) == {"unproven"}
    assert "roll back with" not in outcome.output


REPEATED = [
    ("RUNS.append(1); assert len(RUNS) > 1", PASSED),
    ("RUNS.append(1); ask()", UNPROVEN),
    ("RUNS.append(1); (ask() if len(RUNS) == 1 else None)", PASSED),
    ("RUNS.append(1); assert deploy_env is None", REFUTED),
    ("RUNS.append(1); (ask() if len(RUNS) == 1 else None); assert deploy_env is None", REFUTED),
    ("RUNS.append(1); assert len(RUNS) > 1; ask()", REFUTED),
]
REPEATERS = [("rerunfailures", "--reruns=1"), ("pytest-retry", "--retries=1")]


@pytest.mark.usefixtures("proven")
@pytest.mark.parametrize("repeater", REPEATERS, ids=["rerunfailures", "retry"])
@pytest.mark.parametrize("cases", [REPEATED[:3], REPEATED[3:]], ids=["unproven", "refuted"])
def test_a_run_that_is_repeated(
    deploy: Deploy, pytester: pytest.Pytester, repeater: tuple[str, str], cases: list[tuple[str, str]]
) -> None:
    """A run that a plugin repeats is replaced by the next if that passed; otherwise the worst of them counts."""
    plugin, option = repeater
    tests = {f"{number}": f"def test_it(deploy_env):\n    {body}" for number, (body, _) in enumerate(cases)}
    with mock.patch.dict(os.environ, PYTEST_ADDOPTS=without(plugin)):
        assert endings(deploy, pytester, tests, option) == [expected for _, expected in cases]


@pytest.mark.usefixtures("proven")
def test_subtests_of_a_run_that_is_repeated(
    deploy: Deploy, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failed subtests of a run go with it when the next passes."""
    monkeypatch.setenv("PYTEST_ADDOPTS", without("rerunfailures"))
    text = "def test_it(deploy_env, subtests):\n    RUNS.append(1)\n    with subtests.test('a'): assert len(RUNS) > 1"
    assert endings(deploy, pytester, {"it": text}, "--reruns=1") == [PASSED]


@pytest.mark.usefixtures("world")
def test_questions_of_a_run_that_is_repeated(
    deploy: Deploy, pytester: pytest.Pytester, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The logs are not proven by a question of a run that was repeated by one that asked nothing."""
    world.backend.log("hello")
    monkeypatch.setenv("PYTEST_ADDOPTS", without("pytest-retry"))
    pytester.makepyfile(
        f"{HEAD}\ndef test_it(deploy_logs):\n    RUNS.append(1)\n"
        "    if len(RUNS) == 1:\n        assert 'hello' in deploy_logs\n        assert False"
    )
    outcome = deploy("--retries=1", env="shop")
    assert outcome.verdict == ("UNPROVEN", "logs")
    assert set(outcome.tests.values()) == {"passed"}


@pytest.mark.usefixtures("proven")
def test_flaky(deploy: Deploy, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin flaky reports the last run only, and that counts."""
    monkeypatch.setenv("PYTEST_ADDOPTS", without("flaky"))
    head = "@pytest.mark.flaky(max_runs=2)\ndef test_it(deploy_env):\n    RUNS.append(1); assert"
    tests = {"passes": f"{head} len(RUNS) > 1", "fails": f"{head} deploy_env is None"}
    assert endings(deploy, pytester, tests) == [PASSED, REFUTED]


@pytest.mark.parametrize(("plugin", "option"), REPEATERS)
def test_a_check_that_is_repeated(deploy: Deploy, monkeypatch: pytest.MonkeyPatch, plugin: str, option: str) -> None:
    """A check can be repeated as a test can, and fails as it did before."""
    monkeypatch.setenv("PYTEST_ADDOPTS", without(plugin))
    outcome = deploy(option, "-k", "image-exists or rollout", scenario="not-restarted")
    assert outcome.checks == {"image-exists": "pass", "rollout-complete": "fail"}
    assert (outcome.status, outcome.verdict) == (1, ("REFUTED", "rollout"))
    assert "INTERNALERROR" not in outcome.output


@pytest.mark.usefixtures("proven")
@pytest.mark.parametrize("args", [("--keep-duplicates", "test_b.py", "test_b.py"), ("--dist=each", "-n2")])
def test_several_results_of_one_test(deploy: Deploy, pytester: pytest.Pytester, args: tuple[str, ...]) -> None:
    """A test that runs twice counts with the worse of its results, whichever came last."""
    pytester.makepyfile(
        test_b="""
        RUNS = []

        def test_it(deploy_env, request):
            RUNS.append(1)
            run = getattr(request.config, "workerinput", {}).get("workerid", f"gw{len(RUNS) - 1}")
            assert run != "gw0"
        """
    )
    outcome = deploy(*args, env="shop")
    assert outcome.tests["test_it"] == "failed"
    assert (outcome.status, outcome.report["verdict"]) == (1, "REFUTED")


def test_allure(deploy: Deploy, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Allure shows a refuted check as failed, and what is unproven or in error as broken."""
    monkeypatch.setenv("PYTEST_ADDOPTS", without("allure_pytest"))
    pytester.makepyfile("def test_it(deploy_logs): assert 'x' in deploy_logs")
    deploy("--alluredir=allure", "-k", "rollout or logs-1 or test_it", scenario="not-restarted")
    results = [
        json.loads(path.read_text(encoding="utf-8")) for path in (pytester.path / "allure").glob("*-result.json")
    ]
    statuses = {result["name"].partition("[")[0]: result["status"] for result in results}
    assert statuses == {"rollout-complete": "failed", "logs-1": "broken", "test_it": "broken"}
    attached = {
        attachment["name"]: (pytester.path / "allure" / attachment["source"]).read_text(encoding="utf-8")
        for result in results
        for attachment in result.get("attachments", [])
        if result["name"] == "rollout-complete"
    }
    assert "NOT_STARTED" in attached["evidence"]
