"""The likely cause of tasks that run another image than the expected one, and the remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_deploycheck.facts.snapshot import Judged, ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.analysis.matching import Match, platform_of
from pytest_deploycheck.judge.analysis.newest_rollout import Outcome
from pytest_deploycheck.judge.analysis.outcome import brought_by
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.wording import name_of, short

_BY_OUTCOME = {
    Outcome.IN_PROGRESS: "The rollout has not completed: old tasks still run.",
    Outcome.ROLLED_BACK: "The rollout was rolled back, so the old code keeps serving.",
    Outcome.SUPERSEDED: "A later image was deployed since.",
}
"""The cause, where the outcome of the rollout explains it."""

_EACH_BY_ITSELF = (
    "Container {!r} has versionConsistency disabled: each task resolves the tag by itself when it starts, so tasks of "
    "one rollout may differ."
)


def cause_of_another_image(judged: Judged, others: Mapping[Task, Match], analysis: ServiceAnalysis) -> str:
    """Return why tasks run another image than the expected one.

    Args:
        judged: The container that is judged.
        others: The tasks that run another image, each with what it runs.
        analysis: The analysis of the service.
    """
    facts, outcome = analysis.facts, analysis.outcome
    pinned = judged.pulled.reference.digest
    if Match.OTHER_PLATFORM in others.values():
        platforms = sorted({str(platform_of(task, facts)) for task in others})
        return f"The tasks run on {', '.join(platforms)}, and the digest is of another platform."
    if pinned and pinned != judged.expected.digest:
        return f"The digest is pinned by the task definition ({short(pinned)}), so no push and no restart changes it."
    if outcome is Outcome.NOT_STARTED:
        return _without_rollout(judged, others, facts)
    return _BY_OUTCOME.get(outcome) or _despite_rollout(judged, facts)


def remedy_for_another_image(judged: Judged, analysis: ServiceAnalysis) -> str:
    """Return the remedy for tasks that run another image than the expected one."""
    if analysis.outcome is Outcome.IN_PROGRESS:
        return "Wait for the end of the rollout that is going on."
    if analysis.outcome in (Outcome.FAILED, Outcome.ROLLED_BACK):
        return "Fix what made the new tasks stop (see rollout-complete); the same image would fail again."
    if judged.expected.digest != judged.pulled.digest:
        return (
            f"Register a task definition with {name_of(judged.expected.reference)} and update the service to it; a new "
            f"rollout alone starts {name_of(judged.pulled.reference)} again."
        )
    return "Start a rollout: aws ecs update-service --force-new-deployment."


def _without_rollout(judged: Judged, others: Iterable[Task], facts: ServiceFacts) -> str:
    """The cause, where no rollout began since the image was pushed."""
    if not _resolves_once(judged, facts):
        return _EACH_BY_ITSELF.format(judged.container)
    if _started_after_push(judged, others):
        return "ECS fixed the digest of the tag when the last rollout began; tasks that start later still get it."
    return "The image was pushed, but the tasks were never restarted."


def _despite_rollout(judged: Judged, facts: ServiceFacts) -> str:
    """The cause, although a rollout began since the image was pushed."""
    if judged.expected.digest != judged.pulled.digest and not judged.is_own_reference:
        return f"The task definition names {name_of(judged.pulled.reference)}, which is not the expected image."
    if not _resolves_once(judged, facts):
        return _EACH_BY_ITSELF.format(judged.container)
    if brought_by(facts, 0).get(judged.container) == judged.expected.digest:
        return (
            "ECS resolved the tag to the expected image, but the tasks run another: their hosts keep an older image of "
            "that tag (ECS_IMAGE_PULL_BEHAVIOR = once or prefer-cached)."
        )
    return (
        "The rollout began after the push, and still brought another image: a host used a cached image "
        "(ECS_IMAGE_PULL_BEHAVIOR), or the tag was moved during the rollout."
    )


def _resolves_once(judged: Judged, facts: ServiceFacts) -> bool:
    """Return True if ECS fixes the digest once for all tasks of a rollout, which a task definition can disable."""
    container = facts.definition.container(judged.container) if facts.definition else None
    return container is None or container.version_consistency


def _started_after_push(judged: Judged, others: Iterable[Task]) -> bool:
    pushed_at = judged.expected.pushed_at
    return pushed_at is not None and any(task.started_at and task.started_at > pushed_at for task in others)
