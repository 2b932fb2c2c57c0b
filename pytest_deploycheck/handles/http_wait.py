"""The wait until the deployed application answers as expected."""

from __future__ import annotations

import json as json_format
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from pytest_deploycheck.errors import ConfigurationError, UnprovenError
from pytest_deploycheck.observe.http.answer import HttpAnswer
from pytest_deploycheck.polling import Clock, Pace, SystemClock, wait
from pytest_deploycheck.redaction import one_line
from pytest_deploycheck.redaction.handed import HANDED

_PACE = Pace(shortest=0.2, longest=2.0, share=0.25)
_LONGEST_REQUEST = 10.0
_SHORTEST_REQUEST = 1.0
_RESERVE = 1.0
"""Seconds before the end of the test's time limit at which a wait ends, so that its reason is reported."""

_LONGEST_SHOWN = 500

Request = Callable[[str, Mapping[str, str], float, bool], HttpAnswer | str]
"""Makes a request to a URL with headers, a time limit and following redirects or not; a text tells why nobody
answered."""


class HttpWait(Struct, frozen=True):
    """Waits for answers of the application.

    Attributes:
        base_url: The place of the application, or None.
        environment: The name of the environment.
        request: Makes one request.
        clock: The clock.
        time_left: Tells how many seconds the running test may still take, or None where nothing limits it.
    """

    base_url: str | None
    environment: str
    request: Request
    clock: Clock = field(default_factory=SystemClock)
    time_left: Callable[[], float | None] = lambda: None

    def wait_for(
        self,
        path: str,
        *,
        status: int | Collection[int],
        json: Any,
        timeout: float,
        headers: Mapping[str, str],
    ) -> HttpAnswer:
        """Send GET requests until an answer is as expected, and return it; see `DeployEnvironment.wait_for_http`."""
        url = self._url(path)
        expected = ExpectedAnswer(frozenset({status}) if isinstance(status, int) else frozenset(status), json)
        follow = not any(300 <= one < 400 for one in expected.statuses)  # noqa: PLR2004 - the class of redirects
        left = self.time_left()
        patience = timeout if left is None else max(0.0, min(timeout, left - _RESERVE))
        ends = self.clock.monotonic() + patience
        seen: list[HttpAnswer | str] = []

        def ask() -> HttpAnswer | str:
            limit = max(_SHORTEST_REQUEST, min(_LONGEST_REQUEST, ends - self.clock.monotonic()))
            answer = self.request(url, headers, limit, follow)
            seen.append(answer)
            if isinstance(answer, HttpAnswer):
                HANDED.note(answer.text)
            return answer

        waited = wait(
            ask,
            lambda answer: isinstance(answer, HttpAnswer) and not expected.difference(answer),
            timeout=patience,
            clock=self.clock,
            pace=_PACE,
        )
        if waited.settled and isinstance(waited.last, HttpAnswer):
            return waited.last
        failure = _failure(url, expected, seen, waited.elapsed)
        if patience < timeout and isinstance(failure, AssertionError):
            raise UnprovenError(
                f"{failure}\nThe time limit of the test cut the wait of {timeout:g} s short: raise it with "
                "@pytest.mark.timeout."
            )
        raise failure

    def _url(self, path: str) -> str:
        if path.startswith(("http://", "https://")):
            return path
        if not self.base_url:
            raise ConfigurationError(
                f"wait_for_http({path!r}) needs to know where the application answers, and the environment "
                f"{self.environment!r} has no base_url.",
                f'Set base_url = "https://…" in [env.{self.environment}], or give a whole URL.',
            )
        return f"{self.base_url.rstrip('/')}/{path.lstrip('/')}"


class ExpectedAnswer(Struct, frozen=True):
    """The expected answer: one of some statuses, and JSON that contains `json` unless that is None."""

    statuses: frozenset[int]
    json: Any

    def __str__(self) -> str:
        statuses = " or ".join(map(str, sorted(self.statuses)))
        return f"status {statuses}" + ("" if self.json is None else f" with JSON {_shown(self.json)}")

    def difference(self, answer: HttpAnswer) -> str:
        """Return the way in which an answer differs from what is expected; an empty text where it does not."""
        if answer.status not in self.statuses:
            return f"the status is {answer.status}"
        if self.json is None:
            return ""
        try:
            return _difference(self.json, answer.json(), "$")
        except (ValueError, RecursionError):
            return "the body is not JSON"


def _difference(expected: Any, value: Any, path: str) -> str:
    """Return the first difference of a value from what it has to contain: of objects only the expected members."""
    if isinstance(expected, Mapping) and isinstance(value, dict):
        for name, one in expected.items():
            if name not in value:
                return f"{path}.{name} is missing"
            if found := _difference(one, value[name], f"{path}.{name}"):
                return found
        return ""
    if isinstance(expected, list | tuple) and isinstance(value, list) and len(expected) == len(value):
        differences = (
            _difference(one, item, f"{path}[{number}]")
            for number, (one, item) in enumerate(zip(expected, value, strict=True))
        )
        return next(filter(None, differences), "")
    # In Python 1 equals True, in JSON it does not.
    if expected == value and isinstance(expected, bool) == isinstance(value, bool):
        return ""
    return f"{path} is {_shown(value)}, not {_shown(expected)}"


def _failure(url: str, expected: ExpectedAnswer, seen: Sequence[HttpAnswer | str], elapsed: float) -> Exception:
    answers = [one for one in seen if isinstance(one, HttpAnswer)]
    reasons = [one for one in seen if isinstance(one, str)]
    asked = f"in {elapsed:.0f} s ({len(seen)} {'request' if len(seen) == 1 else 'requests'})"
    if not answers:
        return UnprovenError(
            f"{url} gave no answer {asked}: {one_line(reasons[-1], _LONGEST_SHOWN)}. Expected was {expected}. Check "
            "base_url, and that this machine may connect to it."
        )
    last = answers[-1]
    unanswered = f"; {len(reasons)} of the requests got no answer ({one_line(reasons[-1], 200)})" if reasons else ""
    return AssertionError(
        f"{url} did not answer with {expected} {asked}{unanswered}.\n"
        f"The last answer differs: {expected.difference(last)}.\n"
        f"  {last.status} {last.headers.get('content-type', '')}: {one_line(last.text, _LONGEST_SHOWN) or '(empty)'}"
    )


def _shown(value: Any) -> str:
    try:
        text = json_format.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return one_line(text, 200)
