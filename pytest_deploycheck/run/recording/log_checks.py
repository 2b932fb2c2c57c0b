"""The checks of the declared log expectations in a replay, by what was read of the logs at that time."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.facts.recorded.checks import CheckFacts, LogsRead
from pytest_deploycheck.handles.logs.questions import expectation_question
from pytest_deploycheck.handles.logs.service_logs import Window
from pytest_deploycheck.judge.analysis.logs.reading import LogAnswer, Reading
from pytest_deploycheck.judge.checks.logs import LogCheck, judge_expectation
from pytest_deploycheck.judge.finding import Finding
from pytest_deploycheck.judge.record import ServiceRecord
from pytest_deploycheck.run.logs.checks import outcome_of
from pytest_deploycheck.run.recording.unrecorded import NOT_RECORDED, REMEDY


class RecordedLogChecks(Struct):
    """Carries out the log checks of a replay.

    Attributes:
        services: The records of the services, by their names.
    """

    services: Mapping[str, ServiceRecord]

    def begin(self) -> None:
        """Begin no wait: the events are those of that time."""

    def judge(self, service: str, check: LogCheck) -> Finding:
        """Carry out the check of one declared expectation."""
        record = self.services.get(service)
        read = record.logs.get(check.id) if record else None
        if read is None:
            return check.unproven(f"{check.expectation}: {NOT_RECORDED}", remedy=REMEDY)
        try:
            reading = _reading(check, read)
        except re.error as error:
            return check.unproven(f"{check.expectation}: the expression was masked and is not valid: {error}")
        if reading.answer is LogAnswer.MISSING and read.is_masked:
            # A line that is missing by now may have been there before its secrets were masked.
            why = "credentials are masked in the lines that were recorded, so that one may be missing"
            return replace(check.unproven(f"{check.expectation}: {why}", remedy=REMEDY), facts=CheckFacts(logs=read))
        finding = judge_expectation(check, outcome_of(check.expectation, read, reading))
        return replace(finding, facts=CheckFacts(logs=read))


def _reading(check: LogCheck, read: LogsRead) -> Reading:
    """Return the answer that the events give, as the wait at that time judged them."""
    question = expectation_question(check.expectation, Window(), read.asked_at, read.sight.scope)
    return question.judge(read.sight) if read.cut_short else question.judge_last(read.sight)
