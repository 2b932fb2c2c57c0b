from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from support.verifying import verify_settings

from pytest_deploycheck.config.building import build_environment
from pytest_deploycheck.config.settings import EnvironmentRun, Options
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.observe.read_only import READS, iam_action
from pytest_deploycheck.run.policy.actions import ACTIONS, LOGS, Trigger
from pytest_deploycheck.run.policy.documents import document
from pytest_deploycheck.run.policy.environment_policy import policy_of, policy_of_all
from pytest_deploycheck.sandbox import SandboxContainer
from pytest_deploycheck.sandbox.scenarios import build

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_deploycheck.config.settings import EnvironmentSettings
    from pytest_deploycheck.report.model import RunReport
    from pytest_deploycheck.sandbox import Sandbox

WITHOUT_WAITS = Options((), wait=0, log_wait=0)

FEW_CHECKS = {"tasks-running", "targets-healthy", "error-rate"}
"""The checks that cannot be carried out without the service itself."""


def prepared(table: dict[str, Any]) -> tuple[EnvironmentSettings, Options]:
    """Return the settings of an environment, and options that wait for nothing."""
    environment = build_environment("dev", {"region": "us-east-1", **table})
    return environment, replace(WITHOUT_WAITS, services=tuple(environment.services))


def statuses(report: RunReport) -> dict[str, str]:
    """Return the status of each check of the only service."""
    (service,) = report.services
    return {one.id: str(one.status) for one in service.findings}


DIFFERENT = ("healthy", "not-restarted", "wrong-repository", "crash-loop", "rolled-back", "baking", "alarm-went-off")
"""Scenarios that are observed in different ways; the others ask the same of AWS as one of these."""


@pytest.mark.parametrize("scenario", DIFFERENT)
def test_the_policy_allows_all_that_a_run_asks(aws: Sandbox, scenario: str) -> None:
    """A run with exactly the policy that is printed is denied nothing, whatever has become of the deployment."""
    environment, options = prepared(build(scenario, aws))
    policy = policy_of(environment, options)

    aws.enforce_policy(document(policy.statements))
    report = verify_settings(environment, options)

    assert aws.refused_calls == []
    assert "error" not in statuses(report).values()
    assert not any("allowed" in note for note in policy.notes)
    assert all(":123456789012:" in one for each in policy.statements for one in each.resources if one != "*")


