"""Log events, as CloudWatch Logs tells them."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pytest_deploycheck.facts.log import LogEvent, LogScope, LogSight, LogStream, Spoke
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.observe.calls import side_by_side
from pytest_deploycheck.observe.logs.collector import Collector
from pytest_deploycheck.observe.logs.insights import run_query
from pytest_deploycheck.observe.logs.live_tail import LiveTail

if TYPE_CHECKING:
    from pytest_deploycheck.config.settings import Pattern
    from pytest_deploycheck.observe.session import Session
    from pytest_deploycheck.polling import Clock

_Place = tuple[str, str]


class LogReader:
    """Reads logs for all who ask in this process, each log group of each region through one collector.

    Args:
        session: The way in to AWS.
        account: The account whose log groups are read.
        now: The time by the servers' clock (UTC).
    """

    def __init__(self, session: Session, account: str, now: Callable[[], datetime]) -> None:
        self._session = session
        self._account = account
        self._now = now
        self._collectors: dict[_Place, Collector] = {}
        self._lock = threading.Lock()

    def known(self, scope: LogScope, patterns: Sequence[Pattern]) -> LogSight:
        """What was found so far, without another look."""
        return self._sight(LogSight(scope), patterns)

    def look(
        self,
        scope: LogScope,
        patterns: Sequence[Pattern],
        *,
        also: Sequence[Pattern] = (),
        enough: int = 0,
        whole: bool = False,
    ) -> LogSight:
        """Read what is new of what has one of the patterns.

        What cannot be read is among the sight's problems; the rest is read all the same.

        Args:
            scope: Which logs to read.
            patterns: What to look for.
            also: What will be asked next: read along where it costs no further call.
            enough: The number of events with the first pattern at which to stop, or 0 to read all there is.
            whole: Whether to read the whole window again, as a last look must.
        """
        read_at = self._now()
        places = _by_place(scope.streams)

        def look(place: _Place) -> Problem | None:
            return self._collector(place).look(
                places[place], scope.since, patterns, also=also, enough=enough, whole=whole
            )

        problems = side_by_side(look, list(places))
        return self._sight(LogSight(scope, problems=_distinct(problems), read_at=read_at), patterns)

    def listen(self, sight: LogSight, start: datetime, end: datetime | None = None) -> LogSight:
        """The sight, with which of its streams said anything from `start` to `end`."""
        places = _by_place(sight.scope.current_streams)
        problems = side_by_side(lambda place: self._collector(place).listen(places[place], start, end), list(places))
        return replace(
            sight,
            spoke=self._spoke(_by_place(sight.scope.streams), sight.scope.since),
            problems=_distinct([*sight.problems, *problems]),
        )

    def recall(self, sight: LogSight, patterns: Sequence[Pattern], number: int) -> LogSight:
        """The sight, with the last lines, whatever they say."""
        places = _by_place(sight.scope.streams)
        recalled = side_by_side(
            lambda place: self._collector(place).recent(places[place], sight.scope.since, number, patterns),
            list(places),
        )
        lines = _in_order(event for recent, _ in recalled for event in recent.events)
        recalled_sight = replace(
            sight,
            recent=lines[-number:],
            is_recent_all=all(recent.is_all for recent, _ in recalled) and len(lines) <= number,
            problems=_distinct([*sight.problems, *(problem for _, problem in recalled)]),
        )
        return self._sight(recalled_sight, patterns)

    def live(self, streams: Sequence[LogStream]) -> LiveTail:
        """A Live Tail of the groups of some streams, which calls for a look when something they say arrives."""
        return LiveTail(self._session, self._account, _by_place(streams))

    def query(self, scope: LogScope, text: str, *, clock: Clock, timeout: float) -> list[dict[str, str]]:
        """The rows of a Logs Insights query over the window and the streams, group by group.

        Raises:
            UnprovenError: It did not come to its end.
        """
        return [
            row
            for (region, group), streams in _by_place(scope.streams).items()
            for row in run_query(
                self._session.logs(region),
                group,
                streams,
                text,
                window=(scope.since, self._now()),
                clock=clock,
                timeout=timeout,
            )
        ]

    def _collector(self, place: _Place) -> Collector:
        with self._lock:
            if place not in self._collectors:
                region, group = place
                self._collectors[place] = Collector(self._session.logs(region), region, group, self._now)
            return self._collectors[place]

    def _sight(self, sight: LogSight, patterns: Sequence[Pattern]) -> LogSight:
        """The sight, with all that is known of its scope by now."""
        scope = sight.scope
        places = _by_place(scope.streams)
        events: dict[tuple[_Place, str], LogEvent] = {}
        is_cut = False
        for place, streams in places.items():
            for pattern in patterns:
                found, cut = self._collector(place).found(streams, scope.since, pattern)
                events.update({(place, event.id): event for event in found})
                is_cut |= cut
        return replace(
            sight,
            events=_in_order(events.values()),
            spoke=self._spoke(places, scope.since),
            is_cut=is_cut,
            notes=self._notes(places),
        )

    def _spoke(self, places: Mapping[_Place, Sequence[LogStream]], since: datetime) -> tuple[Spoke, ...]:
        spoke = (self._collector(place).spoke(stream, since) for place, streams in places.items() for stream in streams)
        return tuple(one for one in spoke if one)

    def _notes(self, places: Mapping[_Place, Sequence[LogStream]]) -> tuple[str, ...]:
        regions = dict.fromkeys(region for region, _ in places)
        return tuple(
            f"CloudWatch Logs throttled {number} looks in {region}, so there were fewer than there should be"
            for region in regions
            if (number := self._session.log_throttles(region))
        )


def _by_place(streams: Sequence[LogStream]) -> dict[_Place, list[LogStream]]:
    places: dict[_Place, list[LogStream]] = defaultdict(list)
    for stream in streams:
        places[stream.region, stream.group].append(stream)
    return places


def _in_order(events: Iterable[LogEvent]) -> tuple[LogEvent, ...]:
    return tuple(sorted(events, key=lambda event: (event.timestamp, event.id)))


def _distinct(problems: Sequence[Problem | None]) -> tuple[Problem, ...]:
    return tuple(dict.fromkeys(problem for problem in problems if problem))
