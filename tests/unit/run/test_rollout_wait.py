"""Waiting for rollouts: how long, for what, and what is left when it ends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace
from support.judging import judge_complete, judge_run_image, judge_targets, rule
from support.log_fakes import FakeClock
from support.runs import IDENTITY
from support.worlds import (
    NOW,
    OLD,
    WAYS,
    Way,
    completed,
    crashed,
    denied,
    failed,
    never_restarted,
    old_image,
    old_task,
    record,
    rolled_back,
    rolling,
    superseded,
    task,
)
from support.worlds_health import balanced, checked_definition, group, in_sets, old_set, target, task_set, traffic

from pytest_deploycheck.facts.health import Health
from pytest_deploycheck.facts.rollout import Pause
from pytest_deploycheck.facts.snapshot import Observation, Problem, ServiceFacts
from pytest_deploycheck.judge.analysis.newest_rollout import Outcome
from pytest_deploycheck.judge.finding import Status
from pytest_deploycheck.judge.progress import Progress
from pytest_deploycheck.polling import Overtime
from pytest_deploycheck.report.finding import explain_finding
from pytest_deploycheck.run.rollout_wait import Watch

Script = Sequence[tuple[float, ServiceFacts]]

TIMEOUT = 300.0


@dataclass
class Scripted:
    """Looks at services that change at their seconds.

    Attributes:
        clock: The time.
        script: The facts from each second on, for each service.
        takes: Seconds that an observation takes.
        looks: The second of each observation.
        interrupt_at: The number of the look that is interrupted, from 1; 0 for none.
        asked: The services of each observation.
    """

    clock: FakeClock
    script: Sequence[Script]
    takes: float = 0.0
    looks: list[float] = field(default_factory=list)
    interrupt_at: int = 0
    began: float = 1000.0
    polls: list[bool] = field(default_factory=list)
    asked: list[list[str]] = field(default_factory=list)

    def observe(self, *, is_poll: bool, show: object, only: Collection[str] = ()) -> tuple[ServiceFacts, ...]:
        """Return the facts at this second."""
        second = round(self.clock.seconds - self.began, 6)
        self.looks.append(second)
        self.polls.append(is_poll)
        assert callable(show)
        self.clock.seconds += self.takes
        if len(self.looks) == self.interrupt_at:
            raise KeyboardInterrupt
        facts = tuple(_at(second, script) for script in self.script)
        found = tuple(one for one in facts if not only or one.name in only)
        self.asked.append([one.name for one in found])
        return found

    def with_history(self, facts: ServiceFacts) -> ServiceFacts:
        """Return the facts as they are."""
        return facts


def _at(second: float, script: Script) -> ServiceFacts:
    return [facts for since, facts in script if since <= second][-1]


@dataclass
class Waiting:
    """A watch, what it looks with, and what it showed."""

    watch: Watch
    observer: Scripted
    clock: FakeClock
    shown: list[tuple[list[Progress], float]]

    @property
    def seconds(self) -> float:
        """Seconds that were waited."""
        return round(self.clock.slept, 6)


def waiting(*script: tuple[float, ServiceFacts], timeout: float = TIMEOUT, **how: object) -> Waiting:
    """A watch of one service."""
    return waiting_for(script, timeout=timeout, **how)


def waiting_for(*scripts: Script, timeout: float = TIMEOUT, **how: object) -> Waiting:
    """A watch of several services."""
    clock = FakeClock()
    observer = Scripted(clock, scripts, **how)  # type: ignore[arg-type]
    shown: list[tuple[list[Progress], float]] = []

    def now() -> datetime:
        return NOW + timedelta(seconds=clock.seconds - 1000.0)

    watch = Watch(
        observer, IDENTITY, timeout, clock, now, Overtime(clock), show=lambda some, at: shown.append((list(some), at))
    )
    return Waiting(watch, observer, clock, shown)


def only(observation: Observation) -> ServiceFacts:
    """The one service of an observation."""
    (facts,) = observation.services
    return facts


def outcome(observation: Observation) -> Outcome:
    """The outcome for the one service of an observation."""
    return rule(only(observation)).outcome


def going_on(way: Way = "service deployments") -> ServiceFacts:
    """One new task runs, one old task is still there."""
    return rolling(way, task("one"), old_task("two"))


# When it ends.


@pytest.mark.parametrize("way", WAYS)
def test_what_is_settled_is_observed_once(way: Way) -> None:
    """Nothing is waited for where all is well."""
    run = waiting((0, completed(way)))
    assert outcome(run.watch.observe()) is Outcome.COMPLETED
    assert run.seconds == 0
    assert len(run.observer.looks) == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", [rolled_back, failed, superseded, never_restarted])
def test_a_terminal_failure_ends_it_at_once(way: Way, how: Callable[[Way], ServiceFacts]) -> None:
    """A state that cannot become good any more ends the wait at the first poll, however long the limit is."""
    run = waiting((0, how(way)))
    assert judge_complete(only(run.watch.observe()), waited=0).status is Status.FAIL
    assert run.seconds == 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("how", "expected"),
    [(rolled_back, Outcome.ROLLED_BACK), (failed, Outcome.FAILED), (superseded, Outcome.SUPERSEDED)],
)
def test_a_failure_that_comes_during_the_wait_ends_it(
    way: Way, how: Callable[[Way], ServiceFacts], expected: Outcome
) -> None:
    """The rollout is given up, or replaced by another deployment, after 40 seconds: that is seen, and told as such."""
    run = waiting((0, going_on(way)), (40, how(way)))
    assert outcome(run.watch.observe()) is expected
    assert 40 <= run.seconds <= 45


@pytest.mark.parametrize("way", WAYS)
def test_a_rollout_that_completes_ends_it(way: Way) -> None:
    """It passes as soon as ECS and the tasks are ready, and not before."""
    running = rolling(way, task("one"), task("two"))
    run = waiting((0, going_on(way)), (30, running), (60, completed(way)))
    observation = run.watch.observe()
    assert outcome(observation) is Outcome.COMPLETED
    assert 60 <= run.seconds <= 65
    assert observation.waited == pytest.approx(run.seconds)


@pytest.mark.parametrize("way", WAYS)
def test_the_deadline_ends_it_with_what_it_waited_for(way: Way) -> None:
    """At the end of the wait the failure says how long, for what, and what was seen last."""
    run = waiting((0, going_on(way)))
    observation = run.watch.observe()
    assert run.seconds == TIMEOUT
    text = explain_finding(judge_complete(only(observation), waited=observation.waited))
    assert "waited 300 s for 1 of 2 new tasks to run; 1 old task to stop" in text


@pytest.mark.parametrize("way", WAYS)
def test_there_is_a_poll_at_the_deadline(way: Way) -> None:
    """A change in the last moment counts."""
    run = waiting((0, going_on(way)), (TIMEOUT, completed(way)))
    assert outcome(run.watch.observe()) is Outcome.COMPLETED
    assert run.observer.looks[-1] == pytest.approx(TIMEOUT)


def test_no_wait_polls_once() -> None:
    """With `--deploy-wait=0` what is there is judged, and no progress is shown."""
    run = waiting((0, going_on()), timeout=0)
    assert outcome(run.watch.observe()) is Outcome.IN_PROGRESS
    assert len(run.observer.looks) == 1
    assert not any(rollouts for rollouts, _ in run.shown)


# What it waits for.


def test_a_target_is_waited_for_while_it_is_initial() -> None:
    """The load balancer needs some checks before it calls a target healthy: that is waited for."""
    starting = balanced(group(target("one"), target("two", "initial", "Elb.InitialHealthChecking")))
    run = waiting((0, starting), (40, balanced(group(target("one"), target("two")))))
    assert judge_targets(only(run.watch.observe())).status is Status.PASS
    assert 40 <= run.seconds <= 45


@pytest.mark.parametrize("state", ["unhealthy", "unused", "draining"])
def test_a_target_that_is_not_healthy_may_become_so(state: str) -> None:
    """A new task may be called unhealthy before it is up: only the end of the wait makes it a failure."""
    ill = balanced(group(target("one"), target("two", state)))
    run = waiting((0, ill), (100, balanced(group(target("one"), target("two")))))
    assert judge_targets(only(run.watch.observe())).status is Status.PASS
    for_ever = waiting((0, ill))
    assert judge_targets(only(for_ever.watch.observe())).status is Status.FAIL
    assert for_ever.seconds == TIMEOUT


def test_health_that_nobody_tells_is_not_waited_for() -> None:
    """A target group without health checks says `unavailable` for ever."""
    run = waiting((0, balanced(group(target("one", "unavailable"), target("two")))))
    assert judge_targets(only(run.watch.observe())).status is Status.UNPROVEN
    assert run.seconds == 0


def test_a_containers_health_check_is_waited_for() -> None:
    """A container with a health check is UNKNOWN until the check has come to a result."""
    starting = completed(definitions=[checked_definition()])
    well = replace(
        starting,
        tasks=tuple(
            replace(one, containers=tuple(replace(part, health="HEALTHY") for part in one.containers))
            for one in starting.tasks or ()
        ),
    )
    run = waiting((0, starting), (20, well))
    run.watch.observe()
    assert 20 <= run.seconds <= 25
    assert waiting((0, completed())).watch.observe().waited == 0


def test_requests_are_waited_for() -> None:
    """Too few requests say nothing of the share of errors yet."""
    run = waiting(
        (0, completed(health=Health(traffic=traffic(3, 0)))), (60, completed(health=Health(traffic=traffic(80, 0))))
    )
    run.watch.observe()
    assert 60 <= run.seconds <= 65


@pytest.mark.parametrize("way", WAYS)
def test_a_task_that_is_replaced_during_the_wait_is_followed(way: Way) -> None:
    """The task that takes another's place is looked at, not the one that was there when the wait began."""
    first = rolling(way, task("one"), old_task("old-one"))
    gone = rolling(way, crashed("one"), task("three", status="PENDING", started_at=None), old_task("old-one"))
    fine = completed(way, tasks=[crashed("one"), task("two"), task("three")])
    run = waiting((0, first), (30, gone), (60, fine))
    facts = only(run.watch.observe())
    assert [one.id for one in facts.running] == ["two", "three"]
    assert judge_complete(facts, waited=60).status is Status.PASS
    assert judge_run_image(facts).status is Status.PASS


