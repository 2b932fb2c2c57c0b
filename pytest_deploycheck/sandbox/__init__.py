"""AWS in a box: ECR, ECS and CloudWatch on a loopback port, for demos and for tests without AWS."""

from __future__ import annotations

from pytest_deploycheck.sandbox import stops
from pytest_deploycheck.sandbox.alarms import SandboxAlarm
from pytest_deploycheck.sandbox.definitions import SandboxContainer
from pytest_deploycheck.sandbox.faults import Call
from pytest_deploycheck.sandbox.images import SandboxLayer, sandbox_layer
from pytest_deploycheck.sandbox.registry import SandboxImage
from pytest_deploycheck.sandbox.rollouts import SandboxRollout
from pytest_deploycheck.sandbox.sandbox import Sandbox
from pytest_deploycheck.sandbox.service import SandboxService
from pytest_deploycheck.sandbox.targetgroups import SandboxTargetGroup
from pytest_deploycheck.sandbox.tasks import SandboxTask

__all__ = [
    "Call",
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
