"""Three tests that prove a deployment: pytest --deploy-env=dev."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_deploycheck import DeployedImage, LogTail, RunningTasks


def test_the_image_carries_the_release_tag(deployed_image: DeployedImage) -> None:
    assert "2025.11.26-1" in deployed_image.tags


def test_every_task_runs_that_image(deployed_image: DeployedImage, running_tasks: RunningTasks) -> None:
    assert len(running_tasks) >= 2
    assert running_tasks.digests <= deployed_image.digests


def test_the_new_code_logs(deploy_logs: LogTail) -> None:
    assert "Found 3 platform sections" in deploy_logs