@pytest.mark.parametrize("way", WAYS)
def test_a_task_that_is_replaced_by_one_with_another_image_is_reported(way: Way) -> None:
    """ECS completed, a task is replaced, and its successor runs the old digest: the successor decides."""
    stale = completed(way, tasks=[task("one"), task("three", OLD)], running_images=[old_image()])
    run = waiting((0, completed(way, tasks=[task("one")])), (20, stale))
    assert judge_run_image(only(run.watch.observe())).status is Status.FAIL


@pytest.mark.parametrize("stage", ["BAKE_TIME", "POST_TEST_TRAFFIC_SHIFT"])
def test_a_bake_time_and_a_pause_are_waited_through_until_the_deadline(stage: str) -> None:
    """Both end by themselves or by a user: the wait goes on, and ends IN_PROGRESS with the stage named."""
    pauses = () if stage == "BAKE_TIME" else (Pause("hook-1"),)
    held = record(status="IN_PROGRESS", stage=stage, bake_minutes=10, pauses=pauses)
    world = rolling("service deployments", task("one"), task("two"), records=[held])
    run = waiting((0, world))
    observation = run.watch.observe()
    assert run.seconds == TIMEOUT
    assert f"waited 300 s for the stage {stage} to pass" in judge_complete(only(observation), waited=300).summary
    let_go = waiting((0, world), (200, completed()))
    assert outcome(let_go.watch.observe()) is Outcome.COMPLETED


