"""Do our own expectations catch what they should? Tried on a world that each test fills itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_deploycheck import verify
from pytest_deploycheck.sandbox import Sandbox, SandboxService

CONFIG = Path(__file__).parent / "deploycheck.toml"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        for name, value in sandbox.environ.items():
            monkeypatch.setenv(name, value)
        yield sandbox


@pytest.fixture
def shop(aws: Sandbox) -> SandboxService:
    aws.push_image("shop:1.0", {"app/main.py": "print('listening on port 8080')"}, tags=("latest",))
    return aws.create_service("shop-service", cluster="default", image="shop:latest", desired=2)


def verdict(release: str = "1.0") -> str:
    """Carry out the checks of deploycheck.toml as CI does, but in the sandbox."""
    return verify("dev", config=CONFIG, images={"shop": release}, log_wait="1s").verdict


def test_a_good_deployment_is_verified(shop: SandboxService) -> None:
    shop.log("listening on port 8080")

    assert verdict() == "VERIFIED"


def test_a_task_that_does_not_listen_is_refuted(shop: SandboxService) -> None:
    listening, stuck = shop.running_tasks
    listening.log("listening on port 8080")
    stuck.log("waiting for the database")

    assert verdict() == "REFUTED"


def test_a_push_without_a_rollout_is_refuted(aws: Sandbox, shop: SandboxService) -> None:
    shop.log("listening on port 8080")
    aws.push_image("shop:1.1", {"app/main.py": "print('hello')"}, tags=("latest",))

    assert verdict("1.1") == "REFUTED"


def test_silence_is_no_proof(shop: SandboxService) -> None:
    assert shop.running_tasks

    assert verdict() == "UNPROVEN"
