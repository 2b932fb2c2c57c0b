"""Pages of FilterLogEvents that are made once and repeated with other times and ids: a log that nobody has to store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

PAGE_BYTES = 1024**2
"""Bytes of a page, after which CloudWatch Logs begins another one."""

BESIDE = 26
"""Bytes that each event counts beside its message."""

_SECOND = "1234567890"
_MILLISECONDS = 1000


class RepeatedPages:
    """The lines of a log, a second of it in each page.

    Args:
        lines: The lines of a page.
        pages: The number of pages.
        last: A line that only the last page has, at its end.
        first_second: The time of the first page, in seconds since 1970.

    Attributes:
        calls: The number of pages that were asked for.
    """

    def __init__(self, lines: Sequence[str], pages: int, last: str, first_second: int) -> None:
        self._lines = lines
        self._pages = pages
        self._last = last
        self._first = first_second
        self._body = b""
        self.calls = 0

    def answer(self, request: dict[str, Any]) -> bytes:
        """Return the body of the answer to a call."""
        self.calls += 1
        place = int(request.get("nextToken") or 0)
        if not self._body:
            self._body = self._made(request["logStreamNames"][0])
        body = self._body.replace(_SECOND.encode(), b"%010d" % (self._first + place))
        if place + 1 < self._pages:
            return body.replace(b'"events"', b'"nextToken": "%d", "events"' % (place + 1), 1)
        found = json.loads(body)
        found["events"][-1]["message"] = self._last
        return json.dumps(found).encode()

    def _made(self, stream: str) -> bytes:
        events = [
            {
                "logStreamName": stream,
                "timestamp": int(f"{_SECOND}{_MILLISECONDS * number // len(self._lines):03d}"),
                "message": line,
                "ingestionTime": int(f"{_SECOND}999"),
                "eventId": f"{_SECOND}{number:046d}",
            }
            for number, line in enumerate(self._lines)
        ]
        return json.dumps({"events": events, "searchedLogStreams": []}).encode()
