"""Histories and questions, as hypothesis draws them, and what is true of them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast

from hypothesis import strategies as st

from properties.service import (
    GROUP,
    OLD,
    REGION,
    SINCE,
    History,
    Line,
    Quirk,
    SimulatedLogs,
    SimulatedSession,
    SimulatedTime,
    sent_in_order,
    stream_of,
)
from pytest_deploycheck.config.settings import Pattern, TaskScope
from pytest_deploycheck.facts.log import SETTLE_IN_ORDER, SETTLE_OUT_OF_ORDER, LogEvent, LogScope, LogSight, LogStream
from pytest_deploycheck.facts.log_text import plain
from pytest_deploycheck.handles.logs.patterns import Text
from pytest_deploycheck.handles.logs.service_logs import ServiceLogs
from pytest_deploycheck.handles.logs.tail import LogTail
from pytest_deploycheck.handles.logs.wait import LogWait
from pytest_deploycheck.observe.logs.reader import LogReader

TASKS = ("t1", "t2", "t3", "t4")
LATEST = int(SETTLE_OUT_OF_ORDER * 1000)
"""Milliseconds after which a line that is sent out of order becomes visible at the latest, unless told otherwise."""

LONGEST_LAG = int(SETTLE_IN_ORDER * 1000)
"""Milliseconds after which a line that the service took in becomes visible at the latest."""

TEXTS: tuple[Text, ...] = (
    "needle-7",
    re.compile(r"needle-\d"),
    # Neither has text that every match has in it, so everything must be read.
    re.compile("needle-7|nadel-7"),
    re.compile("NEEDLE-7", re.IGNORECASE),
)
_HAY = ("hay", "needle-", 'more "hay"')
_MESSAGES = ("needle-7", "found needle-7 and needle-8", "needle-8", "Needle-7", "nadel-7")
_PALETTES = (_HAY, (*_HAY, *_MESSAGES), (*_HAY * 4, "needle-7"), _MESSAGES)

_SECOND, _MINUTE = 1000, 60_000
_DELAYS = (0, 0, 0, 300, 1_200, 3_000, 15_000, 40_000, 75_000, 110_000, LATEST - 1, LATEST, -4_000, -10_000)
_LONG_DELAYS = (*_DELAYS, LATEST + 1, 150_000, 220_000, 400_000)
_LAGS = (0, 0, 0, 400, 2_500, 9_000, LONGEST_LAG - 1, LONGEST_LAG)
_VOICES = ((), (500,), (500, 150_000), (500, 90_000, 180_000, 300_000), tuple(range(500, 300_000, 15_000)))
"""The times at which each task logs something at any rate."""
_LATENCIES = ((5, 0), (20, 20), (0, 90), (300, 100))
_CHOICES = 4000

# Hypothesis prefers small numbers by far, and with them histories in which little happens. So it draws places in tables
# whose choices are spread evenly; a counterexample still shrinks to few lines, and to the first choices.
_random = Random(7)  # noqa: S311 - nothing is kept secret by it


@dataclass(frozen=True)
class _Plan:
    """A line, with the speaker and the message as numbers."""

    speaker: int = 0
    written: int = 100_000
    delay: int = 40_000
    message: int = 3


@dataclass(frozen=True)
class _Manner:
    """The properties of a history, beside its lines."""

    tasks: int = 2
    palette: tuple[str, ...] = _PALETTES[1]
    voices: tuple[int, ...] = _VOICES[2]
    is_ordered: bool = True
    lags: tuple[int, ...] = (0,)
    is_routed: bool = False
    page_size: int = 10_000
    quirks: tuple[Quirk, ...] = ()
    latency: tuple[int, int] = (20, 20)
    throttles: tuple[bool, ...] = (True, False)
    joins: int | None = None
    leaves: int | None = None


def _plans(delays: Sequence[int]) -> st.SearchStrategy[_Plan]:
    plans = [
        _Plan(
            speaker=_random.randrange(60),
            written=_random.choice([_random.randrange(4 * _MINUTE), _random.randrange(-5 * _SECOND, 5 * _SECOND)]),
            delay=_random.choice(delays),
            message=_random.randrange(60),
        )
        for _ in range(_CHOICES)
    ]
    return st.sampled_from([_Plan(), *plans])


def _manners() -> st.SearchStrategy[_Manner]:
    manners = [
        _Manner(
            tasks=_random.choice([1, 2, 2, 3, 4]),
            palette=_random.choice(_PALETTES),
            voices=_random.choice(_VOICES),
            is_ordered=_random.random() < 0.6,
            lags=tuple(_random.choices(_LAGS, k=_random.choice([1, 3, 7]))),
            is_routed=_random.random() < 0.3,
            page_size=_random.choice([10_000, 1, 2, 3, 5]),
            quirks=tuple(_random.choices(list(Quirk), k=_random.choice([0, 1, 2, 4]))),
            latency=_random.choice(_LATENCIES),
            throttles=_random.choice([(True, False), (False, False, True), (True, True, True, False)]),
            joins=_random.choice([None, None, _random.randrange(5 * _MINUTE)]),
            leaves=_random.choice([None, None, _random.randrange(5 * _MINUTE)]),
        )
        for _ in range(_CHOICES)
    ]
    return st.sampled_from([_Manner(), *manners])


_PLANS, _LATE_PLANS, _MANNERS = _plans(_DELAYS), _plans(_LONG_DELAYS), _manners()


@st.composite
def histories(
    draw: st.DrawFn,
    *,
    plans: st.SearchStrategy[_Plan] = _PLANS,
    throttled_until: float = 0,
    is_steady: bool = False,
    has_mute: bool = False,
    interrupt: str = "",
) -> History:
    """The events in the logs of a service.

    Args:
        draw: Draws.
        plans: The lines.
        throttled_until: Until when calls may be throttled, in milliseconds.
        is_steady: Whether the tasks stay the same.
        has_mute: Whether one of the tasks logs nothing after the rollout.
        interrupt: A character that nobody sees, within the texts that are looked for.
    """
    manner = draw(_MANNERS)
    tasks = TASKS[: manner.tasks]
    speakers = (*(tasks[1:] if has_mute else tasks), OLD)
    lines = [
        (
            speakers[plan.speaker % len(speakers)],
            plan.written,
            plan.delay,
            manner.palette[plan.message % len(manner.palette)].replace("needle", f"nee{interrupt}dle"),
        )
        for plan in draw(st.lists(plans, max_size=12))
    ]
    # With other lines after them, those with the text are not among the last.
    voices = _VOICES[-1] if interrupt else manner.voices
    lines += [(task, voice + place, 100, "hay") for voice in voices for place, task in enumerate(speakers)]
    if has_mute:
        lines.append((tasks[0], -_MINUTE, 0, "needle-7"))
    may_change = len(tasks) > 1 and not is_steady
    written = [Line(number, *line) for number, line in enumerate(lines)]
    return History(
        tasks=tasks,
        lines=tuple(sent_in_order(written, manner.lags) if manner.is_ordered else written),
        is_ordered=manner.is_ordered,
        is_routed=manner.is_routed,
        page_size=manner.page_size,
        quirks=manner.quirks,
        latency=manner.latency,
        throttles=manner.throttles,
        throttled_until=throttled_until,
        joins=manner.joins if may_change else None,
        leaves=manner.leaves if may_change else None,
    )


HISTORIES = histories()
LATE_HISTORIES = histories(plans=_LATE_PLANS)
STEADY_HISTORIES = histories(is_steady=True)
MUTE_HISTORIES = histories(is_steady=True, has_mute=True)
THROTTLED_HISTORIES = histories(throttled_until=200.0 * _SECOND)
INTERRUPTED_HISTORIES = histories(interrupt="\0")
BLOCKED_HISTORIES = histories(throttled_until=math.inf)


@dataclass(frozen=True)
class Question:
    """The question of a test.

    Attributes:
        kind: In which way.
        text: What is looked for.
        count: How many of it are wanted.
        tasks: Whether each task must say it.
        timeout: Seconds that it may take.
        place: Before which of the lines that are looked for it is asked.
        lead: Seconds by which it is asked before that line comes, or None.
        pause: Seconds that pass before it is asked where no such line will come.
        action: Seconds that a captured action takes.
        settling: Seconds between the end of the action and the question.
    """

    kind: str
    text: Text = TEXTS[0]
    count: int = 1
    tasks: TaskScope = "any"
    timeout: float = 6.0
    place: int = 0
    lead: float | None = 2.0
    pause: float = 135.0
    action: float = 10.0
    settling: float = 125.0


def questions(*kinds: str) -> st.SearchStrategy[Question]:
    """Questions of some kinds."""
    drawn = [
        Question(
            kind=_random.choice(kinds),
            text=_random.choice(TEXTS),
            count=_random.choice([1, 1, 2, 3]),
            tasks=_random.choice(["any", "any", "all"]),
            timeout=_random.choice([0.0, 1.5, 6.0, 15.0]),
            place=_random.randrange(60),
            lead=_random.choice([None, 0.1, 1.0, 4.0]),
            pause=_random.choice([_random.uniform(0, 10), _random.uniform(0, 260), _random.uniform(100, 260)]),
            action=_random.choice([0.0, 0.4567891, 30.0, 100.0]),
            settling=_random.choice([0.0, 20.0, 130.0, 240.0]),
        )
        for _ in range(_CHOICES)
    ]
    return st.sampled_from([Question(kind) for kind in kinds] + drawn)


class WatchedReader(LogReader):
    """A reader that notes how long its looks take.

    Attributes:
        time: When it is.
        longest: Seconds that the longest look took.
    """

    def __init__(self, time: SimulatedTime, client: SimulatedLogs) -> None:
        super().__init__(cast("Any", SimulatedSession(client)), "123456789012", time.now)
        self.time = time
        self.longest = 0.0

    def poll(self, *arguments: Any, **options: Any) -> LogSight:
        """Poll, as the reader does."""
        began = self.time.monotonic()
        try:
            return super().poll(*arguments, **options)
        finally:
            self.longest = max(self.longest, self.time.monotonic() - began)


@dataclass
class World:
    """A history, and the log tail that looks at it.

    Attributes:
        history: What happens.
        declared: What else is going to be asked.
        log_wait: Seconds to wait where a question does not say.
    """

    history: History
    declared: tuple[Pattern, ...] = ()
    log_wait: float = 6.0
    time: SimulatedTime = field(default_factory=SimulatedTime)

    def __post_init__(self) -> None:
        self.client = SimulatedLogs(self.history, self.time)
        self.reader = WatchedReader(self.time, self.client)
        logs = ServiceLogs(self._scope(), self.reader, clock=self.time, now=self.time.now, follow=self._scope)
        self.wait = LogWait(logs, log_wait=self.log_wait, declared=self.declared)
        self.tail = LogTail("shop", self.wait)

    def _scope(self) -> LogScope:
        tasks = self.history.tasks_at(self.time.milliseconds)
        streams = tuple(map(self._stream, tasks))
        return LogScope(SINCE, tasks, streams, (self._stream(OLD),), rolled_out_at=SINCE)

    def _stream(self, task: str) -> LogStream:
        name = task if self.history.is_routed else stream_of(task)
        settle = SETTLE_IN_ORDER if self.history.is_ordered else SETTLE_OUT_OF_ORDER
        return LogStream(task, "app", REGION, GROUP, name, is_part=self.history.is_routed, settle=settle)

    @property
    def settle(self) -> float:
        """Milliseconds in which events settle."""
        return 1000 * (SETTLE_IN_ORDER if self.history.is_ordered else SETTLE_OUT_OF_ORDER)

    def pass_time(self, question: Question) -> None:
        """Let the time come at which a question is asked."""
        is_action = question.kind == "captured"
        comes = sorted(line.written if is_action else line.arrives for line in self.needles(question.text))
        place = question.count - 1 if question.kind == "wait_for" else question.place
        if question.lead is not None and comes:
            pause = comes[place % len(comes)] / 1000 - question.lead - self.time.monotonic()
            if pause > 0:
                self.time.sleep(pause)
                return
        self.time.sleep(question.pause)

    def lines(self, since: datetime = SINCE) -> list[Line]:
        """All that counts and is ever written from a moment on, whenever it becomes visible."""
        tasks = {stream.task for stream in self.tail.scope.streams}
        # The service tells times in milliseconds: what was written in the one of the start is not before it.
        start = moment(since) // 1
        return [line for line in self.history.lines if line.task in tasks and line.written >= start]

    def needles(self, text: Text, since: datetime = SINCE) -> list[Line]:
        """Those of the lines that have a text."""
        return [line for line in self.lines(since) if has(text, line.message)]

    def has_heard(self, task: str, *, since: datetime = SINCE, until: datetime | None = None) -> bool:
        """Return True if a task has visibly logged something since a moment, or since `until` if that is later."""
        start = moment(max(since, until) if until else since)
        now = self.time.milliseconds
        return any(line.task == task and line.written >= start and line.arrives <= now for line in self.history.lines)


def has(text: Text, message: str) -> bool:
    """Return True if a message has the text."""
    shown = plain(message)
    return text in shown if isinstance(text, str) else text.search(shown) is not None


def pattern(text: Text) -> Pattern:
    """A text as the listener takes it."""
    return Pattern(text) if isinstance(text, str) else Pattern(text.pattern, regex=True, flags=text.flags)


def moment(when: datetime) -> float:
    """Milliseconds of a history at a time."""
    return (when - SINCE) / timedelta(milliseconds=1)


def visible(lines: list[Line], at: float) -> list[Line]:
    """Those of the lines that are visible at a moment, in milliseconds."""
    return [line for line in lines if line.arrives <= at]


def ids(events: Sequence[LogEvent] | Sequence[Line]) -> list[str]:
    """The ids of events or lines."""
    return [one.id for one in events]
