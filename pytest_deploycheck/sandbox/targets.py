"""What the load balancer answers about the tasks of the sandbox's world."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox.answers import Json
    from pytest_deploycheck.sandbox.tasks import SandboxTask
    from pytest_deploycheck.sandbox.world import World

PORT = 8080
"""The port every application listens on."""

_REASONS = {
    "initial": ("Elb.RegistrationInProgress", "Target registration is in progress"),
    "unhealthy": ("Target.ResponseCodeMismatch", "Health checks failed with these codes: [502]"),
    "draining": ("Target.DeregistrationInProgress", "Target deregistration is in progress"),
}


def describe_target_health(world: World, asked: Json) -> Json | None:
    """Answer DescribeTargetHealth, or None where no service of the world has the target group."""
    arn = asked.get("TargetGroupArn", "")
    services = [service for service in world.services.values() if arn in service.target_groups]
    if not services:
        return None
    targets = [_target(task) for service in services for task in service.tasks if task.started_at]
    return {"TargetHealthDescriptions": targets}


def _target(task: SandboxTask) -> Json:
    state = task.target_health if task.is_running else "draining"
    reason, description = _REASONS.get(state, ("", ""))
    why = {"Reason": reason, "Description": description} if reason else {}
    return {
        "Target": {"Id": task.private_ip, "Port": PORT},
        "HealthCheckPort": str(PORT),
        "TargetHealth": {"State": state, **why},
    }
