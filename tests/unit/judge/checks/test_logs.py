from __future__ import annotations

import re

import pytest
from msgspec.structs import replace
from support.worlds import clock, denied, event, scope, sight, stream

from pytest_deploycheck.config.settings import Expectation, Pattern
from pytest_deploycheck.facts.log import UNREAD, LogEvent, LogSight
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.judge.analysis.logs.outcome import ExpectationOutcome
from pytest_deploycheck.judge.analysis.logs.reading import LogAnswer, matched, read, read_count
from pytest_deploycheck.judge.checks.logs import judge_expectation, log_check
from pytest_deploycheck.judge.finding import Finding, Status

LINE = "Found 3 platform sections"
FIRST = "Requested platforms: 3"
OLD_FORMAT = "platform='linkedin'"

EXPECT = Expectation("expect", (Pattern(LINE),))
EVERYWHERE = Expectation("expect", (Pattern(LINE),), tasks="all")
FORBID = Expectation("forbid", (Pattern(OLD_FORMAT),))
SEQUENCE = Expectation("sequence", (Pattern(FIRST), Pattern(LINE)))
MERGED = Expectation("sequence", (Pattern(FIRST), Pattern(LINE)), within="service")

KINDS = ["expected", "expected of all", "forbidden", "in order", "in order over tasks"]

TWO = scope("one", "two")


def judge(
    expectation: Expectation,
    seen: LogSight,
    *,
    elsewhere: tuple[LogEvent, ...] = (),
    cut_short: bool = False,
    stands_in: tuple[str, ...] = (),
) -> Finding:
    """Return the finding on an expectation when the wait of 60 s is over."""
    reading = read(expectation, seen, until=None if cut_short else seen.read_at, floor=seen.scope.rolled_out_at)
    outcome = ExpectationOutcome(expectation, reading, seen, 60, elsewhere, stands_in, cut_short=cut_short)
    return judge_expectation(log_check(1, expectation), outcome)


def words(finding: Finding) -> str:
    """All that a finding says."""
    return "\n".join([finding.summary, finding.cause, finding.remedy, *finding.notes, finding.details])


def test_a_line_that_was_logged_passes() -> None:
    """A new task logged the line: logs-1 passes, and shows when."""
    finding = judge(EXPECT, sight(TWO, event("hello", "two"), event(f"INFO {LINE}.", "one")))
    assert (finding.id, finding.link, finding.status) == ("logs-1", "logs", Status.PASS)
    assert "11:10:00" in finding.summary


def test_a_line_that_never_came_fails() -> None:
    """The tasks have logs, without the line by the end of the wait: a failure with the expectation and the wait."""
    finding = judge(EXPECT, sight(TWO, event("hello", "one"), event("hello", "two")))
    assert finding.status is Status.FAIL
    assert LINE in finding.summary
    assert "60 s" in finding.summary
    assert finding.remedy


def test_a_line_of_an_old_task_does_not_count() -> None:
    """Only an old task's stream has the line: a failure that says where it was seen."""
    seen = sight(TWO, event("hello", "one"), event("hello", "two"))
    finding = judge(EXPECT, seen, elsewhere=(event(LINE, "old-one"),))
    assert finding.status is Status.FAIL
    assert "something else" in words(finding)


def test_a_late_line_with_an_older_timestamp_counts() -> None:
    """A line that CloudWatch delivered late, with a timestamp before all others, is a line all the same."""
    late = event(LINE, at="11:06", ingested="11:20")
    assert judge(EXPECT, sight(TWO, event("hello", "one", at="11:12"), late)).status is Status.PASS


@pytest.mark.parametrize("expectation", [EXPECT, EVERYWHERE, FORBID, SEQUENCE, MERGED], ids=KINDS)
def test_silence_is_unproven(expectation: Expectation) -> None:
    """No new task logged anything: unproven, whether a line was expected, forbidden or expected in order."""
    finding = judge(expectation, sight(TWO))
    assert finding.status is Status.UNPROVEN
    assert "no log events" in finding.summary


@pytest.mark.parametrize(
    "expectation", [EXPECT, FORBID, SEQUENCE, MERGED], ids=["expected", "forbidden", "order", "merged"]
)
def test_one_new_task_without_logs_leaves_it_unproven(expectation: Expectation) -> None:
    """No event at all from a new task means unproven, for an expected line, a forbidden one and a sequence alike."""
    finding = judge(expectation, sight(TWO, event("hello", "one")))
    assert finding.status is Status.UNPROVEN


