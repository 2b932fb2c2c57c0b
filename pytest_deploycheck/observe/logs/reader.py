"""Log events as CloudWatch Logs returns them, for all who ask in one process."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from pytest_deploycheck.facts.log import LogEvent, LogScope, LogSight, LogStream, StreamState
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.observe.calls import side_by_side
from pytest_deploycheck.observe.logs.collector import Collector
from pytest_deploycheck.observe.logs.events import in_order
from pytest_deploycheck.observe.logs.filtered_lines import FilteredLines, IsOver
from pytest_deploycheck.observe.logs.insights import run_query
from pytest_deploycheck.observe.logs.live_tail import LiveTailSession
from pytest_deploycheck.observe.logs.queried_lines import QueriedLines

if TYPE_CHECKING:
    from pytest_deploycheck.config.settings import Pattern
    from pytest_deploycheck.observe.session import Session
    from pytest_deploycheck.polling import Clock

_Place = tuple[str, str]

T = TypeVar("T")


class LogReader:
    """Reads logs for all who ask in this process, each log group of each region through one collector.

    Args:
        session: The clients.
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
        """Return the events found so far, without another call."""
        return self._sight(LogSight(scope), patterns)

    def poll(
        self,
        scope: LogScope,
        patterns: Sequence[Pattern],
        *,
        is_over: IsOver,
        also: Sequence[Pattern] = (),
        enough: int = 0,
        whole: bool = False,
    ) -> LogSight:
        """Read the new events that have one of the patterns.

        What cannot be read is among the sight's problems; the rest is read all the same.

        Args:
            scope: Which logs to read.
            patterns: What to look for.
            is_over: Tells whether the time for reading is over.
            also: What will be asked next: read along where it costs no further call.
            enough: The number of events with the first pattern at which to stop, or 0 to read all there is.
            whole: Whether to read the whole window again, as must be done before a wait ends.
        """
        read_at = self._now()
        places = _by_place(scope.streams)

        def poll(place: _Place) -> Problem | None:
            return self._collector(place).poll(
                places[place], scope.since, patterns, is_over=is_over, also=also, enough=enough, whole=whole
            )

        problems = _each(poll, list(places), [*patterns, *also])
        return self._sight(LogSight(scope, problems=_distinct(problems), read_at=read_at), patterns)

    def poll_in_full(
        self,
        scope: LogScope,
        patterns: Sequence[Pattern],
        *,
        is_over: IsOver,
        also: Sequence[Pattern] = (),
    ) -> tuple[Problem, ...]:
        """Read all lines that were not read without a filter pattern yet, and return why that was not possible.

        Args:
            scope: Which logs to read.
            patterns: What to look for.
            is_over: Tells whether the time for reading is over.
            also: What will be asked next.
        """
        places = _by_place(scope.streams)

        def poll(place: _Place) -> Problem | None:
            return self._collector(place).poll_in_full(places[place], scope.since, patterns, is_over=is_over, also=also)

        return _distinct(_each(poll, list(places), [*patterns, *also]))

    def sample(self, sight: LogSight, start: datetime, *, is_over: IsOver) -> LogSight:
        """The sight, after the first event of each current stream from `start` on was read."""
        places = _by_place(sight.scope.current_streams)
        problems = side_by_side(
            lambda place: self._collector(place).sample(places[place], start, is_over=is_over), list(places)
        )
        return replace(
            sight,
            states=self._states(_by_place(sight.scope.streams), sight.scope.since, sight.read_at),
            problems=_distinct([*sight.problems, *problems]),
        )

    def recall(self, sight: LogSight, patterns: Sequence[Pattern], number: int, *, is_over: IsOver) -> LogSight:
        """The sight, with the last lines, whatever they are."""
        places = _by_place(sight.scope.streams)
        recalled = _each(
            lambda place: self._collector(place).recent(
                places[place], sight.scope.since, number, patterns, is_over=is_over
            ),
            list(places),
            patterns,
        )
        lines = in_order([event for recent, _ in recalled for event in recent.events])
        recalled_sight = replace(
            sight,
            recent=lines[-number:] if number else (),
            is_recent_all=all(recent.is_all for recent, _ in recalled) and len(lines) <= number,
            problems=_distinct([*sight.problems, *(problem for _, problem in recalled)]),
        )
        return self._sight(recalled_sight, patterns)

    def live(self, streams: Sequence[LogStream]) -> LiveTailSession:
        """A Live Tail of the groups of some streams, which calls for a poll when something wanted arrives."""
        return LiveTailSession(self._session, self._account, _by_place(streams))

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
                client = self._session.logs(region)
                self._collectors[place] = Collector(
                    FilteredLines(client, group), QueriedLines(client, group, self._now), region, group, self._now
                )
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
            events=tuple(sorted(events.values(), key=lambda event: (event.timestamp, event.id))),
            states=self._states(places, scope.since, sight.read_at),
            is_cut=is_cut,
            notes=self._notes(places),
        )

    def _states(
        self, places: Mapping[_Place, Sequence[LogStream]], since: datetime, read_at: datetime | None
    ) -> tuple[StreamState, ...]:
        states = (
            self._collector(place).state(stream, since, read_at)
            for place, streams in places.items()
            for stream in streams
        )
        return tuple(state for state in states if state)

    def _notes(self, places: Mapping[_Place, Sequence[LogStream]]) -> tuple[str, ...]:
        regions = dict.fromkeys(region for region, _ in places)
        costs = [note for place in places for note in self._collector(place).notes]
        return *costs, *(
            f"CloudWatch Logs throttled {number} {'call' if number == 1 else 'calls'} in {region}, so the logs were "
            "polled less often"
            for region in regions
            if (number := self._session.log_throttles(region))
        )


def _each(call: Callable[[_Place], T], places: Sequence[_Place], patterns: Sequence[Pattern]) -> list[T]:
    """The results of a call for each place, side by side where that is safe.

    A regular expression that backtracks without end keeps the interpreter's lock: only in the thread that asked can a
    time limit interrupt it, so events are never matched with one in another thread.
    """
    if any(pattern.regex for pattern in patterns):
        return [call(place) for place in places]
    return side_by_side(call, places)


def _by_place(streams: Sequence[LogStream]) -> dict[_Place, list[LogStream]]:
    places: dict[_Place, list[LogStream]] = defaultdict(list)
    for stream in streams:
        places[stream.region, stream.group].append(stream)
    return places


def _distinct(problems: Sequence[Problem | None]) -> tuple[Problem, ...]:
    return tuple(dict.fromkeys(problem for problem in problems if problem))
