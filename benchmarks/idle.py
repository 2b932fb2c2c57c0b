"""The cost of the plugin: to a test suite that verifies no deployment, and to one that does before it asks anything."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 9
PAIRS = 15
_COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""The environment of the processes that are measured, which load modules as compiled by an earlier run."""

THIRD_PARTIES = "boto3, botocore.session, msgspec, urllib3, zstandard, concurrent.futures, subprocess, tarfile, tomllib"
OWN = "pytest_deploycheck.run.verification, pytest_deploycheck.config.loading, pytest_deploycheck.report.document"
SUITE = "import pytest\n\n@pytest.mark.parametrize('n', range(200))\ndef test_nothing(n):\n    pass\n"


def measure() -> str:
    """The median of the ratios and of the differences of pairs of runs, with the plugin and without it."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_nothing.py").write_text(SUITE)
        # The first run compiles what the others load.
        _run(folder)
        pairs = [(_run(folder, "-p", "no:deploycheck"), _run(folder)) for _ in range(PAIRS)]
    ratio = statistics.median(with_it / without for without, with_it in pairs)
    difference = statistics.median(with_it - without for without, with_it in pairs)
    return (
        f"a suite of 200 tests without --deploy-env: {ratio:.3f} times the run without the plugin (at most 1.03), "
        f"{1000 * difference:.1f} ms more (at most 8 ms)"
    )


def measure_loading() -> str:
    """Return how long the package's own modules take to load, beside boto3, which they need in any case."""
    own = statistics.median(_timed(f"import {THIRD_PARTIES}", f"import {OWN}") for _ in range(ROUNDS))
    boto3 = statistics.median(_timed("pass", "import boto3") for _ in range(ROUNDS))
    return f"loading its own modules for a verification: {own:.0f} ms; loading boto3: {boto3:.0f} ms"


def _timed(before: str, timed: str) -> float:
    """Return how many milliseconds a statement takes in a fresh interpreter."""
    code = f"import time\n{before}\nstart = time.perf_counter()\n{timed}\nprint(time.perf_counter() - start)"
    return 1000 * float(
        subprocess.run([sys.executable, "-c", code], env=_COMPILED, check=True, capture_output=True, text=True).stdout
    )


def _run(folder: str, *arguments: str) -> float:
    command = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", *arguments, folder]
    start = time.perf_counter()
    subprocess.run(command, env=_COMPILED, check=True, capture_output=True)
    return time.perf_counter() - start
