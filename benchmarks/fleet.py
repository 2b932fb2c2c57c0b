"""Many services verified by one run, with the rates of AWS and without: python benchmarks/fleet.py [SERVICES ...]."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from fleet_world import FleetWorld, configuration
from meter import Run, metered

NUMBERS = (1, 20, 100)
LIMIT = 600.0
"""Seconds after which a run is ended."""

_CODE = """
import json, pathlib, sys
from pytest_deploycheck import verify
report = verify("fleet", config=pathlib.Path(sys.argv[1]), wait="60", log_wait="30")
reasons = {one.summary for service in report.services for one in service.findings if one.status not in ("pass", "skip")}
print(json.dumps([report.verdict, sorted(reasons)[:5]]))
"""


class FleetRun(NamedTuple):
    """A run over many services.

    Attributes:
        services: How many.
        has_limits: Whether the rates of AWS were enforced.
        run: The process.
        calls: Its calls, by operation.
        throttled: How many of them were throttled.
    """

    services: int
    has_limits: bool
    run: Run
    calls: Counter[str]
    throttled: int

    def __str__(self) -> str:
        verdict, reasons = json.loads(self.run.output) if self.run.is_done and self.run.output else ("no verdict", [])
        limits = "at the rates of AWS" if self.has_limits else "without limits"
        return (
            f"{self.services} services, {limits}: {verdict} in {self.run.seconds:.2f} s "
            f"({self.run.processor:.2f} s of processor, {self.run.megabytes:.0f} MB), {self.calls.total()} calls, "
            f"{self.throttled} throttled{''.join(f'; {reason}' for reason in reasons)}"
        )


def runs(services: int, *, limits: tuple[bool, ...] = (True, False)) -> list[FleetRun]:
    """Verify so many services, each time by a process of its own."""
    done = []
    with tempfile.TemporaryDirectory() as folder, FleetWorld(services) as world:
        file = Path(folder) / "deploycheck.toml"
        file.write_text(configuration(services))
        for has_limits in limits:
            world.behave(has_limits=has_limits)
            run = metered([sys.executable, "-c", _CODE, str(file)], os.environ | world.environ, limit=LIMIT)
            done.append(FleetRun(services, has_limits, run, *world.calls()))
    return done


if __name__ == "__main__":
    for number in [int(text) for text in sys.argv[1:]] or NUMBERS:
        for one in runs(number):
            print(one, flush=True)
            for operation, count in sorted(one.calls.items()):
                print(f"    {operation} {count}")
