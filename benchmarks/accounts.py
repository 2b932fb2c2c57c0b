"""A thousand services in four accounts, verified by one run at the rates of AWS: accounts.py [ACCOUNTS [SERVICES]].

Each account has an environment, a world in a process of its own, and the same number of services.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from fleet import FleetRun, verified
from fleet_world import FleetWorld, configuration

ACCOUNTS = 4
SERVICES = 250
"""Services of each account."""

SECONDS = 30
"""Seconds that a thousand services in four accounts may take."""


def measure(accounts: int = ACCOUNTS, services: int = SERVICES) -> str:
    """Verify all environments side by side, in one process."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        worlds = [stack.enter_context(FleetWorld(services, f"{number + 1:012d}")) for number in range(accounts)]
        names = [f"account-{number + 1}" for number in range(accounts)]
        file = Path(folder) / "deploycheck.toml"
        for world in worlds:
            world.behave(has_limits=True)
        endpoints = [world.environ["AWS_ENDPOINT_URL"] for world in worlds]
        file.write_text("".join(configuration(services, name, url) for name, url in zip(names, endpoints, strict=True)))
        run = verified(file, names, worlds[0].environ)
        counted = [world.calls() for world in worlds]
    calls, throttled = zip(*counted, strict=True)
    done = FleetRun(accounts * services, True, run, sum(calls[1:], calls[0]), sum(throttled), SECONDS)  # noqa: FBT003
    return f"{accounts} accounts: {done}"


if __name__ == "__main__":
    print(measure(*map(int, sys.argv[1:])))
