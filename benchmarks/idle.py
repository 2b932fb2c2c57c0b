"""What the plugin costs a test suite that verifies no deployment: start-up with it against start-up without it."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 9
SUITE = "import pytest\n\n@pytest.mark.parametrize('n', range(200))\ndef test_nothing(n):\n    pass\n"


def measure() -> str:
    """The ratio of the medians, the two kinds of run taking turns."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_nothing.py").write_text(SUITE)
        times: dict[str, list[float]] = {"with": [], "without": []}
        for _ in range(ROUNDS):
            times["without"].append(_run(folder, "-p", "no:deploycheck"))
            times["with"].append(_run(folder))
    ratio = statistics.median(times["with"]) / statistics.median(times["without"])
    return f"a suite of 200 tests without --deploy-env: {ratio:.2f} times the run without the plugin"


def _run(folder: str, *arguments: str) -> float:
    command = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", *arguments, folder]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start
