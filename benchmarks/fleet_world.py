"""AWS in a process of its own with many services: python benchmarks/fleet_world.py SERVICES ACCOUNT serves it.

Each service has four tasks, a repository, a task definition and a log group of its own, a single-platform image that it
names by tag, and no load balancer.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from unittest import mock

from served_world import ServedWorld, serve

TASKS = 4
CLUSTER = "fleet"
LINE = "listening on port 8080"

LATENCY = 0.03
"""Seconds that each call takes on its way, about what a call to AWS takes within its region."""


class FleetWorld(ServedWorld):
    """A world with many services, in an account."""

    def __init__(self, services: int, account: str = "123456789012") -> None:
        super().__init__(__file__, str(services), account)

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables by which a process uses this world and nothing else."""
        return dict(self.about)

    def behave(self, *, has_limits: bool) -> None:
        """Answer with latency from now on, with or without the rates of AWS, whose buckets are full."""
        self._order("behave", has_limits=has_limits)

    def calls(self) -> tuple[Counter[str], int]:
        """Return the calls by operation since the last call of this method, and how many of them were throttled."""
        counts, throttled = self._order("calls")
        return Counter(counts), throttled


def names(number: int) -> list[str]:
    """Return the names of so many services."""
    return [f"shop-{index}" for index in range(number)]


def configuration(number: int, environment: str = "fleet", endpoint_url: str = "") -> str:
    """Return the `deploycheck.toml` of an environment with so many services."""
    lines = [f"[env.{environment}]", f'cluster = "{CLUSTER}"']
    lines += [f'endpoint_url = "{endpoint_url}"'] if endpoint_url else []
    for name in names(number):
        lines += [
            f"[env.{environment}.services.{name}]",
            f'service = "{name}"',
            f'image = "{name}:1.0"',
            f"[[env.{environment}.services.{name}.logs]]",
            f'expect = "{LINE}"',
        ]
    return "\n".join([*lines, ""])


def _serve(number: int, account: str) -> None:
    from pytest_deploycheck.sandbox import Sandbox  # noqa: PLC0415  # moto, in the server's process only
    from pytest_deploycheck.sandbox.api.rates import PUBLISHED, RateLimits  # noqa: PLC0415
    from pytest_deploycheck.sandbox.world.errors import AwsError  # noqa: PLC0415

    throttled: list[str] = []
    check = RateLimits.check

    def counted(self: RateLimits, operation: str, region: str) -> None:
        try:
            check(self, operation, region)
        except AwsError:
            throttled.append(operation)
            raise

    with mock.patch.object(RateLimits, "check", counted), Sandbox(account=account) as aws:
        for name in names(number):
            aws.push_image(f"{name}:1.0", {"app/main.py": f"print('{name}')"}, at=aws.now() - timedelta(minutes=40))
            service = aws.create_service(
                name, cluster=CLUSTER, image=f"{name}:1.0", desired=TASKS, at=aws.now() - timedelta(minutes=30)
            )
            service.log(LINE, at=aws.now() - timedelta(minutes=20))
        # What was made stays: a search for garbage would take time from each answer.
        gc.freeze()

        def behave(*, has_limits: bool) -> None:
            aws.limit_rates(PUBLISHED if has_limits else ())
            aws.latency = LATENCY

        def calls() -> tuple[Mapping[str, int], int]:
            seen = Counter(call.operation for call in aws.calls), len(throttled)
            aws.calls.clear()
            throttled.clear()
            return seen

        serve(aws.environ, {"behave": behave, "calls": calls})


if __name__ == "__main__":
    _serve(int(sys.argv[1]), sys.argv[2])
