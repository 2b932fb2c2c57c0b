"""Write one whole report for each scenario of the sandbox into docs/reports: python docs/make_reports.py."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from pytest_deploycheck.sandbox.scenarios import SCENARIOS

REPORTS = Path(__file__).parent / "reports"


def main() -> int:
    """Run each scenario in an empty folder, as a user would; most of them fail, as they should."""
    REPORTS.mkdir(exist_ok=True)
    for name in SCENARIOS:
        with tempfile.TemporaryDirectory() as empty:
            options = ["--deploy-env=sandbox", f"--deploy-sandbox={name}", f"--deploy-report={REPORTS / name}.json"]
            command = [sys.executable, "-m", "pytest", "--quiet", "--tb=no", "-p", "no:cacheprovider", *options]
            subprocess.run(command, cwd=empty, check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
