from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.truths import TRUTHS

from pytest_deploycheck.sandbox.scenarios import SCENARIOS

if TYPE_CHECKING:
    from acceptance.conftest import Runs


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


def test_the_default_scenario_is_the_healthy_one(runs: Runs) -> None:
    """Without a name the sandbox shows how it looks when all is well."""
    run = runs(IN_SANDBOX)
    assert (run.verdict, run.status) == (("VERIFIED", None), 0)


def test_a_scenario_that_is_not_there_is_named_with_those_that_are(runs: Runs) -> None:
    """The run ends before it begins and lists the scenarios."""
    assert runs(IN_SANDBOX, "--deploy-sandbox=heathy").is_usage_error("heathy", "healthy", "rolled-back", "silent")
