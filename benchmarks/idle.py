"""The cost of the plugin: to a test suite that verifies no deployment, and to one that does before it asks anything."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 9
THIRD_PARTIES = "boto3, botocore.session, msgspec, urllib3, zstandard, concurrent.futures, subprocess, tarfile, tomllib"
OWN = "pytest_deploycheck.run.verification, pytest_deploycheck.config.loading, pytest_deploycheck.report.document"
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


def measure_loading() -> str:
    """Return how long the package's own modules take to load, beside boto3, which they need in any case."""
    own = statistics.median(_timed(f"import {THIRD_PARTIES}", f"import {OWN}") for _ in range(ROUNDS))
    boto3 = statistics.median(_timed("pass", "import boto3") for _ in range(ROUNDS))
    return f"loading its own modules for a verification: {own:.0f} ms; loading boto3: {boto3:.0f} ms"


def _timed(before: str, timed: str) -> float:
    """Return how many milliseconds a statement takes in a fresh interpreter."""
    code = f"import time\n{before}\nstart = time.perf_counter()\n{timed}\nprint(time.perf_counter() - start)"
    return 1000 * float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def _run(folder: str, *arguments: str) -> float:
    command = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", *arguments, folder]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start
