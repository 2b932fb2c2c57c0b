"""The events of one log group that match the patterns that were asked for, within bounds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field

from pytest_deploycheck.facts.log import OVERLAP, LogEvent, LogStream

if TYPE_CHECKING:
    from pytest_deploycheck.config.settings import Pattern

MOST_EVENTS = 20_000
"""Events that are kept for one pattern."""

MOST_CHARACTERS = 16_000_000
"""Characters of messages that are kept for one pattern."""

MOST_KEPT = 64_000_000
"""Characters of messages that are kept for all patterns; what was asked longest ago is forgotten first."""


class _Covered(Struct):
    """The part of a stream that was read: all from `since` on that was visible when the reading at `until` began."""

    since: datetime
    until: datetime


class PatternMatches(Struct):
    """The events that match a pattern, each once, and how far the streams were read for it.

    Once `MOST_EVENTS` or `MOST_CHARACTERS` are kept, only a stream of which nothing is kept may add to them, so that
    memory stays bounded and it is still known which tasks have such events. Then `is_cut` tells that there are more.

    Attributes:
        matches: Tells whether a text matches the pattern.
        is_cut: Whether events were left out.
        characters: Characters of the messages that are kept.
        number: Events that are kept.
    """

    matches: Callable[[str], object]
    is_cut: bool = False
    characters: int = 0
    number: int = 0
    _events: dict[LogStream, dict[str, LogEvent]] = field(default_factory=dict)
    _covered: dict[LogStream, _Covered] = field(default_factory=dict)
    _covered_in_full: dict[LogStream, _Covered] = field(default_factory=dict)

    def start_for(self, stream: LogStream, since: datetime) -> datetime:
        """Return the start of a reading that wants all events of a stream from `since` on."""
        covered = self._covered.get(stream)
        if covered is None or since < covered.since:
            return since
        return max(since, covered.until - OVERLAP)

    def cover(self, streams: Iterable[LogStream], start: datetime, now: datetime) -> None:
        """Note that streams were read from `start` on, in a reading that began at `now`."""
        for stream in streams:
            covered = self._covered.get(stream)
            if covered is None or start < covered.since:
                self._covered[stream] = _Covered(start, now)
            elif start <= covered.until:
                covered.until = now
            # Else there is a gap that was not read, as before a capture: what is behind it is read again.

    def start_in_full(self, stream: LogStream, since: datetime) -> datetime:
        """Return the start of a reading, without a filter pattern, of all that was not read in such a way yet."""
        covered = self._covered_in_full.get(stream)
        return since if covered is None or since < covered.since else max(since, covered.until)

    def cover_in_full(self, stream: LogStream, start: datetime, until: datetime) -> None:
        """Note that a stream was read without a filter pattern from `start` on, and is complete until a moment."""
        covered = self._covered_in_full.get(stream)
        if covered is None or start < covered.since:
            self._covered_in_full[stream] = _Covered(start, until)
        elif start <= covered.until:
            covered.until = max(covered.until, until)

    def keep(self, stream: LogStream, event: LogEvent) -> None:
        """Keep an event, if there is room for it."""
        kept = self._events.setdefault(stream, {})
        known = kept.get(event.id)
        if known is not None:
            # A line that the runtime cut grows as its pieces arrive.
            if len(event.message) > len(known.message):
                kept[event.id] = event
                self.characters += len(event.message) - len(known.message)
            return
        is_full = self.number >= MOST_EVENTS or self.characters + len(event.message) > MOST_CHARACTERS
        if is_full and kept:
            self.is_cut = True
            return
        kept[event.id] = event
        self.number += 1
        self.characters += len(event.message)

    def is_done_with(self, streams: Iterable[LogStream]) -> bool:
        """Return True if reading on in these streams can add nothing."""
        return self.is_cut and all(self._events.get(stream) for stream in streams)

    def events(self, streams: Iterable[LogStream], since: datetime) -> Iterator[LogEvent]:
        """The events of some streams since a moment."""
        for stream in streams:
            kept = self._events.get(stream, {})
            yield from (event for event in kept.values() if event.timestamp >= since)


class MatchesByPattern:
    """The matches of each pattern that was asked for; what was asked longest ago may be forgotten, and read again."""

    def __init__(self) -> None:
        self._matches: OrderedDict[Pattern, PatternMatches] = OrderedDict()

    def of(self, pattern: Pattern) -> PatternMatches:
        """Return the matches of a pattern, none where it was not asked for before."""
        matches = self._matches.setdefault(pattern, PatternMatches(pattern.matcher()))
        self._matches.move_to_end(pattern)
        return matches

    def of_all(self, patterns: Iterable[Pattern]) -> list[PatternMatches]:
        """Return the matches of some patterns, each once."""
        return [self.of(pattern) for pattern in dict.fromkeys(patterns)]

    def start(self, patterns: Iterable[Pattern], streams: Sequence[LogStream], since: datetime) -> datetime:
        """Return the start of a reading that misses no event of what is asked for."""
        starts = (one.start_for(stream, since) for one in self.of_all(patterns) for stream in streams)
        return min(starts, default=since)

    def forget(self, asked: Sequence[Pattern]) -> None:
        """Forget what was asked longest ago, where more is kept than should be; not what is asked now."""
        kept = sum(matches.characters for matches in self._matches.values())
        for pattern in [pattern for pattern in self._matches if pattern not in asked]:
            if kept <= MOST_KEPT:
                return
            kept -= self._matches.pop(pattern).characters
