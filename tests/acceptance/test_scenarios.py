from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.truths import TRUTHS

from pytest_deploycheck.sandbox.scenarios import SCENARIOS

if TYPE_CHECKING:
    from acceptance.conftest import Run, Runs


IN_SANDBOX = "--deploy-env=sandbox"

DIAGNOSES = {
    "not-restarted": ["never restarted", "aws ecs update-service", "--force-new-deployment"],
    "nothing-deployed": ["never pushed", "aws ecr describe-images"],
    "wrong-repository": ["content-marketing-swarm-backend", "content-marketing-swarm-dev-backend"],
    "rolled-back": ["ROLLED_BACK", "circuit breaker"],
    "half-rolled-out": ["IN_PROGRESS"],
    "cached-layer": ["--no-cache"],
    "old-format": ["platform='linkedin'"],
}
"""Words that the summary of a failing scenario says, beside those of every summary."""


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_way_a_deployment_is_only_believed_is_found_out(runs: Runs, name: str) -> None:
    """Verdict, first broken link, rollout outcome, exit status and failing checks are those of what happened.

    Whatever did not pass has its reason, and what failed a remedy. The terminal shows a diagnosis. The scenario that
    shows how it looks when all is well is the one that needs no name.
    """
    run = runs(IN_SANDBOX, *([] if name == "healthy" else [f"--deploy-sandbox={name}"]))
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
    if name in DIAGNOSES:
        is_diagnosed(run, name)


def is_diagnosed(run: Run, name: str) -> None:
    """See the broken link first, a line for each link, then the likely cause and the next command to type."""
    lines = summary(run)
    assert lines[0] == f"REFUTED: backend in sandbox, broken link: {TRUTHS[name].broken_link}"
    links = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
    assert [link for link in links if link in LINKS] == LINKS
    text = " ".join(" ".join(lines).split())
    missing = [word for word in ("likely cause: ", "next: ", *DIAGNOSES[name]) if word not in text]
    assert missing == []
    assert len(lines) <= 40
    assert [line for line in lines if len(line) > 80 and not line.startswith("    ")] == []


LINKS = ["image", "rollout", "tasks", "logs"]


def summary(run: Run) -> list[str]:
    """Return the lines of our summary, without those that name files."""
    text = run.text.partition("= deployment =")[2].partition("\n")[2].partition("\n=")[0]
    return [line for line in text.splitlines() if not line.startswith("report: ")]


def test_a_scenario_that_is_not_there_is_named_with_those_that_are(runs: Runs) -> None:
    """The run ends before it begins and lists the scenarios."""
    assert runs(IN_SANDBOX, "--deploy-sandbox=heathy").is_usage_error("heathy", "healthy", "rolled-back", "silent")
