"""`alarms-ok`: has a declared alarm gone off since the rollout began?"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from pytest_deploycheck.facts.health import Alarm, AlarmChange
from pytest_deploycheck.facts.snapshot import Problem, ServiceFacts
from pytest_deploycheck.judge.analysis.newest_rollout import NewestRollout, newest_rollout
from pytest_deploycheck.judge.finding import ALARMS_OK, Finding
from pytest_deploycheck.judge.wording import at, plural
from pytest_deploycheck.redaction import one_line

_ALARM = "ALARM"


def judge_alarms(facts: ServiceFacts, declared: Sequence[str]) -> Finding:
    """`alarms-ok`: no declared alarm is in ALARM, nor went off since the rollout began.

    One that was in ALARM already when the rollout began, and has been OK since, passes with a note: that is what a
    rollout looks like that mends something.

    Args:
        facts: What was seen of the service.
        declared: The names of the alarms that the configuration declares.
    """
    if not declared:
        return ALARMS_OK.skips("no alarms are declared")
    if "alarms" in facts.problems:
        return ALARMS_OK.errs(facts.problems["alarms"])
    alarms = facts.health.alarms
    newest = newest_rollout(facts)
    evidence: dict[str, Any] = {
        "since": newest.started_at.isoformat() if newest else None,
        "alarms": [_evidence(alarm) for alarm in alarms],
    }
    ringing = [alarm for alarm in alarms if alarm.state == _ALARM or went_off(alarm)]
    if ringing:
        return ALARMS_OK.fails(
            "; ".join(_what_rang(alarm, newest) for alarm in ringing),
            cause=_cause(ringing, newest),
            remedy="See in the alarm's history what it saw; mend it or roll back.",
            command=_command(ringing[0], facts),
            evidence=evidence,
        )
    if facts.health.no_alarms:
        return ALARMS_OK.errs(_missing(facts), evidence=evidence)
    if newest is None:
        return ALARMS_OK.unproven(
            f"{_names(alarms)}: OK now, but since when to ask is not known, as no rollout may be looked at",
            remedy="Allow ecs:DescribeServices or ecs:ListServiceDeployments to the caller, then run again.",
            evidence=evidence,
        )
    unread = [alarm for alarm in alarms if alarm.changes is None]
    if unread:
        return ALARMS_OK.errs(_unread(unread), evidence=evidence)
    untold = [alarm for alarm in alarms if alarm.state != "OK"]
    if untold:
        return ALARMS_OK.unproven(
            f"{_names(untold)}: {untold[0].state} since {at(untold[0].since)}, which is not OK",
            remedy="Send the application some traffic and verify again, or let the alarm treat missing data as good "
            "(treat_missing_data = notBreaching).",
            command=_command(untold[0], facts),
            evidence=evidence,
        )
    mended = [alarm for alarm in alarms if alarm.changes and alarm.changes[0].before == _ALARM]
    notes = [
        f"{one_line(alarm.name)} was in ALARM when the rollout began, and is OK since {at(alarm.changes[0].at)}"
        for alarm in mended
        if alarm.changes
    ]
    return ALARMS_OK.passes(
        f"{plural(len(alarms), 'alarm')} OK{'' if mended else ' since the rollout began'}",
        notes=notes,
        evidence=evidence,
    )


def went_off(alarm: Alarm) -> AlarmChange | None:
    """The change by which an alarm went off since the rollout began; None where it did not, or that is not known."""
    return next((change for change in alarm.changes or () if change.after == _ALARM), None)


def _cause(ringing: Sequence[Alarm], newest: NewestRollout | None) -> str:
    if not all(_is_older(alarm, newest) for alarm in ringing):
        return "The new code, or what it runs on, does what the alarm watches for."
    return "It was on before the rollout began: the new code did not set it off, and did not mend it."


def _is_older(alarm: Alarm, newest: NewestRollout | None) -> bool:
    """Whether an alarm was on before the rollout began, and is on since."""
    return alarm.since is not None and newest is not None and alarm.since < newest.started_at and not went_off(alarm)


def _what_rang(alarm: Alarm, newest: NewestRollout | None) -> str:
    change = went_off(alarm)
    name = one_line(alarm.name)
    if alarm.state == _ALARM:
        before = ", from before the rollout" if _is_older(alarm, newest) else ""
        return f"{name} is in ALARM since {at(alarm.since)}{before}: {one_line(alarm.reason, 300)}"
    said = one_line(change.reason, 300) if change else ""
    return f"{name} went off {at(change.at if change else None)} and is {alarm.state} again: {said}"


def _missing(facts: ServiceFacts) -> Problem:
    """That there is no alarm of a declared name, with the names that are like it."""
    texts = [
        f"There is no alarm {name!r}{f'; did you mean {_or(near)}?' if near else '.'}"
        for name, near in facts.health.no_alarms.items()
    ]
    return Problem(
        "cloudwatch:DescribeAlarms",
        "AlarmNotFound",
        " ".join(texts),
        "Mend `alarms` in the configuration; an alarm is looked for in the environment's own region.",
    )


def _or(names: Sequence[str]) -> str:
    return " or ".join(repr(name) for name in names)


def _unread(alarms: Sequence[Alarm]) -> Problem:
    return Problem(
        "cloudwatch:DescribeAlarmHistory",
        "HistoryUnread",
        f"Whether {_names(alarms)} went off since the rollout began is not known: its history may not be read "
        "(cloudwatch:DescribeAlarmHistory), or does not lead to the state it has.",
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
    region = ["--region", facts.service.arn.split(":")[3]] if facts.service else []
    words = ["aws", "cloudwatch", "describe-alarm-history", "--alarm-name", alarm.name]
    kinds = ["--alarm-types", "MetricAlarm", "CompositeAlarm"]
    return shlex.join([*words, *kinds, "--history-item-type", "StateUpdate", *region])
