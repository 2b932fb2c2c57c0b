"""The image before the one meant: what a cached layer shows against, and what one could roll back to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_deploycheck.facts.image import Image, Reference
from pytest_deploycheck.facts.rollout import Revision
from pytest_deploycheck.facts.snapshot import Judged
from pytest_deploycheck.observe import ecr
from pytest_deploycheck.observe.asking import Once
from pytest_deploycheck.observe.problems import attempt

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_ecr import ECRClient


def with_history(
    judged: Judged,
    revisions: Iterable[Revision],
    *,
    client: ECRClient,
    once: Once,
    open_image: Callable[[Reference], Image | None],
) -> Judged:
    """What the repository tells beside the image meant: the image before it, and whether its tags can be moved.

    What may not be looked at stays unknown: it is context, and no check rests on it alone.

    Args:
        judged: A container with the image meant for it, which was found.
        revisions: The service revisions of the newest rollouts, the newest first.
        client: The client for the registry of the image meant.
        once: Keeps what cannot change within a run.
        open_image: Looks up an image and opens its manifests and configurations.
    """
    image = judged.meant.image
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
    ran_before = (
        one.digest
        for revision in revisions
        for one in revision.images
        if one.container == judged.container and one.digest and one.digest != image.digest
    )
    digest = next(ran_before, pushed_before)
    earlier = open_image(replace(place, tag=None, digest=digest)) if digest else None
    return replace(
        judged,
        earlier=earlier,
        has_earlier=pushed_before is not None if before else None,
        tags_can_move=can_move,
    )
