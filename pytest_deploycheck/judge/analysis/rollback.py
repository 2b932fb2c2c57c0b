"""The image to roll back to, and the command for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.facts.image import Image
from pytest_deploycheck.facts.rollout import Revision, ServiceDeployment
from pytest_deploycheck.facts.snapshot import Judged, ServiceFacts
from pytest_deploycheck.judge.commands import Commands, copy_image, stop_rollout
from pytest_deploycheck.judge.wording import at, pushed, short

Brought = tuple[ServiceDeployment, Revision]
"""A completed rollout, and the revision that it brought."""


class RollbackTarget(Struct, frozen=True):
    """An image to roll back to: it is still in the registry, and it ran before.

    Attributes:
        image: The image.
        ran_at: When a rollout brought it (UTC), or None where only the baseline knows of it.
        is_verified: Whether the run of the baseline verified it.
        command: The command that rolls back to it.
    """

    image: Image
    ran_at: datetime | None
    is_verified: bool
    command: str

    def __str__(self) -> str:
        known = [f"ran since {at(self.ran_at)}"] if self.ran_at else ["ran before"]
        known += ["verified then"] if self.is_verified else []
        return f"{self.image.reference.repository} {short(self.image.digest)}{pushed(self.image)}, {', '.join(known)}"


def rollback_target(facts: ServiceFacts) -> RollbackTarget | None:
    """Return the image to roll back to: a verified one, else the newest that a completed rollout brought.

    None where there is none, or where several containers are judged, each of which has a history of its own.
    """
    if len(facts.judged) != 1:
        return None
    (judged,) = facts.judged
    targets = list(_targets(judged, facts))
    return next((one for one in targets if one.is_verified), next(iter(targets), None))


def no_target(facts: ServiceFacts, target: RollbackTarget | None) -> str:
    """Return advice for a service with nothing to roll back to; an empty text where there is, or that is not known."""
    if target:
        return ""
    left = [judged.has_earlier for judged in facts.judged]
    if left and all(one is False for one in left):
        return "no earlier image is left in the repository to roll back to"
    if (
        facts.has_history
        and any(left)
        and facts.service_deployments
        and not any(judged.ran_before for judged in facts.judged)
    ):
        return "no image that ran before is left in the repository to roll back to, only others that were pushed"
    return ""


def _targets(judged: Judged, facts: ServiceFacts) -> Iterator[RollbackTarget]:
    before = facts.baseline
    verified = {before.digest} if before and before.is_verified else set()
    ran = set(before.running) if before else set()
    replaced = _replaced(judged, facts)
    for image in judged.ran_before:
        brought = _brought(image, judged, facts)
        revision = brought[1] if brought else replaced.get(image.digest)
        if revision or image.digest in verified | ran:
            yield RollbackTarget(
                image,
                ran_at=brought[0].created_at if brought else None,
                is_verified=image.digest in verified,
                command=_stop_rollout(brought, facts) or _command(image, judged, revision, facts),
            )


def _brought(image: Image, judged: Judged, facts: ServiceFacts) -> Brought | None:
    """The newest rollout that brought an image and completed, with its revision."""
    for record in facts.service_deployments or ():
        revision = facts.revision(record.target)
        if record.status == "SUCCESSFUL" and revision:
            for one in revision.images:
                if one.container == judged.container and one.digest == image.digest:
                    return record, revision
    return None


def _replaced(judged: Judged, facts: ServiceFacts) -> dict[str, Revision]:
    """The revisions that a completed rollout replaced, by the digests of their images, where only its record was read.

    Where the records of the rollouts before it were read, they tell which of them completed.
    """
    newest = facts.newest_record
    if facts.has_history or newest is None or newest.status != "SUCCESSFUL":
        return {}
    return {
        one.digest: revision
        for revision in facts.revisions
        if revision.arn in newest.sources
        for one in revision.images
        if one.container == judged.container and one.digest
    }


def _stop_rollout(brought: Brought | None, facts: ServiceFacts) -> str:
    """The command that stops the rollout in progress, where ECS then returns to the one that brought the image."""
    newest = facts.newest_record
    last = next((one for one in facts.service_deployments or () if one.status == "SUCCESSFUL"), None)
    if brought is None or brought[0] is not last or newest is None or not newest.is_going_on:
        return ""
    return stop_rollout(newest)


def _command(image: Image, judged: Judged, revision: Revision | None, facts: ServiceFacts) -> str:
    """By the task definition that brought it, where that still names it; else by moving the tag back."""
    commands = Commands(facts.service)
    named = next((one.image for one in revision.images if one.container == judged.container), "") if revision else ""
    still = named.endswith(f"@{image.digest}") or any(named.endswith(f":{tag}") for tag in image.tags)
    if revision and still:
        return commands.update("--task-definition", revision.task_definition.rpartition("/")[2])
    pulled = judged.pulled.reference
    if pulled.digest:
        return commands.update("--task-definition", "FAMILY:REVISION")
    back = copy_image(replace(image.reference, tag=None, digest=image.digest), pulled)
    return f"{back} && {commands.update('--force-new-deployment')}"
