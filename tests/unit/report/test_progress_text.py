"""The progress of a rollout: the line on a terminal, and the sparse lines without one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace
from support.judging import progress
from support.worlds import (
    OLD_DEFINITION,
    OLD_ROLLOUT,
    WAYS,
    Way,
    clock,
    completed,
    crashed,
    deployment,
    draining,
    old_task,
    record,
    rolling,
    service,
    task,
)
from support.worlds_health import balanced, group, in_sets, old_set, target, task_set

from pytest_deploycheck.facts.service import ServiceEvent
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.judge.progress import Progress
from pytest_deploycheck.plugin.progress import ProgressLine, RolloutProgress
from pytest_deploycheck.report.progress import SparseLines, fleet_line, progress_line, standing


def state(**changes: Any) -> Progress:
    """The progress of a rollout of which one of two new tasks runs."""
    base = Progress("backend", 2, 1, 0, 0, 0, 2, "", "", ("1 of 2 new tasks to run",))
    return replace(base, **changes)


def line(world: ServiceFacts, elapsed: float = 40.0) -> str:
    """The line for a world."""
    return progress_line(progress(world), elapsed)


@pytest.mark.parametrize("way", WAYS)
def test_the_line_shows_how_far_how_long_and_the_newest_event(way: Way) -> None:
    """New tasks of those wanted, old ones, the seconds, and the service's last event without its own name."""
    said = [
        ServiceEvent(clock("11:07"), "(service shop) registered 1 targets in (target-group arn:aws:x)"),
        ServiceEvent(clock("11:06"), "(service shop) has started 2 tasks"),
    ]
    world = rolling(
        way,
        task("one"),
        draining("two"),
        draining("three"),
        service=service(
            deployment(state="IN_PROGRESS"),
            deployment("ecs-svc/1", status="ACTIVE", began=OLD_ROLLOUT, brings=OLD_DEFINITION),
            events=said,
        ),
    )
    expected = "backend: new 1/2 running, old 2 draining, 40 s, registered 1 targets in (target-group arn:aws:x)"
    assert line(world) == expected


@pytest.mark.parametrize("way", WAYS)
def test_what_is_on_its_way_and_what_failed_is_counted(way: Way) -> None:
    """Pending and failed new tasks are told; a task that is gone counts nowhere else."""
    world = rolling(
        way, task("one", status="PENDING", started_at=None), crashed("two"), old_task("three"), draining("four")
    )
    assert line(world) == "backend: new 0/2 running, 1 pending, 1 failed, old 1 running, 1 draining, 40 s"


def test_a_stage_is_reported() -> None:
    """A rollout with stages says in which it is."""
    world = rolling(
        "service deployments",
        task("one"),
        task("two"),
        old_task("three"),
        records=[record(status="IN_PROGRESS", stage="BAKE_TIME")],
    )
    assert line(world) == "backend: new 2/2 running, old 1 running, BAKE_TIME, 40 s"


def test_where_the_tasks_are_all_there_it_says_what_is_missing() -> None:
    """All run, and still it waits: for a target, a health check, requests, or ECS."""
    world = balanced(group(target("one"), target("two", "initial")))
    assert (
        line(world) == "backend: new 2/2 running, waiting for 1 new task to be healthy in shop-blue (now initial), 40 s"
    )
    assert "waiting for ECS" in line(rolling("deployments alone", task("one"), task("two")))


def test_a_new_task_set_is_new() -> None:
    """With another controller green's tasks are the new ones, before they serve production too."""
    world = in_sets(task_set(status="ACTIVE"), old_set("PRIMARY"), tasks=[task("one"), task("two"), old_task("old")])
    assert line(world).startswith("backend: new 2/2 running, old 1 running")


def test_a_service_that_may_not_be_described_has_no_number_wanted() -> None:
    """The desired number is not known: a question mark, and no made-up zero."""
    assert "/? running" in line(completed(service=None))


def test_what_others_wrote_is_fit_to_be_shown() -> None:
    """An event may hold anything; on a terminal it moves no cursor, and it stays on its line."""
    text = progress_line(state(last_event="a\x1b[2J\nb password=hunter2222" + "x" * 1000), 5)
    assert not {"\x1b", "\n"} & set(text)
    assert "hunter2222" not in text
    assert len(text) < 400


def test_seconds_are_whole() -> None:
    """Tenths of a second flicker."""
    assert ", 41 s" in progress_line(state(), 40.7)


def test_the_standing_does_not_change_by_itself() -> None:
    """Neither time nor an event makes another standing: only what the tasks do."""
    assert standing(state()) == standing(state(last_event="said"))
    assert standing(state()) != standing(state(new_running=2))


# Where there is no terminal.


def test_the_first_line_comes_at_once() -> None:
    """Whoever reads a CI log sees at once what is waited for."""
    assert SparseLines().due([state()], 0.0) == ["backend: new 1/2 running, old 2 draining, 0 s"]


