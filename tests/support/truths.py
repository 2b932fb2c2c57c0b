"""The verdict on each scenario of the sandbox, whoever comes to it."""

from __future__ import annotations

from typing import NamedTuple


class Truth(NamedTuple):
    """The facts of a scenario, for any caller."""

    verdict: str
    broken_link: str | None
    outcome: str
    status: int
    failing: set[str]
    unproven: set[str]


ALL_LOGS = {f"logs-{number}" for number in range(1, 8)}

TRUTHS = {
    "healthy": Truth("VERIFIED", None, "COMPLETED", 0, set(), set()),
    "nothing-deployed": Truth("REFUTED", "image", "NOT_STARTED", 1, {"image-exists", "rollout-complete"}, ALL_LOGS),
    "stale": Truth("UNPROVEN", "image", "COMPLETED", 7, set(), {"image-intended"}),
    "cached-layer": Truth(
        "REFUTED", "logs", "COMPLETED", 1, {"logs-1", "logs-2", "logs-3", "logs-4", "logs-6", "logs-7"}, set()
    ),
    "not-restarted": Truth("REFUTED", "rollout", "NOT_STARTED", 1, {"rollout-complete", "tasks-run-image"}, ALL_LOGS),
    "half-rolled-out": Truth("REFUTED", "rollout", "IN_PROGRESS", 1, {"rollout-complete", "tasks-run-image"}, set()),
    "rolled-back": Truth("REFUTED", "rollout", "ROLLED_BACK", 1, {"rollout-complete", "tasks-run-image"}, ALL_LOGS),
    "crash-loop": Truth("REFUTED", "rollout", "IN_PROGRESS", 1, {"rollout-complete", "tasks-run-image"}, ALL_LOGS),
    "baking": Truth("REFUTED", "rollout", "IN_PROGRESS", 1, {"rollout-complete", "tasks-run-image"}, set()),
    "superseded": Truth("REFUTED", "rollout", "SUPERSEDED", 1, {"rollout-complete", "tasks-run-image"}, ALL_LOGS),
    "unhealthy-targets": Truth("REFUTED", "health", "COMPLETED", 1, {"targets-healthy"}, set()),
    "alarm-went-off": Truth("REFUTED", "health", "COMPLETED", 1, {"alarms-ok"}, set()),
    "wrong-repository": Truth("REFUTED", "image", "COMPLETED", 1, {"image-repository", "tasks-run-image"}, ALL_LOGS),
    "silent": Truth("UNPROVEN", "logs", "COMPLETED", 7, set(), ALL_LOGS),
    "old-format": Truth("REFUTED", "logs", "COMPLETED", 1, {"logs-4"}, set()),
}
