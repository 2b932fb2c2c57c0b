"""The problems of reading a log group, in terms that a user can act on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pytest_deploycheck.config.patterns.bounded_search import SlowPatternError
from pytest_deploycheck.facts.log import UNREAD
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.observe.logs.events import moment
from pytest_deploycheck.observe.logs.filtered_lines import ACTION, NOT_FOUND, UnreadError
from pytest_deploycheck.observe.problems import Answered, ObservationTimeoutError, attempt

T = TypeVar("T")

GROUP_NOT_FOUND = "GroupNotFound"
"""Code of the problem that a log group does not exist."""

SLOW_PATTERN = "SlowPattern"
"""Code of the problem that a line could not be compared with a regular expression in time."""


def attempted(read: Callable[[], T], region: str, group: str) -> Answered[T]:
    """Return the value of a reading, or the problem that kept it from one.

    Args:
        read: Reads the group.
        region: The region of the group.
        group: Its name.
    """

    def read_or_tell() -> Answered[T]:
        try:
            return read(), None
        except UnreadError as error:
            return None, _unread(group, error.last)
        except ObservationTimeoutError:
            return None, _unread(group, None)
        except SlowPatternError as error:
            return None, Problem("", SLOW_PATTERN, str(error.args[0]), error.remedy)

    result, problem = attempt(ACTION, read_or_tell)
    if result is not None:
        return result
    return None, _not_found(region, group) if problem and problem.code == NOT_FOUND else problem


def _not_found(region: str, group: str) -> Problem:
    return Problem(
        ACTION,
        GROUP_NOT_FOUND,
        f"The log group {group} does not exist in {region}, where the task definition sends the log.",
        "Create it there, or correct the log group and its region: in the options of the container's log driver in the "
        "task definition, or `log_group` in the configuration.",
    )


def _unread(group: str, last: int | None) -> Problem:
    read = f"up to {moment(last):%Y-%m-%d %H:%M:%S} UTC" if last is not None else "without finding an event"
    return Problem(
        ACTION,
        UNREAD,
        f"When the wait was over, the log group {group} had been read {read}; the rest was not read.",
        "Wait longer (--deploy-log-wait), or choose a shorter window (--deploy-since).",
        passing=True,
    )
