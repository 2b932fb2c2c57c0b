"""The expected images of a commit, in repositories of which more or less may be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from support.worlds import NEW, OLD, image, reference

from pytest_deploycheck.facts.commit import Commit
from pytest_deploycheck.facts.image import Reference
from pytest_deploycheck.observe.calls import Once
from pytest_deploycheck.observe.images.by_commit import choose_by_commit
from pytest_deploycheck.observe.images.choice import Choice

COMMIT = Commit("4f1d2c3b5a69788796a5b4c3d2e1f00123456789", "HEAD")
SHORT = COMMIT.sha[:7]
ELSEWHERE = Reference("ghcr.io", "acme/agent", tag="7")


def chosen(
    *pulled: Reference, listed: Mapping[str, Sequence[str]] | None = None, tags: Mapping[str, str] | None = None
) -> dict[str, tuple[str, str]]:
    """Return the expected image of each container and who named it.

    Args:
        pulled: What the containers pull; each is called by its repository.
        listed: The tags of the one image that each repository lists; a repository that is left out cannot be listed.
        tags: The digests by tag for which BatchGetImage has an answer; None where it is denied.
    """

    def images(place: Reference) -> Any:
        known = (listed or {}).get(place.repository)
        return (None, None) if known is None else ((image(NEW, named=place, tags=known),), None)

    def batch_get_image(**_: Any) -> dict[str, Any]:
        if tags is None:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "No."}}, "BatchGetImage")
        return {"images": [{"imageId": {"imageTag": tag, "imageDigest": of}} for tag, of in tags.items()]}

    session = SimpleNamespace(ecr=lambda _: SimpleNamespace(batch_get_image=batch_get_image))
    repositories = SimpleNamespace(images=images)
    choices = [Choice(one.repository, one, one, "task definition", names_repository=False) for one in pulled]
    found = choose_by_commit(choices, COMMIT, cast("Any", session), cast("Any", repositories), Once())
    return {one.container: (str(one.expected.tag), one.namer) for one in found}


def test_the_image_that_a_tag_names_for_the_commit() -> None:
    """The tag with the commit in its name is expected in place of the one in the task definition."""
    assert chosen(reference(), listed={"shop": ["v3", SHORT]}) == {"shop": (SHORT, "commit")}


def test_a_container_with_an_image_in_no_ecr_registry() -> None:
    """It has no repository that could hold the commit's image: beside one that has, it is not judged."""
    listed = {"shop": [SHORT]}
    assert chosen(reference(), ELSEWHERE, listed=listed) == {"shop": (SHORT, "commit")}
    assert chosen(ELSEWHERE) == {"acme/agent": ("7", "task definition")}


@pytest.mark.parametrize("tags", [{SHORT: OLD}, {}, None], ids=["tagged", "no such tag", "denied"])
def test_a_role_that_may_only_pull(tags: Mapping[str, str] | None) -> None:
    """The usual tags are asked for by name; where that is denied too, nothing is said against the container."""
    named = {"jobs": (SHORT, "commit")}
    found = chosen(reference(repository="jobs"), reference(), listed={"jobs": [SHORT]}, tags=tags)
    if tags is None:
        assert found == {**named, "shop": ("v2", "task definition")}
    elif tags:
        assert found == {**named, "shop": (SHORT, "commit")}
    else:
        assert found == named
