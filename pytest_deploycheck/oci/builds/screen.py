"""The progress that BuildKit draws on a terminal: every step many times, cut to the terminal's width."""

from __future__ import annotations

import re

from pytest_deploycheck.oci.builds.step import ReadStep, numbered

_DRAWN = re.compile(r"=> (?P<states>(?:(?:CACHED|ERROR|CANCELED) ){0,3})(?P<text>\[.*)", re.ASCII)
_DRAWN_MORE = "=> => "
_HEADING = re.compile(r"\[\+\] Building (?P<seconds>\d{1,9}\.\d{1,9})s \(\d+/\d+\)(?P<state>.*)", re.ASCII)
_SECONDS = re.compile(r"\d+\.\d+s", re.ASCII)


class Screen:
    """A reader of BuildKit's progress on a terminal.

    Attributes:
        is_seen: True if progress of BuildKit was read.
        steps: The steps so far.
    """

    def __init__(self) -> None:
        self.is_seen = False
        self.steps: list[ReadStep] = []
        self._drawn: dict[str, ReadStep] = {}
        self._is_finished = False
        self._seconds = 0.0

    def read(self, line: str) -> str:
        """Take a line in; return its text on the progress of a step, or an empty string."""
        if line.startswith(_DRAWN_MORE):
            return line.removeprefix(_DRAWN_MORE)
        if match := _HEADING.fullmatch(line):
            self._head(float(match["seconds"]), is_finished=match["state"].lstrip().startswith("FINISHED"))
        elif match := _DRAWN.fullmatch(line):
            self._draw(_without_seconds(match["text"]), is_cached="CACHED" in match["states"])
        return ""

    def _head(self, seconds: float, *, is_finished: bool) -> None:
        self.is_seen = True
        # A build that fails is never shown as finished, but the next one begins at zero.
        if (self._is_finished and not is_finished) or seconds < self._seconds:
            self._drawn.clear()
        self._is_finished, self._seconds = is_finished, seconds

    def _draw(self, text: str, *, is_cached: bool) -> None:
        found = numbered(text)
        if found is None or not found[1]:
            return
        number, instruction = found
        step = self._drawn.get(number)
        if step is None or not _is_same(step.instruction, instruction):
            step = self._drawn[number] = ReadStep(number, instruction)
            self.steps.append(step)
        step.instruction = max(step.instruction, instruction, key=len)
        step.is_cached = is_cached
        self.is_seen = True


def _without_seconds(text: str) -> str:
    """Return the drawn text without the time at the right."""
    head, _, last = text.rpartition(" ")
    return head.rstrip() if _SECONDS.fullmatch(last) else text


def _is_same(one: str, other: str) -> bool:
    """Return True if two texts can be the same, each cut somewhere."""
    one, other = one.rstrip("….\ufffd"), other.rstrip("….\ufffd")
    return one.startswith(other) or other.startswith(one)
