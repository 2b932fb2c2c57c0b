from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from pytest_deploycheck.errors import ConfigurationError, UnprovenError
from pytest_deploycheck.handles.http_wait import HttpWait
from pytest_deploycheck.observe.http.answer import HttpAnswer

REFUSED = "Connection refused"


class Application:
    """An application whose answers follow each other; the last one stays. A clock that only waits move."""

    def __init__(self, *answers: HttpAnswer | str, takes: float = 0.0) -> None:
        self._answers = list(answers)
        self._takes = takes
        self.time = 0.0
        self.asked: list[tuple[str, Mapping[str, str], bool]] = []

    def request(self, url: str, headers: Mapping[str, str], timeout: float, follow: bool) -> HttpAnswer | str:  # noqa: FBT001 - the interface
        """Return the next answer."""
        assert timeout > 0
        self.asked.append((url, headers, follow))
        self.time += self._takes
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def monotonic(self) -> float:
        """Return the seconds that passed."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let seconds pass."""
        self.time += seconds

    def wait_for(self, path: str = "/health", *, left: float | None = None, **asked: Any) -> HttpAnswer:
        """Wait for an answer."""
        waiting = HttpWait("https://shop.example/", "dev", self.request, self, lambda: left)
        return waiting.wait_for(path, **{"status": 200, "json": None, "timeout": 30.0, "headers": {}, **asked})


def answer(status: int = 200, body: str = "") -> HttpAnswer:
    """Return an answer."""
    return HttpAnswer("https://shop.example/health", status, {"content-type": "application/json"}, body.encode())


def test_the_expected_answer_is_returned() -> None:
    """The wait goes on while nobody answers and while other answers come, and returns the one that was expected."""
    application = Application(
        REFUSED, answer(503), answer(200, '{"status": "starting"}'), answer(200, '{"status":"ok"}')
    )
    assert application.wait_for(json={"status": "ok"}).json() == {"status": "ok"}
    assert application.asked == [("https://shop.example/health", {}, True)] * 4
    assert application.time < 5


def test_another_answer_fails_and_is_shown() -> None:
    """An answer that differs to the end fails the test, with the difference, the status and the body."""
    application = Application(answer(503, '{"detail": "no database"}'))
    with pytest.raises(AssertionError) as failed:
        application.wait_for()
    for part in ("https://shop.example/health", "status 200", "30 s", "503", "no database"):
        assert part in str(failed.value)
    assert 30 <= application.time < 31


def test_without_any_answer_it_is_unproven() -> None:
    """Nobody answered: that refutes nothing, and the reason is named."""
    with pytest.raises(UnprovenError, match="Connection refused") as unproven:
        Application(REFUSED).wait_for()
    assert "base_url" in str(unproven.value)


def test_an_answer_before_the_silence_counts() -> None:
    """If answers came at first and none later, the last answer is shown, and that none came later."""
    with pytest.raises(AssertionError, match="got no answer") as failed:
        Application(answer(500, "boom"), REFUSED).wait_for()
    assert "boom" in str(failed.value)


@pytest.mark.parametrize(
    ("expected", "body", "difference"),
    [
        ({"status": "ok"}, '{"status": "ok", "more": 1}', ""),
        ({"a": {"b": [1, 2]}}, '{"a": {"b": [1, 2], "c": 3}}', ""),
        ({"a": {"b": [1, 2]}}, '{"a": {"b": [1, 3]}}', "$.a.b[1] is 3, not 2"),
        ({"a": [1]}, '{"a": [1, 2]}', "$.a is [1, 2], not [1]"),
        ({"version": "2"}, "{}", "$.version is missing"),
        ({"ready": True}, '{"ready": 1}', "$.ready is 1, not true"),
        ([], "[]", ""),
        ({"status": "ok"}, "<html>", "the body is not JSON"),
    ],
)
def test_the_json_contains_what_is_expected(expected: Any, body: str, difference: str) -> None:
    """Of objects the expected members count, of lists all items; the message names the first difference."""
    application = Application(answer(200, body))
    if not difference:
        assert application.wait_for(json=expected, timeout=0).status == 200
        return
    with pytest.raises(AssertionError) as failed:
        application.wait_for(json=expected, timeout=0)
    assert difference in str(failed.value)


def test_several_statuses_and_redirects() -> None:
    """Several statuses may be expected; a redirect is followed unless it is expected."""
    assert Application(answer(204)).wait_for(status=(200, 204)).status == 204
    application = Application(answer(301))
    assert application.wait_for(status=301).status == 301
    assert application.asked[0][2] is False


def test_the_time_limit_of_the_test_leaves_it_open() -> None:
    """A wait that the test's own time limit cuts short ends before it, and refutes nothing."""
    application = Application(answer(503))
    with pytest.raises(UnprovenError, match="cut the wait of 30 s short"):
        application.wait_for(left=5.0)
    assert application.time <= 4.5


def test_a_whole_url_needs_no_base_url() -> None:
    """Without a base_url a path is an error that names the key; a whole URL is requested as it is."""
    application = Application(answer())
    waiting = HttpWait(None, "dev", application.request, application)
    with pytest.raises(ConfigurationError, match=r"base_url") as wrong:
        waiting.wait_for("/health", status=200, json=None, timeout=0, headers={})
    assert "[env.dev]" in wrong.value.remedy
    assert waiting.wait_for("http://localhost/", status=200, json=None, timeout=0, headers={"A": "b"}).status == 200
    assert application.asked == [("http://localhost/", {"A": "b"}, True)]


def test_what_came_is_no_markup_of_a_terminal() -> None:
    """A body is data: its control characters are not shown as they are."""
    with pytest.raises(AssertionError) as failed:
        Application(answer(500, "\x1b[31mred\x07")).wait_for(timeout=0)
    assert "\x1b" not in str(failed.value)
    assert "\x07" not in str(failed.value)


def test_an_expectation_that_json_cannot_write_is_shown_all_the_same() -> None:
    """A test may expect what JSON has no form for, such as a time: the message shows it as Python does."""
    expected = datetime(2025, 11, 26, tzinfo=UTC)
    with pytest.raises(AssertionError) as failed:
        Application(answer(200, '{"at": "2025-11-26"}')).wait_for(json={"at": expected}, timeout=0)
    assert f'$.at is "2025-11-26", not {expected!r}' in str(failed.value)
