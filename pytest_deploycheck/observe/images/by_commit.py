"""The expected images of a commit: those that a tag of the service's repositories names for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from pytest_deploycheck.facts.commit import Commit
from pytest_deploycheck.facts.image import Reference
from pytest_deploycheck.observe.calls import Once, side_by_side
from pytest_deploycheck.observe.images import ecr
from pytest_deploycheck.observe.images.choice import Choice
from pytest_deploycheck.observe.images.repositories import Repositories
from pytest_deploycheck.observe.problems import attempt
from pytest_deploycheck.observe.session import Session
from pytest_deploycheck.oci.tags import commit_tags, stands_for_commit


def choose_by_commit(
    choices: Sequence[Choice], commit: Commit, session: Session, repositories: Repositories, once: Once
) -> tuple[Choice, ...]:
    """Return the containers whose repositories hold the image of a commit, each with that as its expected image.

    Where none does, `choices` come back as they are, without the spare ones. Where one does, the containers whose
    repositories are known to hold none are left out. A repository that cannot be read, or in which several images fit,
    tells nothing of its container, which is judged by its task definition then. A spare container is judged only where
    its repository holds the image, an essential one is judged by it as well, and that does not run the same image.
    """

    def look_up(some: Sequence[Choice]) -> list[Choice]:
        fitting = side_by_side(lambda choice: _fitting(choice.pulled, commit, session, repositories, once), some)
        return [one for choice, tags in zip(some, fitting, strict=True) if (one := _chosen(choice, tags))]

    essential = [one for one in choices if not one.is_spare]
    chosen = look_up(essential)
    if not any(one.namer == "commit" for one in chosen):
        return tuple(essential)
    known = {one.pulled for one in chosen}
    spare = look_up([one for one in choices if one.is_spare and one.pulled not in known])
    return (*chosen, *(one for one in spare if one.namer == "commit"))


def _chosen(choice: Choice, tags: Mapping[str, str] | None) -> Choice | None:
    if tags is None or len(set(tags.values())) > 1:
        return choice
    if not tags:
        return None
    pulled = choice.pulled
    if pulled.digest in tags.values() or (pulled.digest is None and pulled.tag in tags):
        return replace(choice, expected=pulled, namer="commit")
    tag = min(tags, key=lambda tag: (len(tag), tag))
    return replace(choice, expected=replace(pulled, tag=tag, digest=None), namer="commit")


def _fitting(
    pulled: Reference, commit: Commit, session: Session, repositories: Repositories, once: Once
) -> Mapping[str, str] | None:
    """Return the tags that name an image of the commit, each with its digest; None where they are not known."""
    if pulled.ecr is None:
        return {}
    client = session.ecr(pulled.ecr.region)
    listed, _ = repositories.images(replace(pulled, tag=None, digest=None))
    if listed is not None:
        digests: Mapping[str, str] | None = {tag: image.digest for image in listed for tag in image.tags}
    else:
        # A role that may only pull cannot list the tags; those that are usual can be asked for by name.
        tags = commit_tags(commit.sha, pulled.tag)
        digests, _ = once.get(
            ("tags of the commit", pulled.place, tags),
            lambda: attempt("ecr:BatchGetImage", lambda: ecr.digests_of(client, pulled, tags)),
        )
    if digests is None:
        return None
    return {tag: digest for tag, digest in digests.items() if stands_for_commit(tag, commit.sha, pulled.tag)}
