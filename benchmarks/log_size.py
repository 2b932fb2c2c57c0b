"""Five million lines that all have to be read, beside a tenth of them: python benchmarks/log_size.py [LINES ...]."""

from __future__ import annotations

import sys
from pathlib import Path

from log_world import LogWorld
from meter import clean_environ, metered

LINES = (500_000, 5_000_000)
LIMIT = 900.0
"""Seconds after which a search is stopped."""

# Nothing of it is text that could be asked of the service.
_REGEX = r" 5[0-9]{2} [7-9][0-9]{3}$"
_LAST = "INFO  [worker-1] shop.http GET /articles 503 8123"
_CLIENT = str(Path(__file__).with_name("log_client.py"))


def measure(numbers: tuple[int, ...] = LINES) -> str:
    """Return what a regular expression costs that only the last line of a log has, for each size of the log."""
    told = []
    for number in numbers:
        with LogWorld() as world:
            world.repeat(number, _LAST)
            run = metered([sys.executable, _CLIENT, "long", _REGEX], clean_environ(world.environ), limit=LIMIT)
            traffic = world.traffic()
        found = "found" if run.is_done and run.output else "not found"
        told.append(
            f"  {number:,} lines: {found} in {run.seconds:.1f} s, of which {run.processor:.1f} s its own work, "
            f"{traffic.calls} calls, {traffic.received / 1e6:.0f} MB received, {run.megabytes:.0f} MB of memory"
        )
    return "\n".join(["a regular expression without any plain text that only the last line has:", *told])


if __name__ == "__main__":
    print(measure(tuple(map(int, sys.argv[1:])) or LINES))
