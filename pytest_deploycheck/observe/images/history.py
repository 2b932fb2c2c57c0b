"""The other images of a repository: the newer ones, and the earlier ones that one could roll back to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pytest_deploycheck.facts.image import Image, Reference
from pytest_deploycheck.facts.rollout import Revision
from pytest_deploycheck.facts.snapshot import Judged

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_deploycheck.observe.images.repositories import Repositories


def with_others(judged: Judged, repositories: Repositories) -> Judged:
    """Return what else the repository tells: which images are newer than the expected one, and whether tags can move.

    What may not be read stays unknown: it is context, and no check rests on it alone.
    """
    image = judged.expected.image
    if image is None or image.reference.ecr is None:
        return judged
    place = image.reference
    listed, _ = repositories.images(place)
    can_move, _ = repositories.movable_tags(place)
    others = _others(listed, image)
    return replace(
        judged,
        has_earlier=bool(others[0]) if others else None,
        tags_can_move=can_move(judged.pulled.reference.tag or "latest") if can_move else None,
        expected_tag_can_move=can_move(place.tag or "latest") if can_move else None,
        newer=tuple(sorted(others[1], key=_pushed_at, reverse=True)) if others else None,
    )


def with_replaced(judged: Judged, revisions: Iterable[Revision], repositories: Repositories) -> Judged:
    """Return the images that the newest rollout replaced as well, as far as the list of the repository tells of them.

    The list was read to know which images are newer, so this costs no call.

    Args:
        judged: A container with the expected image for it.
        revisions: The service revisions of the newest rollout: those that it brought and replaced.
        repositories: Reads repositories of ECR.
    """
    image = judged.expected.image
    if image is None or image.reference.ecr is None:
        return judged
    listed, _ = repositories.images(image.reference)
    replaced = [one.digest for revision in revisions for one in revision.images if one.container == judged.container]
    ran_before = [
        replace(one, reference=replace(image.reference, tag=None, digest=one.digest))
        for one in listed or ()
        if one.digest in replaced and one.digest != image.digest and _is_older(one, image)
    ]
    return replace(judged, ran_before=tuple(ran_before))


def with_history(
    judged: Judged,
    revisions: Iterable[Revision],
    verified: Iterable[str] = (),
    *,
    repositories: Repositories,
    open_image: Callable[[Reference], Image | None],
) -> Judged:
    """Return the images before the expected one as well.

    Args:
        judged: A container with the expected image for it.
        revisions: The service revisions of the newest rollouts, the newest first.
        verified: Digests that were verified to run, as an earlier report tells.
        repositories: Reads repositories of ECR.
        open_image: Looks up an image and opens its manifests and configurations.
    """
    image = judged.expected.image
    if image is None or image.reference.ecr is None:
        return judged
    place = image.reference
    listed, _ = repositories.images(place)
    others = _others(listed, image)
    pushed_before = max(others[0], key=_pushed_at).digest if others and others[0] else None
    brought = [one.digest for revision in revisions for one in revision.images if one.container == judged.container]
    ran = [digest for digest in dict.fromkeys([*brought, *verified]) if digest and digest != image.digest]
    repositories.expect(replace(place, tag=None, digest=digest) for digest in ran)
    found = [open_image(replace(place, tag=None, digest=digest)) for digest in ran]
    ran_before = [one for one in found if one and _is_older(one, image)]
    earlier = next(iter(ran_before), None)
    if earlier is None and pushed_before:
        earlier = open_image(replace(place, tag=None, digest=pushed_before))
    return replace(judged, earlier=earlier, ran_before=tuple(ran_before))


def _others(listed: Iterable[Image] | None, image: Image) -> tuple[list[Image], list[Image]] | None:
    """Return the images that were pushed before another and those after it; None where that is not known."""
    if listed is None or image.pushed_at is None:
        return None
    known = {image.digest, *(child.digest for child in image.children)}
    others = [one for one in listed if one.digest not in known and one.pushed_at]
    moment = _pushed_at(image)
    return [one for one in others if _pushed_at(one) < moment], [one for one in others if _pushed_at(one) > moment]


def _pushed_at(image: Image) -> datetime:
    return image.pushed_at or datetime.min.replace(tzinfo=UTC)


def _is_older(image: Image, other: Image) -> bool:
    """Return True if an image was pushed before another; of one that was rolled out this is assumed."""
    return image.pushed_at is None or other.pushed_at is None or image.pushed_at <= other.pushed_at
