"""Scenarios for the verifier: a healthy deployment, and the ways in which one can fail unnoticed.

All of them replay one incident, in which three hotfixes were documented as deployed, with its times shifted
to now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox import incident, stops
from pytest_deploycheck.sandbox.world.ecs.task_definitions import SandboxContainer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_deploycheck.sandbox.sandbox import Sandbox
    from pytest_deploycheck.sandbox.world.ecs.service import SandboxService
    from pytest_deploycheck.sandbox.world.ecs.tasks import SandboxTask
    from pytest_deploycheck.sandbox.world.registry import SandboxImage

_YESTERDAY = timedelta(hours=24)
_PUSHED = timedelta(minutes=10)
_ROLLED_OUT = timedelta(minutes=8)
_ROLLING_OUT = timedelta(minutes=2)
_ROLLED_BACK = timedelta(minutes=5)
_LATE_SECONDS = 0.5
_LAST_LINE = timedelta(seconds=20)
_TURNS = ("content-marketing-swarm-dev-blue", "content-marketing-swarm-dev-green")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A world to try the verifier on.

    Attributes:
        name: What it is asked for by.
        description: What happened, in one sentence.
        fill: Fills a sandbox and returns the environment's configuration.
    """

    name: str
    description: str
    fill: Callable[[Sandbox], dict[str, Any]]


def build(name: str, sandbox: Sandbox) -> dict[str, Any]:
    """Fill an empty sandbox with a scenario.

    Args:
        name: One of [SCENARIOS][].
        sandbox: What to fill.

    Returns:
        The configuration of the environment, in the shape of an `[env.NAME]` table.

    Raises:
        LookupError: If there is no such scenario.
    """
    if name not in SCENARIOS:
        raise LookupError(f"There is no scenario {name!r}. There are: {', '.join(SCENARIOS)}")
    return SCENARIOS[name].fill(sandbox)


def _healthy(aws: Sandbox) -> dict[str, Any]:
    service = _with_yesterday(aws)
    _push_expected(aws)
    service.roll_out(at=aws.now() - _ROLLED_OUT)
    prompt, late = service.running_tasks
    _talk(aws, [prompt], incident.START_UP_LINES, incident.MEANT_LINES)
    # CloudWatch takes its time: the second task has no stream yet when the verifier looks first.
    _talk(aws, [late], incident.START_UP_LINES, incident.MEANT_LINES, arrives_in=_LATE_SECONDS)
    return _configuration(aws)


def _nothing_deployed(aws: Sandbox) -> dict[str, Any]:
    service = _with_yesterday(aws)
    _talk(aws, service.running_tasks, incident.EARLIER_LINES)
    return _configuration(aws)


def _cached_layer(aws: Sandbox) -> dict[str, Any]:
    earlier = _push_earlier(aws)
    service = _create_service(aws)
    _push_expected(aws, cached_from=earlier)
    service.roll_out(at=aws.now() - _ROLLED_OUT)
    _talk(aws, service.running_tasks, incident.START_UP_LINES, incident.EARLIER_LINES)
    return _configuration(aws)


def _not_restarted(aws: Sandbox) -> dict[str, Any]:
    service = _with_yesterday(aws)
    _push_expected(aws)
    _talk(aws, service.running_tasks, incident.EARLIER_LINES)
    return _configuration(aws)


def _half_rolled_out(aws: Sandbox) -> dict[str, Any]:
    service = _with_yesterday(aws)
    earlier = service.running_tasks
    _push_expected(aws)
    rollout = service.roll_out(at=aws.now() - _ROLLING_OUT, status="IN_PROGRESS", new_running=1)
    _talk(aws, earlier, incident.EARLIER_LINES)
    _talk(aws, rollout.running_tasks, incident.START_UP_LINES, incident.MEANT_LINES)
    return _configuration(aws)


def _rolled_back(aws: Sandbox) -> dict[str, Any]:
    service = _with_yesterday(aws)
    _push_expected(aws)
    rollout = service.roll_out(at=aws.now() - _ROLLED_OUT, status="IN_PROGRESS", new_running=incident.DESIRED)
    _say(rollout.running_tasks, incident.CRASH_LINES, aws.now() - _ROLLED_OUT + timedelta(seconds=15))
    rollout.fail(at=aws.now() - _ROLLED_BACK)
    service.roll_back(at=aws.now() - _ROLLED_BACK)
    _talk(aws, service.running_tasks, incident.START_UP_LINES, incident.EARLIER_LINES)
    return _configuration(aws)


