"""The services of a survey, as far as a configuration can be made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.oci.tags import commit_in, moves

_PLAIN_WORDS = frozenset({"service", "svc", "ecs", "cluster"})


class TagHabit(StrEnum):
    """The way in which the images of a service are tagged."""

    COMMIT = "commit"
    FIXED = "fixed"
    MOVING = "moving"
    UNKNOWN = "unknown"


class FoundContainer(Struct, frozen=True):
    """A container of a service.

    Attributes:
        name: Its name.
        image: Its image, as the task definition has it.
        repository: The ECR repository that it pulls from, or an empty string for any other registry.
        log_group: The log group that it writes to, or an empty string.
    """

    name: str
    image: str
    repository: str = ""
    log_group: str = ""


class FoundService(Struct, frozen=True):
    """A service.

    Attributes:
        key: A short name for it in the configuration.
        name: The name of the ECS service.
        containers: Its containers.
        judged: The names of the containers whose images are judged by default.
        tags: The tags of the image that it runs, and of newer ones.
        newest_tag: A tag that does not move of the image that was pushed last, or an empty string.
        habit: The way in which its images are tagged.
        target_groups: The names of its target groups.
        alarms: The names of the alarms that watch it and are OK.
        other_alarms: The other alarms that watch it, with their states.
        last_lines: The newest log lines of its tasks.
    """

    key: str
    name: str
    containers: tuple[FoundContainer, ...] = ()
    judged: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    newest_tag: str = ""
    habit: TagHabit = TagHabit.UNKNOWN
    target_groups: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    other_alarms: tuple[tuple[str, str], ...] = ()
    last_lines: tuple[str, ...] = ()


def found_service(facts: ServiceFacts, names: Iterable[str]) -> FoundService:
    """Return what an observation tells of a service, but for its alarms and logs.

    Args:
        facts: The facts of the service, under its key.
        names: Names whose digits do not make a tag fixed: the environment's and the region's.
    """
    balancers = facts.service.load_balancers if facts.service else ()
    groups = [arn.rpartition(":targetgroup/")[2].partition("/")[0] for one in balancers for arn in one.target_groups]
    tags, newest = _tags(facts), _newest_tags(facts)
    fixed = [tag for tag in newest if not moves(tag, names)]
    return FoundService(
        key=facts.name,
        name=facts.service.name if facts.service else facts.name,
        containers=_containers(facts),
        judged=tuple(one.container for one in facts.judged),
        tags=tags,
        newest_tag=fixed[0] if fixed else "",
        habit=habit_of(tags, names),
        target_groups=tuple(dict.fromkeys(groups)),
    )


def habit_of(tags: Sequence[str], names: Iterable[str]) -> TagHabit:
    """Return the way in which images with these tags are tagged; a commit among them counts most."""
    if not tags:
        return TagHabit.UNKNOWN
    known = list(names)
    fixed = [tag for tag in tags if not moves(tag, known)]
    if any(commit_in(tag.lower()) for tag in fixed):
        return TagHabit.COMMIT
    return TagHabit.FIXED if fixed else TagHabit.MOVING


def key_of(service: str, cluster: str, env: str) -> str:
    """Return a short name for a service: its name without the words that it shares with the cluster.

    Args:
        service: The name of the ECS service.
        cluster: The name of the cluster.
        env: The name of the environment.
    """
    shared = {*cluster.lower().split("-"), env.lower(), *_PLAIN_WORDS}
    words = [word for word in service.split("-") if word.lower() not in shared]
    return "-".join(words) or service


def _containers(facts: ServiceFacts) -> tuple[FoundContainer, ...]:
    repositories = {one.container: one.pulled.reference.repository for one in facts.judged if one.pulled.reference.ecr}
    return tuple(
        FoundContainer(
            one.name,
            one.image,
            repositories.get(one.name, ""),
            one.log_options.get("awslogs-group") or one.log_options.get("log_group_name", ""),
        )
        for one in (facts.definition.containers if facts.definition else ())
    )


def _tags(facts: ServiceFacts) -> tuple[str, ...]:
    images = [one.expected.image for one in facts.judged if one.expected.image]
    newer = [image for one in facts.judged for image in one.newer or ()]
    return tuple(dict.fromkeys(tag for image in [*newer, *images] for tag in image.tags))


def _newest_tags(facts: ServiceFacts) -> tuple[str, ...]:
    """Return the tags of the image that was pushed last to the repository of the first judged container."""
    for one in facts.judged:
        image = one.newer[0] if one.newer else one.expected.image
        if image:
            return image.tags
    return ()