def test_a_task_set_is_waited_for_until_the_old_one_is_gone() -> None:
    """CODE_DEPLOY and EXTERNAL are waited for as ECS's own rollouts are."""
    green = in_sets(task_set(status="ACTIVE"), old_set("PRIMARY"), tasks=[task("one"), task("two"), old_task("old")])
    shifted = in_sets(task_set(), old_set(), tasks=[task("one"), task("two"), old_task("old")])
    done = in_sets(task_set(), tasks=[task("one"), task("two")])
    run = waiting((0, green), (60, shifted), (120, done))
    assert outcome(run.watch.observe()) is Outcome.COMPLETED
    assert 120 <= run.seconds <= 125


def test_a_call_that_was_throttled_is_made_again() -> None:
    """A passing error is worth another poll; a denied action is not."""
    throttled = Problem("ecs:ListTasks", "ThrottlingException", "Too often.", "Wait.", passing=True)
    run = waiting((0, completed(tasks=None, problems={"tasks": throttled})), (10, completed()))
    assert "tasks" not in only(run.watch.observe()).problems
    assert 10 <= run.seconds <= 15
    hidden = waiting((0, completed(tasks=None, problems={"tasks": denied("ecs:ListTasks")})))
    hidden.watch.observe()
    assert hidden.seconds == 0


