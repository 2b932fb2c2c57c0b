"""The ways in which a task stops, one for each class of ECS's stopped task error messages.

Each is given to [SandboxRollout.crash][], as in `rollout.crash(**stops.OUT_OF_MEMORY)`. The messages are those of the
Amazon ECS Developer Guide, "Amazon ECS stopped tasks error messages", and of the tasks that users quote.
"""

from __future__ import annotations

from typing import Literal, TypedDict

StopCode = Literal[
    "TaskFailedToStart",
    "EssentialContainerExited",
    "UserInitiated",
    "ServiceSchedulerInitiated",
    "SpotInterruption",
    "TerminationNotice",
]
"""The stop codes of ECS."""


class Stop(TypedDict, total=False):
    """The way in which a task stopped.

    Attributes:
        code: The stop code.
        reason: The stopped reason.
        exit_code: The exit code of the application's container; None if it never started.
        container_reason: The reason that the application's container stopped.
        started: Whether it ran before.
    """

    code: StopCode
    reason: str
    exit_code: int | None
    container_reason: str
    started: bool


EXITED = "Essential container in task exited"
"""The reason of a task whose application ended by itself, or was killed."""

CRASHED = Stop(code="EssentialContainerExited", reason=EXITED, exit_code=1)
"""The application ended with an error."""

OUT_OF_MEMORY = Stop(
    code="EssentialContainerExited",
    reason=EXITED,
    exit_code=137,
    container_reason="OutOfMemoryError: Container killed due to memory usage",
)
"""The application exceeded its memory limit."""

UNHEALTHY_CONTAINER = Stop(
    code="ServiceSchedulerInitiated", reason="Task failed container health checks", exit_code=137
)
"""The container's own health check failed."""

NO_SECRETS = Stop(
    code="TaskFailedToStart",
    reason=(
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
        "unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret from "
        "secrets manager: AccessDeniedException: is not authorized to perform: secretsmanager:GetSecretValue"
    ),
    exit_code=None,
    started=False,
)
"""The task may not read a secret that it needs to start."""

NO_LOG_GROUP = Stop(
    code="TaskFailedToStart",
    reason=(
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed "
        "to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit "
        "status 1"
    ),
    exit_code=None,
    started=False,
)
"""The log group of the task does not exist."""

CANNOT_START = Stop(
    code="TaskFailedToStart",
    reason="Task failed to start",
    exit_code=None,
    container_reason=(
        "CannotStartContainerError: Error response from daemon: failed to create task for container: failed to create "
        'shim task: OCI runtime create failed: runc create failed: exec: "/app/start.sh": permission denied'
    ),
    started=False,
)
"""The command of the image cannot be run."""

SPOT = Stop(code="SpotInterruption", reason="Your Spot Task was interrupted.", exit_code=143)
"""Fargate reclaimed the capacity of a Spot task."""

MAINTENANCE = Stop(
    code="TerminationNotice",
    reason="ECS is performing maintenance on the underlying infrastructure hosting the task.",
    exit_code=143,
)
"""The host is retired."""

BY_USER = Stop(code="UserInitiated", reason="Task stopped by user", exit_code=143)
"""A user called StopTask."""


def cannot_pull(image: str) -> Stop:
    """Return the stop of a task whose image does not exist."""
    reason = (
        f"CannotPullContainerError: pull image manifest has been retried 7 time(s): "
        f"failed to resolve ref {image}: {image}: not found"
    )
    return Stop(code="TaskFailedToStart", reason=reason, exit_code=None, container_reason=reason, started=False)


def unhealthy_target(target_group: str) -> Stop:
    """Return the stop of a task that failed the health checks of a target group, given its ARN."""
    return Stop(
        code="ServiceSchedulerInitiated",
        reason=f"Task failed ELB health checks in (target-group {target_group})",
        exit_code=137,
    )


def scaled_in(by: str) -> Stop:
    """Return the stop of a task that is no longer wanted, given what stopped it, such as `deployment ecs-svc/1`."""
    return Stop(code="ServiceSchedulerInitiated", reason=f"Scaling activity initiated by ({by})", exit_code=0)
