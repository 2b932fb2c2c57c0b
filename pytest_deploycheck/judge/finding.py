"""What a check found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.judge.analysis.logs.evidence import LogEvidence

Evidence = Mapping[str, Any]
"""What was compared, as plain JSON values by name."""

NOTHING: Evidence = MappingProxyType({})

Link = Literal["image", "rollout", "tasks", "logs", "health"]


class Status(StrEnum):
    """How a check ended. What is not proven is never a pass."""

    PASS = "pass"
    FAIL = "fail"
    UNPROVEN = "unproven"
    ERROR = "error"
    SKIP = "skip"


_WORST_FIRST = (Status.FAIL, Status.ERROR, Status.UNPROVEN, Status.PASS, Status.SKIP)


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
        evidence: What was compared, as plain JSON values.
        details: Longer text for whoever looks closer, such as the last log lines.
        is_proof: Whether a failure shows what is wrong by something seen, not by something missing.
        logs: What was read of the logs, where that explains the finding.
    """

    id: str
    link: Link
    status: Status
    summary: str
    cause: str = ""
    remedy: str = ""
    command: str = ""
    notes: tuple[str, ...] = ()
    evidence: Evidence = field(default_factory=dict)
    details: str = ""
    is_proof: bool = False
    logs: LogEvidence | None = None

    @property
    def is_good(self) -> bool:
        """Whether it stands in nobody's way: passed, or not asked for."""
        return self.status in (Status.PASS, Status.SKIP)


class Check(Struct, frozen=True):
    """A check by its id and link, and the ways it can end."""

    id: str
    link: Link

    def passes(self, summary: str, *, notes: Iterable[str] = (), evidence: Evidence = NOTHING) -> Finding:
        """The evidence is there."""
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
        """The evidence says no."""
        return Finding(
            self.id, self.link, Status.FAIL, summary, cause, remedy, command, tuple(notes), evidence, details
        )

    def unproven(
        self,
        summary: str,
        *,
        remedy: str = "",
        command: str = "",
        notes: Iterable[str] = (),
        details: str = "",
        evidence: Evidence = NOTHING,
    ) -> Finding:
        """The evidence needed does not exist, yet or at all."""
        return Finding(
            self.id,
            self.link,
            Status.UNPROVEN,
            summary,
            remedy=remedy,
            command=command,
            notes=tuple(notes),
            evidence=evidence,
            details=details,
        )

    def errs(self, problem: Problem, *, details: str = "", evidence: Evidence = NOTHING) -> Finding:
        """The evidence could not be looked at."""
        seen = {"operation": problem.operation, "code": problem.code, **evidence}
        return Finding(
            self.id, self.link, Status.ERROR, problem.message, remedy=problem.remedy, evidence=seen, details=details
        )

    def skips(self, reason: str) -> Finding:
        """It was not asked for."""
        return Finding(self.id, self.link, Status.SKIP, reason)

    def of_all(self, findings: Mapping[str, Finding]) -> Finding:
        """One finding for several containers, by name: the worst of them, saying which it is of."""
        if len(findings) == 1:
            return next(iter(findings.values()))
        worst = min(findings.values(), key=lambda finding: _WORST_FIRST.index(finding.status))
        same = {name: finding for name, finding in findings.items() if finding.status == worst.status}
        return replace(
            worst,
            summary="; ".join(f"{name}: {finding.summary}" for name, finding in same.items()),
            notes=tuple(f"{name}: {note}" for name, finding in findings.items() for note in finding.notes),
            evidence={name: dict(finding.evidence) for name, finding in findings.items()},
        )


IMAGE_EXISTS = Check("image-exists", "image")
IMAGE_REPOSITORY = Check("image-repository", "image")
IMAGE_PUSHED = Check("image-pushed", "image")
IMAGE_CONTENT = Check("image-content", "image")
IMAGE_LAYERS = Check("image-layers", "image")
ROLLOUT_COMPLETE = Check("rollout-complete", "rollout")
TASKS_RUNNING = Check("tasks-running", "tasks")
TASKS_RUN_IMAGE = Check("tasks-run-image", "tasks")
TARGETS_HEALTHY = Check("targets-healthy", "health")
CONTAINERS_HEALTHY = Check("containers-healthy", "health")
ALARMS_OK = Check("alarms-ok", "health")
ERROR_RATE = Check("error-rate", "health")

FIXED_CHECKS = (
    IMAGE_EXISTS,
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
"""The checks that every service has beside them, after its log expectations."""
