"""The time to a verdict right after a rollout, against a script that waits and greps.

Two tasks of a rollout that ended ten seconds ago log every two seconds; the incident's seven expectations, one of which
forbids a line, are checked with the default options. With the forbidden line in the log, the answer comes at once.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import boto3

from pytest_deploycheck import verify
from pytest_deploycheck.sandbox import Sandbox, SandboxService, incident

AGE = timedelta(seconds=55)
"""The age of the rollout, of which the tasks run after 15 seconds, and which ends after 45."""

EVERY = 2.0
SCRIPT_SLEEPS = 120.0
"""Seconds that the script sleeps before it reads the log; they are counted, and not slept."""


def measure() -> str:
    """The time to the verdict, and its ratio to that of the script."""
    with _right_after_a_rollout(incident.EXPECTED_LINES) as (aws, service, file):
        verified, took = _verified(file)
        script = SCRIPT_SLEEPS + _grep(aws, service)
    with _right_after_a_rollout([*incident.EXPECTED_LINES, incident.MISSED_PATH_LINE]) as (_, _, file):
        refuted, at_once = _verified(file)
    return (
        f"seven expectations, a rollout that ended 10 s ago, tasks that log every 2 s: {verified} after {took:.0f} s\n"
        f"  with the forbidden line in the log: {refuted} after {at_once:.1f} s\n"
        f"  a script that sleeps two minutes and greps after {script:.0f} s: {script / took:.1f} times as long"
    )


def _verified(file: Path) -> tuple[str, float]:
    """The verdict and the seconds until it."""
    began = time.monotonic()
    report = verify("dev", config=file)
    return str(report.verdict), time.monotonic() - began


@contextmanager
def _right_after_a_rollout(lines: Sequence[str]) -> Iterator[tuple[Sandbox, SandboxService, Path]]:
    with Sandbox() as aws, tempfile.TemporaryDirectory() as folder:
        os.environ.update(aws.environ)
        service = _rolled_out(aws, lines)
        done = threading.Event()
        logging = threading.Thread(target=_log, args=(service, done), daemon=True)
        logging.start()
        file = Path(folder) / "deploycheck.toml"
        file.write_text(_configuration(), encoding="utf-8")
        try:
            yield aws, service, file
        finally:
            done.set()
            logging.join()


def _configuration() -> str:
    expectations = "".join(
        "\n[[env.dev.services.shop.logs]]\n"
        + "".join(f"{key} = {json.dumps(value)}\n" for key, value in expectation.items())
        for expectation in incident.EXPECTATIONS
    )
    return f"""
[env.dev]
cluster = "shop"
[env.dev.services.shop]
service = "shop"
image = "shop:{incident.EXPECTED_TAG}"
{expectations}"""


def _rolled_out(aws: Sandbox, lines: Sequence[str]) -> SandboxService:
    began = aws.now() - AGE
    aws.push_image("shop:1", {"app": "1"}, tags=["latest"], at=began - timedelta(hours=1))
    service = aws.create_service("shop", cluster="shop", image="shop:latest", desired=2, at=began - timedelta(hours=1))
    aws.push_image(f"shop:{incident.EXPECTED_TAG}", {"app": "2"}, tags=["latest"], at=began - timedelta(minutes=1))
    service.roll_out(at=began)
    runs_since = began + timedelta(seconds=15)
    for position, line in enumerate([*incident.START_UP_LINES, *lines, *[incident.HEALTH_CHECK_LINE] * 8], start=1):
        service.log(line, at=runs_since + timedelta(seconds=EVERY * position))
    return service


def _log(service: SandboxService, done: threading.Event) -> None:
    """Log a line of each task every two seconds."""
    while not done.wait(EVERY):
        service.log(incident.HEALTH_CHECK_LINE)


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
