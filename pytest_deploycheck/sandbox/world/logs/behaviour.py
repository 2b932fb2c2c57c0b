"""The behaviour of CloudWatch Logs, within what AWS allows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

SessionError = Literal["SessionStreamingException", "SessionTimeoutException"]
"""The errors that end a live tail."""

QueryEnd = Literal["Complete", "Failed", "Timeout"]
"""The final statuses of a query."""


@dataclass(slots=True)
class LogPaging:
    """The pages in which log events are answered.

    Attributes:
        size: The largest number of events in a page.
        empty_pages: Whether an empty page with a token precedes each page.
        repeat_token: How many times a token is answered with itself before the reading continues.
        repeat_page: Whether such an answer has the page's events; otherwise it is empty.
        overlap: The number of events at the end of a page that the next page repeats.
        repeated: How often each token was answered with itself.
    """

    size: int = 10_000
    empty_pages: bool = False
    repeat_token: int = 0
    repeat_page: bool = False
    overlap: int = 0
    repeated: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class LiveTailing:
    """The behaviour of live tails.

    Attributes:
        sampled: Whether they show a part of the lines only.
        ends_after: The seconds after which they end; None: when the sandbox stops.
        fails: The error with which they end; None for none.
    """

    sampled: bool = False
    ends_after: float | None = None
    fails: SessionError | None = None


@dataclass(slots=True)
class Querying:
    """The behaviour of Logs Insights queries.

    Attributes:
        ends: Their final status.
        running: The number of answers in which they are running before.
    """

    ends: QueryEnd = "Complete"
    running: int = 1
