"""Deploy tests of the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_deploycheck import RunningTasks

pytestmark = pytest.mark.deploy_service("worker")


def test_the_worker_reads_the_queue_of_its_environment(running_tasks: RunningTasks) -> None:
    for task in running_tasks:
        assert task.containers["worker"].environment["QUEUE"] == "orders-dev"
