"""Fixtures of a project that override and extend those of the plugin; pytest 8 lists less of them than pytest 9."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from plugin.conftest import Deploy, World

OWN = """
import pytest

@pytest.fixture
def running_tasks(running_tasks): return running_tasks

@pytest.fixture
def expected(deployed_image): return deployed_image

class TestOwn:
    @pytest.fixture
    def expected(self, expected): return expected.digest

    def test_both(self, running_tasks, expected): assert running_tasks.digests == {expected}

@pytest.fixture
def deployment(): return "my own"

def test_replaced(deployment): assert deployment == "my own"
"""


def test_an_override_that_extends_ours_runs_once_for_each_service(
    deploy: Deploy, pytester: pytest.Pytester, world: World
) -> None:
    """A test runs for each service through overridden fixtures as well, and once where nothing of ours is left."""
    world.add("worker")
    world.configure("backend", "worker")
    pytester.makepyfile(OWN)
    outcome = deploy("-k", "test_", env="shop")
    assert outcome.tests == {"test_both[backend]": "passed", "test_both[worker]": "passed"}
    assert "passed" in outcome.output
    assert outcome.status == 7, outcome.output
