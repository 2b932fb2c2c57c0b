"""Queries of Logs Insights that were started."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_deploycheck.sandbox.world.logs.behaviour import Querying


@dataclass(slots=True)
class SandboxQuery:
    """A query that was started.

    Attributes:
        rows: All its results: the values by field.
        scanned: The number of lines it scanned.
        scanned_bytes: The bytes of these lines.
        matched: The number of lines that met its conditions.
        groups: The number of log groups it scanned.
        polled: The number of requests for its results.
        id: Its id.
    """

    rows: Sequence[Mapping[str, str]]
    scanned: int
    scanned_bytes: int
    matched: int
    groups: int
    polled: int = 0
    id: str = field(default_factory=lambda: str(uuid4()))

    def status(self, querying: Querying) -> str:
        """Return its status, given the behaviour of queries."""
        return "Running" if self.polled <= querying.running else querying.ends