def test_a_task_without_logs_leaves_a_line_of_all_unproven() -> None:
    """Wanted of each new task, said by one while the other said nothing at all: unproven, naming the silent one."""
    finding = judge(EVERYWHERE, sight(TWO, event(LINE, "one")))
    assert finding.status is Status.UNPROVEN
    assert "two" in finding.summary


def test_a_task_without_logs_does_not_undo_a_line_that_was_logged() -> None:
    """One task may bring the line: another's silence takes nothing from it."""
    assert judge(EXPECT, sight(TWO, event(LINE, "one"))).status is Status.PASS


def test_a_task_without_logs_does_not_excuse_a_forbidden_line() -> None:
    """A forbidden line that was logged is a failure, whichever tasks have no logs; it is shown."""
    finding = judge(FORBID, sight(TWO, event(f"old {OLD_FORMAT}", "one")))
    assert finding.status is Status.FAIL
    assert OLD_FORMAT in finding.summary
    assert "one" in finding.summary
    assert finding.remedy


def test_an_absent_line_passes_when_every_task_was_read() -> None:
    """Every new task has logs and none logged the forbidden line: logs-1 passes."""
    assert judge(FORBID, sight(TWO, event("hello", "one"), event("hello", "two"))).status is Status.PASS


def test_the_old_format_from_draining_tasks_passes_and_is_noted() -> None:
    """Only old tasks that drain still say the forbidden line: that is no fault of the new ones, and it is noted."""
    seen = sight(TWO, event("hello", "one"), event("hello", "two"))
    finding = judge(FORBID, seen, elsewhere=(event(OLD_FORMAT, "old-one"),))
    assert finding.status is Status.PASS
    assert any("something else" in note and "drain" in note for note in finding.notes)
    assert judge(FORBID, seen, elsewhere=(event("hello", "old-one"),)).notes == ()


def test_denied_logs_are_an_error() -> None:
    """A log group that may not be read is an error that names the action, never `no such line`."""
    for expectation in (EXPECT, FORBID, SEQUENCE):
        finding = judge(expectation, sight(TWO, problems=[denied("logs:FilterLogEvents")]))
        assert finding.status is Status.ERROR
        assert "logs:FilterLogEvents" in finding.summary
        assert finding.remedy


def test_logs_that_are_read_in_part_do_not_prove_an_absence() -> None:
    """One group could be read and another is denied: what was not found may be in the other, so it is an error."""
    seen = sight(TWO, event("hello", "one"), event("hello", "two"), problems=[denied("logs:FilterLogEvents")])
    assert judge(EXPECT, seen).status is Status.ERROR
    assert judge(FORBID, seen).status is Status.ERROR


def test_logs_that_are_read_in_part_may_prove_a_presence() -> None:
    """A line that was found is found, and a forbidden one is said, even where other logs could not be read."""
    problems = [denied("logs:FilterLogEvents")]
    assert judge(EXPECT, sight(TWO, event(LINE, "one"), problems=problems)).status is Status.PASS
    assert judge(FORBID, sight(TWO, event(OLD_FORMAT, "one"), problems=problems)).status is Status.FAIL


def test_a_problem_of_the_scope_is_an_error_too() -> None:
    """If it is not known which tasks or streams to read, the check is in error, by the name of the action."""
    unseen = scope(streams=(), problems=(denied("ecs:ListTasks"),))
    finding = judge(EXPECT, sight(unseen))
    assert finding.status is Status.ERROR
    assert "ecs:ListTasks" in finding.summary


def test_no_new_task_is_unproven() -> None:
    """If no task runs the image its logs cannot be checked: unproven, noting the lines of others."""
    finding = judge(EXPECT, sight(scope()), elsewhere=(event(LINE, "old-one"),))
    assert finding.status is Status.UNPROVEN
    assert "something else" in finding.summary


def test_a_line_that_one_task_lacks() -> None:
    """One of two tasks lacks the line: enough for `any`, a failure for `all`, with the task that lacks it listed."""
    seen = sight(TWO, event(LINE, "one"), event("hello", "two"))
    assert judge(EXPECT, seen).status is Status.PASS
    finding = judge(EVERYWHERE, seen)
    assert finding.status is Status.FAIL
    assert re.search(r"\btwo\b", finding.summary)
    assert not re.search(r"\bby one\b", finding.summary)


