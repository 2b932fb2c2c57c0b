"""How CloudWatch Logs behaves: which of the things that AWS may do, it does."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

SessionError = Literal["SessionStreamingException", "SessionTimeoutException"]
"""How a live tail may break."""

QueryEnd = Literal["Complete", "Failed", "Timeout"]
"""How a query may end by itself."""


@dataclass(slots=True)
class LogPaging:
    """In which pages log events are answered.

    Attributes:
        size: How many events a page holds at the most.
        empty_pages: Whether an empty page with a token comes before each page.
        repeat_token: How many times a token is answered with itself before the reading goes on.
        repeat_page: Whether such an answer has the page's events; otherwise it is empty.
        overlap: How many of a page's last events come again at the start of the next.
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
    """How live tails go.

    Attributes:
        sampled: Whether they show a part of the lines only.
        ends_after: After how many seconds they end; None is when the server stops.
        fails: The error they end with; None ends them quietly.
    """

    sampled: bool = False
    ends_after: float | None = None
    fails: SessionError | None = None


@dataclass(slots=True)
class Querying:
    """How queries of Logs Insights go.

    Attributes:
        ends: How they end.
        running: How many times they are said to be running before.
    """

    ends: QueryEnd = "Complete"
    running: int = 1
