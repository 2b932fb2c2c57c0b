"""The timeline of a service as a picture: pushes, rollouts, the life of each task, expected lines, and the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.finding import Finding, Status
from pytest_deploycheck.report.html.digests import Digests
from pytest_deploycheck.report.html.scale import TimeScale, tiers
from pytest_deploycheck.report.moments import ago, short_task, when

WIDE, NARROW = 960, 340
"""The widths of the picture: for a desktop, and for a phone or half a page."""

_MARGIN, _LANE, _TIER, _CHARACTER = 8.0, 40.0, 17.0, 7.4
_MOST_TASKS, _MOST_ROLLOUTS, _MOST_NEWER = 10, 4, 3


class Guide(Struct, frozen=True):
    """A line from top to bottom at one moment, with its label."""

    x: float
    label: str
    label_x: float
    label_y: float
    anchor: str
    style: str


class Bar(Struct, frozen=True):
    """Something that lasted: a rollout, or the life of a task."""

    x: float
    y: float
    width: float
    caption: str
    style: str
    is_going_on: bool = False


class LinePoint(Struct, frozen=True):
    """Something that happened at one moment: a log line."""

    x: float
    y: float
    style: str
    title: str


class Picture(Struct, frozen=True):
    """A timeline, ready to be drawn.

    Attributes:
        name: An id for its parts, unique on the page.
        size: The name of its size, `wide` or `narrow`.
        width: Its width in pixels.
        height: Its height in pixels.
        top: The height at which its lanes begin.
        guides: Its vertical lines.
        bars: Its bars, from top to bottom.
        points: Its points.
        points_caption: What the points are; empty where there are none.
        points_y: The height of the caption of the points.
    """

    name: str
    size: str
    width: float
    height: float
    top: float
    guides: tuple[Guide, ...]
    bars: tuple[Bar, ...]
    points: tuple[LinePoint, ...]
    points_caption: str
    points_y: float


class _Period(Struct, frozen=True):
    """A bar before its place is known; `end` is None for what still goes on."""

    start: datetime
    end: datetime | None
    caption: str
    style: str


class Story:
    """The content of a timeline, before it is drawn at one width.

    Args:
        analysis: The analysis of the service.
        findings: The findings of its checks.
        digests: The colours of digests.
        now: The moment of the run.
    """

    def __init__(self, analysis: ServiceAnalysis, findings: Sequence[Finding], digests: Digests, now: datetime) -> None:
        self._analysis, self._now = analysis, now
        self._spans = [*self._rollouts(), *self._tasks(digests)]
        self._events = list(self._pushes(digests))
        self._lines = list(_lines(findings))

    def pictures(self, name: str) -> tuple[Picture, ...]:
        """Return the picture in both sizes; none where nothing but the run is known."""
        if not self._spans and not self._events:
            return ()
        return self._draw(f"{name}-wide", "wide", WIDE), self._draw(f"{name}-narrow", "narrow", NARROW)

    @property
    def caption(self) -> str:
        """Return in a sentence what is to be seen: whether the tasks started before or after the push."""
        facts, matches = self._analysis.facts, self._analysis.matches
        pushed_at = max((moment for one in facts.judged if (moment := one.expected.pushed_at)), default=None)
        tasks = [task for task in facts.running if task.started_at]
        if pushed_at is None or not tasks:
            return ""
        others = [task for task in tasks if matches.task(task).is_other]
        told = others or tasks
        before = sum(task.started_at < pushed_at for task in told if task.started_at)
        who = f"All {len(told)}" if len(told) == len(tasks) else f"{len(told)} of {len(tasks)}"
        who = "The only running task" if len(tasks) == 1 else f"{who} running tasks"
        what = "runs another image; it started" if len(told) == 1 else "run another image; they started"
        then = "before" if before == len(told) else f"(after all but {before})" if before else "after"
        pushed = f"the expected image was pushed {when(pushed_at, self._now)}"
        return f"{who} {what if others else 'started'} {then} {pushed}."

    def _rollouts(self) -> Iterator[_Period]:
        records = self._analysis.facts.service_deployments or ()
        for record in reversed(records[:_MOST_ROLLOUTS]):
            start = record.started_at or record.created_at
            style = "bad" if "ROLLBACK" in record.status or record.status in {"STOPPED", "FAILED"} else "rollout"
            yield _Period(start, record.finished_at, f"rollout: {record.status}, began {ago(start, self._now)}", style)
        newest = self._analysis.newest
        if not records and newest:
            words = f"rollout: {newest.outcome}, began {ago(newest.started_at, self._now)}"
            yield _Period(newest.started_at, newest.ended_at, words, "rollout")

    def _tasks(self, digests: Digests) -> Iterator[_Period]:
        facts, judged = self._analysis.facts, self._analysis.facts.judged
        tasks = sorted(
            ((task.started_at, task) for task in facts.tasks or () if task.started_at), key=lambda pair: pair[0]
        )
        for start, task in tasks[-_MOST_TASKS:]:
            digest = task.digest_of(judged[0].container) if judged else None
            stopped = f", stopped {ago(task.stopped_at, self._now)}" if task.stopped_at else ""
            words = f"task {short_task(task.id)} {'ran' if stopped else 'runs'} {digests.label(digest)}{stopped}"
            yield _Period(start, task.stopped_at, words, digests.style(digest))

    def _pushes(self, digests: Digests) -> Iterator[tuple[datetime, str, str]]:
        facts = self._analysis.facts
        expected = [one.expected.image for one in facts.judged if one.expected.image]
        newer = [image for one in facts.judged for image in (one.newer or ())[:_MOST_NEWER]]
        for image in dict.fromkeys([*expected, *facts.running_images, *newer]):
            if image.pushed_at:
                what = "expected image" if image in expected else digests.label(image.digest)
                yield image.pushed_at, f"{what} pushed", digests.style(image.digest)

    def _draw(self, name: str, size: str, width: float) -> Picture:
        now = self._now
        ends = [span.end or now for span in self._spans]
        moments = [now, *(span.start for span in self._spans), *ends]
        moments += [event[0] for event in self._events] + [line[0] for line in self._lines]
        place = TimeScale(moments, _MARGIN, width - _MARGIN - 2)
        guides, top = self._guides(place, width)
        bars = []
        for number, span in enumerate(self._spans):
            start, end = place(span.start), place(span.end or now)
            y = top + number * _LANE
            bars.append(Bar(start, y + 18, max(end - start, 5.0), span.caption, span.style, span.end is None))
        points_y = top + len(bars) * _LANE
        points = tuple(LinePoint(place(at), points_y + 26, style, title) for at, title, style in self._lines)
        height = points_y + (_LANE if points else 0) + 4
        caption = _points_caption(self._lines)
        return Picture(name, size, width, height, top, guides, tuple(bars), points, caption, points_y)

    def _guides(self, place: Callable[[datetime], float], width: float) -> tuple[tuple[Guide, ...], float]:
        marks = sorted([*self._events, (self._now, "this run", "now")], key=lambda mark: mark[0])
        labels, extents, anchors = [], [], []
        for moment, words, _ in marks:
            label = words if moment == self._now else f"{words} {ago(moment, self._now)}"
            x, length = place(moment), len(label) * _CHARACTER
            anchor = "start" if x + length < width - _MARGIN else "end"
            labels.append(label)
            anchors.append(anchor)
            extents.append((x, x + length) if anchor == "start" else (x - length, x))
        order = sorted(range(len(marks)), key=lambda number: extents[number][0])
        chosen = dict(zip(order, tiers([extents[number] for number in order]), strict=True))
        guides = tuple(
            Guide(
                x=place(moment),
                label=labels[number],
                label_x=place(moment) + (4 if anchors[number] == "start" else -4),
                label_y=13 + chosen[number] * _TIER,
                anchor=anchors[number],
                style=style,
            )
            for number, (moment, _, style) in enumerate(marks)
        )
        return guides, (max(chosen.values()) + 1) * _TIER + 8


def _lines(findings: Sequence[Finding]) -> Iterator[tuple[datetime, str, str]]:
    """The first line of each log expectation, with what it is."""
    for finding in findings:
        evidence: Any = finding.evidence
        if finding.link != "logs" or not evidence.get("first_at"):
            continue
        is_forbidden = finding.status is Status.FAIL and finding.is_proof
        yield (
            datetime.fromisoformat(evidence["first_at"]),
            f"{finding.id}: {evidence.get('expectation', '')}",
            "forbidden" if is_forbidden else "line",
        )


def _points_caption(lines: Sequence[tuple[datetime, str, str]]) -> str:
    forbidden = sum(style == "forbidden" for _, _, style in lines)
    expected = len(lines) - forbidden
    parts = [f"● {expected} expected log line{'' if expected == 1 else 's'}, first seen"] if expected else []
    parts += [f"✕ {forbidden} forbidden log line{'' if forbidden == 1 else 's'}"] if forbidden else []
    return "; ".join(parts)
