"""The types of the fixtures, as a user's type checker sees them; mypy reads it, and pytest runs what can be run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, assert_type

import pytest_deploycheck
from pytest_deploycheck import Captured, Count, HttpAnswer, LogEvent, LogMatch

if TYPE_CHECKING:
    from pytest_deploycheck import (
        Alarms,
        DeployedImage,
        DeployEnvironment,
        LogTail,
        Release,
        Rollout,
        RunningTasks,
        TargetHealth,
    )


def types_of_deploy_env(deploy_env: DeployEnvironment) -> None:
    """The environment's settings have their types."""
    assert_type(deploy_env.name, str)
    assert_type(deploy_env.region, str)
    assert_type(deploy_env.cluster, str)
    assert_type(deploy_env.base_url, str | None)
    assert_type(list(deploy_env.services), list[str])
    assert_type(deploy_env.wait_for_http("/health", status=(200, 204), json={"status": "ok"}), HttpAnswer)
    deploy_env.client("dynamodb", region="eu-west-1").describe_table(TableName="orders")


def types_of_deployment(deployment: Rollout) -> None:
    """The outcome compares with the plain words."""
    word: str = deployment.outcome
    assert deployment.outcome == "COMPLETED", word
    assert_type(deployment.id, str | None)
    assert_type(deployment.started_at, datetime | None)
    assert_type(deployment.desired, int | None)
    assert_type(deployment.running, int)


def types_of_deployed_image(deployed_image: DeployedImage, running_tasks: RunningTasks) -> None:
    """The image and the tasks have theirs."""
    assert_type(deployed_image.uri, str)
    assert_type(deployed_image.tag, str | None)
    assert_type(deployed_image.digest, str)
    assert_type(deployed_image.pushed_at, datetime | None)
    assert_type(deployed_image.tags, tuple[str, ...])
    assert running_tasks.digests == {deployed_image.digest}
    for task in running_tasks:
        assert_type(task.id, str)
        assert_type(task.image_digest, str | None)
        assert_type(task.started_at, datetime | None)
        assert_type(task.health, str)
        assert_type(task.containers["app"].environment["MODE"], str)
        assert_type(task.containers["app"].secrets.get("DB_PASSWORD"), str | None)
        assert_type(task.definition.revision, int)
        assert_type(task.definition.cpu, int | None)


def types_of_release(release: Release) -> None:
    """The parts of the release that are not known are None."""
    assert_type(release.reference, str | None)
    assert_type(release.tag, str | None)
    assert_type(release.digest, str | None)
    assert_type(release.commit, str | None)


def types_of_health(target_health: TargetHealth, alarms: Alarms) -> None:
    """States compare with plain sets, and alarms are a mapping."""
    assert target_health.states == {"healthy"}
    for target in target_health:
        assert_type(target.task, str)
        assert_type(target.address, str | None)
        assert_type(target.state, str)
    assert_type(alarms["backend-5xx"].is_quiet, bool)
    assert_type(alarms["backend-5xx"].went_off_at, datetime | None)
    assert_type(list(alarms), list[str])


def types_of_deploy_logs(deploy_logs: LogTail) -> None:
    """Questions take texts and patterns, and answer with events."""
    assert_type("text" in deploy_logs, bool)
    assert_type(re.compile("text") in deploy_logs, bool)
    assert_type(deploy_logs.wait_for("text", count=2, tasks="all", timeout=3), list[LogMatch])
    assert_type(deploy_logs.wait_for_sequence("one", re.compile("two"), within="service"), list[LogMatch])
    assert_type(bool(deploy_logs.absent("text")), bool)
    assert_type(deploy_logs.absent("text", timeout=150).until, datetime | None)
    assert_type(deploy_logs.count("text"), Count)
    assert deploy_logs.count("text") == 2
    assert_type(deploy_logs.records({"type": "object"}), list[dict[str, Any]])
    assert_type(deploy_logs.query("stats count(*)"), list[dict[str, str]])
    assert_type(deploy_logs.tail(3), list[LogEvent])
    (event, *_) = deploy_logs.events()
    assert_type(event.timestamp, datetime)
    assert_type(event.ingested_at, datetime)
    assert_type(event.message, str)
    assert_type(event.task, str)
    assert_type(event.stream, str)


def types_of_captures_and_matches(deploy_logs: LogTail) -> None:
    """A capture is asked like the tail; a match tells what matched."""
    with deploy_logs.capture() as captured:
        assert_type(captured, Captured)
    assert_type("text" in captured, bool)
    assert_type(captured.since, datetime)
    (match, *_) = captured.wait_for(re.compile("text"))
    assert_type(match.text, str)
    assert_type(match.groups, tuple[str | None, ...])
    assert_type(match.named, Mapping[str, str | None])


def test_the_types_of_the_fixtures_can_be_imported() -> None:
    """Annotations for the fixtures come from the package itself, at run time as well."""
    names: Sequence[str] = (
        "DeployEnvironment",
        "DeployedImage",
        "LogEvent",
        "LogMatch",
        "LogTail",
        "Release",
        "Rollout",
        "RunningTasks",
    )
    assert [name for name in names if not hasattr(pytest_deploycheck, name)] == []
