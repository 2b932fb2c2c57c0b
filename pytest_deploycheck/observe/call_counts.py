"""The count of the calls of a session: which operations, how often and when."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from pytest_deploycheck.facts.recorded.calls import Calls


class CallCounts:
    """Counts calls, from any thread.

    Args:
        now: This machine's clock (UTC).
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._calls: dict[str, Calls] = {}

    def add(self, action: str) -> None:
        """Count a call of an operation, named by its IAM action."""
        with self._lock:
            now = self._now()
            one = Calls(action, 1, now, now)
            known = self._calls.get(action)
            self._calls[action] = known.joined(one) if known else one

    @property
    def calls(self) -> tuple[Calls, ...]:
        """The calls so far, in the order of the operations' names."""
        with self._lock:
            return tuple(self._calls[name] for name in sorted(self._calls))
