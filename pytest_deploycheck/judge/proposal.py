"""The decision to propose a rollback: only where the expected image runs, and does harm."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_deploycheck.judge.analysis.matching import Match
from pytest_deploycheck.judge.analysis.newest_rollout import Outcome
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.finding import TASKS_RUNNING, Finding, Status

_BROUGHT = frozenset({Outcome.COMPLETED, Outcome.FAILED})
"""The outcomes after which the expected image stays in the service until it is rolled back."""


def proposes_rollback(analysis: ServiceAnalysis, findings: Sequence[Finding]) -> bool:
    """Return True if a rollback is to be proposed: the expected image runs or crashes, and no rollout is going on.

    Harm is a failed check of health, a forbidden line that was logged, or tasks that crash. A missing line is not, and
    neither is a failed test, whose cause may lie elsewhere.
    """
    if analysis.outcome is Outcome.IN_PROGRESS:
        return False
    failed = [finding for finding in findings if finding.status is Status.FAIL]
    harms = any(one.link == "health" or (one.link == "logs" and one.is_proof) for one in failed)
    runs = any(analysis.matches.task(task) is Match.EXPECTED for task in analysis.facts.running)
    return (runs and harms) or (_crashes(analysis, failed) and analysis.outcome in _BROUGHT)


def _crashes(analysis: ServiceAnalysis, failed: Sequence[Finding]) -> bool:
    """Tell if tasks of the expected image ran and stopped again, so that too few are left or the rollout failed."""
    is_short = any(finding.id == TASKS_RUNNING.id or finding.link == "rollout" for finding in failed)
    crashed = [task for task in analysis.failed_tasks if task.started_at]
    return is_short and any(analysis.matches.image_of(task) is Match.EXPECTED for task in crashed)
