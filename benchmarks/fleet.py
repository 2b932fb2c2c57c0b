"""Many services verified by one run, with the rates of AWS and without: python benchmarks/fleet.py [SERVICES ...]."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fleet_world import CLUSTER, FleetWorld, configuration, names
from meter import Run, metered

NUMBERS = (1, 20, 100)
COMPARED = 20
"""Services that are verified in comparison with the commands one by one."""

LIMIT = 600.0
"""Seconds after which a run is ended."""

MEMORY = 250
"""Megabytes that a run over a thousand services may take."""

_SECONDS = {(1, True): 1.0, (20, True): 2.5, (100, True): 8.0, (100, False): 5.0, (200, True): 15.0}
"""Seconds that a run may take, by the number of services and whether the rates of AWS are enforced."""

_CODE = """
import json, pathlib, sys
from pytest_deploycheck import verify_all
report = verify_all(*sys.argv[2:], config=pathlib.Path(sys.argv[1]), wait="60", log_wait="30")
services = [service for environment in report.environments for service in environment.services]
reasons = {one.summary for service in services for one in service.findings if one.status not in ("pass", "skip")}
print(json.dumps([report.verdict, sorted(reasons)[:5]]))
"""


_SCRIPT = """
import sys, boto3
ecs, ecr, logs = (boto3.client(service) for service in ("ecs", "ecr", "logs"))
cluster, names = sys.argv[1], sys.argv[2:]
for name in names:
    service = ecs.describe_services(cluster=cluster, services=[name])["services"][0]
    for status in ("RUNNING", "STOPPED"):
        arns = ecs.list_tasks(cluster=cluster, serviceName=name, desiredStatus=status)["taskArns"]
        if arns:
            ecs.describe_tasks(cluster=cluster, tasks=arns)
    definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    rollouts = ecs.list_service_deployments(cluster=cluster, service=name)["serviceDeployments"]
    arns = [one["serviceDeploymentArn"] for one in rollouts]
    described = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
    ecs.describe_service_revisions(serviceRevisionArns=[one["targetServiceRevision"]["arn"] for one in described])
    ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": "1.0"}])
    ecr.batch_get_image(repositoryName=name, imageIds=[{"imageTag": "1.0"}])
    options = definition["containerDefinitions"][0]["logConfiguration"]["options"]
    logs.filter_log_events(logGroupName=options["awslogs-group"], filterPattern='"listening on port 8080"')
"""
"""The commands of an incident report, one after the other for each service: what a team does otherwise."""


class FleetRun(NamedTuple):
    """A run over many services.

    Attributes:
        services: How many.
        has_limits: Whether the rates of AWS were enforced.
        run: The process.
        calls: Its calls, by operation.
        throttled: How many of them were throttled.
        bound: Seconds that the run may take, or 0 where there is no bound.
    """

    services: int
    has_limits: bool
    run: Run
    calls: Counter[str]
    throttled: int
    bound: float = 0.0

    def __str__(self) -> str:
        verdict, reasons = json.loads(self.run.output) if self.run.is_done and self.run.output else ("no verdict", [])
        limits = "at the rates of AWS" if self.has_limits else "without limits"
        bound = f" (at most {self.bound:.1f} s)" if self.bound else ""
        return (
            f"{self.services} services, {limits}: {verdict} in {self.run.seconds:.2f} s{bound}, "
            f"{self.run.processor:.2f} s of processor, {self.run.megabytes:.0f} MB (at most {MEMORY} MB), "
            f"{self.calls.total()} calls, {self.throttled} throttled{''.join(f'; {reason}' for reason in reasons)}"
        )


def _bound(services: int, *, has_limits: bool) -> float:
    """Return the seconds that a run may take: for many services, what the buckets of AWS allow and a fifth more."""
    if has_limits and services > max(known for known, _ in _SECONDS):
        return 1.2 * (services - 50) / 20
    return _SECONDS.get((services, has_limits), 0.0)


def verified(file: Path, environments: Sequence[str], environ: Mapping[str, str]) -> Run:
    """Verify environments of a configuration, by a process of its own."""
    return metered([sys.executable, "-c", _CODE, str(file), *environments], os.environ | environ, limit=LIMIT)


def runs(services: int) -> list[FleetRun]:
    """Verify so many services at the rates of AWS and without limits, each time by a process of its own."""
    done = []
    with tempfile.TemporaryDirectory() as folder, FleetWorld(services) as world:
        file = Path(folder) / "deploycheck.toml"
        file.write_text(configuration(services))
        if services <= COMPARED:
            # What the first run compiles and reads from the disk is there for those that are measured.
            verified(file, ["fleet"], world.environ)
            world.calls()
        for has_limits in (True, False):
            world.behave(has_limits=has_limits)
            run = verified(file, ["fleet"], world.environ)
            bound = _bound(services, has_limits=has_limits)
            done.append(FleetRun(services, has_limits, run, *world.calls(), bound))
    return done


def measure() -> str:
    """The ratios of time and calls, in one run on one world, at the rates of AWS and without limits."""
    lines = []
    with tempfile.TemporaryDirectory() as folder, FleetWorld(COMPARED) as world:
        file = Path(folder) / "deploycheck.toml"
        file.write_text(configuration(COMPARED))
        environ = os.environ | world.environ
        for has_limits in (True, False):
            world.behave(has_limits=has_limits)
            script = metered([sys.executable, "-c", _SCRIPT, CLUSTER, *names(COMPARED)], environ, limit=LIMIT)
            asked, _ = world.calls()
            world.behave(has_limits=has_limits)
            run = verified(file, ["fleet"], world.environ)
            ours = FleetRun(COMPARED, has_limits, run, *world.calls(), _bound(COMPARED, has_limits=has_limits))
            lines.append(
                f"{ours}: {run.seconds / script.seconds:.2f} times the time and "
                f"{ours.calls.total() / asked.total():.2f} times the calls of the commands one by one"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    for number in [int(text) for text in sys.argv[1:]] or NUMBERS:
        for one in runs(number):
            print(one, flush=True)
            for operation, count in sorted(one.calls.items()):
                print(f"    {operation} {count}")