def test_a_line_that_every_task_logged_holds_for_all() -> None:
    """Each new task logged it: `tasks = "all"` passes."""
    assert judge(EVERYWHERE, sight(TWO, event(LINE, "one"), event(LINE, "two"))).status is Status.PASS


def test_a_task_that_lacks_the_line_outweighs_one_that_has_no_logs() -> None:
    """Of three tasks one lacks the line and one has no logs: `all` is no pass."""
    seen = sight(scope("one", "two", "three"), event(LINE, "one"), event("hello", "two"))
    assert judge(EVERYWHERE, seen).status is not Status.PASS


def test_a_missing_line_of_a_driver_that_drops() -> None:
    """If the log driver is non-blocking a missing line fails, noting that lines may have been dropped."""
    dropping = scope("one", streams=(stream("one", may_drop=True),))
    finding = judge(EXPECT, sight(dropping, event("hello")))
    assert finding.status is Status.FAIL
    assert any("drop" in note for note in finding.notes)
    assert judge(EXPECT, sight(scope("one"), event("hello"))).notes == ()


@pytest.mark.parametrize(("said", "status"), [(1, Status.FAIL), (2, Status.PASS), (3, Status.PASS)])
def test_count_is_at_least(said: int, status: Status) -> None:
    """`count = 2` wants two events or more, over all new tasks."""
    twice = Expectation("expect", (Pattern(LINE),), count=2)
    events = [
        event(LINE, name, at=f"11:1{number}") for number, name in zip(range(said), ("one", "two", "one"), strict=False)
    ]
    hello = [event("hello", "one"), event("hello", "two")]
    finding = judge(twice, sight(TWO, *hello, *events))
    assert finding.status is status
    if status is Status.FAIL:
        assert "1 of 2" in finding.summary


def test_count_in_each_task() -> None:
    """`count = 2` with `tasks = "all"` wants two events of each new task: four by one task are not enough."""
    each = Expectation("expect", (Pattern(LINE),), count=2, tasks="all")
    by_one = [event(LINE, "one", at=f"11:1{number}") for number in range(4)]
    assert judge(each, sight(TWO, *by_one, event("hello", "two"))).status is Status.FAIL
    by_two = [event(LINE, "two", at=f"11:1{number}") for number in range(2)]
    assert judge(each, sight(TWO, *by_one, *by_two)).status is Status.PASS


def test_text_is_literal() -> None:
    """A plain text is no regular expression, and is case-sensitive."""
    dotted = Expectation("expect", (Pattern("a.c (1+1)"),))
    assert judge(dotted, sight(scope("one"), event("say a.c (1+1) now"))).status is Status.PASS
    assert judge(dotted, sight(scope("one"), event("say abc (1+1) now"))).status is Status.FAIL
    assert judge(dotted, sight(scope("one"), event("say A.C (1+1) now"))).status is Status.FAIL


def test_a_regular_expression_matches_anywhere() -> None:
    r"""`expect_regex` is searched for anywhere in the message, with its flags."""
    parsed = Expectation("expect", (Pattern(r"item #\d+", regex=True, flags=re.IGNORECASE),))
    assert judge(parsed, sight(scope("one"), event("Parsed Item #12 now"))).status is Status.PASS
    assert judge(parsed, sight(scope("one"), event("Parsed item #x now"))).status is Status.FAIL


def test_a_sequence_within_one_task() -> None:
    """One task logged both lines in their order, with others between: the sequence holds."""
    seen = sight(scope("one"), event(FIRST, at="11:10"), event("between", at="11:11"), event(LINE, at="11:12"))
    assert judge(SEQUENCE, seen).status is Status.PASS


@pytest.mark.parametrize(
    "events",
    [
        [event(LINE, "one", at="11:10"), event(FIRST, "one", at="11:11"), event("hello", "two")],
        [event(FIRST, "one", at="11:10"), event("hello", "two")],
        [event(FIRST, "one", at="11:10"), event(LINE, "two", at="11:11")],
    ],
    ids=["the wrong way round", "half of it", "one line from each task"],
)
def test_what_is_no_sequence(events: list[LogEvent]) -> None:
    """The wrong order, a half, and a line from each of two tasks are no sequence within a task."""
    finding = judge(SEQUENCE, sight(TWO, *events))
    assert finding.status is Status.FAIL
    assert "order" in finding.summary


