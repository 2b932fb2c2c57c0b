"""The time and memory of a command: python benchmarks/meter.py LIMIT COMMAND runs it and prints them as JSON.

The command is started from this small process and not from the benchmark, as Linux reckons the memory of the process
that starts another to the other's peak.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_KILOBYTE = 1 if sys.platform == "darwin" else 1024


class Run(NamedTuple):
    """A run of a command.

    Attributes:
        seconds: How long it took.
        processor: How many of the seconds it was at work itself, and did not wait for an answer.
        megabytes: The most memory that it, or a process it waited for, had at once.
        is_done: Whether it ended by itself and not by the limit.
        output: What it wrote.
    """

    seconds: float
    processor: float
    megabytes: float
    is_done: bool
    output: str


def metered(command: Sequence[str], environ: Mapping[str, str], *, limit: float) -> Run:
    """Run a command, for at most `limit` seconds."""
    # As for a user, who has the modules compiled from an earlier run.
    environ = {name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    meter = [sys.executable, "-I", "-S", __file__, str(limit), *command]
    return Run(*json.loads(subprocess.run(meter, env=environ, check=True, stdout=subprocess.PIPE).stdout))


def clean_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process with these variables, and with no others of AWS."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**outside, **environ}


def _meter(limit: float, command: Sequence[str]) -> Run:
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    # The command is a session of its own, so this ends the whole of a pipeline.
    alarm = threading.Timer(limit, os.killpg, (process.pid, signal.SIGKILL))
    alarm.start()
    output = process.stdout.read() if process.stdout else ""
    _, _, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    is_done = alarm.is_alive()
    alarm.cancel()
    processor = usage.ru_utime + usage.ru_stime
    return Run(seconds, processor, usage.ru_maxrss * _KILOBYTE / 1e6, is_done, output)


if __name__ == "__main__":
    print(json.dumps(_meter(float(sys.argv[1]), sys.argv[2:])))
