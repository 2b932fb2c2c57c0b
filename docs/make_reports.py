"""Write one whole report for each scenario of the sandbox into docs/reports.

`python docs/make_reports.py` runs each scenario. `python docs/make_reports.py again` judges the facts of the reports
again, which is quick and enough after a change of what findings say.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from pytest_deploycheck.report.document import as_text, document
from pytest_deploycheck.run.checks import checks_of
from pytest_deploycheck.run.recording.replay import read_replays
from pytest_deploycheck.run.verification import Verification
from pytest_deploycheck.sandbox.scenarios import SCENARIOS

REPORTS = Path(__file__).parent / "reports"
AGAIN = "again"

_OF_A_RUN = ("name", "verdict", "broken_link")
"""The members of a service that a replay may not give: it verifies nothing."""


def run(name: str) -> None:
    """Run a scenario in an empty folder, as a user would; most of them fail, as they should."""
    with tempfile.TemporaryDirectory() as empty:
        options = ["--deploy-env=sandbox", f"--deploy-sandbox={name}", f"--deploy-report={REPORTS / name}.json"]
        command = [sys.executable, "-m", "pytest", "--quiet", "--tb=no", "-p", "no:cacheprovider", *options]
        subprocess.run(command, cwd=empty, check=False)


def judge_again(path: Path) -> None:
    """Write a report again with what its facts come to now."""
    report = json.loads(path.read_text(encoding="utf-8"))
    (replay,) = read_replays(path, path.name)
    verification = Verification(replay.environment, replay.options, replay=replay, source=Path("/nowhere"))
    findings = {
        service: [verification.finding(service, check) for check in checks_of(replay.environment, service)]
        for service in replay.options.services
    }
    judged = document(verification.report(findings, (), complete=True))
    for service, again in zip(report["services"], judged["services"], strict=True):
        service.update({name: value for name, value in again.items() if name not in _OF_A_RUN})
    path.write_text(as_text(report), encoding="utf-8")


def main() -> int:
    """Write the reports."""
    REPORTS.mkdir(exist_ok=True)
    for name in SCENARIOS:
        if AGAIN in sys.argv:
            judge_again(REPORTS / f"{name}.json")
        else:
            run(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
