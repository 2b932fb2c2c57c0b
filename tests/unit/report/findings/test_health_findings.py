"""Whole findings: targets, alarms, containers and requests.

Their texts and their evidence, as the JSON report has them, are in `__snapshots__`, to be read. After a change
`pytest tests/unit/report/findings --snapshot-update` writes them again, to be read once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from support.judging import (
    judge_alarms,
    judge_containers,
    judge_error_rate,
    judge_targets,
)
from support.worlds import (
    OLD_DEFINITION,
    clock,
    completed,
    container,
    definition,
    denied,
    task,
)
from support.worlds_health import alarm, balanced, change, checked_definition, group, target, traffic, watched
from syrupy.assertion import SnapshotAssertion

from pytest_deploycheck.config.settings import ErrorRate
from pytest_deploycheck.facts.health import Health
from pytest_deploycheck.judge.finding import Finding

Case = Callable[[], Finding]
FIVE = [f"10.0.0.{number}" for number in range(1, 6)]
RANG = change("11:08", "OK", "ALARM", "Threshold Crossed: 3 datapoints were greater than the threshold (1.0).")
DECLARED = ErrorRate(max_share=0.01, min_requests=50)


def requests(*counts: float) -> Finding:
    """Return the finding on the requests and errors of a service."""
    return judge_error_rate(completed(health=Health(traffic=traffic(*counts) if counts else None)), DECLARED)


def health(of: str) -> Finding:
    """Return the finding on the health check of a container."""
    return judge_containers(
        completed(
            tasks=[
                task("one", containers=[container(health=of)]),
                task("two", containers=[container(health="HEALTHY")]),
            ],
            definitions=[checked_definition(), definition(OLD_DEFINITION)],
        )
    )


HEALTH: Mapping[str, Case] = {
    "healthy targets": lambda: judge_targets(balanced(group(target("one"), target("two")))),
    "a target that is not healthy": lambda: judge_targets(
        balanced(group(target("one"), target("two", "unhealthy", "Target.Timeout", "Request timed out")))
    ),
    "many targets that are not healthy": lambda: judge_targets(
        balanced(
            group(*(target(address, "unhealthy", "Target.Timeout", "Request timed out") for address in FIVE)),
            tasks=[task(f"task-{address}", addresses=(address,)) for address in FIVE],
        )
    ),
    "a target that is missing": lambda: judge_targets(balanced(group(target("one")))),
    "an alarm that is OK": lambda: judge_alarms(watched(alarm()), ["shop-5xx"]),
    "an alarm in ALARM": lambda: judge_alarms(
        watched(alarm("shop-5xx", "ALARM", RANG, since=clock("11:08"), reason=RANG.reason)), ["shop-5xx"]
    ),
    "no alarms": lambda: judge_alarms(completed(), []),
    "few errors": lambda: requests(1200, 3),
    "many errors": lambda: requests(1200, 61),
    "few requests": lambda: requests(1, 1),
    "no requests": lambda: requests(0, 0),
    "no traffic": requests,
    "no error rate": lambda: judge_error_rate(completed(), None),
    "a healthy container": lambda: health("HEALTHY"),
    "an unhealthy container": lambda: health("UNHEALTHY"),
    "a container of unknown health": lambda: health("UNKNOWN"),
    "no health check": lambda: judge_containers(completed()),
    "health without a service": lambda: judge_containers(
        completed(tasks=None, problems={"tasks": denied("ecs:ListTasks")})
    ),
}

CASES = HEALTH


@pytest.mark.parametrize("name", list(CASES))
def test_findings(name: str, whole: SnapshotAssertion) -> None:
    """A finding has the texts that were read and found good, and the evidence that reports rely on."""
    assert CASES[name]() == whole
