from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.config.settings import EnvironmentSettings
from pytest_deploycheck.errors import EnvironmentUnusableError, RefusedOperationError
from pytest_deploycheck.observe.session import Session
from pytest_deploycheck.sandbox import Sandbox

if TYPE_CHECKING:
    from verification.conftest import Room

ROLE = "arn:aws:iam::123456789012:role/deploy-reader"


def test_a_write_is_refused_before_anything_is_sent(aws: Sandbox) -> None:
    """No client of a session sends an operation that is not on the list of reads, whatever calls it."""
    session = Session(EnvironmentSettings(name="dev"))
    with pytest.raises(RefusedOperationError, match="ecs:UpdateService"):
        session.ecs().update_service(cluster="shop", service="shop", forceNewDeployment=True)
    with pytest.raises(RefusedOperationError, match="ecr:PutImage"):
        session.ecr("eu-west-1").put_image(repositoryName="shop", imageManifest="{}")
    with pytest.raises(RefusedOperationError, match="logs:PutLogEvents"):
        session.logs("us-east-1").put_log_events(
            logGroupName="/x", logStreamName="x", logEvents=[{"timestamp": 0, "message": "x"}]
        )
    with pytest.raises(RefusedOperationError, match="ecs:ListClusters"):
        list(session.ecs().get_paginator("list_clusters").paginate())
    assert aws.calls == []


def test_a_refused_write_says_what_to_do(aws: Sandbox) -> None:
    """The message says that only reads are made, and where writes belong."""
    session = Session(EnvironmentSettings(name="dev"))
    with pytest.raises(RefusedOperationError) as refused:
        session.ecs().delete_service(cluster="shop", service="shop", force=True)
    assert "only reads" in refused.value.message
    assert refused.value.remedy
    assert aws.calls == []


def test_a_role_is_assumed_with_its_external_id(room: Room) -> None:
    """The role of the configuration is assumed once, with its external id, before anything else is asked."""
    room.shop().roll_out(at=room.ago(8))
    seen = room.verify(environment={"role_arn": ROLE, "external_id": "ticket-42"})
    assert seen.outcome == "COMPLETED"
    assert seen.calls[0].operation == "sts:AssumeRole"
    (asked,) = seen.parameters("sts:AssumeRole")
    assert (asked["RoleArn"], asked["ExternalId"]) == (ROLE, "ticket-42")
    assert asked["RoleSessionName"]


def test_a_role_is_assumed_without_an_external_id(room: Room) -> None:
    """If none is configured, none is sent."""
    room.shop().roll_out(at=room.ago(8))
    (asked,) = room.verify(environment={"role_arn": ROLE}).parameters("sts:AssumeRole")
    assert "ExternalId" not in asked


def test_the_endpoint_of_the_configuration_is_used(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """`endpoint_url` comes before AWS_ENDPOINT_URL, for every call that is made, that for a role included."""
    room.shop().roll_out(at=room.ago(8))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    seen = room.verify(environment={"endpoint_url": room.aws.endpoint_url, "role_arn": ROLE}, logs=[{"forbid": "x"}])
    assert seen.statuses["tasks-run-image"] == "pass"
    assert {"sts:AssumeRole", "sts:GetCallerIdentity", "ecr:DescribeImages", "logs:FilterLogEvents"} <= set(seen.asked)


def test_the_endpoint_of_the_variable_is_used(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `endpoint_url` AWS_ENDPOINT_URL decides."""
    room.shop().roll_out(at=room.ago(8))
    assert room.verify().statuses["tasks-run-image"] == "pass"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(EnvironmentUnusableError, match=r"127\.0\.0\.1:1"):
        room.verify()


def test_the_region_of_the_configuration_comes_before_the_variable(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """`region` decides where services are looked for."""
    room.shop().roll_out(at=room.ago(8))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    seen = room.verify(environment={"region": "us-east-1"})
    assert seen.regions("ecs:DescribeServices") == {"us-east-1"}
    assert seen.outcome == "COMPLETED"


def test_what_a_variable_says_of_retries_holds_for_one_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_MAX_ATTEMPTS counts for the sessions that are opened under it, and for none that is opened later."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    settings = EnvironmentSettings("dev", region="us-east-1")
    assert Session(settings).ecs().meta.config.retries["total_max_attempts"] == 1  # type: ignore[attr-defined]
    monkeypatch.delenv("AWS_MAX_ATTEMPTS")
    assert "total_max_attempts" not in Session(settings).ecs().meta.config.retries  # type: ignore[attr-defined]
