"""The account of a reading of the logs."""

from __future__ import annotations

from msgspec.structs import replace
from support.worlds import NOW

from pytest_deploycheck.judge.analysis.logs.evidence import LogEvidence, LogLine
from pytest_deploycheck.report.logs import account_of

NOTHING = LogEvidence(since=NOW, tasks={})


def test_where_no_task_runs_the_image_there_is_nothing_to_tell() -> None:
    """The finding states it, and a list of what was not seen would say nothing more."""
    assert account_of(NOTHING) == ""
    assert account_of(replace(NOTHING, per_task={})) == ""


def test_what_other_tasks_logged_is_reported_alone() -> None:
    """It explains the finding without an account of what was not read."""
    elsewhere = LogLine(NOW, "old-task", "ready")
    head, line = account_of(replace(NOTHING, elsewhere=(elsewhere,))).splitlines()
    assert head == "logged by tasks that run something else, which does not count:"
    assert line.endswith("old-task ready")


def test_what_was_read_is_reported() -> None:
    """A task without lines, a replaced task, an unread part and a note each belong to the account."""
    for told in ({"tasks": {"new": 0}}, {"replaced": ("gone",)}, {"blind": ("splunk",)}, {"problems": ("denied",)}):
        assert account_of(replace(NOTHING, **told)).startswith("read:\nwindow   from "), told
    assert "note     late" in account_of(replace(NOTHING, notes=("late",)))
