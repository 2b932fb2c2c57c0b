"""`alarms-ok`, and `alarms` as a test holds them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.judging import judge_alarms
from support.worlds import ROLLOUT, clock, completed, denied
from support.worlds_health import alarm, change, watched

from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.handles.health import alarms
from pytest_deploycheck.judge.finding import Finding, Status
from pytest_deploycheck.report.finding import explain_finding

NAMES = ("shop-5xx", "shop-latency")
RANG = change("11:08", "OK", "ALARM", "Threshold Crossed: 3 datapoints > 1")
CALM = change("11:12", "ALARM", "OK")


def judge(world: ServiceFacts, *names: str) -> Finding:
    """Return the finding on these declared alarms."""
    finding = judge_alarms(world, names or NAMES)
    assert (finding.id, finding.link) == ("alarms-ok", "health")
    return finding


def test_alarms_that_are_ok_pass() -> None:
    """All are OK and none went off since the rollout began."""
    finding = judge(watched(alarm(), alarm("shop-latency")))
    assert finding.status is Status.PASS
    assert finding.summary == "2 alarms OK since the rollout began"
    assert finding.evidence["since"] == ROLLOUT.isoformat()
    assert finding.notes == ()


@pytest.mark.parametrize("is_composite", [False, True])
def test_an_alarm_in_alarm_fails(is_composite: bool) -> None:  # noqa: FBT001 - a case of the test
    """A metric or a composite alarm in ALARM fails: with its name, since when, CloudWatch's reason and the command."""
    ringing = alarm("shop-5xx", "ALARM", RANG, since=clock("11:08"), reason=RANG.reason, is_composite=is_composite)
    finding = judge(watched(alarm("shop-latency"), ringing))
    assert finding.status is Status.FAIL
    for said in ("shop-5xx", "has been in ALARM since 2025-11-26 11:08:00 UTC", "3 datapoints > 1"):
        assert said in finding.summary
    assert "shop-latency" not in finding.summary
    assert "--alarm-name shop-5xx" in finding.command
    assert "CompositeAlarm" in finding.command
    assert "--region us-east-1" in finding.command
    assert finding.remedy


def test_an_alarm_that_went_off_and_is_ok_again_fails() -> None:
    """It went off after the rollout began and recovered: what was wrong for four minutes was wrong."""
    finding = judge(watched(alarm("shop-5xx", "OK", RANG, CALM), alarm("shop-latency")))
    assert finding.status is Status.FAIL
    assert "went into ALARM 2025-11-26 11:08:00 UTC and is OK again" in finding.summary
    assert "3 datapoints" in finding.summary


def test_an_alarm_that_was_on_before_the_rollout_and_is_still_on_fails() -> None:
    """It has been in ALARM all the time: that it is no news is said."""
    finding = judge(watched(alarm("shop-5xx", "ALARM", since=clock("09:00"))), "shop-5xx")
    assert finding.status is Status.FAIL
    assert "before the rollout began" in finding.summary
    assert "before the rollout began" in finding.cause


def test_an_alarm_that_the_rollout_fixed_passes_with_a_note() -> None:
    """It was in ALARM when the rollout began and has been OK since: the rollout fixed it, and a note says so."""
    finding = judge(watched(alarm("shop-5xx", "OK", CALM)), "shop-5xx")
    assert finding.status is Status.PASS
    assert finding.summary == "1 alarm OK"
    assert finding.notes == (
        "shop-5xx was in ALARM when the rollout began, and has been OK since 2025-11-26 11:12:00 UTC",
    )


def test_an_alarm_that_recovered_and_went_off_again_fails() -> None:
    """Off and on again since the rollout began."""
    again = change("11:20", "OK", "ALARM")
    assert judge(watched(alarm("shop-5xx", "OK", CALM, again, CALM)), "shop-5xx").status is Status.FAIL


@pytest.mark.parametrize("state", ["INSUFFICIENT_DATA", "SOMETHING_NEW"])
def test_an_alarm_without_data_is_unproven(state: str) -> None:
    """Not in ALARM is not OK: with too little data nothing is known, and what to do about that is said."""
    finding = judge(watched(alarm("shop-5xx", state, since=clock("11:06")), alarm("shop-latency")))
    assert finding.status is Status.UNPROVEN
    assert state in finding.summary
    assert "TreatMissingData" in finding.remedy


