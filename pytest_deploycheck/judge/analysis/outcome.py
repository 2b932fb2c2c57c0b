"""The outcome of the rollout to the expected image.

ECS reports how the newest rollout ended; the digests of the tasks tell whether it brought the expected image. Where
that leaves the answer open, it is inferred from times and from what ran before, and the message says so.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from pytest_deploycheck.facts.snapshot import Judged, ServiceFacts
from pytest_deploycheck.judge.analysis.matching import Fit, is_related
from pytest_deploycheck.judge.analysis.newest_rollout import CONTROLLERS, NewestRollout, Outcome
from pytest_deploycheck.judge.wording import at, expected, name_of, pushed, short

_FROM_TIMES = "inferred from when the images were pushed and the rollout began"


class Ruling(Struct, frozen=True):
    """An outcome, and what it is based on.

    Attributes:
        outcome: The outcome.
        reason: The evidence for it, in one sentence.
        inference: What it was inferred from, where ECS does not report it; empty where it is certain.
    """

    outcome: Outcome
    reason: str
    inference: str = ""


def rule(facts: ServiceFacts, newest: NewestRollout | None, tasks: Fit) -> Ruling:
    """Return the outcome of the rollout to the expected image.

    Args:
        facts: The facts of the service.
        newest: Its newest rollout, or None where none is known.
        tasks: Its running tasks, compared with the expected image.
    """
    if newest is None or facts.departure:
        return Ruling(Outcome.UNKNOWN, _why_no_rollout(facts))
    if facts.service and facts.service.status == "DRAINING":
        return Ruling(Outcome.UNKNOWN, f"the service is being deleted ({facts.service.status}); {newest.reason}")
    never_started = _never_started(facts, newest, tasks)
    if never_started:
        return never_started
    if newest.outcome is Outcome.IN_PROGRESS:
        return Ruling(newest.outcome, f"{newest.reason}{_to_another(facts)}")
    if newest.outcome is not Outcome.COMPLETED:
        if tasks is Fit.ALL and _newest_brought_another(facts):
            return Ruling(
                Outcome.COMPLETED, f"the tasks run the expected image; the later rollout {newest.id} did not last"
            )
        return Ruling(newest.outcome, f"{newest.reason}{_to_another(facts)}")
    superseded = _superseded(facts, newest) if tasks is Fit.NONE else None
    if superseded:
        return superseded
    if tasks is Fit.UNKNOWN and _push_since(facts, newest):
        return Ruling(
            Outcome.UNKNOWN, f"{_not_since_push(facts, newest)}, and it is not known which image the tasks run"
        )
    if tasks is Fit.UNKNOWN and not leads_to_the_expected_image(facts):
        return Ruling(Outcome.UNKNOWN, "a rollout completed, but it is not known whether it brought the expected image")
    return Ruling(newest.outcome, newest.reason)


def _why_no_rollout(facts: ServiceFacts) -> str:
    service = facts.service
    if facts.departure:
        return facts.departure.message
    if service is None:
        return "the credentials may not read the service's rollouts"
    if service.controller not in CONTROLLERS:
        return f"this version does not know the deployment controller {service.controller}"
    if service.controller != "ECS":
        return f"ECS lists no task set of the service, whose rollouts are run by {service.controller}"
    return "ECS lists no deployment of the service"


def _never_started(facts: ServiceFacts, newest: NewestRollout, tasks: Fit) -> Ruling | None:
    """NOT_STARTED, where no rollout to the expected image began and the tasks run another; None where one may have."""
    if tasks is not Fit.ALL:
        absent = next((one for one in facts.judged if one.expected.absent and one.expected.image is None), None)
        if absent and not absent.is_own_reference:
            name = name_of(absent.expected.reference)
            return Ruling(Outcome.NOT_STARTED, f"no rollout can have brought {name}: it is not in its registry")
    if _brings_the_expected_image(facts) or (
        newest.outcome is Outcome.IN_PROGRESS and leads_to_the_expected_image(facts)
    ):
        # Where the rollout began before the push ended, ECS may still have resolved the tag to the expected image.
        return None
    # Where each task resolves the tag by itself, some may run the expected image without a rollout to it.
    is_settled_mix = tasks is Fit.MIXED and newest.outcome is Outcome.COMPLETED
    if tasks is not Fit.NONE and not is_settled_mix:
        return None
    if _is_that_of_the_baseline(facts, newest):
        origin = facts.baseline.origin if facts.baseline else ""
        return Ruling(
            Outcome.NOT_STARTED,
            f"no rollout began since {origin}: {newest.id}, which began {at(newest.started_at)}, is still the newest",
        )
    if _push_since(facts, newest):
        return Ruling(Outcome.NOT_STARTED, _not_since_push(facts, newest), _inferred(facts))
    return None


def _inferred(facts: ServiceFacts) -> str:
    """The evidence from which an outcome was inferred, and the option that would make it certain."""
    if facts.baseline:
        return f"{_FROM_TIMES}, as {facts.baseline.origin} does not tell"
    return f"{_FROM_TIMES}; --deploy-baseline would make it certain"


def _is_that_of_the_baseline(facts: ServiceFacts, newest: NewestRollout) -> bool:
    """Return True if the newest rollout is the one in the baseline, which expected another image."""
    before = facts.baseline
    if before is None or not before.is_settled:
        return False
    if any(judged.expected.digest == before.digest for judged in facts.judged):
        return False
    return newest.is_same(before.rollout, before.rollout_began_at)


def _not_since_push(facts: ServiceFacts, newest: NewestRollout) -> str:
    pushed_at = _push_since(facts, newest)
    return f"the image was pushed {at(pushed_at)}, but the last rollout began {at(newest.started_at)}, before that"


def _push_since(facts: ServiceFacts, newest: NewestRollout) -> datetime | None:
    """Return when an expected image was first pushed, if that was after the newest rollout began."""
    pushes = (judged.expected.pushed_at for judged in facts.judged)
    return next((moment for moment in pushes if moment and moment > newest.started_at), None)


def _superseded(facts: ServiceFacts, newest: NewestRollout) -> Ruling | None:
    """SUPERSEDED, where a later image replaced the expected one; None where the expected one was never rolled out."""
    if not facts.judged or any(
        judged.is_own_reference or judged.pulled.digest == judged.expected.digest for judged in facts.judged
    ):
        return None
    if all(_is_later_by_baseline(judged, facts, newest) for judged in facts.judged):
        return Ruling(Outcome.SUPERSEDED, _superseded_reason(facts, newest))
    if any(_ran_before(judged, facts) for judged in facts.judged):
        return None
    if all(_is_later_by_times(judged, facts, newest) for judged in facts.judged):
        return Ruling(Outcome.SUPERSEDED, _superseded_reason(facts, newest), _inferred(facts))
    return None


def _is_later_by_baseline(judged: Judged, facts: ServiceFacts, newest: NewestRollout) -> bool:
    """Tell if the running image came after the expected one, as neither of them ran at the time of the baseline."""
    before = facts.baseline
    if before is None or before.seen_at is None or not before.running or newest.started_at <= before.seen_at:
        return False
    running = _digests_run_by(judged, facts)
    if not running or running & set(before.running):
        return False
    if judged.expected.pushed_at and _pushes_of_what_runs(judged, facts):
        return _is_later_by_times(judged, facts, newest)
    # A digest may have been pinned by mistake, and be of any age.
    return judged.pulled.reference.digest is None


def _ran_before(judged: Judged, facts: ServiceFacts) -> bool:
    """Return True if the running image ran at the time of the baseline already, so that it is not a later one."""
    return facts.baseline is not None and bool(_digests_run_by(judged, facts) & set(facts.baseline.running))


def _is_later_by_times(judged: Judged, facts: ServiceFacts, newest: NewestRollout) -> bool:
    """Return True if the running image was pushed after the expected one, and rolled out after that."""
    pushed_at = judged.expected.pushed_at
    if pushed_at is None or newest.started_at <= pushed_at:
        return False
    return any(moment > pushed_at for moment in _pushes_of_what_runs(judged, facts))


def _digests_run_by(judged: Judged, facts: ServiceFacts) -> set[str]:
    return {digest for task in facts.running if (digest := task.digest_of(judged.container))}


def _pushes_of_what_runs(judged: Judged, facts: ServiceFacts) -> list[datetime]:
    """The push times of the running images, as far as the registry still knows them."""
    images = [image for digest in _digests_run_by(judged, facts) if (image := facts.image_of(digest))]
    return [image.pushed_at for image in images if image.pushed_at]


def _superseded_reason(facts: ServiceFacts, newest: NewestRollout) -> str:
    judged = first_judged(facts)
    digest = next(iter(sorted(_digests_run_by(judged, facts))), None)
    running = f" {short(digest)}{pushed(facts.image_of(digest))}" if digest else ""
    return (
        f"a rollout that began {at(newest.started_at)} brought a later image{running} than {expected(judged.expected)}"
    )


def leads_to_the_expected_image(facts: ServiceFacts) -> bool:
    """Return True if the task definition names the expected image, so that a rollout of it brings that image."""
    return all(
        judged.is_own_reference
        or (judged.expected.digest is not None and judged.expected.digest == judged.pulled.digest)
        for judged in facts.judged
    )


def _newest_brought_another(facts: ServiceFacts) -> bool:
    """Return True if the newest rollout is known to have brought another image than the expected one."""
    record = facts.newest_record
    if record is None:
        # Without a record, it brought what the task definition names now.
        pulled = [(judged, judged.pulled.digest) for judged in facts.judged]
        return any(
            digest and judged.expected.digest and not is_related(judged, digest, facts) for judged, digest in pulled
        )
    if record.status in {"ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"}:
        return False
    return bool(_other_digests(facts))


def _brings_the_expected_image(facts: ServiceFacts) -> bool:
    """Return True if ECS reports that the newest rollout brings the expected image, whenever that was pushed."""
    brought = brought_by(facts, 0)
    return bool(facts.judged) and all(
        (digest := brought.get(judged.container)) is not None and is_related(judged, digest, facts)
        for judged in facts.judged
    )


def _to_another(facts: ServiceFacts) -> str:
    """A remark for a rollout that brings another image than the expected one; else an empty text."""
    others = _other_digests(facts)
    return f"; it brings {', '.join(map(short, others))}, not the expected image" if others else ""


def _other_digests(facts: ServiceFacts) -> list[str]:
    """The digests that the newest rollout was to bring, where they are not the expected image."""
    brought = brought_by(facts, 0)
    return [
        digest
        for judged in facts.judged
        if judged.expected.digest
        and (digest := brought.get(judged.container))
        and not is_related(judged, digest, facts)
    ]


def brought_by(facts: ServiceFacts, number: int) -> dict[str, str | None]:
    """Return the digests that a rollout was to bring, by container; empty where they are not known.

    Args:
        facts: The facts of the service.
        number: The number of the rollout, from 0 for the newest.
    """
    # Where ECS's list of records lags behind, its first record is not that of the newest rollout.
    records = (facts.service_deployments or ()) if facts.newest_record else ()
    target = records[number].target if number < len(records) else None
    if target is None and records and number == 1 and not facts.has_history:
        target = next(iter(records[0].sources), None)
    revision = facts.revision(target)
    return {image.container: image.digest for image in revision.images} if revision else {}


def first_judged(facts: ServiceFacts) -> Judged:
    """Return the judged container whose image is missing, else the first."""
    absent = [judged for judged in facts.judged if judged.expected.absent]
    return (absent or list(facts.judged))[0]
