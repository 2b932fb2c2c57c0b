"""`alarms-ok`: the declared alarms, since the rollout began."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_deploycheck.facts.health import Alarm
from pytest_deploycheck.facts.snapshot import Problem, ServiceFacts
from pytest_deploycheck.judge.analysis.newest_rollout import NewestRollout
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.commands import aws_command, region_of
from pytest_deploycheck.judge.finding import ALARMS_OK, Finding
from pytest_deploycheck.judge.wording import at, plural
from pytest_deploycheck.redaction import one_line

_ALARM = "ALARM"


def judge_alarms(analysis: ServiceAnalysis, declared: Sequence[str]) -> Finding:
    """`alarms-ok`: no declared alarm is in ALARM, nor went into ALARM since the rollout began.

    An alarm that was in ALARM when the rollout began, and has been OK since, passes with a note: that is what a hotfix
    looks like.

    Args:
        analysis: The analysis of the service.
        declared: The names of the alarms that the configuration declares.
    """
    facts, newest = analysis.facts, analysis.newest
    if not declared:
        return ALARMS_OK.skips("no alarms are declared")
    if "alarms" in facts.problems:
        return ALARMS_OK.errs(facts.problems["alarms"])
    alarms = facts.health.alarms
    evidence: dict[str, Any] = {
        "since": newest.started_at.isoformat() if newest else None,
        "alarms": [_evidence(alarm) for alarm in alarms],
    }
    alarmed = [alarm for alarm in alarms if alarm.state == _ALARM or alarm.first_alarm]
    if alarmed:
        return ALARMS_OK.fails(
            "; ".join(_alarm_text(alarm, newest) for alarm in alarmed),
            cause=_cause(alarmed, newest),
            remedy="Read the alarm's history, and fix what set it off or roll back.",
            command=_command(alarmed[0], facts),
            evidence=evidence,
        )
    if facts.health.no_alarms:
        return ALARMS_OK.errs(_missing(facts), evidence=evidence)
    if newest is None:
        return ALARMS_OK.unproven(
            f"{_names(alarms)}: OK now, but it is not known when the rollout began, so earlier alarms cannot be judged",
            remedy="Allow ecs:DescribeServices or ecs:ListServiceDeployments to the caller, then run again.",
            evidence=evidence,
        )
    unread = [alarm for alarm in alarms if alarm.changes is None]
    if unread:
        return ALARMS_OK.errs(_unread(unread), evidence=evidence)
    unknown = [alarm for alarm in alarms if alarm.state != "OK"]
    if unknown:
        return ALARMS_OK.unproven(
            f"{_names(unknown)}: {unknown[0].state} since {at(unknown[0].since)}, which is not OK",
            remedy="Send traffic to the application and verify again, or let the alarm treat missing data as good "
            "(TreatMissingData: notBreaching).",
            command=_command(unknown[0], facts),
            evidence=evidence,
        )
    fixed = [
        f"{one_line(alarm.name)} was in ALARM when the rollout began, and has been OK since {at(alarm.changes[0].at)}"
        for alarm in alarms
        if alarm.changes and alarm.changes[0].before == _ALARM
    ]
    return ALARMS_OK.passes(
        f"{plural(len(alarms), 'alarm')} OK{'' if fixed else ' since the rollout began'}",
        notes=fixed,
        evidence=evidence,
    )


def _cause(alarmed: Sequence[Alarm], newest: NewestRollout | None) -> str:
    if not all(_is_older(alarm, newest) for alarm in alarmed):
        return "The new code, or the infrastructure under it, meets the alarm's condition."
    return "It was in ALARM before the rollout began: the new code did not cause it, and did not fix it."


def _is_older(alarm: Alarm, newest: NewestRollout | None) -> bool:
    """Return True if an alarm has been in ALARM since before the rollout began."""
    return alarm.since is not None and newest is not None and alarm.since < newest.started_at and not alarm.first_alarm


def _alarm_text(alarm: Alarm, newest: NewestRollout | None) -> str:
    change, name = alarm.first_alarm, one_line(alarm.name)
    if alarm.state == _ALARM or change is None:
        before = ", before the rollout began" if _is_older(alarm, newest) else ""
        return f"{name} has been in ALARM since {at(alarm.since)}{before}: {one_line(alarm.reason, 300)}"
    return f"{name} went into ALARM {at(change.at)} and is {alarm.state} again: {one_line(change.reason, 300)}"


def _missing(facts: ServiceFacts) -> Problem:
    """The declared names for which there is no alarm, with the names that are similar."""
    texts = [
        f"Unknown alarm {name!r}{f'; did you mean {_or(near)}?' if near else '.'}"
        for name, near in facts.health.no_alarms.items()
    ]
    return Problem(
        "cloudwatch:DescribeAlarms",
        "AlarmNotFound",
        " ".join(texts),
        "Correct `alarms` in the configuration; alarms are read in the region of the environment.",
    )


def _or(names: Sequence[str]) -> str:
    return " or ".join(repr(name) for name in names)


def _unread(alarms: Sequence[Alarm]) -> Problem:
    return Problem(
        "cloudwatch:DescribeAlarmHistory",
        "HistoryUnread",
        f"It is not known whether {_names(alarms)} went into ALARM since the rollout began: its history cannot be read "
        "(cloudwatch:DescribeAlarmHistory), or does not explain its current state.",
        "Allow the action cloudwatch:DescribeAlarmHistory to the caller, or run again a little later.",
    )


def _names(alarms: Sequence[Alarm]) -> str:
    return ", ".join(one_line(alarm.name) for alarm in alarms)


def _evidence(alarm: Alarm) -> dict[str, Any]:
    return {
        "name": alarm.name,
        "state": alarm.state,
        "since": alarm.since.isoformat() if alarm.since else None,
        "changes": [{"at": change.at.isoformat(), "to": change.after} for change in alarm.changes or ()],
    }


def _command(alarm: Alarm, facts: ServiceFacts) -> str:
    words = ["cloudwatch", "describe-alarm-history", "--alarm-name", alarm.name]
    kinds = ["--alarm-types", "MetricAlarm", "CompositeAlarm", "--history-item-type", "StateUpdate"]
    return aws_command(*words, *kinds, region=region_of(facts.service.arn) if facts.service else "")
