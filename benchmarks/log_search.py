"""One line among half a million: what a question costs, against a script by hand and other programs with grep."""

from __future__ import annotations

import shlex
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from log_peers import not_installed, peers
from log_world import LogWorld, Traffic
from meter import Run, clean_environ, metered

from pytest_deploycheck.judge.wording import plural

LINES = 500_000
PLACE = 400_000
ROUNDS = 3
LIMIT = 20.0
"""Seconds after which a program is stopped; `awslogs` looks through 10,000 ids for each line it reads."""

_NEEDLE = "order 31337 refused"
_CODE = "503 8123"
# Nothing of it is text that could be asked of the service, and grep understands it as well.
_REGEX = r" 5[0-9]{2} [7-9][0-9]{3}$"
_CLIENT = str(Path(__file__).with_name("log_client.py"))


@dataclass(frozen=True)
class Cost:
    """The cost of a search.

    Attributes:
        name: Who searched.
        runs: Its runs.
        traffic: What one of them asked and received.
    """

    name: str
    runs: tuple[Run, ...]
    traffic: Traffic

    @property
    def seconds(self) -> float:
        """The median time."""
        return statistics.median(run.seconds for run in self.runs)

    @property
    def megabytes(self) -> float:
        """The peak of the memory."""
        return max(run.megabytes for run in self.runs)

    @property
    def is_done(self) -> bool:
        """True if the search completed."""
        return all(run.is_done for run in self.runs)

    def __str__(self) -> str:
        if self.is_done and not all(run.output for run in self.runs):
            return f"{self.name}: found nothing"
        asked = f"{plural(self.traffic.calls, 'call')}, {self.traffic.received / 1e6:.1f} MB received"
        if not self.is_done:
            return f"{self.name}: stopped after {self.seconds:.0f} s, {asked} by then"
        processor = statistics.median(run.processor for run in self.runs)
        taken = f"{self.seconds:.2f} s, of which {processor:.2f} s its own work"
        return f"{self.name}: {taken}, {asked}, {self.megabytes:.0f} MB of memory"


def measure() -> str:
    """Print the cost of each program and the ratios, in one run on one log."""
    with LogWorld() as world:
        world.fill(LINES, f"{_NEEDLE} {_CODE}", PLACE)
        by_hand = ("a script with filterPattern", [sys.executable, _CLIENT, "script", _NEEDLE])
        literal = [
            *_costs(world, [("in deploy_logs", [sys.executable, _CLIENT, "ours", _NEEDLE]), by_hand], ROUNDS),
            *_costs(world, _greps(world, "grep -F", _NEEDLE), 1),
        ]
        ours = ("in deploy_logs", [sys.executable, _CLIENT, "regex", _REGEX])
        regex = _costs(world, [ours, *_greps(world, "grep -E", _REGEX)], ROUNDS)
    return (
        "\n".join(
            [
                f"a text among {LINES:,} lines, {_calls(literal)} times the calls of a script with filterPattern:",
                *_told(literal),
                f"a regular expression without any plain text among {LINES:,} lines:",
                *_told(regex),
            ]
        )
        + not_installed()
    )


def _greps(world: LogWorld, grep: str, wanted: str) -> list[tuple[str, list[str]]]:
    return [
        (
            f"{peer.name} | {grep}",
            ["sh", "-c", f"{shlex.join(peer.command(world.environ))} | {grep} -- {shlex.quote(wanted)}"],
        )
        for peer in peers()
    ]


def _costs(world: LogWorld, searches: Sequence[tuple[str, list[str]]], rounds: int) -> list[Cost]:
    """The costs of some searches that take turns; one that was stopped by the limit is not tried again."""
    environ = clean_environ(world.environ)
    runs: dict[str, list[Run]] = {name: [] for name, _ in searches}
    traffic: dict[str, Traffic] = {}
    for _ in range(rounds):
        for name, command in searches:
            if all(run.is_done for run in runs[name]):
                world.traffic()
                runs[name].append(metered(command, environ, limit=LIMIT))
                traffic[name] = world.traffic()
    return [Cost(name, tuple(runs[name]), traffic[name]) for name, _ in searches]


def _calls(costs: Sequence[Cost]) -> str:
    ours, script, *_ = costs
    return f"{ours.traffic.calls / script.traffic.calls:.2f}"


def _told(costs: Sequence[Cost]) -> list[str]:
    ours, *others = costs
    return [f"  {ours}", *(f"  {other} ({_ratio(other, ours)})" for other in others)]


def _ratio(other: Cost, ours: Cost) -> str:
    least = "" if other.is_done else "more than "
    return f"{least}{other.seconds / ours.seconds:.2f} times the time"


if __name__ == "__main__":
    print(measure())
