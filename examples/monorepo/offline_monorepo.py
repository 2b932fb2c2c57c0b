"""The stage on which the example runs without AWS: pytest offline_monorepo.py."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_deploycheck.sandbox import Sandbox, SandboxContainer

HERE = Path(__file__).parent


@pytest.fixture
def aws() -> Iterator[Sandbox]:
    """The cluster with both services, and the code of this checkout in their images."""
    with Sandbox() as sandbox:
        for name, memory in (("shop", 2048), ("worker", 512)):
            code = (HERE / f"services/{name}/app/{name}_service.py").read_text(encoding="utf-8")
            sandbox.push_image(f"{name}:1.1", {f"app/app/{name}_service.py": code})
            container = SandboxContainer(name=name, image=f"{name}:1.1", environment={"QUEUE": "orders-dev"})
            sandbox.create_service(f"orders-dev-{name}", cluster="orders-dev", containers=[container], memory=memory)
        yield sandbox


def run(aws: Sandbox, folder: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the deploy tests in a folder, as CI does there after a deployment."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--deploy-env=dev", *arguments]
    return subprocess.run(
        command, cwd=HERE / folder, env=os.environ | aws.environ, capture_output=True, text=True, check=False
    )


def test_all_services_are_verified_from_the_root(aws: Sandbox) -> None:
    ended = run(aws, ".", "--deploy-image=shop=1.1", "--deploy-image=worker=1.1")

    assert ended.returncode == 0, ended.stdout
    assert "VERIFIED" in ended.stdout


def test_one_service_is_verified_from_its_folder(aws: Sandbox) -> None:
    ended = run(aws, "services/shop", "--deploy-service=shop", "--deploy-image=1.1", "tests/deploy")

    assert ended.returncode == 0, ended.stdout
    assert "VERIFIED: shop in dev" in ended.stdout
