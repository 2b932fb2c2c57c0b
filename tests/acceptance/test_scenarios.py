from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_deploycheck.sandbox.scenarios import SCENARIOS

if TYPE_CHECKING:
    from acceptance.conftest import Runs


class Truth(NamedTuple):
    """The facts of a scenario, for any caller."""

    verdict: str
    broken_link: str | None
    outcome: str
    status: int
    failing: set[str]
    unproven: set[str]


ALL_LOGS = {f"logs-{number}" for number in range(1, 8)}

TRUTHS = {
    "healthy": Truth("VERIFIED", None, "COMPLETED", 0, set(), set()),
    "nothing-deployed": Truth("REFUTED", "image", "NOT_STARTED", 1, {"image-exists", "rollout-complete"}, ALL_LOGS),
    "stale": Truth("UNPROVEN", "image", "COMPLETED", 7, set(), {"image-intended"}),
    "cached-layer": Truth(
        "REFUTED", "logs", "COMPLETED", 1, {"logs-1", "logs-2", "logs-3", "logs-4", "logs-6", "logs-7"}, set()
    ),
    "not-restarted": Truth("REFUTED", "rollout", "NOT_STARTED", 1, {"rollout-complete", "tasks-run-image"}, ALL_LOGS),
    "half-rolled-out": Truth("REFUTED", "rollout", "IN_PROGRESS", 1, {"rollout-complete", "tasks-run-image"}, set()),
    "rolled-back": Truth("REFUTED", "rollout", "ROLLED_BACK", 1, {"rollout-complete", "tasks-run-image"}, ALL_LOGS),
    "crash-loop": Truth("REFUTED", "rollout", "IN_PROGRESS", 1, {"rollout-complete", "tasks-run-image"}, ALL_LOGS),
    "baking": Truth("REFUTED", "rollout", "IN_PROGRESS", 1, {"rollout-complete", "tasks-run-image"}, set()),
    "superseded": Truth("REFUTED", "rollout", "SUPERSEDED", 1, {"rollout-complete", "tasks-run-image"}, ALL_LOGS),
    "unhealthy-targets": Truth("REFUTED", "health", "COMPLETED", 1, {"targets-healthy"}, set()),
    "alarm-went-off": Truth("REFUTED", "health", "COMPLETED", 1, {"alarms-ok"}, set()),
    "wrong-repository": Truth("REFUTED", "image", "COMPLETED", 1, {"image-repository", "tasks-run-image"}, ALL_LOGS),
    "silent": Truth("UNPROVEN", "logs", "COMPLETED", 7, set(), ALL_LOGS),
    "old-format": Truth("REFUTED", "logs", "COMPLETED", 1, {"logs-4"}, set()),
}

IN_SANDBOX = "--deploy-env=sandbox"


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_way_a_deployment_is_only_believed_is_found_out(runs: Runs, name: str) -> None:
    """Verdict, first broken link, rollout outcome, exit status and failing checks are those of what happened.

    Whatever did not pass has its reason, and what failed a remedy.
    """
    run = runs(IN_SANDBOX, f"--deploy-sandbox={name}")
    truth = TRUTHS[name]
    assert (*run.verdict, run.outcome, run.status) == truth[:4]
    assert run.with_status("fail") == truth.failing
    assert truth.unproven <= run.with_status("unproven")
    assert run.with_status("error") == set()
    for check in run.checks.values():
        assert check["status"] in {"pass", "skip"} or check["reason"]
        assert check["status"] != "fail" or check["remedy"]
    assert [run.document[key] for key in ("environment", "account", "region")] == [
        "sandbox",
        "123456789012",
        "us-east-1",
    ]
    if truth.broken_link:
        assert f"broken link: {truth.broken_link}" in run.text
    else:
        assert run.with_status("unproven") == set()
        assert "VERIFIED" in run.text


def test_workers_of_xdist_change_nothing_about_the_verdict(runs: Runs, pytester: pytest.Pytester) -> None:
    """With two workers there is the same verdict, and one report."""
    run = runs(IN_SANDBOX, "--deploy-sandbox=rolled-back", "-n", "2")
    truth = TRUTHS["rolled-back"]
    assert (*run.verdict, run.outcome, run.status) == truth[:4]
    assert run.with_status("fail") == truth.failing
    assert [path.name for path in Path(pytester.path).rglob("*.json")] == ["report-1.json"]
    assert run.text.count(f"{truth.verdict}: backend in sandbox") == 1
    order = list(run.checks)
    assert order.index("image-exists") < order.index("rollout-complete") < order.index("logs-1")


def test_the_default_scenario_is_the_healthy_one(runs: Runs) -> None:
    """Without a name the sandbox shows how it looks when all is well."""
    run = runs(IN_SANDBOX)
    assert (run.verdict, run.status) == (("VERIFIED", None), 0)


def test_a_scenario_that_is_not_there_is_named_with_those_that_are(runs: Runs) -> None:
    """The run ends before it begins and lists the scenarios."""
    assert runs(IN_SANDBOX, "--deploy-sandbox=heathy").is_usage_error("heathy", "healthy", "rolled-back", "silent")