def _wrong_repository(aws: Sandbox) -> dict[str, Any]:
    service = _with_yesterday(aws)
    _push_expected(aws, repository=incident.OTHER_REPOSITORY)
    service.roll_out(at=aws.now() - _ROLLED_OUT)
    _talk(aws, service.running_tasks, incident.START_UP_LINES, incident.EARLIER_LINES)
    return _configuration(aws, repository=incident.OTHER_REPOSITORY)


def _silent(aws: Sandbox) -> dict[str, Any]:
    service = _with_yesterday(aws)
    _push_expected(aws)
    service.roll_out(at=aws.now() - _ROLLED_OUT)
    return _configuration(aws)


def _crash_loop(aws: Sandbox) -> dict[str, Any]:
    service = _with_yesterday(aws)
    earlier = service.running_tasks
    _push_expected(aws)
    rollout = service.roll_out(at=aws.now() - _ROLLING_OUT, status="IN_PROGRESS", new_running=0)
    for seconds in (40, 70, 100):
        rollout.crash(**stops.OUT_OF_MEMORY, at=aws.now() - _ROLLING_OUT + timedelta(seconds=seconds))
    for task in rollout.tasks:
        _say([task], incident.MEMORY_LINES, task.started_at or task.created_at)
    _talk(aws, earlier, incident.EARLIER_LINES)
    return _configuration(aws)


def _baking(aws: Sandbox) -> dict[str, Any]:
    blue, green = _TURNS
    service = _with_yesterday(
        aws, strategy="BLUE_GREEN", bake_minutes=10, target_groups=[blue], alternate_target_groups=[green]
    )
    earlier = service.running_tasks
    _push_expected(aws)
    rollout = service.roll_out(at=aws.now() - _ROLLED_BACK, status="IN_PROGRESS", new_running=incident.DESIRED)
    rollout.stage = "BAKE_TIME"
    _talk(aws, earlier, incident.EARLIER_LINES)
    _talk(aws, rollout.running_tasks, incident.START_UP_LINES, incident.MEANT_LINES)
    return _configuration(aws)


def _superseded(aws: Sandbox) -> dict[str, Any]:
    service = _with_yesterday(aws)
    _push_expected(aws)
    service.roll_out(at=aws.now() - _ROLLED_OUT)
    files = {**incident.MEANT_FILES, "app/__init__.py": '"""The content marketing swarm, once more."""\n'}
    aws.push_image(f"{incident.REPOSITORY}:{incident.LATER_TAG}", files, tags=("latest",), at=aws.now() - _ROLLED_BACK)
    service.roll_out(at=aws.now() - _ROLLING_OUT)
    _talk(aws, service.running_tasks, incident.START_UP_LINES, incident.MEANT_LINES)
    return _configuration(aws)


def _unhealthy_targets(aws: Sandbox) -> dict[str, Any]:
    service = _rolled_out(aws, target_groups=[incident.TARGET_GROUP])
    sick, _ = service.running_tasks
    sick.target_health = "unhealthy"
    return _configuration(aws)


def _alarm_went_off(aws: Sandbox) -> dict[str, Any]:
    service = _rolled_out(aws, target_groups=[incident.TARGET_GROUP])
    alarm = aws.create_alarm(incident.ALARM)
    alarm.set_state("ALARM", at=aws.now() - _ROLLED_BACK)
    alarm.set_state("OK", at=aws.now() - _ROLLING_OUT)
    service.serve(1000, errors=2, at=aws.now() - _ROLLING_OUT)
    return _configuration(aws, alarms=[incident.ALARM], error_rate={"max": 0.01})


def _old_format(aws: Sandbox) -> dict[str, Any]:
    service = _with_yesterday(aws)
    _push_expected(aws)
    service.roll_out(at=aws.now() - _ROLLED_OUT)
    lines = (*incident.MEANT_LINES, incident.MISSED_PATH_LINE)
    _talk(aws, service.running_tasks, incident.START_UP_LINES, lines)
    return _configuration(aws)