def test_a_change_is_reported_and_sameness_is_not() -> None:
    """A line for a change, none while nothing happens, whatever the events say."""
    lines = SparseLines()
    lines.due([state()], 0.0)
    assert lines.due([state(last_event="has started 1 tasks")], 10.0) == []
    assert lines.due([state(new_running=2)], 20.0) == ["backend: new 2/2 running, old 2 draining, 20 s"]


def test_changes_that_come_fast_are_not_all_reported() -> None:
    """Not more than a line every five seconds; the last standing is told when they are over."""
    lines = SparseLines()
    lines.due([state(new_running=0)], 0.0)
    assert lines.due([state(new_running=1)], 2.0) == []
    assert lines.due([state(new_running=2)], 4.0) == []
    assert len(lines.due([state(new_running=2)], 6.0)) == 1


def test_now_and_then_a_line_shows_that_it_goes_on() -> None:
    """A job without output is taken for dead: a line comes every 15 seconds at first, then once a minute."""
    lines = SparseLines()
    told = [second for second in range(0, 301, 5) if lines.due([state()], float(second))]
    assert told == [0, 15, 30, 45, 60, 120, 180, 240, 300]


def test_a_long_rollout_is_a_handful_of_lines() -> None:
    """A tail of five minutes, looked at each second, with a change now and then, is told in few lines."""
    lines = SparseLines()
    told = sum(len(lines.due([state(new_running=min(2, second // 60))], float(second))) for second in range(301))
    assert 5 <= told <= 14


def test_a_wait_for_logs_is_reported_without_a_terminal() -> None:
    """A wait of minutes for a log line writes a line every 15 seconds at first, then once a minute."""
    written: list[str] = []
    seconds = iter(range(0, 1000, 5))
    reporter = SimpleNamespace(isatty=False, verbosity=0, ensure_newline=lambda: None, write_line=written.append)
    config = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=lambda _: reporter))
    line = ProgressLine(cast("pytest.Config", config), monotonic=lambda: float(next(seconds)))
    for second in range(0, 185, 5):
        line.show(f"waiting for 'ready': {second} s")
    assert [text.rpartition(": ")[2] for text in written] == ["15 s", "30 s", "45 s", "60 s", "120 s", "180 s"]
    line.show("")
    for second in range(0, 20, 5):
        line.show(f"waiting for 'done': {second} s")
    assert written[-1] == "deploycheck: waiting for 'done': 15 s"


def test_each_service_has_lines_of_its_own() -> None:
    """A change of one service is no reason to repeat the others."""
    lines = SparseLines()
    lines.due([state(), state(service="worker")], 0.0)
    (only,) = lines.due([state(), state(service="worker", new_running=2)], 10.0)
    assert only.startswith("worker: ")


def test_a_second_wait_begins_again() -> None:
    """After the end of a wait the next one tells its first line at once."""
    lines = SparseLines()
    lines.due([state()], 200.0)
    assert lines.due([], 210.0) == []
    assert len(lines.due([state()], 0.0)) == 1


def test_many_rollouts_share_a_line() -> None:
    """The line tells how many are settled, and names the first of those that are awaited."""
    rollouts = [state(service=f"eu/{name}") for name in "abcde"]
    told = fleet_line(rollouts, 100, 40.2)
    assert told.startswith("95 of 100 services settled, 40 s, awaiting eu/a: new 1/2 running, old 2 draining; eu/b: ")
    assert told.endswith("; and 2 more")
    assert fleet_line(rollouts[:1], 4, 1).endswith("awaiting eu/a: new 1/2 running, old 2 draining")


def test_sparse_lines_of_many_rollouts() -> None:
    """They are written when something has changed, and now and then where nothing has, as those of one are."""
    lines = SparseLines(total=4)
    both = [state(service="a"), state(service="b")]
    assert len(lines.due(both, 0.0)) == 1
    assert lines.due(both[:1], 3.0) == []
    assert lines.due(both[:1], 6.0) == [fleet_line(both[:1], 4, 6.0)]
    assert lines.due(both[:1], 20.0) == []
    assert len(lines.due(both[:1], 21.0)) == 1
    assert lines.due([], 22.0) == []
    assert len(lines.due(both[:1], 23.0)) == 1


class Terminal:
    """A terminal that remembers what was written over."""

    isatty = True
    verbosity = 0

    def __init__(self) -> None:
        self.written: list[str] = []

    def ensure_newline(self) -> None:
        """Begin no line."""

    def rewrite(self, text: str, **_: object) -> None:
        """Remember it."""
        self.written.append(text)


def test_many_rollouts_share_the_line_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rollouts stand beside each other on the line; of a fleet it tells how many are settled."""
    monkeypatch.setenv("COLUMNS", "500")
    both = [state(service="a"), state(service="b")]
    for total, line in ((2, f"{progress_line(both[0], 3)}; {progress_line(both[1], 3)}"), (4, fleet_line(both, 4, 3))):
        terminal = Terminal()
        plugins = {"terminalreporter": terminal}
        config = cast("pytest.Config", SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=plugins.get)))
        progress = RolloutProgress(config, ProgressLine(config), total)
        progress.show(both, 3)
        progress.show([], 4)
        assert terminal.written == [line, "", ""]
