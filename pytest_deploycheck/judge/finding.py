"""Checks and their findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from pytest_deploycheck.facts.log import LogEvent
from pytest_deploycheck.facts.recorded.checks import CheckFacts
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.judge.analysis.logs.evidence import LogEvidence

Evidence = Mapping[str, Any]
"""What was compared, as plain JSON values by name."""

NOTHING: Evidence = MappingProxyType({})

Link = Literal["image", "rollout", "tasks", "logs", "health"]


class Status(StrEnum):
    """The result of a check. What is not proven is never a pass."""

    PASS = "pass"
    FAIL = "fail"
    UNPROVEN = "unproven"
    ERROR = "error"
    SKIP = "skip"


WORST_FIRST = (Status.FAIL, Status.ERROR, Status.UNPROVEN, Status.PASS, Status.SKIP)
"""The statuses in the order in which they count."""


class TaskLines(Struct, frozen=True):
    """The last log lines of a task.

    Attributes:
        task: The id of the task.
        events: The lines, the oldest first.
    """

    task: str
    events: tuple[LogEvent, ...] = ()


class Finding(Struct, frozen=True):
    """The end of one check.

    Attributes:
        id: The check's id, for example `tasks-run-image`.
        link: The link of the chain it belongs to.
        status: How it ended.
        summary: One line of evidence: what was expected and what was seen.
        cause: The likely cause of what is wrong, or an empty string.
        remedy: What to do next, or an empty string.
        command: The next command to type, or an empty string.
        notes: Remarks that change nothing about the status.
        advice: Recommendations that change nothing about the status; a summary shows them whatever the verdict.
        evidence: What was compared, as plain JSON values.
        details: Longer text for a closer look.
        last_lines: The last log lines of tasks that the finding is about.
        is_proof: Whether a failure is shown by something that was seen, not by something that is missing.
        logs: The reading of the logs, where that explains the finding.
        facts: What was read for this check alone, as a report records it.
        is_left_out: Whether others skipped the check, as a mark of a conftest does: its question was not asked.
    """

    id: str
    link: Link
    status: Status
    summary: str
    cause: str = ""
    remedy: str = ""
    command: str = ""
    notes: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    evidence: Evidence = field(default_factory=dict)
    details: str = ""
    last_lines: tuple[TaskLines, ...] = ()
    is_proof: bool = False
    logs: LogEvidence | None = None
    facts: CheckFacts | None = None
    is_left_out: bool = False

    @property
    def is_good(self) -> bool:
        """True if the check passed or was skipped."""
        return self.status in (Status.PASS, Status.SKIP)


class Check(Struct, frozen=True):
    """A check, and the ways in which it can end.

    Attributes:
        id: Its id, for example `tasks-run-image`.
        link: The link of the chain it belongs to.
        is_telling: Whether its link is proven only where it passed.
    """

    id: str
    link: Link
    is_telling: bool = False

    def passes(self, summary: str, *, notes: Iterable[str] = (), evidence: Evidence = NOTHING) -> Finding:
        """Return the finding of a check that passed."""
        return Finding(self.id, self.link, Status.PASS, summary, notes=tuple(notes), evidence=evidence)

    def fails(
        self,
        summary: str,
        *,
        remedy: str,
        cause: str = "",
        command: str = "",
        notes: Iterable[str] = (),
        details: str = "",
        evidence: Evidence = NOTHING,
    ) -> Finding:
        """Return the finding of a check that failed."""
        return Finding(
            self.id,
            self.link,
            Status.FAIL,
            summary,
            cause=cause,
            remedy=remedy,
            command=command,
            notes=tuple(notes),
            evidence=evidence,
            details=details,
        )

    def unproven(
        self,
        summary: str,
        *,
        remedy: str = "",
        command: str = "",
        notes: Iterable[str] = (),
        evidence: Evidence = NOTHING,
    ) -> Finding:
        """Return the finding of a check whose evidence does not exist, yet or at all."""
        return Finding(
            self.id,
            self.link,
            Status.UNPROVEN,
            summary,
            remedy=remedy,
            command=command,
            notes=tuple(notes),
            evidence=evidence,
        )

    def errs(self, problem: Problem, *, evidence: Evidence = NOTHING) -> Finding:
        """Return the finding of a check whose evidence could not be read."""
        seen = {"operation": problem.operation, "code": problem.code, **evidence}
        return Finding(self.id, self.link, Status.ERROR, problem.message, remedy=problem.remedy, evidence=seen)

    def skips(self, reason: str) -> Finding:
        """Return the finding of a check that was not asked for."""
        return Finding(self.id, self.link, Status.SKIP, reason)

    def of_all(self, findings: Mapping[str, Finding]) -> Finding:
        """Return one finding for several containers, given by name: the worst of them, which names its containers."""
        if len(findings) == 1:
            return next(iter(findings.values()))
        worst = min(findings.values(), key=lambda finding: WORST_FIRST.index(finding.status))
        same = {name: finding for name, finding in findings.items() if finding.status == worst.status}
        return replace(
            worst,
            summary="; ".join(f"{name}: {finding.summary}" for name, finding in same.items()),
            notes=tuple(f"{name}: {note}" for name, finding in findings.items() for note in finding.notes),
            advice=tuple(dict.fromkeys(advice for finding in findings.values() for advice in finding.advice)),
            evidence={name: dict(finding.evidence) for name, finding in findings.items()},
        )


IMAGE_EXISTS = Check("image-exists", "image", is_telling=True)
IMAGE_INTENDED = Check("image-intended", "image", is_telling=True)
IMAGE_TAG = Check("image-tag", "image")
IMAGE_REPOSITORY = Check("image-repository", "image")
IMAGE_PUSHED = Check("image-pushed", "image")
IMAGE_CONTENT = Check("image-content", "image")
IMAGE_LAYERS = Check("image-layers", "image")
ROLLOUT_COMPLETE = Check("rollout-complete", "rollout", is_telling=True)
TASKS_RUNNING = Check("tasks-running", "tasks", is_telling=True)
TASKS_RUN_IMAGE = Check("tasks-run-image", "tasks", is_telling=True)
TARGETS_HEALTHY = Check("targets-healthy", "health")
CONTAINERS_HEALTHY = Check("containers-healthy", "health")
ALARMS_OK = Check("alarms-ok", "health")
ERROR_RATE = Check("error-rate", "health")

FIXED_CHECKS = (
    IMAGE_EXISTS,
    IMAGE_INTENDED,
    IMAGE_TAG,
    IMAGE_REPOSITORY,
    IMAGE_PUSHED,
    IMAGE_CONTENT,
    IMAGE_LAYERS,
    ROLLOUT_COMPLETE,
    TASKS_RUNNING,
    TASKS_RUN_IMAGE,
)
"""The checks that every service has; the declared log expectations come after them."""

HEALTH_CHECKS = (TARGETS_HEALTHY, CONTAINERS_HEALTHY, ALARMS_OK, ERROR_RATE)
"""The checks that every service has beside them; they come after its log expectations."""

POLICIES = frozenset({IMAGE_TAG.id})
"""The ids of the checks of a policy, which say nothing about what runs."""
