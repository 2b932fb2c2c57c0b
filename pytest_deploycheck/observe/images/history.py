"""The image before the one expected: what a cached layer shows against, and what one could roll back to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pytest_deploycheck.facts.image import Image, Reference
from pytest_deploycheck.facts.rollout import Revision
from pytest_deploycheck.facts.snapshot import Judged
from pytest_deploycheck.observe.calls import Once
from pytest_deploycheck.observe.images import ecr
from pytest_deploycheck.observe.problems import attempt

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_ecr import ECRClient


def with_history(
    judged: Judged,
    revisions: Iterable[Revision],
    verified: Iterable[str] = (),
    *,
    client: ECRClient,
    once: Once,
    open_image: Callable[[Reference], Image | None],
) -> Judged:
    """The history of a repository: the image before the expected one, and whether its tags can be moved.

    What may not be looked at stays unknown: it is context, and no check rests on it alone.

    Args:
        judged: A container with the expected image for it, which was found.
        revisions: The service revisions of the newest rollouts, the newest first.
        verified: Digests that were verified to run, as an earlier report tells.
        client: The client for the registry of the expected image.
        once: Keeps what cannot change within a run.
        open_image: Looks up an image and opens its manifests and configurations.
    """
    image = judged.expected.image
    if image is None:
        return judged
    place = image.reference
    (before, _), (can_move, _) = once.get(
        ("history", place.place, image.digest),
        lambda: (
            attempt("ecr:DescribeImages", lambda: (ecr.pushed_before(client, image),)),
            attempt("ecr:DescribeRepositories", lambda: ecr.tags_can_move(client, place)),
        ),
    )
    pushed_before = before[0] if before else None
    brought = [one.digest for revision in revisions for one in revision.images if one.container == judged.container]
    ran = [digest for digest in dict.fromkeys([*brought, *verified]) if digest and digest != image.digest]
    found = [open_image(replace(place, tag=None, digest=digest)) for digest in ran]
    ran_before = [one for one in found if one and _is_older(one, image)]
    earlier = next(iter(ran_before), None)
    if earlier is None and pushed_before:
        earlier = open_image(replace(place, tag=None, digest=pushed_before))
    return replace(
        judged,
        earlier=earlier,
        ran_before=tuple(ran_before),
        has_earlier=pushed_before is not None if before else None,
        tags_can_move=can_move,
    )


def _is_older(image: Image, other: Image) -> bool:
    """Return True if an image was pushed before another; of one that was rolled out this is assumed."""
    return image.pushed_at is None or other.pushed_at is None or image.pushed_at <= other.pushed_at
