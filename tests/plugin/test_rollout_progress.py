"""The wait for a rollout on a terminal, and on none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from plugin.terminal import on_a_terminal, screen

if TYPE_CHECKING:
    from conftest import BetweenPolls

    from plugin.conftest import Deploy, World
    from pytest_deploycheck.sandbox import SandboxRollout

RUN = (
    *("-p", "no:cacheprovider", "--tb=no"),
    *("--deploy-env=sandbox", "--deploy-sandbox=half-rolled-out", "--deploy-wait=1.2s"),
    "deploycheck::backend::rollout-complete",
)


def test_a_rollout_shows_on_a_terminal_its_progress(pytester: pytest.Pytester) -> None:
    """New and old tasks, the time and the last event, on one line that is written over, and gone when the wait ends."""
    status, output = on_a_terminal(pytester, *RUN)
    assert status == 1
    told = r"\r(backend: new 1/2 running, old 2 running, (\d+) s, has started 1 tasks[^\r\n]*)(?=[\r\n])"
    written = re.findall(told, output)
    seconds = [int(number) for _, number in written]
    assert seconds
    # A line that says what the last one said is not written again.
    assert seconds == sorted(set(seconds))
    assert all(len(line) < 80 for line, _ in written)
    left = screen(output)
    assert not [line for line in left if line.startswith("backend: new")]
    assert [line for line in left if line.startswith("deploycheck F")], left


@pytest.fixture
def rollout(world: World) -> SandboxRollout:
    """Return a rollout that is half through."""
    return world.backend.roll_out(status="IN_PROGRESS", new_running=1)


def lines(output: str) -> list[str]:
    """Return the lines that show the progress of rollouts."""
    return [line for line in output.splitlines() if re.match(r"deploycheck: \w+: new ", line)]


def test_where_there_is_no_terminal(
    deploy: Deploy, world: World, rollout: SandboxRollout, between_polls: BetweenPolls
) -> None:
    """One plain line names the awaited condition; changes within seconds make no more of them."""
    fresh: list[object] = []
    with between_polls(world.aws, lambda: fresh.extend(rollout.start_tasks(1, at=world.aws.now())), rollout.complete):
        outcome = deploy("--deploy-wait=20s", "-k", "rollout", env="shop")
    assert outcome.checks == {"rollout-complete": "pass"}
    assert len(fresh) == 1
    (line,) = lines(outcome.output)
    assert re.match(r"deploycheck: backend: new 1/2 running, old 2 running, \d+ s, has started 1 tasks", line)
    assert "\r" not in outcome.output


def test_a_line_for_each_service_that_is_waited_for(deploy: Deploy, world: World, rollout: SandboxRollout) -> None:
    """Each service that is not settled has a line; a settled one has none."""
    world.add("worker").roll_out(status="IN_PROGRESS", new_running=0, new_pending=1)
    world.add("steady")
    world.configure("backend", "worker", "steady")
    outcome = deploy("--deploy-wait=0.1s", "-k", "rollout", env="shop")
    assert rollout.state == "IN_PROGRESS"
    first, second = sorted(lines(outcome.output))
    assert "backend: new 1/2 running, old 2 running" in first
    assert "worker: new 0/1 running, 1 pending, old 1 running" in second


def test_tasks_that_fail_are_told_while_it_is_waited(deploy: Deploy, rollout: SandboxRollout) -> None:
    """Whoever watches the log sees that new tasks do not stay up, before ECS gives up."""
    rollout.crash(2)
    (line,) = lines(deploy("--deploy-wait=0.1s", "-k", "rollout", env="shop").output)
    assert "new 1/2 running, 2 failed, old 2 running" in line


def test_what_else_is_waited_for(deploy: Deploy, world: World) -> None:
    """If all tasks run, what is still lacking is named."""
    for task in world.add("web", desired=2, target_groups=["web"]).running_tasks:
        task.target_health = "initial"
    world.configure("web")
    (line,) = lines(deploy("--deploy-wait=0.1s", "-k", "rollout", env="shop").output)
    assert "new 2/2 running, waiting for 2 new tasks to be healthy in web (now initial)" in line


@pytest.mark.usefixtures("rollout")
@pytest.mark.parametrize(("args", "number"), [(("-q",), 1), (("-qq",), 0), (("--deploy-wait=0",), 0)])
def test_how_much_is_noted(deploy: Deploy, args: tuple[str, ...], number: int) -> None:
    """With -qq nothing is said of it, and neither where nothing is waited for."""
    outcome = deploy("--deploy-wait=0.1s", "-k", "rollout", *args, env="shop")
    assert outcome.status == 1
    assert len(lines(outcome.output)) == number


def test_nothing_is_reported_of_what_is_settled(deploy: Deploy, world: World) -> None:
    """A rollout that is through costs no line."""
    assert world.backend.rollout.state == "COMPLETED"
    outcome = deploy("--deploy-wait=20s", "-k", "rollout", env="shop")
    assert lines(outcome.output) == []