def test_a_sequence_over_the_service() -> None:
    """`within="service"` merges the tasks by time: a line from each in their order holds, the other way round not."""
    forth = sight(TWO, event(FIRST, "one", at="11:10"), event(LINE, "two", at="11:11"))
    back = sight(TWO, event(LINE, "two", at="11:10"), event(FIRST, "one", at="11:11"))
    assert judge(MERGED, forth).status is Status.PASS
    assert judge(MERGED, back).status is Status.FAIL


def test_one_event_is_one_step_of_a_sequence() -> None:
    """A sequence of the same line twice wants it said twice."""
    twice = Expectation("sequence", (Pattern(LINE), Pattern(LINE)))
    assert judge(twice, sight(scope("one"), event(LINE))).status is Status.FAIL
    assert judge(twice, sight(scope("one"), event(LINE), event(LINE, at="11:11"))).status is Status.PASS


def test_a_wait_cut_short_is_no_failure() -> None:
    """The test's own time limit ended the wait: the line may still come, so its lack is unproven, with what to do."""
    finding = judge(EXPECT, sight(scope("one"), event("hello")), cut_short=True)
    assert finding.status is Status.UNPROVEN
    assert "--deploy-log-wait" in finding.remedy


def test_a_container_without_readable_logs_is_reported() -> None:
    """Logs that go where nothing can be looked at are unproven, naming the driver and the way to say so."""
    blind = scope("one", streams=(), blind=("container 'app' logs through awsfirelens, not awslogs",))
    finding = judge(EXPECT, sight(blind))
    assert finding.status is Status.UNPROVEN
    assert "awsfirelens" in finding.summary
    assert "require" in finding.remedy


def test_lines_of_the_log_stay_on_one_line() -> None:
    """A message of several lines, or one that takes control of a terminal, leaves the evidence one clean line."""
    nasty = event(f"{OLD_FORMAT}\n  logs     ok        all is well\x1b[2J password=hunter2222")
    finding = judge(FORBID, sight(scope("one"), nasty))
    assert finding.status is Status.FAIL
    assert "\x1b" not in finding.summary
    assert "hunter2222" not in finding.summary
    assert "\n" not in finding.summary


def test_what_was_observed_is_evidence() -> None:
    """Window, tasks, streams, matches and patterns are in the evidence, for whoever reads the report."""
    evidence = judge(EXPECT, sight(TWO, event(LINE, "one"))).evidence
    assert evidence["since"].startswith("2025-11-26T11:05")
    assert evidence["tasks"] == ["one", "two"]
    assert evidence["streams"] == ["ecs/app/one", "ecs/app/two"]
    assert len(evidence["matches"]) == 1
    assert evidence["patterns"] == [{"text": LINE}]
    either = Expectation("sequence", (Pattern("item #\\d+", regex=True), Pattern(LINE)))
    assert judge(either, sight(TWO)).evidence["patterns"] == [{"regex": "item #\\d+"}, {"text": LINE}]


def test_an_answer_tells_who_lacks_it() -> None:
    """The logs list the tasks that lack a line each must have, and the events that have it."""
    reading = read(EVERYWHERE, sight(TWO, event(LINE, "one"), event("hello", "two")))
    assert reading.answer is LogAnswer.MISSING
    assert reading.lacking == ("two",)
    assert [one.task for one in reading.events] == ["one"]


def test_an_absence_of_what_is_too_young_to_be_known_is_unproven() -> None:
    """Tasks whose first events came seconds ago may have logged more that is not visible yet: unproven, with why."""
    young = [event("hello", one, at="11:10:50") for one in ("one", "two")]
    finding = judge(FORBID, sight(TWO, *young, read_at="11:11"))
    assert finding.status is Status.UNPROVEN
    assert "20 s" in finding.summary
    assert "one, two" in finding.summary
    assert "--deploy-log-wait" in finding.remedy


