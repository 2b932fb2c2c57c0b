"""The answer of a replay to what the report does not hold."""

from __future__ import annotations

from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.snapshot import Problem

NOT_RECORDED = "the report that is replayed does not hold this"
REMEDY = "Verify the environment itself: a replay contacts nothing."

PROBLEM = Problem("", "NotRecorded", "The report that is replayed does not hold these log events.", REMEDY)
"""The problem of log events that were not recorded: a line that is missing among the others may have been there."""


class NotRecordedError(UnprovenError):
    """A replay was asked for what its report does not hold."""

    def __init__(self) -> None:
        super().__init__(f"{NOT_RECORDED}. {REMEDY}")
