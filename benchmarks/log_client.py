"""A test's questions, each in a process of its own: python benchmarks/log_client.py regex|long|script … TEXT."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta

SERVICE = "shop"
GROUP = "/ecs/shop"
SINCE = timedelta(minutes=30)
"""How long ago the rollout began, and with it the window that is read."""

LOG_WAIT = 30.0

LONG_WAIT = 600.0
"""Seconds to wait where millions of lines have to be read."""


def ask(text: str, *, live_tail: bool = False, regex: bool = False, log_wait: float = LOG_WAIT) -> None:
    """Ask as a test does: `in deploy_logs`.

    Args:
        text: What to look for; where it is empty, each line of standard input is a question.
        live_tail: Whether Live Tail may be used.
        regex: Whether the text is a regular expression.
        log_wait: Seconds to wait for it.
    """
    from pytest_deploycheck.config.settings import (  # noqa: PLC0415  # the other questions do without
        EnvironmentSettings,
        Options,
        ServiceSettings,
    )
    from pytest_deploycheck.run.verification import Verification  # noqa: PLC0415

    environment = EnvironmentSettings(
        name="bench", live_tail=live_tail, services={SERVICE: ServiceSettings(SERVICE, SERVICE)}
    )
    verification = Verification(environment, Options((SERVICE,), wait=0, log_wait=log_wait))
    verification.observe()
    tail = verification.log_tail(SERVICE)
    for question in [text] if text else map(str.strip, sys.stdin):
        if (re.compile(question) if regex else question) in tail:
            print(question, flush=True)
    verification.close()


def script(text: str) -> None:
    """Ask as one would by hand: a filter pattern and botocore's paginator."""
    import boto3  # noqa: PLC0415  # the plugin loads it when it is needed

    paginator = boto3.client("logs").get_paginator("filter_log_events")
    since = int((datetime.now(UTC) - SINCE).timestamp() * 1000)
    for page in paginator.paginate(logGroupName=GROUP, startTime=since, filterPattern=f'"{text}"'):
        for event in page["events"]:
            print(event["message"])


if __name__ == "__main__":
    _, how, *words = sys.argv
    given = " ".join(words)
    if how == "script":
        script(given)
    else:
        log_wait = LONG_WAIT if how == "long" else LOG_WAIT
        ask(given, live_tail=how == "live", regex=how in ("regex", "long"), log_wait=log_wait)
