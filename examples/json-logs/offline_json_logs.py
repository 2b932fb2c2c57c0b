"""The stage on which the example runs without AWS: pytest offline_json_logs.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_deploycheck.sandbox import Sandbox, SandboxService

HERE = Path(__file__).parent
PLACED = {"event": "placed", "level": "info", "order": 1, "total": 19.9}


@pytest.fixture
def aws() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def shop(aws: Sandbox) -> SandboxService:
    aws.push_image("shop:1.1", {"app/main.py": "..."})
    return aws.create_service("orders-dev-shop", cluster="orders-dev", image="shop:1.1", desired=1)


def run(aws: Sandbox) -> subprocess.CompletedProcess[str]:
    """Run the deploy tests as CI does after a deployment."""
    options = ["--deploy-env=dev", "--deploy-image=1.1", "--deploy-log-wait=0.5s"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=HERE, env=os.environ | aws.environ, capture_output=True, text=True, check=False)


def log(shop: SandboxService, *records: dict[str, Any]) -> None:
    for record in records:
        shop.log(json.dumps(record))


def test_the_agreed_format_is_verified(aws: Sandbox, shop: SandboxService) -> None:
    log(shop, PLACED, {"event": "paid", "level": "info", "order": 1})

    ended = run(aws)

    assert ended.returncode == 0, ended.stdout


def test_a_record_of_another_format_is_refuted(aws: Sandbox, shop: SandboxService) -> None:
    log(shop, PLACED, {"event": "paid", "level": "info", "order": "1"})

    ended = run(aws)

    assert ended.returncode == 1, ended.stdout
    assert "$.order" in ended.stdout