@pytest.fixture
def everything(aws: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the table of a service that asks for nearly every action: on instances, with alarms and metrics."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text("print(1)\n", encoding="utf-8")
    now = aws.now()
    aws.set_tag_mutability("shop", "IMMUTABLE")
    aws.push_image("shop:1", {"app/main.py": "print(1)\n"}, at=now - timedelta(minutes=9))
    service = aws.create_service(
        "shop",
        cluster="shop",
        image="shop:1",
        launch_type="EC2",
        network_mode="bridge",
        target_groups=["web"],
        at=now - timedelta(minutes=8),
    )
    service.log("ready", at=now - timedelta(minutes=6))
    service.serve(100, at=now - timedelta(minutes=3))
    aws.create_alarm("5xx", state="ALARM").set_state("OK", at=now)
    backend = {
        "service": "shop",
        "image": "shop:1",
        "alarms": ["5xx"],
        "error_rate": {"max": 0.5},
        "source": {"app": "/app"},
        "logs": [{"expect": "ready"}],
    }
    return {"cluster": "shop", "log_settle": "0.1s", "services": {"shop": backend}}


def test_without_any_one_action_a_check_names_it_or_degrades(aws: Sandbox, everything: dict[str, Any]) -> None:
    """Take one action out: a check that needs it is in error and names it, or the documented other read answers."""
    environment, options = prepared(everything)
    whole = document(policy_of(environment, options).statements)
    before = statuses(verify_settings(environment, options))
    actions = {action for statement in whole["Statement"] for action in statement["Action"]}
    told = {one.name: one for one in ACTIONS}
    silent = []
    for action in sorted(actions):
        aws.enforce_policy(without(whole, action))
        report = verify_settings(environment, options)
        assert {call.operation for call in aws.refused_calls} == {action}
        errors = {one.id: one for one in report.services[0].findings if one.status == "error"}
        needing = {one.replace(LOGS, "logs-1") for one in told[action].checks}
        assert all(action in f"{one.summary} {one.remedy}" for one in errors.values()), action
        assert set(errors) <= needing | FEW_CHECKS, action
        assert {name for name, now in statuses(report).items() if now == "fail"} == set(), action
        if not errors and not told[action].without:
            silent.append(action)
    assert {before[name] for name in ("image-content", "logs-1", "targets-healthy", "alarms-ok", "error-rate")} == {
        "pass"
    }
    assert silent == []
    assert actions >= {one.name for one in ACTIONS if one.trigger in USED}


USED = (
    Trigger.ALWAYS,
    Trigger.LOAD_BALANCER,
    Trigger.INSTANCES,
    Trigger.ALARMS,
    Trigger.ERROR_RATE,
    Trigger.BALANCER_METRICS,
)


def without(policy: dict[str, Any], action: str) -> dict[str, Any]:
    """Return a policy without one of its actions."""
    rest = [
        {**statement, "Action": [one for one in statement["Action"] if one != action]}
        for statement in policy["Statement"]
    ]
    return {**policy, "Statement": [one for one in rest if one["Action"]]}


def test_every_read_is_an_action_of_the_policy() -> None:
    """The table of actions has each operation that the clients let through, and no other."""
    reads = {iam_action(service, name) for service, names in READS.items() for name in names}
    assert {one.name for one in ACTIONS} == reads - {"sts:GetCallerIdentity"}
    assert len({one.name for one in ACTIONS}) == len(ACTIONS)


def test_the_policy_is_bound_to_the_service_and_its_cluster(aws: Sandbox, everything: dict[str, Any]) -> None:
    """Another cluster, and another service of the same cluster, are denied."""
    aws.create_service("other", cluster="shop", image="shop:1")
    aws.create_service("shop", cluster="elsewhere", image="shop:1")
    environment, options = prepared(everything)
    aws.enforce_policy(document(policy_of(environment, options).statements))
    with pytest.raises(EnvironmentUnusableError, match="denied"):
        verify_settings(*prepared({**everything, "cluster": "elsewhere"}))
    other = verify_settings(*prepared({**everything, "services": {"other": {}}}))
    assert "ecs:DescribeServices" in other.services[0].analysis.facts.problems["service"].operation
    assert statuses(other)["tasks-running"] == "error"


def test_the_log_group_of_a_service_without_tasks_is_known(aws: Sandbox) -> None:
    """The policy names the group of the task definition where no task runs."""
    aws.push_image("shop:1", {"a": "1"})
    container = SandboxContainer(name="app", image="shop:1", log_group="/ecs/shop")
    aws.create_service("shop", cluster="shop", containers=[container], desired=0)
    policy = policy_of(*prepared({"cluster": "shop", "services": {"shop": {}}}))
    (logs,) = [one.resources for one in policy.statements if one.sid == "Logs"]
    assert logs == ("arn:aws:logs:us-east-1:123456789012:log-group:/ecs/shop:*",)
    assert not any("log group" in note and "allowed" in note for note in policy.notes)


def test_several_environments_have_statements_of_their_own(aws: Sandbox, everything: dict[str, Any]) -> None:
    """A policy for two environments allows in each what that environment needs, and nothing of the other there."""
    aws.create_service("shop", cluster="stage", image="shop:1")
    other, options = prepared({"cluster": "stage", "services": {"shop": {"image": "shop:1"}}})
    runs = [EnvironmentRun(*prepared(everything)), EnvironmentRun(replace(other, name="pre-prod"), options)]
    policy = policy_of_all(runs)
    services = {one.sid: one.resources for one in policy.statements if one.sid.startswith("Services")}
    assert services == {
        "ServicesDev": ("arn:aws:ecs:us-east-1:123456789012:service/shop/shop",),
        "ServicesPreProd": ("arn:aws:ecs:us-east-1:123456789012:service/stage/shop",),
    }
    assert any(note.startswith("dev: ") for note in policy.notes)


def test_what_cannot_be_seen_is_said(aws: Sandbox, everything: dict[str, Any]) -> None:
    """The policy is wider where the credentials at hand may read nothing, and a note names each width."""
    environment, options = prepared({**everything, "services": {"shop": {"service": "shop"}}})
    aws.deny("ec*")
    aws.deny("logs:*")
    policy = policy_of(environment, options)
    assert "arn:aws:ecr:us-east-1:123456789012:repository/*" in json.dumps(document(policy.statements))
    assert any("could not be read" in note for note in policy.notes)
    assert any("repositories" in note for note in policy.notes)
    aws.deny("sts:GetCallerIdentity")
    policy = policy_of(environment, options)
    assert "arn:aws:ecs:us-east-1:ACCOUNT:service/shop/shop" in json.dumps(document(policy.statements))
    assert any("ACCOUNT" in note for note in policy.notes)
