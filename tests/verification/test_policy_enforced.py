"""Verifications under exactly the policy that is printed, and under that policy without one of its actions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.truths import TRUTHS
from support.verifying import verify_settings

from pytest_deploycheck import verify
from pytest_deploycheck.cli.main import main
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.run.policy.actions import ACTIONS, LOGS
from pytest_deploycheck.run.policy.documents import document
from pytest_deploycheck.run.policy.environment_policy import policy_of
from pytest_deploycheck.sandbox.scenarios import build
from verification import policies
from verification.conftest import toml
from verification.policies import actions_of, prepared, statuses, without

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_deploycheck.config.settings import EnvironmentSettings
    from pytest_deploycheck.sandbox import Sandbox

    Fill = Callable[[Sandbox], dict[str, Any]]

BY_NAME = {one.name: one for one in ACTIONS}
LIVE_TAIL, LISTING = "logs:StartLiveTail", "ecs:ListServices"

WITHOUT_THE_SERVICE = {"tasks-running", "targets-healthy", "error-rate"}
"""The checks that cannot be carried out without the service itself."""


def printed(environment: EnvironmentSettings, options: Any, *added: str) -> dict[str, Any]:
    """Return the policy that is printed, with the actions that its notes name for some environments."""
    policy = policy_of(environment, options)
    assert not any("allowed" in note for note in policy.notes)
    assert all(action in " ".join(policy.notes) for action in added)
    whole = document(policy.statements)
    return {**whole, "Statement": [*whole["Statement"], {"Effect": "Allow", "Action": list(added), "Resource": "*"}]}


@pytest.mark.parametrize("scenario", TRUTHS)
def test_the_policy_allows_all_that_a_run_asks(aws: Sandbox, scenario: str) -> None:
    """Whatever has become of the deployment, nothing is denied and the verdict is that of a caller who may do all."""
    table = build(scenario, aws)
    # One expectation asks for the same actions as all seven, without waiting for the rate of CloudWatch Logs.
    if scenario == "silent":
        del table["services"]["backend"]["logs"][1:]
    environment, options = prepared(table, log_wait=1 if scenario == "healthy" else 0)
    policy = printed(environment, options)
    assert all(
        ":123456789012:" in arn
        for one in policy["Statement"]
        for arn in ([one["Resource"]] if isinstance(one["Resource"], str) else one["Resource"])
        if arn != "*"
    )

    aws.enforce_policy(policy)
    report = verify_settings(environment, options)

    assert aws.refused_calls == []
    assert "error" not in statuses(report).values()
    assert (report.verdict, report.broken_link) == TRUTHS[scenario][:2]


QUERIES = {"logs:StartQuery", "logs:GetQueryResults"}
RULES, LISTENERS = (f"elasticloadbalancing:Describe{kind}" for kind in ("Rules", "Listeners"))

TAKEN_OUT: dict[Fill, set[str]] = {
    policies.with_health: BY_NAME.keys() - QUERIES - {RULES, LISTENERS, LIVE_TAIL, LISTING},
    policies.blue_green: {RULES},
    policies.behind_a_network_load_balancer: {LISTENERS},
    policies.infrequent_access: QUERIES,
}
"""The actions that are taken out in each world; Live Tail and the list of services have tests of their own."""


@pytest.mark.parametrize("fill", TAKEN_OUT)
def test_without_any_one_action_a_check_names_it_or_degrades(
    aws: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fill: Fill
) -> None:
    """Take one action out: a check that needs it is in error and names it, or the documented other read answers."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text("print(1)\n", encoding="utf-8")
    environment, options = prepared(fill(aws))
    policy = printed(environment, options, *(TAKEN_OUT[fill] & QUERIES))
    aws.enforce_policy(policy)
    assert set(statuses(verify_settings(environment, options)).values()) <= {"pass", "skip"}
    assert aws.refused_calls == []
    assert TAKEN_OUT[fill] <= actions_of(policy)
    for action in sorted(TAKEN_OUT[fill]):
        aws.enforce_policy(without(policy, action))
        report = verify_settings(environment, options)
        assert {call.operation for call in aws.refused_calls} == {action}
        found = {one.id: one for one in report.services[0].findings if one.status not in ("pass", "skip")}
        errors = {name: one for name, one in found.items() if one.status == "error"}
        assert all(action in f"{one.summary} {one.remedy}" for one in errors.values()), action
        needing = {one.replace(LOGS, "logs-1") for one in BY_NAME[action].checks}
        assert found.keys() <= needing | WITHOUT_THE_SERVICE, action
        assert {str(one.status) for one in found.values()} <= {"error", "unproven"}, action
        assert errors or BY_NAME[action].without, action


def test_without_live_tail_the_logs_are_polled(aws: Sandbox) -> None:
    """A session is opened with the policy alone; without its action the line is found all the same."""
    service = policies.rolled_out(aws)
    for denied in (None, LIVE_TAIL):
        line = f"later, without {denied}"
        table = policies.table_of(logs=[{"expect": line}])
        environment, options = prepared({**table, "live_tail": True}, log_wait=10)
        policy = printed(environment, options)
        aws.enforce_policy(without(policy, denied) if denied else policy)
        service.log(line, arrives_in=2.0)
        assert statuses(verify_settings(environment, options))["logs-1"] == "pass"
        assert LIVE_TAIL in {call.operation for call in aws.calls}
        assert {call.operation for call in aws.refused_calls} == ({denied} if denied else set())
        aws.calls.clear()


@pytest.mark.parametrize("found_by", ["sho*", {"tags": {"team": "*"}}], ids=["by name", "by tags"])
def test_services_are_discovered_under_the_policy(
    aws: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str], found_by: Any
) -> None:
    """The policy of the command lets the services be found; without the list of services the run names that action."""
    policies.rolled_out(aws, tags={"team": "shop"})
    services = {"cluster": "shop", "discover": found_by, "service_defaults": {"image": "shop:1"}}
    file = tmp_path / "deploycheck.toml"
    file.write_text(
        f"env = {toml({'dev': {**services, 'require': ['image', 'rollout', 'tasks']}})}\n", encoding="utf-8"
    )
    assert main(["policy", "dev", f"--config={file}"]) == 0
    policy = json.loads(capsys.readouterr().out)

    aws.enforce_policy(policy)
    assert verify("dev", config=file, wait="0").verdict == "VERIFIED"
    assert aws.refused_calls == []

    aws.enforce_policy(without(policy, LISTING))
    with pytest.raises(EnvironmentUnusableError, match=LISTING):
        verify("dev", config=file, wait="0")
