"""The time to a right answer about a forbidden line, right after a rollout, against a script that waits and greps.

Two tasks are 20 seconds old and log every two seconds; the options are the default ones.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path

import boto3

from pytest_deploycheck import verify
from pytest_deploycheck.sandbox import Sandbox, SandboxService

AGE = timedelta(seconds=20)
EVERY = 2.0
SCRIPT_SLEEPS = 120.0
"""Seconds that the script sleeps before it reads the log; they are counted, and not slept."""

_CONFIGURATION = """
[env.dev]
cluster = "shop"
require = ["image", "rollout", "tasks", "logs"]
[env.dev.services.shop]
service = "shop"
image = "shop:2"
[[env.dev.services.shop.logs]]
forbid = "platform='linkedin'"
"""


def measure() -> str:
    """The time to the answer, and its ratio to that of the script."""
    with Sandbox() as aws, tempfile.TemporaryDirectory() as folder:
        os.environ.update(aws.environ)
        service = _rolled_out(aws)
        done = threading.Event()
        logging = threading.Thread(target=_log, args=(service, done), daemon=True)
        logging.start()
        file = Path(folder) / "deploycheck.toml"
        file.write_text(_CONFIGURATION, encoding="utf-8")
        try:
            began = time.monotonic()
            report = verify("dev", config=file)
            took = time.monotonic() - began
        finally:
            done.set()
            logging.join()
        (checked,) = report.services
        answer = next(finding for finding in checked.findings if finding.id == "logs-1")
        script = SCRIPT_SLEEPS + _grep(aws, service)
    return (
        f"a forbidden line, tasks 20 s old that log every 2 s: {answer.status} after {took:.0f} s\n"
        f"  a script that sleeps two minutes and greps after {script:.0f} s: {script / took:.1f} times as long"
    )


def _rolled_out(aws: Sandbox) -> SandboxService:
    began = aws.now() - AGE
    aws.push_image("shop:1", {"app": "1"}, tags=["latest"], at=began - timedelta(hours=1))
    service = aws.create_service("shop", cluster="shop", image="shop:latest", desired=2, at=began - timedelta(hours=1))
    aws.push_image("shop:2", {"app": "2"}, tags=["latest"], at=began - timedelta(minutes=1))
    service.roll_out(at=began)
    service.log("started", at=began + timedelta(seconds=2))
    return service


def _log(service: SandboxService, done: threading.Event) -> None:
    """Log a line of each task every two seconds."""
    while not done.wait(EVERY):
        service.log("GET /health 200")


def _grep(aws: Sandbox, service: SandboxService) -> float:
    """The seconds in which a script reads the log and greps."""
    began = time.monotonic()
    client = boto3.client("logs", region_name=aws.region)
    names = [f"ecs/app/{task.id}" for task in service.running_tasks]
    pages = client.get_paginator("filter_log_events").paginate(logGroupName="/ecs/shop", logStreamNames=names)
    found = [event for page in pages for event in page["events"] if "platform='linkedin'" in event["message"]]
    if found:
        raise RuntimeError("The script found a line that was never logged.")
    return time.monotonic() - began


if __name__ == "__main__":
    print(measure())