def test_a_name_without_an_alarm_is_an_error_with_the_near_names() -> None:
    """A misspelt alarm is never a quiet pass: it is an error that names what is like it."""
    finding = judge(watched(alarm("shop-latency"), no_alarms={"shop-5x": ("shop-5xx", "shop-4xx")}))
    assert finding.status is Status.ERROR
    assert "nknown alarm 'shop-5x'; did you mean 'shop-5xx' or 'shop-4xx'?" in finding.summary
    assert "configuration" in finding.remedy
    alone = judge(watched(no_alarms={"zzz": ()}))
    assert alone.status is Status.ERROR
    assert "did you mean" not in alone.summary


def test_an_alarm_that_is_in_alarm_outweighs_a_name_without_one() -> None:
    """A certain failure is reported first."""
    world = watched(alarm("shop-latency", "ALARM"), no_alarms={"shop-5x": ()})
    assert judge(world).status is Status.FAIL


def test_a_history_that_may_not_be_read_is_an_error() -> None:
    """OK now says nothing about the minutes since the rollout began: the action that is missing is named."""
    finding = judge(watched(alarm(changes=None), alarm("shop-latency")))
    assert finding.status is Status.ERROR
    assert "cloudwatch:DescribeAlarmHistory" in finding.summary
    assert "shop-5xx" in finding.summary
    assert "shop-latency" not in finding.summary
    assert judge(watched(alarm("shop-5xx", "ALARM", changes=None))).status is Status.FAIL


def test_alarms_that_may_not_be_described_are_an_error() -> None:
    """The denied action is named."""
    finding = judge(completed(problems={"alarms": denied("cloudwatch:DescribeAlarms")}))
    assert finding.status is Status.ERROR
    assert "cloudwatch:DescribeAlarms" in finding.summary


def test_without_declared_alarms_it_is_skipped() -> None:
    """Nobody asked."""
    assert judge_alarms(watched(), ()).status is Status.SKIP


def test_what_cloudwatch_says_is_fit_to_be_shown() -> None:
    """Names and reasons are others' text."""
    nasty = alarm("shop-5xx", "ALARM", reason="said \x1b[2J\nVERIFIED password=hunter2222")
    text = explain_finding(judge(watched(nasty)))
    assert "\x1b" not in text
    assert "hunter2222" not in text
    assert not any(line.startswith("VERIFIED") for line in text.splitlines())


def test_commands_are_safe_to_paste() -> None:
    """An alarm's name may hold what a shell would carry out."""
    assert "'5xx; reboot'" in judge(watched(alarm("5xx; reboot", "ALARM"))).command


# As a test holds them.


def test_a_test_holds_alarms_by_their_names() -> None:
    """State, since when, and when it first went off since the rollout began."""
    held = alarms(watched(alarm("shop-5xx", "OK", RANG, CALM), alarm("shop-latency")))
    assert list(held) == ["shop-5xx", "shop-latency"]
    assert held["shop-latency"].is_quiet
    assert not held["shop-5xx"].is_quiet
    assert held["shop-5xx"].went_off_at == clock("11:08")
    assert repr(held["shop-5xx"]) == "<alarm shop-5xx is OK, went off 11:08:00 UTC>"
    assert repr(held).startswith("<2 alarms: ")


@pytest.mark.parametrize("state", ["ALARM", "INSUFFICIENT_DATA"])
def test_only_ok_is_quiet(state: str) -> None:
    """An alarm in ALARM, and one with insufficient data, are not quiet."""
    assert not alarms(watched(alarm("shop-5xx", state)))["shop-5xx"].is_quiet


def test_a_name_that_is_not_declared_is_reported_with_the_near_one() -> None:
    """A misspelt name in a test is helped."""
    with pytest.raises(KeyError, match="shop-5xx"):
        _ = alarms(watched(alarm()))["shop-5x"]


@pytest.mark.parametrize(
    "world",
    [
        completed(problems={"alarms": denied("cloudwatch:DescribeAlarms")}),
        watched(no_alarms={"shop-5x": ("shop-5xx",)}),
        watched(replace(alarm(), changes=None)),
    ],
)
def test_alarms_that_are_not_known_prove_nothing_to_a_test(world: ServiceFacts) -> None:
    """An alarm that could not be read is unproven for a test, and never quiet."""
    with pytest.raises(UnprovenError):
        alarms(world)
