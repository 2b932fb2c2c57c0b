from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.observe.ecs import listing
from pytest_deploycheck.run import rollout_wait as watching

if TYPE_CHECKING:
    from acceptance.conftest import Shop

USERS = """
import pytest

@pytest.mark.parametrize("number", range(10))
def test_image(deployed_image, running_tasks, deployment, number):
    assert running_tasks.digests <= deployed_image.digests
    assert deployment.outcome == "COMPLETED"
"""


MAY_CHANGE = ("DescribeServices", "ListTasks", "DescribeTasks")
MOST = defaultdict(lambda: 1, {f"ecs:{operation}": 2 for operation in MAY_CHANGE})
"""How often the same question may be asked: what may change is asked again before it is verified."""


@pytest.fixture(autouse=True)
def _a_slow_machine_is_no_reason_to_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the list of tasks that is asked for ahead of time stay fresh, however long a run takes to use it."""
    monkeypatch.setattr(listing, "FRESH", 600.0)


def counted(shop: Shop) -> Counter[str]:
    """Return how often each operation was asked since last time, those on logs left out."""
    return Counter(operation for operation in shop.asked() if not operation.startswith("logs:"))


def test_a_fact_is_asked_for_once_however_many_tests_use_it(shop: Shop, pytester: pytest.Pytester) -> None:
    """Ten tests that use image, tasks and rollout add no call to those of the checks alone."""
    pytester.makepyfile(USERS)
    run = shop.verify()
    assert len(run.document["tests"]) == 10
    questions = [(call.operation, call.region, json.dumps(call.parameters)) for call in shop.aws.calls]
    asked = Counter(question for question in questions if not question[0].startswith("logs:"))
    assert all(number <= MOST[operation] for (operation, *_), number in asked.items()), asked


def test_before_it_is_verified_what_may_have_changed_is_observed_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Services and tasks are asked for once more in the end; what cannot change any more is not."""
    monkeypatch.setattr(watching, "FRESH", 0.0)
    shop.aws.calls.clear()
    assert shop.verify().verdict == ("VERIFIED", None)
    questions = [(call.operation, call.region, json.dumps(call.parameters)) for call in shop.aws.calls]
    asked = Counter(question for question in questions if not question[0].startswith("logs:"))
    assert {operation: number for (operation, *_), number in asked.items()} == {
        operation: MOST[operation] for operation, *_ in asked
    }


def test_nothing_is_asked_without_an_environment(
    shop: Shop, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `--deploy-env` the tests are skipped with the reason, and nothing is contacted."""
    monkeypatch.setenv("DEPLOYCHECK_ENV", "")
    pytester.makepyfile(USERS)
    result = pytester.runpytest_inprocess("-rs")
    result.assert_outcomes(skipped=10)
    result.stdout.fnmatch_lines(["*--deploy-env*"])
    assert shop.asked() == []


def test_collecting_asks_nothing(shop: Shop) -> None:
    """`--collect-only` lists the checks, contacts nothing and keeps pytest's status."""
    run = shop.verify("--collect-only", "-q")
    assert (run.status, run.report) == (0, None)
    assert "deploycheck::shop::tasks-run-image" in run.text
    assert shop.asked() == []


def test_collecting_what_cannot_be_reached_asks_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--collect-only` needs no credentials."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert shop.verify("--collect-only", "-q").status == 0


def test_logs_are_not_read_where_no_check_asks_them(shop: Shop) -> None:
    """Deselected checks cost no calls."""
    run = shop.verify("-k", "not logs")
    assert run.with_status("pass")
    assert "logs-1" not in run.checks
    assert (run.status, run.verdict) == (7, ("UNPROVEN", "logs"))
    assert shop.asked("logs:") == []


def test_no_secret_and_no_control_character_reaches_the_report(shop: Shop) -> None:
    """Log lines are data: credentials are masked, and control characters never reach the terminal."""
    key = "AKIA" + "Z" * 16
    shop.service.log(f"\x1b[31mlogin with {key}\x07")
    shop.configure({"shop": shop.settings(logs=[{"forbid": "login with"}])})
    run = shop.verify()
    assert (run.status, run.verdict) == (1, ("REFUTED", "logs"))
    for text in (run.text, str(run.document)):
        assert "login with" in text
        assert key not in text
    assert "\x1b[31m" not in run.text
    assert "\x07" not in run.text
