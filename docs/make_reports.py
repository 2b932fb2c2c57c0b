"""Write one whole report for each scenario of the sandbox into docs/reports: python docs/make_reports.py."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from pytest_deploycheck.sandbox.scenarios import SCENARIOS

REPORTS = Path(__file__).parent / "reports"


def main() -> int:
    """Run each scenario in an empty folder; the exit status is that of none of them."""
    REPORTS.mkdir(exist_ok=True)
    for name in SCENARIOS:
        with tempfile.TemporaryDirectory() as empty:
            options = ["--deploy-env=sandbox", f"--deploy-sandbox={name}", f"--deploy-report={REPORTS / name}.json"]
            pytest.main([f"--rootdir={empty}", empty, "--quiet", "--tb=no", "-p", "no:cacheprovider", *options])
    return 0


if __name__ == "__main__":
    sys.exit(main())
