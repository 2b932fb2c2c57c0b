"""Deploy tests of the shop: pytest --deploy-env=dev, here or at the root of the repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_deploycheck import RunningTasks

# Without it a test runs once for each service of the environment.
pytestmark = pytest.mark.deploy_service("shop")


def test_the_shop_has_room_for_its_cache(running_tasks: RunningTasks) -> None:
    assert all(task.definition.memory and task.definition.memory >= 1024 for task in running_tasks)