def test_the_slowest_service_is_waited_for() -> None:
    """All services are looked at until the last of them is settled."""
    worker = replace(completed(), name="worker")
    run = waiting_for([(0, replace(going_on(), name="worker")), (50, worker)], [(0, going_on()), (90, completed())])
    observation = run.watch.observe()
    assert [rule(facts).outcome for facts in observation.services] == [Outcome.COMPLETED, Outcome.COMPLETED]
    assert 90 <= run.seconds <= 95


def test_a_service_that_fails_does_not_hide_what_the_others_come_to() -> None:
    """One service rolled back at once, another still rolls out: that one is waited for."""
    run = waiting_for(
        [(0, rolled_back("service deployments"))],
        [(0, replace(going_on(), name="worker")), (30, replace(completed(), name="worker"))],
    )
    observation = run.watch.observe()
    assert [rule(facts).outcome for facts in observation.services] == [Outcome.ROLLED_BACK, Outcome.COMPLETED]


def fleet_of(**scripts: Script) -> Waiting:
    """A watch of services by name."""
    return waiting_for(*([(at, replace(facts, name=name)) for at, facts in script] for name, script in scripts.items()))


def test_polls_ask_only_for_what_is_awaited() -> None:
    """A settled service is observed at the start and, as it may have changed since, once at the end."""
    run = fleet_of(web=[(0, completed())], worker=[(0, going_on()), (50, completed())])
    run.watch.observe()
    assert run.observer.asked[0] == run.observer.asked[-1] == ["web", "worker"]
    assert len(run.observer.asked) > 4
    assert all(asked == ["worker"] for asked in run.observer.asked[1:-1])
    # The end is not held back as polls are.
    assert run.observer.polls[0] is run.observer.polls[-1] is False
    assert [one.name for one in run.watch.observation.services] == ["web", "worker"]  # type: ignore[union-attr]


def test_all_are_observed_when_the_wait_is_over() -> None:
    """At the deadline nothing that is judged is as old as the start of the wait."""
    run = fleet_of(web=[(0, completed()), (200, rolled_back("service deployments"))], worker=[(0, going_on())])
    observation = run.watch.observe()
    assert run.observer.asked[-1] == ["web", "worker"]
    assert [rule(facts).outcome for facts in observation.services] == [Outcome.ROLLED_BACK, Outcome.IN_PROGRESS]


def test_a_service_that_begins_to_change_meanwhile_is_awaited_too() -> None:
    """The observation of all at the end shows a rollout of one that was settled: the wait goes on for it."""
    run = fleet_of(
        web=[(0, completed()), (40, going_on()), (80, completed())],
        worker=[(0, going_on()), (50, completed())],
    )
    observation = run.watch.observe()
    assert [rule(facts).outcome for facts in observation.services] == [Outcome.COMPLETED, Outcome.COMPLETED]
    assert 80 <= run.seconds <= 85
    assert ["web"] in run.observer.asked


# What is left of it.


def test_an_interruption_keeps_what_was_seen_last() -> None:
    """Ctrl+C in the middle of a wait: the report is of the last poll, and of the time waited until then."""
    run = waiting((0, going_on()), interrupt_at=4)
    with pytest.raises(KeyboardInterrupt):
        run.watch.observe()
    left = run.watch.observation
    assert left is not None
    assert outcome(left) is Outcome.IN_PROGRESS
    assert left.waited == pytest.approx(run.observer.looks[2])
    assert run.shown[-1][0] == []


