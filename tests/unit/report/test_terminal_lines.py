from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from msgspec.structs import replace
from support.runs import SITUATIONS, findings_of, run_of, summary_lines
from support.worlds import NEW, NOW, OLD, completed, never_restarted, rolled_back

from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.judge.finding import ROLLOUT_COMPLETE, Check, Finding
from pytest_deploycheck.report.links import together
from pytest_deploycheck.report.moments import ago, short_task, when, with_ages, with_short_tasks
from pytest_deploycheck.report.terminal.rows import Line, Row, Span, Tone, cleaned, lines_of


def shown(*findings: Finding, world: ServiceFacts | None = None, width: int = 80, verbosity: int = 0) -> list[str]:
    """Return the lines of a run that was never restarted, with these findings in place of its own."""
    world = world or never_restarted()
    mine = {finding.id: finding for finding in findings}
    all_of_them = [mine.pop(finding.id, finding) for finding in findings_of(world)]
    return [
        str(line)
        for line in summary_lines(run_of(world, [*all_of_them, *mine.values()]), width=width, verbosity=verbosity)
    ]


LONG = Finding(
    "rollout-complete", "rollout", ROLLOUT_COMPLETE.fails("x", remedy="y").status, "word " * 300, "why " * 300
)


@pytest.mark.parametrize("width", [60, 80, 100, 300])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_lines_fit_the_terminal(situation: str, width: int) -> None:
    """Only the verdict, commands, and words that cannot be broken are wider than the terminal."""
    for line in summary_lines(run_of(SITUATIONS[situation]()), width=width):
        text = str(line)
        is_command = text.startswith("    ") and text.split(maxsplit=1)[0] in {"aws", "docker", "pytest"}
        is_word = len(text.split()) <= 4
        is_verdict = text.startswith(("REFUTED", "UNPROVEN"))
        assert len(text) < width or is_command or is_word or is_verdict, text


@pytest.mark.parametrize("situation", SITUATIONS)
def test_one_service_is_no_more_than_a_screen(situation: str) -> None:
    """Whatever happened, the summary of one service fits on a screen of forty lines."""
    assert len(summary_lines(run_of(SITUATIONS[situation]()), width=80)) <= 40


def test_long_sentences_are_cut_unless_more_is_asked_for() -> None:
    """A sentence of ECS that is hundreds of words long leaves room for the rest; `-v` shows the whole of it."""
    lines = shown(LONG, world=rolled_back("service deployments"))
    assert len(lines) <= 40
    assert any(line.endswith(" …") for line in lines)
    assert "\n".join(shown(LONG, world=rolled_back("service deployments"), verbosity=1)).count("word") == 300


def test_the_command_stands_alone_and_whole() -> None:
    """The next command is on a line of its own at any width, so that it can be copied."""
    lines = shown(width=40)
    command = lines[lines.index("  next:") + 1]
    assert command == (
        "    aws ecs update-service --cluster shop-cluster --service shop --force-new-deployment --region us-east-1"
    )


def test_what_disagrees_stands_one_below_the_other() -> None:
    """The expected and the running image in the same columns, and so the push and the last rollout."""
    lines = shown()
    expected = next(line for line in lines if line.startswith("    expected"))
    running = next(line for line in lines if line.startswith("    running"))
    assert lines.index(running) == lines.index(expected) + 1
    assert expected.index(NEW[7:19]) == running.index(OLD[7:19])
    assert expected.index("pushed") == running.index("pushed")
    pushed = next(line for line in lines if line.startswith("    pushed"))
    assert lines[lines.index(pushed) + 1].startswith("    last rollout")
    assert "40 min ago" in pushed


def test_tones_repeat_what_the_words_state() -> None:
    """FAIL is bad, ok is good, and the verdict has the tone of its word; each text is the same without tones."""
    tones = {
        span.text.strip(): span.tone
        for line in summary_lines(run_of(never_restarted()), width=80)
        for span in line.spans
    }
    assert tones["FAIL"] is Tone.BAD
    assert tones["ok"] is Tone.GOOD
    assert tones["REFUTED: backend in dev, broken link: rollout"] is Tone.BAD
    (line, *_) = summary_lines(run_of(completed()), width=120)
    assert {span.tone for span in line.spans} == {Tone.GOOD}


def test_skipped_checks_are_one_line() -> None:
    """However many checks were not asked for, they take one line; `-v` names them, `-vv` gives the reasons."""
    many = [Check(f"extra-{number}", "image").skips(f"reason {number}") for number in range(16)]
    lines = [line for line in shown(*many) if "skipped" in line]
    assert len(lines) == 1
    assert "18 checks not asked for" in lines[0]
    assert "extra-3" not in "\n".join(shown(*many))
    assert "extra-3" in "\n".join(shown(*many, verbosity=1))
    assert "reason 3" in "\n".join(shown(*many, verbosity=2))


