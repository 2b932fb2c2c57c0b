"""The steps that scenarios are made of: pushes, rollouts and log lines of the incident, at its times."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox import incident
from pytest_deploycheck.sandbox.world.ecs.task_definitions import SandboxContainer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_deploycheck.sandbox.sandbox import Sandbox
    from pytest_deploycheck.sandbox.world.ecs.service import SandboxService
    from pytest_deploycheck.sandbox.world.ecs.tasks import SandboxTask
    from pytest_deploycheck.sandbox.world.registry import SandboxImage

YESTERDAY = timedelta(hours=24)
"""The age of the earlier deployment."""

PUSHED = timedelta(minutes=10)
"""The age of the expected image, and how long before its deployment the earlier one was pushed."""

ROLLED_OUT = timedelta(minutes=8)
"""The age of a rollout that is over."""

ROLLED_BACK = timedelta(minutes=5)
"""The age of what follows a rollout, such as its rollback."""

ROLLING_OUT = timedelta(minutes=2)
"""The age of a rollout that is in progress."""

_LAST_LINE = timedelta(seconds=20)


def rolled_out(aws: Sandbox, **deploying: Any) -> SandboxService:
    """Push the expected image, and roll it out to the service that has run since yesterday."""
    service = with_yesterday(aws, **deploying)
    push_expected(aws)
    service.roll_out(at=aws.now() - ROLLED_OUT)
    return service


def with_yesterday(aws: Sandbox, **deploying: Any) -> SandboxService:
    """Push the earlier image, and create the service that has run it since yesterday."""
    push_earlier(aws)
    service = create_service(aws, **deploying)
    first = aws.now() - YESTERDAY
    log_lines(service.running_tasks, (*incident.START_UP_LINES, *incident.EARLIER_LINES), first)
    return service


def push_earlier(aws: Sandbox) -> SandboxImage:
    """Push the earlier image."""
    return aws.push_image(
        f"{incident.REPOSITORY}:{incident.EARLIER_TAG}",
        incident.EARLIER_FILES,
        tags=("latest",),
        labels={"org.opencontainers.image.version": incident.EARLIER_TAG},
        at=aws.now() - YESTERDAY - PUSHED,
    )


def push_expected(
    aws: Sandbox, *, repository: str = incident.REPOSITORY, cached_from: SandboxImage | None = None
) -> SandboxImage:
    """Push the expected image, with the layer of the code from another image where one is given."""
    return aws.push_image(
        f"{repository}:{incident.EXPECTED_TAG}",
        incident.EXPECTED_FILES,
        tags=("latest",),
        labels={"org.opencontainers.image.version": incident.EXPECTED_TAG},
        at=aws.now() - PUSHED,
        cached_from=cached_from,
    )


def create_service(aws: Sandbox, **deploying: Any) -> SandboxService:
    """Create the service as it has run since yesterday."""
    container = SandboxContainer(
        name=incident.CONTAINER, image=f"{incident.REPOSITORY}:latest", log_group=incident.LOG_GROUP
    )
    return aws.create_service(
        incident.SERVICE,
        cluster=incident.CLUSTER,
        containers=[container],
        family=incident.FAMILY,
        desired=incident.DESIRED,
        at=aws.now() - YESTERDAY,
        **deploying,
    )


def log_with_health_checks(
    aws: Sandbox,
    tasks: Sequence[SandboxTask],
    *blocks: Iterable[str],
    arrives_in: float = 0.0,
) -> None:
    """Let each task log these lines since it started or in the last minutes, between health checks."""
    for task in tasks:
        started = task.started_at or task.created_at
        first = max(started, aws.now() - ROLLED_OUT)
        lines = [incident.HEALTH_CHECK_LINE]
        for block in blocks:
            lines += [*block, incident.HEALTH_CHECK_LINE]
        *earlier, last = lines
        log_lines([task], earlier, first, arrives_in)
        # The last health check comes after the rollout, up to where the absence of a line is then known.
        task.log(last, at=max(aws.now() - _LAST_LINE, first + timedelta(seconds=len(lines))), arrives_in=arrives_in)


def log_lines(tasks: Sequence[SandboxTask], lines: Iterable[str], first: datetime, arrives_in: float = 0.0) -> None:
    """Let each task log these lines, one a second."""
    for task in tasks:
        for position, line in enumerate(lines, start=1):
            task.log(line, at=first + timedelta(seconds=position), arrives_in=arrives_in)


def configuration(aws: Sandbox, *, repository: str = incident.REPOSITORY, **service: Any) -> dict[str, Any]:
    """Return the configuration of the environment, with further keys of the service; None leaves a key out."""
    settings = {
        "service": incident.SERVICE,
        "container": incident.CONTAINER,
        "image": f"{repository}:{incident.EXPECTED_TAG}",
        "logs": [dict(expectation) for expectation in incident.EXPECTATIONS],
        **service,
    }
    return {
        "region": aws.region,
        "cluster": incident.CLUSTER,
        # Lines of the sandbox are visible at once, so that an absence needs no wait.
        "log_settle": "0.1s",
        "services": {"backend": {key: value for key, value in settings.items() if value is not None}},
    }