SCENARIOS: Mapping[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("healthy", "The image was pushed and rolled out, and every task runs it.", _healthy),
        Scenario(
            "nothing-deployed",
            "The image was never pushed: yesterday's tasks keep running.",
            _nothing_deployed,
        ),
        Scenario(
            "cached-layer",
            "The image was pushed and rolled out, but the build reused yesterday's layer with the code.",
            _cached_layer,
        ),
        Scenario(
            "not-restarted",
            "The image was pushed, but no rollout was started: yesterday's tasks keep running.",
            _not_restarted,
        ),
        Scenario(
            "half-rolled-out",
            "The rollout is not over: one task runs the image beside yesterday's tasks.",
            _half_rolled_out,
        ),
        Scenario(
            "rolled-back",
            "The new tasks crashed and ECS went back to yesterday's image, on which the service is stable.",
            _rolled_back,
        ),
        Scenario(
            "crash-loop",
            "The new tasks run out of memory one after another, and yesterday's tasks go on serving.",
            _crash_loop,
        ),
        Scenario("baking", "A blue/green rollout is in its bake time: it may yet go back.", _baking),
        Scenario("superseded", "The image was rolled out, and a later one after it.", _superseded),
        Scenario(
            "unhealthy-targets",
            "Every task runs the image, and the load balancer finds one of them unhealthy.",
            _unhealthy_targets,
        ),
        Scenario(
            "alarm-went-off",
            "Every task runs the image, and an alarm went off and recovered since.",
            _alarm_went_off,
        ),
        Scenario(
            "wrong-repository",
            "The image was pushed to another repository than the one the service pulls from.",
            _wrong_repository,
        ),
        Scenario("silent", "Every task runs the image, but none of them has logged a line.", _silent),
        Scenario(
            "old-format",
            "Every task runs the image and logs the new lines, but one path still logs the old ones.",
            _old_format,
        ),
    )
}
"""The scenarios, by name."""


def _rolled_out(aws: Sandbox, **deploying: Any) -> SandboxService:
    """All is well as far as image, tasks and logs go."""
    service = _with_yesterday(aws, **deploying)
    _push_expected(aws)
    service.roll_out(at=aws.now() - _ROLLED_OUT)
    _talk(aws, service.running_tasks, incident.START_UP_LINES, incident.MEANT_LINES)
    return service


def _with_yesterday(aws: Sandbox, **deploying: Any) -> SandboxService:
    _push_earlier(aws)
    service = _create_service(aws, **deploying)
    first = aws.now() - _YESTERDAY
    _say(service.running_tasks, (*incident.START_UP_LINES, *incident.EARLIER_LINES), first)
    return service


def _push_earlier(aws: Sandbox) -> SandboxImage:
    return aws.push_image(
        f"{incident.REPOSITORY}:{incident.EARLIER_TAG}",
        incident.EARLIER_FILES,
        tags=("latest",),
        labels={"org.opencontainers.image.version": incident.EARLIER_TAG},
        at=aws.now() - _YESTERDAY - _PUSHED,
    )


def _push_expected(
    aws: Sandbox, *, repository: str = incident.REPOSITORY, cached_from: SandboxImage | None = None
) -> SandboxImage:
    return aws.push_image(
        f"{repository}:{incident.MEANT_TAG}",
        incident.MEANT_FILES,
        tags=("latest",),
        labels={"org.opencontainers.image.version": incident.MEANT_TAG},
        at=aws.now() - _PUSHED,
        cached_from=cached_from,
    )


def _create_service(aws: Sandbox, **deploying: Any) -> SandboxService:
    container = SandboxContainer(
        name=incident.CONTAINER, image=f"{incident.REPOSITORY}:latest", log_group=incident.LOG_GROUP
    )
    return aws.create_service(
        incident.SERVICE,
        cluster=incident.CLUSTER,
        containers=[container],
        family=incident.FAMILY,
        desired=incident.DESIRED,
        at=aws.now() - _YESTERDAY,
        **deploying,
    )


def _talk(
    aws: Sandbox,
    tasks: Sequence[SandboxTask],
    *blocks: Iterable[str],
    arrives_in: float = 0.0,
) -> None:
    """Let each task log these lines since it started or in the last minutes, between health checks."""
    for task in tasks:
        started = task.started_at or task.created_at
        first = max(started, aws.now() - _ROLLED_OUT)
        lines = [incident.HEALTH_CHECK_LINE]
        for block in blocks:
            lines += [*block, incident.HEALTH_CHECK_LINE]
        *said, last = lines
        _say([task], said, first, arrives_in)
        # The last health check comes after the rollout, up to where the absence of a line is then known.
        task.log(last, at=max(aws.now() - _LAST_LINE, first + timedelta(seconds=len(lines))), arrives_in=arrives_in)


def _say(tasks: Sequence[SandboxTask], lines: Iterable[str], first: datetime, arrives_in: float = 0.0) -> None:
    for task in tasks:
        for position, line in enumerate(lines, start=1):
            task.log(line, at=first + timedelta(seconds=position), arrives_in=arrives_in)


def _configuration(aws: Sandbox, *, repository: str = incident.REPOSITORY, **service: Any) -> dict[str, Any]:
    return {
        "region": aws.region,
        "cluster": incident.CLUSTER,
        # Lines of the sandbox are visible at once, so that an absence needs no wait.
        "log_settle": "0.1s",
        "services": {
            "backend": {
                "service": incident.SERVICE,
                "container": incident.CONTAINER,
                "image": f"{repository}:{incident.MEANT_TAG}",
                "logs": [dict(expectation) for expectation in incident.EXPECTATIONS],
                **service,
            }
        },
    }
