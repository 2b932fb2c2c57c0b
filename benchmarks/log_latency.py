"""The time from the arrival of a line to the green test, against the time at which other programs show the line.

All of them wait at the same time for the same lines of one log.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from log_peers import not_installed, peers
from log_world import LogWorld
from meter import clean_environ

DELAYS = (2.0, 2.7, 3.4, 4.1, 4.8, 5.5, 6.2)
"""Seconds from the start of a wait to the line: spread over the five seconds for which `aws logs tail` sleeps."""

LATE = 60.0
"""Seconds by which the line that comes late is older than one that was shown before."""

PATIENCE = 15.0
"""Seconds after which a line counts as never shown."""

_START = 30.0
_CLIENT = str(Path(__file__).with_name("log_client.py"))


class Watcher:
    """A process that writes what it sees, and when it wrote what.

    Args:
        name: What people call it.
        process: The process.
        is_asked: Whether it wants each question on its standard input.
    """

    def __init__(self, name: str, process: subprocess.Popen[str], *, is_asked: bool) -> None:
        self.name = name
        self._process = process
        self._is_asked = is_asked
        self._seen: list[tuple[float, str]] = []
        self._news = threading.Condition()
        threading.Thread(target=self._read, name=name, daemon=True).start()

    def ask(self, text: str) -> None:
        """Let it wait for a text."""
        if self._is_asked and self._process.stdin:
            self._process.stdin.write(text + "\n")
            self._process.stdin.flush()

    def seen(self, text: str, until: float) -> float | None:
        """The moment at which it wrote the text, or None where it did not until a moment."""

        def moment() -> float | None:
            return next((moment for moment, line in self._seen if text in line), None)

        with self._news:
            self._news.wait_for(lambda: moment() is not None, timeout=max(0.0, until - time.monotonic()))
            return moment()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            moment = time.monotonic()
            with self._news:
                self._seen.append((moment, line))
                self._news.notify_all()


def measure() -> str:
    """Medians, worst cases and their ratios, in one run."""
    with LogWorld() as world, ExitStack() as stack:
        watchers = [stack.enter_context(watcher) for watcher in _watchers(clean_environ(world.environ))]
        _wait_for(world, watchers, "all are here", delay=0.0, patience=_START)
        times = [
            _wait_for(world, watchers, f"line number {number} of those waited for", delay=delay)
            for number, delay in enumerate(DELAYS)
        ]
        late = _wait_for(world, watchers, "a line that comes late", delay=DELAYS[0], ago=LATE)
    ours, *others = ([trial[watcher.name] for trial in times] for watcher in watchers)
    lines = [f"a line arrives during a wait, {len(DELAYS)} times: {watchers[0].name} after {_spread(ours)}"]
    for watcher, theirs in zip(watchers[1:], others, strict=True):
        ratio = statistics.median(theirs) / statistics.median(ours)
        lines.append(f"  {watcher.name} after {_spread(theirs)}: {ratio:.1f} times as long")
    shown = (f"{watcher.name} {_after(late[watcher.name])}" for watcher in watchers)
    lines.append(f"a line that arrives {LATE:.0f} s late, behind a newer one: {', '.join(shown)}")
    return "\n".join(lines) + not_installed()


def _watchers(environ: dict[str, str]) -> Sequence[AbstractContextManager[Watcher]]:
    ours = [
        _watcher("green", [sys.executable, _CLIENT, "follow"], environ, is_asked=True),
        _watcher("green with live_tail", [sys.executable, _CLIENT, "live"], environ, is_asked=True),
    ]
    theirs = [
        _watcher(f"{peer.name} {' '.join(peer.follows)}", peer.command(environ, follow=True), environ)
        for peer in peers()
    ]
    return ours + theirs


@contextmanager
def _watcher(
    name: str, command: Sequence[str], environ: dict[str, str], *, is_asked: bool = False
) -> Generator[Watcher]:
    # What is written to a pipe would wait for more of it.
    unbuffered = {**environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command,
        env=unbuffered,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Watcher(name, process, is_asked=is_asked)
    finally:
        process.terminate()
        process.wait()


def _wait_for(
    world: LogWorld,
    watchers: Sequence[Watcher],
    text: str,
    *,
    delay: float,
    ago: float = 0.0,
    patience: float = PATIENCE,
) -> dict[str, float]:
    """Seconds from a line's arrival until each has seen it, by its name; without end where it did not."""
    for watcher in watchers:
        watcher.ask(text)
    time.sleep(delay)
    arrived = world.say(text, ago=ago)
    seen = {watcher.name: watcher.seen(text, arrived + patience) for watcher in watchers}
    return {name: float("inf") if moment is None else moment - arrived for name, moment in seen.items()}


def _spread(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.2f} s (worst {max(times):.2f} s)"


def _after(seconds: float) -> str:
    return f"not within {PATIENCE:.0f} s" if seconds == float("inf") else f"after {seconds:.2f} s"


if __name__ == "__main__":
    print(measure())