def test_an_absence_is_known_up_to_an_event_that_has_settled() -> None:
    """Events that CloudWatch took in 20 s ago are complete: the absence is known up to the latest of them."""
    events = [event("hello", name, at=at) for name in ("one", "two") for at in ("11:06", "11:10:30", "11:10:55")]
    seen = sight(TWO, *events, read_at="11:11")
    assert read(FORBID, seen, until=clock("11:10:30")).answer is LogAnswer.HOLDS
    assert read(FORBID, seen, until=clock("11:10:31")).answer is LogAnswer.UNSETTLED
    finding = judge(FORBID, seen)
    assert finding.status is Status.PASS
    assert finding.evidence["absent_until"] == clock("11:10:30").isoformat()
    assert "11:10:30" in finding.summary


def test_an_absence_up_to_an_earlier_moment_names_the_quiet_tasks() -> None:
    """If a task has logged nothing since, the check passes up to its last settled event and names the task."""
    events = [event("hello", at="11:10"), event("hello", "two", at="11:10"), event("hello", "two", at="11:19:30")]
    finding = judge(FORBID, sight(TWO, *events, read_at="11:20"))
    assert finding.status is Status.PASS
    assert "absent up to 2025-11-26 11:10:00 UTC; task one has logged nothing since" in finding.summary


def test_an_absence_that_ends_before_the_rollout_did_is_unproven() -> None:
    """Events from before the end of the rollout tell nothing of the time after it."""
    late = scope("one", rolled_out_at=clock("11:15"))
    finding = judge(FORBID, sight(late, event("hello", at="11:10"), read_at="11:20"))
    assert finding.status is Status.UNPROVEN
    assert "known up to 2025-11-26 11:10:00 UTC only" in finding.summary
    later = sight(late, event("hello", at="11:10"), event("hello", at="11:16"), read_at="11:20")
    assert judge(FORBID, later).status is Status.PASS


def test_events_that_may_come_out_of_order_settle_more_slowly() -> None:
    """A stream of a log router is complete up to an event that CloudWatch took in two minutes ago."""
    routed = scope("one", streams=(replace(stream("one"), settle=120.0, is_routed=True),))
    events = [event("hello", at="11:10"), event("hello", at="11:18:30")]
    seen = sight(routed, *events, read_at="11:20")
    assert seen.complete_until == clock("11:10")
    assert sight(routed, *events, read_at="11:21").complete_until == clock("11:18:30")


def test_an_absence_is_known_no_further_than_each_task_logged() -> None:
    """A task that has been quiet since is known up to its last event only."""
    known = sight(TWO, event("hello", at="11:10"), event("hello", "two", at="11:12"), read_at="11:30")
    assert known.complete_until == clock("11:10")


@pytest.mark.parametrize(("until", "answer"), [("11:12", LogAnswer.UNSETTLED), ("11:10", LogAnswer.HOLDS)])
def test_an_absence_up_to_a_moment_needs_lines_after_it(until: str, answer: LogAnswer) -> None:
    """Each task must have said something at the moment asked about or later."""
    known = sight(TWO, event("hello", at="11:10"), event("hello", "two", at="11:13"), read_at="11:30")
    assert read(FORBID, known, until=clock(until)).answer is answer


def test_an_absence_up_to_a_moment_needs_the_overlap() -> None:
    """Lines after the moment are not enough while earlier ones may still come."""
    known = sight(TWO, event("hello", at="11:10"), event("hello", "two", at="11:10"), read_at="11:10:15")
    assert read(FORBID, known, until=clock("11:10")).answer is LogAnswer.UNSETTLED


def test_more_matches_than_are_kept_leave_a_no_open() -> None:
    """Events were left out, so that they have no more is not known; that they have one is."""
    often = Expectation("expect", (Pattern(LINE),), count=3)
    cut = sight(TWO, event(LINE), event("hello", "two"), is_cut=True)
    assert judge(often, cut).status is Status.UNPROVEN
    assert judge(EXPECT, cut).status is Status.PASS


def test_a_count_is_exact_where_nothing_can_come_any_more() -> None:
    """Old lines are counted; a young one says that the number may still grow."""
    old = sight(TWO, event(LINE), event(LINE, "two", at="11:11"), read_at="11:20")
    assert [one.task for one in read_count(Pattern(LINE), old).events] == ["one", "two"]
    assert read_count(Pattern(LINE), old).answer is LogAnswer.HOLDS
    young = sight(TWO, event(LINE), event(LINE, "two", at="11:19:50"), read_at="11:20")
    assert read_count(Pattern(LINE), young).answer is LogAnswer.UNSETTLED


