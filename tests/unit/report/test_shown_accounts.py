"""The accounts of the logs on one console."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from support.worlds import NOW

from pytest_deploycheck.judge.analysis.logs.evidence import LogEvidence, LogLine, NearLine, StreamName
from pytest_deploycheck.report.logs import account_of
from pytest_deploycheck.report.shown_accounts import ShownAccounts

READ = LogEvidence(
    since=NOW,
    tasks={"one": 2, "two": 1},
    streams=(StreamName("one", "/ecs/shop", "us-east-1", "ecs/app/one"),),
    recent=3,
    is_recent_all=True,
    last_lines=tuple(LogLine(NOW, "one", text) for text in ("started", "serving", "GET /health")),
)
LATER = replace(
    READ,
    tasks={"one": 3, "two": 1},
    recent=4,
    last_lines=(*READ.last_lines[1:], LogLine(NOW, "one", "GET /cart")),
)


def text(evidence: LogEvidence = READ, **changed: Any) -> str:
    """Return the text of a failure with the account of a reading."""
    return f"not logged\n\n{account_of(replace(evidence, **changed))}"


def told(accounts: ShownAccounts, failure: str, place: str) -> list[str]:
    """Return the lines that the console shows of a failure of one service."""
    return accounts.shorten(failure, "backend", place).split("\n")


def test_an_account_is_shown_once() -> None:
    """The first failure has it in full, and each of the others names the first in a sentence."""
    accounts = ShownAccounts()
    assert accounts.shorten(text(), "backend", "logs-1") == text()
    for place in ("logs-2", "logs-3"):
        assert told(accounts, text(), place) == ["not logged", "", "read: as for logs-1 above"]


def test_lines_that_were_logged_since_then_are_shown() -> None:
    """A later reading of the same streams has more events: only the lines that the console does not have are added."""
    accounts = ShownAccounts()
    accounts.shorten(text(), "backend", "logs-1")
    reference = ["read: as for logs-1 above"]
    assert told(accounts, text(LATER), "logs-2")[2:-1] == [*reference, "last lines seen:"]
    assert told(accounts, text(LATER), "logs-3")[2:] == reference


@pytest.mark.parametrize(
    "changed",
    [
        {"since": NOW.replace(minute=1)},
        {"tasks": {"one": 2}},
        {"streams": ()},
        {"replaced": ("gone",)},
        {"blind": ("the log driver of 'app' is splunk",)},
        {"problems": ("denied",)},
        {"notes": ("late",)},
    ],
)
def test_another_reading_has_its_own_account(changed: dict[str, Any]) -> None:
    """It is in full where anything else was read: another window, task or stream, or a part of it that was unread."""
    accounts = ShownAccounts()
    accounts.shorten(text(), "backend", "logs-1")
    assert accounts.shorten(text(**changed), "backend", "logs-2") == text(**changed)
    assert told(accounts, text(), "logs-3")[-1] == "read: as for logs-1 above"


def test_each_service_has_its_own_account() -> None:
    """The same words about another service are no reason to refer to this one."""
    accounts = ShownAccounts()
    accounts.shorten(text(), "backend", "logs-1")
    assert accounts.shorten(text(), "worker", "logs-1") == text()


def test_what_stands_around_an_account_stays() -> None:
    """The nearest line before it, and what other tasks logged after it, belong to the one failure."""
    near = NearLine(READ.last_lines[0], "Started", "started", ("- Started", "+ started"), 1)
    failure = text(near_misses=(near,), elsewhere=(LogLine(NOW, "old", "started"),))
    accounts = ShownAccounts()
    accounts.shorten(text(), "backend", "logs-1")
    before, _, after = "\n".join(told(accounts, failure, "logs-2")).partition("\nread: as for logs-1 above\n")
    assert before.endswith("  - Started\n  + started")
    assert after.startswith("logged by tasks that run something else")
    assert after.endswith("old started")


def test_the_last_lines_stay_where_that_is_asked() -> None:
    """So many of them are shown with each failure, and more where more are new."""
    accounts = ShownAccounts(fewest=2)
    accounts.shorten(text(), "backend", "logs-1")
    shown = told(accounts, text(), "logs-2")
    assert shown[2:4] == ["read: as for logs-1 above", "last lines seen:"]
    assert [line.rpartition(" one ")[2] for line in shown[4:]] == ["serving", "GET /health"]
    assert len(told(accounts, text(last_lines=[LogLine(NOW, "one", str(n)) for n in range(5)]), "logs-3")) == 4 + 5


def test_where_no_line_was_seen_there_are_none_to_show() -> None:
    """The reference is all there is to say again."""
    accounts = ShownAccounts(fewest=3)
    assert "(no line was seen)" in accounts.shorten(text(last_lines=()), "backend", "logs-1")
    assert told(accounts, text(last_lines=()), "logs-2") == ["not logged", "", "read: as for logs-1 above"]


def test_other_texts_stay_as_they_are() -> None:
    """A text without an account, or with half of one, is not touched."""
    accounts = ShownAccounts()
    for other in ("", "not logged", "read:\nwindow   from now, 2 events seen", "last lines seen:\n  one"):
        for place in ("logs-1", "logs-2"):
            assert accounts.shorten(other, "backend", place) == other
