"""The facts of one check beside the observation, as a report records them: what was read of logs and images."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.facts.log import LogEvent, LogSight
from pytest_deploycheck.facts.source import Checkout, Compared, FileDigest, SourceFile

MOST_EVENTS = 200
"""Log events with what was expected that are recorded for one expectation."""

MOST_LINES = 50
"""Last log lines that are recorded for one expectation."""

MOST_FILES = 1000
"""Files of a source tree that are recorded; a larger tree is not."""

_NO_DIGEST = FileDigest(0, "", "")


class LogsRead(Struct, frozen=True):
    """The events that were read of the logs for a declared expectation, at the end of the wait.

    Attributes:
        sight: What was read.
        asked_at: The moment up to which an absence had to hold.
        waited: Seconds that were waited.
        elsewhere: Events with its patterns from tasks that run something else.
        stands_in: The places where the local source has what is expected.
        cut_short: Whether the wait ended before its time.
        is_elsewhere_read: Whether there was time to read the logs of tasks that run something else.
        is_masked: Whether a credential was masked in it, so that a line that is missing may have been there.
    """

    sight: LogSight
    asked_at: datetime
    waited: float
    elsewhere: tuple[LogEvent, ...] = ()
    stands_in: tuple[str, ...] = ()
    cut_short: bool = False
    is_elsewhere_read: bool = True
    is_masked: bool = False

    def bounded(self) -> LogsRead:
        """This, with no more events than a report records: where some are left out, their number is not known."""
        sight = self.sight
        kept = replace(
            sight,
            events=sight.events[:MOST_EVENTS],
            is_cut=sight.is_cut or len(sight.events) > MOST_EVENTS,
            recent=sight.recent[-MOST_LINES:],
            is_recent_all=sight.is_recent_all and len(sight.recent) <= MOST_LINES,
        )
        return replace(self, sight=kept, elsewhere=self.elsewhere[-MOST_LINES:])


class SourceCompared(Struct, frozen=True):
    """The source trees beside what the image has in their place.

    Attributes:
        trees: The source trees, without the digests of their files.
        checkout: The state of the checkout.
    """

    trees: tuple[Compared, ...]
    checkout: Checkout

    def bounded(self) -> SourceCompared | None:
        """This without the digests of files; None where a tree is larger than a report records."""
        if any(len(one.tree.files) > MOST_FILES for one in self.trees):
            return None
        return replace(self, trees=tuple(map(_without_digests, self.trees)))


class CheckFacts(Struct, frozen=True):
    """The facts of a check beside the observation.

    Attributes:
        logs: What was read of the logs for its expectation.
        source: The source trees beside the image.
    """

    logs: LogsRead | None = None
    source: SourceCompared | None = None


def _without_digests(compared: Compared) -> Compared:
    files = tuple(SourceFile(file.path, _NO_DIGEST) for file in compared.tree.files)
    return replace(compared, tree=replace(compared.tree, files=files))