def test_more_is_shown_where_it_is_asked_for() -> None:
    """`-v` lists each check and the timeline, in a good run as well."""
    lines = [str(line) for line in summary_lines(run_of(completed()), width=100, verbosity=1)]
    text = "\n".join(lines)
    assert "tasks-running: " in text
    assert "  timeline:" in lines
    assert "image pushed" in text
    assert len(shown()) < len(shown(verbosity=1))


def test_a_broken_line_starts_no_command_to_ci() -> None:
    """A text that is harmless within a line is harmless too where it begins the next one."""
    nasty = ROLLOUT_COMPLETE.fails(
        "word " * 9 + "::error::owned " * 12 + "##[error]x", remedy="look", cause="a\r\x1b[2Jb"
    )
    lines = shown(nasty, world=rolled_back("service deployments"), verbosity=1)
    assert any("error" in line for line in lines)
    assert not any(line.lstrip().startswith("::") or "##[" in line or "\x1b" in line for line in lines)


def test_crash_output_stands_below_its_cause() -> None:
    """The last lines of a crash follow the likely cause, and the next command comes last but the advice."""
    lines = [str(line) for line in summary_lines(run_of(rolled_back("service deployments")), width=80)]
    labels = [
        line.strip().partition(":")[0] for line in lines if line.startswith("  ") and line[2] != " " and ":" in line
    ]
    assert labels.index("what to do") < labels.index("next")


# Times and ids.


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=0), "0 s ago"),
        (timedelta(seconds=119), "119 s ago"),
        (timedelta(minutes=2), "2 min ago"),
        (timedelta(minutes=119), "119 min ago"),
        (timedelta(hours=2), "2 h ago"),
        (timedelta(hours=47), "47 h ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=400), "400 days ago"),
        (timedelta(minutes=-3), "in 3 min"),
    ],
)
def test_how_long_ago(passed: timedelta, words: str) -> None:
    """Ages are told in the largest unit that is still precise enough."""
    assert ago(NOW - passed, NOW) == words


def test_times_have_their_age() -> None:
    """A time of today is told without its date, one of another day with it; what is not a time stays."""
    now = datetime(2025, 11, 26, 12, tzinfo=UTC)
    assert when(now - timedelta(minutes=3), now) == "11:57:00 UTC, 3 min ago"
    sentence = "pushed 2025-11-26 11:57:00 UTC, began 2025-11-24 10:00:09 UTC, broken 2025-99-99 99:99:99 UTC"
    assert with_ages(sentence, now) == (
        "pushed 11:57:00 UTC, 3 min ago, began 2025-11-24 10:00 UTC, 2 days ago, broken 2025-99-99 99:99:99 UTC"
    )


def test_ids_of_tasks_are_short() -> None:
    """Ids as ECS makes them are cut to eight characters; others, and other words as long, stay."""
    task = "0123456789abcdef0123456789abcdef"
    assert short_task(task) == "01234567"
    assert short_task("one") == "one"
    assert with_short_tasks(f"task {task}, trace {'f' * 32}", [task]) == f"task 01234567, trace {'f' * 32}"


def test_log_expectations_in_a_row_are_named_together() -> None:
    """Seven log expectations are `logs-1 to logs-7`; two are named each."""
    logs = [f"logs-{number}" for number in range(1, 8)]
    assert together(["image-tag", *logs]) == "image-tag, logs-1 to logs-7"
    assert together(["logs-1", "logs-2", "logs-4"]) == "logs-1, logs-2, logs-4"
    assert together([]) == ""


def test_a_row_keeps_its_columns() -> None:
    """Further lines of a row begin in its own column."""
    (first, *others) = lines_of([Row("word " * 40, indent=21)], 80)
    assert isinstance(first, Line)
    assert others
    assert all(str(line).startswith(" " * 21 + "word") for line in others)
    assert all(len(str(one)) >= len(str(two)) - 21 for one, two in pairwise([first, *others]))
    assert replace(first) == first


def test_a_lead_that_looks_like_a_credential_is_masked() -> None:
    """A name before the text of a row is as foreign as the text: masked, it loses its tone and its column."""
    row = Row("ok", (Span("password=hunter2222", Tone.STRONG), Span(" ")), indent=8)
    (shown,) = cleaned([row], ())
    assert str(shown).startswith("password=[masked]")
    assert shown.lead == ()
    assert cleaned([Row("hunter", (Span("backend "),))], ["hunter"]) == [Row("[masked]", (Span("backend "),))]