def test_an_interruption_of_the_first_poll_leaves_an_empty_observation() -> None:
    """Nothing was seen yet: there is an observation to report, without a service."""
    run = waiting((0, going_on()), interrupt_at=1)
    with pytest.raises(KeyboardInterrupt):
        run.watch.observe()
    assert run.watch.observation is not None
    assert run.watch.observation.services == ()


def test_times_are_the_servers() -> None:
    """The time of the observation is the servers'; durations back count from the first poll."""
    run = waiting((0, going_on()), (60, completed()))
    observation = run.watch.observe()
    assert observation.began_at == NOW
    assert (observation.observed_at - NOW).total_seconds() == pytest.approx(run.seconds)


# The second observation.


def test_what_was_seen_a_moment_ago_is_not_observed_again() -> None:
    """A run whose tests take no time needs no second observation."""
    run = waiting((0, completed()))
    run.watch.observe()
    run.clock.seconds += 0.5
    assert run.watch.refresh() is None
    assert len(run.observer.looks) == 1


def test_the_second_observation_sees_what_came_in_between() -> None:
    """While the tests ran the rollout was undone."""
    run = waiting((0, completed()), (30, rolled_back("service deployments")))
    run.watch.observe()
    run.clock.seconds += 60
    again = run.watch.refresh()
    assert again is not None
    assert outcome(again) is Outcome.ROLLED_BACK
    assert run.seconds == 0


def test_the_second_observation_waits_where_something_has_begun_to_change() -> None:
    """A task is being replaced when the tests are through: the wait begins again, with its whole time."""
    fewer = completed(tasks=[task("one")])
    run = waiting((0, completed()), (50, fewer), (90, completed(tasks=[task("one"), task("three")])))
    run.watch.observe()
    run.clock.seconds += 60
    again = run.watch.refresh()
    assert again is not None
    assert [one.id for one in only(again).running] == ["one", "three"]
    assert 30 <= run.seconds <= 35
    assert again.waited == pytest.approx(run.seconds)
    assert again.began_at == NOW


def test_a_later_deployment_between_two_observations_is_superseded_not_rolled_back() -> None:
    """Another deployment takes the place of the verified one during the tests: SUPERSEDED."""
    run = waiting((0, completed()), (30, superseded("service deployments")))
    run.watch.observe()
    run.clock.seconds += 45
    again = run.watch.refresh()
    assert again is not None
    assert outcome(again) is Outcome.SUPERSEDED


# Progress.


def test_progress_is_shown_and_taken_away() -> None:
    """While it waits it shows how far the rollout is, with the seconds; at the end it shows nothing."""
    run = waiting((0, going_on()), (10, completed()))
    run.watch.observe()
    first, at = run.shown[0]
    assert [(one.service, one.new_running, one.old_running, one.desired) for one in first] == [("backend", 1, 1, 2)]
    assert at == 0
    assert [rollouts for rollouts, _ in run.shown[-2:]] == [[], []]
    assert run.shown[-1][1] == pytest.approx(run.seconds)
    assert [seconds for _, seconds in run.shown] == sorted(seconds for _, seconds in run.shown)


def test_only_what_is_not_settled_is_shown() -> None:
    """A service that is through takes no room on the line."""
    run = waiting_for([(0, completed())], [(0, replace(going_on(), name="worker")), (10, completed())])
    run.watch.observe()
    assert {one.service for rollouts, _ in run.shown for one in rollouts} == {"worker"}


def test_progress_is_taken_away_when_a_poll_fails() -> None:
    """Whatever ends the wait, no line is left behind."""
    run = waiting((0, going_on()), interrupt_at=2)
    with pytest.raises(KeyboardInterrupt):
        run.watch.observe()
    assert run.shown[0][0]
    assert run.shown[-1][0] == []


def test_polls_that_take_long_do_not_stretch_the_wait() -> None:
    """A slow account makes fewer looks, not a longer wait: what exceeds it is one look at the most."""
    run = waiting((0, going_on()), takes=20.0)
    run.watch.observe()
    assert run.clock.seconds - 1000.0 <= TIMEOUT + 2 * 20.0
    assert run.observer.looks[-1] >= TIMEOUT
