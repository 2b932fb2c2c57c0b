"""Does a task run the expected image?

Digests are compared, never times: a task that started after a push can still run the digest that ECS fixed before it.
"""

from __future__ import annotations

from enum import Enum

from pytest_deploycheck.facts.image import Image, Manifest, Platform
from pytest_deploycheck.facts.snapshot import Judged, Lookup, ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.oci.manifest import DOCKER_LIST, OCI_INDEX

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "arm64": "arm64", "aarch64": "arm64"}


class Match(Enum):
    """What a container of a task runs, seen from the expected image."""

    EXPECTED = "the expected image"
    OTHER = "another image"
    OTHER_PLATFORM = "the expected image, but for another platform"
    STOPPED = "nothing: the container has stopped"
    STARTED_BEFORE_PUSH = "an image from before the push"
    UNKNOWN = "unknown"

    @property
    def is_other(self) -> bool:
        """Whether it is certain that it is not the expected image."""
        return self in (Match.OTHER, Match.OTHER_PLATFORM, Match.STOPPED, Match.STARTED_BEFORE_PUSH)


def match_container(judged: Judged, task: Task, facts: ServiceFacts) -> Match:
    """Compare what one container of a task runs with the expected image for it.

    Accepted are the expected digest, and where one of the two is an index, its manifest for the task's platform.
    """
    container = task.container(judged.container)
    expected = judged.expected
    if container is None:
        return Match.UNKNOWN
    if container.status == "STOPPED" and container.exit_code != 0:
        return Match.STOPPED
    if container.digest is None:
        return _match_by_time(expected, task)
    if expected.digest is None:
        return Match.UNKNOWN
    if container.digest == expected.digest:
        return Match.EXPECTED
    architecture = architecture_of(task, facts)
    running = facts.image_of(container.digest)
    for index, child in ((expected.image, container.digest), (running, expected.digest)):
        related, platform = _child(index, child)
        if related and index is running and architecture is None and _has_several(index):
            return Match.UNKNOWN
        if related:
            return Match.EXPECTED if _fits(platform, architecture) else Match.OTHER_PLATFORM
    if _is_closed_index(expected.image) or _is_closed_index(running):
        return Match.UNKNOWN
    return Match.OTHER


def is_related(judged: Judged, digest: str, facts: ServiceFacts) -> bool:
    """Whether a digest is the one expected, or one of the two is an index with the other in it, for any platform."""
    expected = judged.expected
    if expected.digest is None or digest == expected.digest:
        return digest == expected.digest
    return _child(expected.image, digest)[0] or _child(facts.image_of(digest), expected.digest)[0]


def match_task(task: Task, facts: ServiceFacts) -> Match:
    """Compare a task with the expected images for all of its judged containers: the first difference counts."""
    matches = [match_container(judged, task, facts) for judged in facts.judged]
    for match in matches:
        if match.is_other:
            return match
    return Match.EXPECTED if matches and all(match is Match.EXPECTED for match in matches) else Match.UNKNOWN


def is_new(task: Task, facts: ServiceFacts) -> bool:
    """Whether the task counts as running the expected image.

    One whose digest ECS does not tell counts where the newest rollout started it: what it runs stays unproven, and the
    link `tasks` says so.
    """
    match = match_task(task, facts)
    if match is not Match.UNKNOWN:
        return match is Match.EXPECTED
    if any(judged.expected.digest is None and not judged.is_own_reference for judged in facts.judged):
        # What was expected is not known at all, so nothing can be said to run it.
        return False
    newest = facts.service.newest if facts.service else None
    return newest is not None and task.started_by == newest.id


class Fit(Enum):
    """What the running tasks of a service run as a whole, seen from the expected image."""

    ALL = "all run it"
    NONE = "none runs it"
    MIXED = "some run it"
    UNKNOWN = "unknown"


def fit(facts: ServiceFacts) -> Fit:
    """Compare all running tasks with the expected images."""
    matches = [match_task(task, facts) for task in facts.running]
    if matches and all(match is Match.EXPECTED for match in matches):
        return Fit.ALL
    if matches and all(match.is_other for match in matches):
        return Fit.NONE
    if Match.EXPECTED in matches and any(match.is_other for match in matches):
        return Fit.MIXED
    return Fit.UNKNOWN


def architecture_of(task: Task, facts: ServiceFacts) -> str | None:
    """The CPU architecture of a task in the words of images (`amd64`, `arm64`), or None where nothing tells."""
    definition = facts.definition_of(task)
    said = task.architecture or (definition.architecture if definition else None)
    return _ARCHITECTURES.get(said.lower()) if said else None


def manifest_for(judged: Judged, facts: ServiceFacts) -> Manifest | None:
    """The manifest of the expected image for the platform of the tasks; None where it was not read."""
    image = judged.expected.image
    if image is None or image.manifest is None or not image.manifest.is_index:
        return image.manifest if image else None
    known = {manifest.digest: manifest for manifest in image.platforms}
    wanted = next(filter(None, (architecture_of(task, facts) for task in facts.running)), None)
    if wanted is None and facts.definition and facts.definition.architecture:
        wanted = _ARCHITECTURES.get(facts.definition.architecture.lower())
    fitting = [
        known[child.digest]
        for child in image.manifest.children
        if child.digest in known and (wanted is None or (child.platform and child.platform.architecture == wanted))
    ]
    return fitting[0] if fitting else None


def _match_by_time(expected: Lookup, task: Task) -> Match:
    """Without a digest only one thing is certain: what was not yet pushed when the task started, it cannot run."""
    pushed_at = expected.image.pushed_at if expected.image else None
    if pushed_at and task.started_at and task.started_at < pushed_at:
        return Match.STARTED_BEFORE_PUSH
    return Match.UNKNOWN


def _child(index: Image | None, digest: str) -> tuple[bool, Platform | None]:
    """Whether `digest` is a manifest of `index`, and for which platform."""
    if index and index.manifest:
        for child in index.manifest.children:
            if child.digest == digest:
                return True, child.platform
    return False, None


def _has_several(index: Image | None) -> bool:
    """Whether the index is of several platforms, so that it does not tell which of them a task runs."""
    return index is not None and index.manifest is not None and len(index.manifest.children) > 1


def _fits(platform: Platform | None, architecture: str | None) -> bool:
    return platform is None or architecture is None or platform.architecture == architecture


def _is_closed_index(image: Image | None) -> bool:
    """Whether it is an index whose manifests could not be read."""
    return image is not None and image.manifest is None and image.media_type in (DOCKER_LIST, OCI_INDEX)
