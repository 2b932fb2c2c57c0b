"""Many services verified by one run, with the rates of AWS and without: python benchmarks/fleet.py [SERVICES ...]."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from fleet_world import CLUSTER, FleetWorld, configuration, names
from meter import Run, metered

NUMBERS = (1, 20, 100)
COMPARED = 20
"""Services that are verified in comparison with the commands one by one."""

LIMIT = 600.0
"""Seconds after which a run is ended."""

_CODE = """
import json, pathlib, sys
from pytest_deploycheck import verify
report = verify("fleet", config=pathlib.Path(sys.argv[1]), wait="60", log_wait="30")
reasons = {one.summary for service in report.services for one in service.findings if one.status not in ("pass", "skip")}
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
            run = metered([sys.executable, "-c", _CODE, str(file)], environ, limit=LIMIT)
            ours = FleetRun(COMPARED, has_limits, run, *world.calls())
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
