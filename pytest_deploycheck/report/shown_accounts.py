"""The accounts of the logs on one console: each in full the first time, and by reference from then on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from pytest_deploycheck.report.logs import LAST_SEEN, NONE_SEEN, READ

_COUNTS = re.compile(r"^(window [^,]*|task [^:]*)[,:].*")
"""The lines with numbers of events: these grow from one reading to the next, while the same is read."""


class _Account(Struct, frozen=True):
    """The account of a reading within a text.

    Attributes:
        start: The number of its first line in the text.
        end: The number of the first line after it.
        where: The lines that tell what was read.
        last: The last lines seen.
    """

    start: int
    end: int
    where: list[str]
    last: list[str]


class _Shown(Struct):
    """A reading of which a console has shown the account.

    Attributes:
        place: The check with which it was shown.
        lines: The last lines seen that were shown since.
    """

    place: str
    lines: set[str]


class ShownAccounts:
    """Refers to the account of a reading where a console has shown it already.

    A failure that is read by itself has its account in full. One below the other, the failures of a service would all
    repeat it.

    Args:
        fewest: Last lines seen that each failure shows, also where they were shown before.
    """

    def __init__(self, fewest: int = 0) -> None:
        self._fewest = fewest
        self._shown: dict[tuple[str, ...], _Shown] = {}

    def shorten(self, text: str, service: str, place: str) -> str:
        """Return a text as it is to be shown: lines that were logged since the last account are in it all the same.

        Args:
            text: The text of a failure.
            service: The label of the service that it is about.
            place: The check below whose heading it is shown.
        """
        lines = text.split("\n")
        account = _account_in(lines)
        if account is None:
            return text
        read = (service, *(_COUNTS.sub(r"\1", line) for line in account.where))
        shown = self._shown.setdefault(read, _Shown(place, set()))
        new = [number for number, line in enumerate(account.last) if line not in shown.lines]
        is_first = not shown.lines
        shown.lines.update(account.last)
        if is_first:
            return text
        last = account.last[min([*new, max(0, len(account.last) - self._fewest)]) :]
        told = [LAST_SEEN, *last] if last and last != [NONE_SEEN] else []
        return "\n".join([*lines[: account.start], f"{READ} as for {shown.place} above", *told, *lines[account.end :]])


def _account_in(lines: Sequence[str]) -> _Account | None:
    """Return the account in a text, or None where it has none."""
    if READ not in lines or LAST_SEEN not in lines:
        return None
    start, heading = lines.index(READ), lines.index(LAST_SEEN)
    end = heading + 1
    while end < len(lines) and (lines[end].startswith("  ") or lines[end] == NONE_SEEN):
        end += 1
    return _Account(start, end, list(lines[start + 1 : heading]), list(lines[heading + 1 : end]))
