"""Do our own expectations catch what they are meant to catch? Tried on a world that each test fills itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_deploycheck.sandbox import Sandbox, SandboxService

HERE = Path(__file__).parent
VERIFIED, REFUTED, UNPROVEN = 0, 1, 7


@pytest.fixture
def aws() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def shop(aws: Sandbox) -> SandboxService:
    aws.push_image("shop:1.0", {"app/main.py": "print('listening on port 8080')"}, tags=("latest",))
    return aws.create_service("shop-service", cluster="default", image="shop:latest", desired=2)


def verify(aws: Sandbox, release: str = "1.0") -> int:
    """Carry out the checks of deploycheck.toml as CI does, but in the sandbox; the exit status is the verdict."""
    options = ["--deploy-env=dev", f"--deploy-image={release}", "--deploy-log-wait=1s"]
    command = [sys.executable, "-m", "pytest", "deploycheck", *options]
    return subprocess.run(command, cwd=HERE, env=os.environ | aws.environ, check=False, timeout=60).returncode


def test_a_good_deployment_is_verified(aws: Sandbox, shop: SandboxService) -> None:
    shop.log("listening on port 8080")

    assert verify(aws) == VERIFIED


def test_a_task_that_does_not_listen_is_refuted(aws: Sandbox, shop: SandboxService) -> None:
    listening, stuck = shop.running_tasks
    listening.log("listening on port 8080")
    stuck.log("waiting for the database")

    assert verify(aws) == REFUTED


def test_a_push_without_a_rollout_is_refuted(aws: Sandbox, shop: SandboxService) -> None:
    shop.log("listening on port 8080")
    aws.push_image("shop:1.1", {"app/main.py": "print('hello')"}, tags=("latest",))

    assert verify(aws, "1.1") == REFUTED


def test_silence_is_no_proof(aws: Sandbox, shop: SandboxService) -> None:
    assert shop.running_tasks

    assert verify(aws) == UNPROVEN
