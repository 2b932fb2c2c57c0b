"""The sandbox: ECR, ECS, CloudWatch and load balancers on a loopback port, for demos and for tests without AWS."""

from __future__ import annotations

from pytest_deploycheck.sandbox import stops
from pytest_deploycheck.sandbox.api.faults import Call
from pytest_deploycheck.sandbox.api.rates import Rate
from pytest_deploycheck.sandbox.sandbox import Sandbox
from pytest_deploycheck.sandbox.world.alarms import SandboxAlarm
from pytest_deploycheck.sandbox.world.ecs.rollouts import SandboxRollout
from pytest_deploycheck.sandbox.world.ecs.service import SandboxService
from pytest_deploycheck.sandbox.world.ecs.task_definitions import SandboxContainer
from pytest_deploycheck.sandbox.world.ecs.tasks import SandboxTask
from pytest_deploycheck.sandbox.world.layers import SandboxLayer, sandbox_layer
from pytest_deploycheck.sandbox.world.registry import SandboxImage
from pytest_deploycheck.sandbox.world.target_groups import SandboxTargetGroup

__all__ = [
    "Call",
    "Rate",
    "Sandbox",
    "SandboxAlarm",
    "SandboxContainer",
    "SandboxImage",
    "SandboxLayer",
    "SandboxRollout",
    "SandboxService",
    "SandboxTargetGroup",
    "SandboxTask",
    "sandbox_layer",
    "stops",
]
