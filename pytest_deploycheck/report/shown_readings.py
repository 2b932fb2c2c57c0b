"""The readings of logs on one console: each in full the first time, and by reference from then on."""

from __future__ import annotations

from msgspec import Struct

from pytest_deploycheck.judge.analysis.logs.evidence import LogEvidence, LogLine
from pytest_deploycheck.report.logs import last_seen, reading


class _Shown(Struct):
    """A reading that a console has shown.

    Attributes:
        check: The check below whose heading it was shown.
        lines: The last lines seen that were shown since.
    """

    check: str
    lines: set[LogLine]


class ShownReadings:
    """Refers to a reading of the logs where a console has shown it already.

    A failure that is read by itself shows in full what was read. One below the other, the failures of a service would
    all repeat it.

    Args:
        fewest: Last lines seen that each failure shows, also where they were shown before.
    """

    def __init__(self, fewest: int = 0) -> None:
        self._fewest = fewest
        self._shown: dict[object, _Shown] = {}

    def lines(self, evidence: LogEvidence, *, service: str, check: str) -> list[str]:
        """Return the lines on a reading; those that were logged since it was shown are in them all the same.

        Args:
            evidence: What was read.
            service: The label of the service.
            check: The check below whose heading the lines are shown.
        """
        where = _where(service, evidence)
        if where not in self._shown:
            self._shown[where] = _Shown(check, set(evidence.last_lines))
            return reading(evidence)
        shown = self._shown[where]
        new = [number for number, line in enumerate(evidence.last_lines) if line not in shown.lines]
        start = min([*new, max(0, len(evidence.last_lines) - self._fewest)])
        shown.lines.update(evidence.last_lines)
        last = evidence.last_lines[start:]
        return [f"read: as for {shown.check} above", *(last_seen(last) if last else [])]


def _where(service: str, evidence: LogEvidence) -> object:
    """Return what tells readings apart: the numbers of events grow from one to the next, while the same is read."""
    return (
        service,
        evidence.since,
        tuple(evidence.tasks),
        evidence.replaced,
        evidence.streams,
        evidence.blind,
        evidence.problems,
        evidence.notes,
    )
