"""Scenarios for the verifier: a healthy deployment, and the ways in which one can fail unnoticed.

All of them replay one incident, in which three hotfixes were documented as deployed, with its times shifted
to now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox import incident, stops
from pytest_deploycheck.sandbox.scenario_steps import (
    ROLLED_BACK,
    ROLLED_OUT,
    ROLLING_OUT,
    configuration,
    create_service,
    log_lines,
    log_with_health_checks,
    push_earlier,
    push_expected,
    rolled_out,
    with_yesterday,
)

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox.sandbox import Sandbox

    _Fill = Callable[[Sandbox], dict[str, Any]]

_A_WEEK = timedelta(days=7)
_LATE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Scenario:
    """A world to try the verifier on.

    Attributes:
        name: Its name, by which it is chosen.
        description: The events, in one sentence.
        fill: Fills a sandbox and returns the environment's configuration.
    """

    name: str
    description: str
    fill: _Fill


SCENARIOS: dict[str, Scenario] = {}
"""The scenarios, by name."""


def build(name: str, sandbox: Sandbox) -> dict[str, Any]:
    """Fill an empty sandbox with a scenario.

    Args:
        name: One of [SCENARIOS][].
        sandbox: The sandbox to fill.

    Returns:
        The configuration of the environment, in the shape of an `[env.NAME]` table.

    Raises:
        LookupError: If the scenario is unknown.
    """
    if name not in SCENARIOS:
        raise LookupError(f"Unknown scenario {name!r}. The scenarios: {', '.join(SCENARIOS)}")
    return SCENARIOS[name].fill(sandbox)


def _scenario(description: str) -> Callable[[_Fill], _Fill]:
    """Make a function a scenario, which is named as the function is."""

    def add(fill: _Fill) -> _Fill:
        name = fill.__name__.strip("_").replace("_", "-")
        SCENARIOS[name] = Scenario(name, description, fill)
        return fill

    return add


@_scenario("The image was pushed and rolled out, and every task runs it.")
def _healthy(aws: Sandbox) -> dict[str, Any]:
    service = rolled_out(aws)
    prompt, late = service.running_tasks
    log_with_health_checks(aws, [prompt], incident.START_UP_LINES, incident.EXPECTED_LINES)
    # CloudWatch delivers with a delay: the second task has no stream yet when the verifier polls first.
    log_with_health_checks(aws, [late], incident.START_UP_LINES, incident.EXPECTED_LINES, arrives_in=_LATE_SECONDS)
    return configuration(aws)


@_scenario("The image was never pushed: yesterday's tasks keep running.")
def _nothing_deployed(aws: Sandbox) -> dict[str, Any]:
    service = with_yesterday(aws)
    log_with_health_checks(aws, service.running_tasks, incident.EARLIER_LINES)
    return configuration(aws)


@_scenario("A newer image was pushed and never rolled out, and nothing says which image was to be shipped.")
def _stale(aws: Sandbox) -> dict[str, Any]:
    now = aws.now()
    running, pushed = (f"{incident.REPOSITORY}:{tag}" for tag in incident.COMMIT_TAGS)
    aws.push_image(running, incident.EXPECTED_FILES, at=now - _A_WEEK)
    service = aws.create_service(
        incident.SERVICE,
        cluster=incident.CLUSTER,
        image=running,
        container=incident.CONTAINER,
        desired=2,
        at=now - _A_WEEK + timedelta(minutes=10),
    )
    log_with_health_checks(aws, service.running_tasks, incident.START_UP_LINES, incident.EXPECTED_LINES)
    aws.push_image(pushed, {**incident.EXPECTED_FILES, "app/later.py": "later = True"}, at=now - ROLLED_BACK)
    return configuration(aws, image=None)


@_scenario("The image was pushed and rolled out, but the build reused yesterday's layer with the code.")
def _cached_layer(aws: Sandbox) -> dict[str, Any]:
    earlier = push_earlier(aws)
    service = create_service(aws)
    push_expected(aws, cached_from=earlier)
    service.roll_out(at=aws.now() - ROLLED_OUT)
    log_with_health_checks(aws, service.running_tasks, incident.START_UP_LINES, incident.EARLIER_LINES)
    return configuration(aws)


@_scenario("The image was pushed, but no rollout was started: yesterday's tasks keep running.")
def _not_restarted(aws: Sandbox) -> dict[str, Any]:
    service = with_yesterday(aws)
    push_expected(aws)
    log_with_health_checks(aws, service.running_tasks, incident.EARLIER_LINES)
    return configuration(aws)


@_scenario("The rollout is in progress: one task runs the image beside yesterday's tasks.")
def _half_rolled_out(aws: Sandbox) -> dict[str, Any]:
    service = with_yesterday(aws)
    earlier = service.running_tasks
    push_expected(aws)
    rollout = service.roll_out(at=aws.now() - ROLLING_OUT, status="IN_PROGRESS", new_running=1)
    log_with_health_checks(aws, earlier, incident.EARLIER_LINES)
    log_with_health_checks(aws, rollout.running_tasks, incident.START_UP_LINES, incident.EXPECTED_LINES)
    return configuration(aws)


@_scenario("The new tasks crashed and ECS rolled back to yesterday's image, on which the service is stable.")
def _rolled_back(aws: Sandbox) -> dict[str, Any]:
    service = with_yesterday(aws)
    push_expected(aws)
    rollout = service.roll_out(at=aws.now() - ROLLED_OUT, status="IN_PROGRESS", new_running=incident.DESIRED)
    log_lines(rollout.running_tasks, incident.CRASH_LINES, aws.now() - ROLLED_OUT + timedelta(seconds=15))
    rollout.fail(at=aws.now() - ROLLED_BACK)
    service.roll_back(at=aws.now() - ROLLED_BACK)
    log_with_health_checks(aws, service.running_tasks, incident.START_UP_LINES, incident.EARLIER_LINES)
    return configuration(aws)


@_scenario("The new tasks run out of memory one after another, and yesterday's tasks keep serving.")
def _crash_loop(aws: Sandbox) -> dict[str, Any]:
    service = with_yesterday(aws)
    earlier = service.running_tasks
    push_expected(aws)
    rollout = service.roll_out(at=aws.now() - ROLLING_OUT, status="IN_PROGRESS", new_running=0)
    for seconds in (40, 70, 100):
        rollout.crash(**stops.OUT_OF_MEMORY, at=aws.now() - ROLLING_OUT + timedelta(seconds=seconds))
    for task in rollout.tasks:
        log_lines([task], incident.MEMORY_LINES, task.started_at or task.created_at)
    log_with_health_checks(aws, earlier, incident.EARLIER_LINES)
    return configuration(aws)


@_scenario("A blue/green rollout is in its bake time: it may still be rolled back.")
def _baking(aws: Sandbox) -> dict[str, Any]:
    blue, green = (f"content-marketing-swarm-dev-{color}" for color in ("blue", "green"))
    service = with_yesterday(
        aws, strategy="BLUE_GREEN", bake_minutes=10, target_groups=[blue], alternate_target_groups=[green]
    )
    earlier = service.running_tasks
    push_expected(aws)
    rollout = service.roll_out(at=aws.now() - ROLLED_BACK, status="IN_PROGRESS", new_running=incident.DESIRED)
    rollout.stage = "BAKE_TIME"
    log_with_health_checks(aws, earlier, incident.EARLIER_LINES)
    log_with_health_checks(aws, rollout.running_tasks, incident.START_UP_LINES, incident.EXPECTED_LINES)
    return configuration(aws)


@_scenario("The image was rolled out, and a later image after it.")
def _superseded(aws: Sandbox) -> dict[str, Any]:
    service = rolled_out(aws)
    files = {**incident.EXPECTED_FILES, "app/__init__.py": '"""The content marketing swarm, second edition."""\n'}
    aws.push_image(f"{incident.REPOSITORY}:{incident.LATER_TAG}", files, tags=("latest",), at=aws.now() - ROLLED_BACK)
    service.roll_out(at=aws.now() - ROLLING_OUT)
    log_with_health_checks(aws, service.running_tasks, incident.START_UP_LINES, incident.EXPECTED_LINES)
    return configuration(aws)


@_scenario("Every task runs the image, and one of them is unhealthy in its target group.")
def _unhealthy_targets(aws: Sandbox) -> dict[str, Any]:
    service = rolled_out(aws, target_groups=[incident.TARGET_GROUP])
    log_with_health_checks(aws, service.running_tasks, incident.START_UP_LINES, incident.EXPECTED_LINES)
    unhealthy, _ = service.running_tasks
    unhealthy.target_health = "unhealthy"
    return configuration(aws)


@_scenario("Every task runs the image, and an alarm went into ALARM and has recovered since.")
def _alarm_went_off(aws: Sandbox) -> dict[str, Any]:
    service = rolled_out(aws, target_groups=[incident.TARGET_GROUP])
    log_with_health_checks(aws, service.running_tasks, incident.START_UP_LINES, incident.EXPECTED_LINES)
    alarm = aws.create_alarm(incident.ALARM)
    alarm.set_state("ALARM", at=aws.now() - ROLLED_BACK)
    alarm.set_state("OK", at=aws.now() - ROLLING_OUT)
    service.serve(1000, errors=2, at=aws.now() - ROLLING_OUT)
    return configuration(aws, alarms=[incident.ALARM], error_rate={"max": 0.01})


@_scenario("The image was pushed to another repository than the one the service pulls from.")
def _wrong_repository(aws: Sandbox) -> dict[str, Any]:
    service = with_yesterday(aws)
    push_expected(aws, repository=incident.OTHER_REPOSITORY)
    service.roll_out(at=aws.now() - ROLLED_OUT)
    log_with_health_checks(aws, service.running_tasks, incident.START_UP_LINES, incident.EARLIER_LINES)
    return configuration(aws, repository=incident.OTHER_REPOSITORY)


@_scenario("Every task runs the image, but none of them has logged a line.")
def _silent(aws: Sandbox) -> dict[str, Any]:
    rolled_out(aws)
    return configuration(aws)


@_scenario("Every task runs the image and logs the new lines, but one path still logs the old ones.")
def _old_format(aws: Sandbox) -> dict[str, Any]:
    service = rolled_out(aws)
    lines = (*incident.EXPECTED_LINES, incident.MISSED_PATH_LINE)
    log_with_health_checks(aws, service.running_tasks, incident.START_UP_LINES, lines)
    return configuration(aws)