def test_a_count_carries_its_events_and_how_far_it_is_known() -> None:
    """Whatever the answer, the events found so far; of an open one, the tasks of which more may come."""
    old, young = event(LINE), event(LINE, "two", at="11:19:50")
    settled = read_count(Pattern(LINE), sight(TWO, old, event("hello", "two"), read_at="11:20"))
    assert (settled.events, settled.lacking, settled.until) == ((old,), (), clock("11:10"))
    growing = read_count(Pattern(LINE), sight(TWO, old, event("hello", "two"), young, read_at="11:20"))
    assert (growing.events, growing.lacking) == ((old, young), ("two",))
    for many in (
        read_count(Pattern(LINE), sight(TWO, old, event("hello", "two"), is_cut=True)),
        read_count(Pattern(LINE), sight(TWO, old)),
        read_count(Pattern(LINE), sight(TWO, old, problems=[denied("logs:FilterLogEvents")])),
    ):
        assert many.events == (old,)
    assert read_count(Pattern(LINE), sight(TWO, old)).lacking == ("two",)
    past = sight(TWO, old, event("hello", "two"), event("hello", "two", at="11:12"), read_at="11:20")
    earlier = read_count(Pattern(LINE), past, until=clock("11:11"))
    assert (earlier.answer, earlier.lacking) == (LogAnswer.UNSETTLED, ("one",))


@pytest.mark.parametrize(
    ("seen", "answer"),
    [
        (sight(TWO, event(LINE)), LogAnswer.NO_EVENTS),
        (sight(TWO, event(LINE), event(LINE, "two"), is_cut=True), LogAnswer.TOO_MANY),
        (sight(TWO, event(LINE), event(LINE, "two"), problems=[denied("logs:FilterLogEvents")]), LogAnswer.UNREADABLE),
    ],
)
def test_a_count_that_is_not_known(seen: LogSight, answer: LogAnswer) -> None:
    """A task without logs, events left out or a part unread: no number is given."""
    assert read_count(Pattern(LINE), seen).answer is answer


def test_a_missing_line_that_the_source_has_is_in_the_code_but_not_running() -> None:
    """If the local source says it, the failure names the place and the likely cause."""
    seen = sight(TWO, event("hello", "one"), event("hello", "two"))
    place = "backend/app/api/websocket.py:107"
    finding = judge(EXPECT, seen, stands_in=(place,))
    assert place in finding.cause
    assert "in the code but not running" in finding.cause


def test_what_slowed_the_polls_is_noted_with_a_missing_line() -> None:
    """Throttled calls made fewer looks than there should be."""
    seen = sight(TWO, event("hello", "one"), event("hello", "two"), notes=("CloudWatch Logs throttled 7 calls",))
    assert "CloudWatch Logs throttled 7 calls" in judge(EXPECT, seen).notes


def test_a_match_carries_the_groups_of_its_expression() -> None:
    """The match of the expression, its groups and its named groups."""
    found = matched(Pattern(r"item #(?P<number>\d+)( of \d+)?", regex=True), event("Parsed item #12"))
    assert (found.text, found.groups, found.named) == ("item #12", ("12", None), {"number": "12"})
    assert found.message == "Parsed item #12"


def test_logs_that_were_not_read_to_their_end_are_unproven() -> None:
    """A wait that was over before the last page leaves a no open, whichever readings were cut; a denial is an error."""
    unread = [Problem("logs:FilterLogEvents", UNREAD, f"read up to {at}; the rest was not read", "") for at in "12"]
    hello = (event("hello", "one"), event("hello", "two"))
    for expectation in (EXPECT, FORBID, SEQUENCE):
        finding = judge(expectation, sight(TWO, *hello, problems=unread))
        assert finding.status is Status.UNPROVEN
        assert "the rest was not read" in finding.summary
        mixed = sight(TWO, *hello, problems=[*unread, denied("logs:FilterLogEvents")])
        assert judge(expectation, mixed).status is Status.ERROR
    assert judge(EXPECT, sight(TWO, event(LINE), problems=unread)).status is Status.PASS
