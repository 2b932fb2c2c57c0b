"""The images that the tasks run, compared with the expected image.

Digests are compared, never times: a task that started after a push can still run the digest that ECS fixed before it.
"""

from __future__ import annotations

from enum import Enum
from functools import cached_property

from msgspec import Struct

from pytest_deploycheck.facts.image import Image
from pytest_deploycheck.facts.snapshot import Judged, Lookup, ServiceFacts
from pytest_deploycheck.facts.task import Container, Task
from pytest_deploycheck.oci.manifest import DOCKER_LIST, OCI_INDEX
from pytest_deploycheck.oci.platforms import TaskPlatform, can_run, runnable, task_platform

_NOT_YET_RUNNING = frozenset({"PENDING", "MANIFEST_PULLED", "PULLED", "CREATED", "RESOURCES_PROVISIONED"})
"""The states that a container goes through before it runs, by the ECS agent."""


class Match(Enum):
    """The image that a container of a task runs, compared with the expected image."""

    EXPECTED = "the expected image"
    OTHER = "another image"
    OTHER_PLATFORM = "the expected image, but for another platform"
    STARTED_BEFORE_PUSH = "an image from before the push"
    STOPPED = "nothing: the container has stopped"
    PENDING = "nothing yet: the container has not started"
    UNKNOWN = "unknown"

    @property
    def is_other(self) -> bool:
        """True if the image is certainly not the expected one."""
        return self in (Match.OTHER, Match.OTHER_PLATFORM, Match.STARTED_BEFORE_PUSH)

    @property
    def runs_nothing(self) -> bool:
        """True if the container does not run, whatever its image is."""
        return self in (Match.STOPPED, Match.PENDING)


class Fit(Enum):
    """The images of the running tasks of a service as a whole, compared with the expected one."""

    ALL = "all have it"
    NONE = "none has it"
    MIXED = "some have it"
    UNKNOWN = "unknown"


class TaskMatches(Struct, frozen=True, dict=True):
    """The tasks of a service, compared with its expected images.

    Attributes:
        facts: The facts of the service.
    """

    facts: ServiceFacts

    def container(self, judged: Judged, task: Task) -> Match:
        """Return what a judged container of a task runs; nothing, where the container itself is not running."""
        container = task.container(judged.container)
        if container is None:
            return Match.UNKNOWN
        if container.status == "STOPPED":
            return self._image(judged, task) if self._has_done_its_work(container, task) else Match.STOPPED
        if container.status in _NOT_YET_RUNNING:
            return Match.PENDING
        return self._image(judged, task) if container.status == "RUNNING" else Match.UNKNOWN

    def task(self, task: Task) -> Match:
        """Return what a task runs in all its judged containers: the first that is not the expected image counts."""
        return _worst([self.container(judged, task) for judged in self.facts.judged])

    def image_of(self, task: Task) -> Match:
        """Return how the images of a task compare, whether its containers run or have stopped."""
        return _worst([self._image(judged, task) for judged in self.facts.judged])

    def is_new(self, task: Task) -> bool:
        """Return True if a task counts as running the expected image.

        A task whose digest ECS does not tell counts where the newest rollout started it: what it runs stays unproven,
        and the link `tasks` says so.
        """
        match = self.task(task)
        if match is not Match.UNKNOWN:
            return match is Match.EXPECTED
        if any(one.expected.digest is None and not one.is_own_reference for one in self.facts.judged):
            # The expected digest is not known at all, so no task is known to run it.
            return False
        newest = self.facts.service.newest if self.facts.service else None
        return newest is not None and task.started_by == newest.id

    @cached_property
    def new_tasks(self) -> tuple[Task, ...]:
        """The running tasks that count as running the expected image."""
        return tuple(task for task in self.facts.running if self.is_new(task))

    @cached_property
    def fit(self) -> Fit:
        """The images of all running tasks, compared with the expected ones."""
        matches = [self.image_of(task) for task in self.facts.running]
        if matches and all(match is Match.EXPECTED for match in matches):
            return Fit.ALL
        if matches and all(match.is_other for match in matches):
            return Fit.NONE
        if Match.EXPECTED in matches and any(match.is_other for match in matches):
            return Fit.MIXED
        return Fit.UNKNOWN

    def _has_done_its_work(self, container: Container, task: Task) -> bool:
        """Tell if it is an init container, such as a migration of the database, beside one that keeps running.

        It is not essential, ended with exit code 0, and an essential container of the task is judged as well.
        """
        definition = self.facts.definition_of(task)
        own = definition.container(container.name) if definition else None
        if definition is None or own is None or own.essential or container.exit_code != 0:
            return False
        others = (definition.container(judged.container) for judged in self.facts.judged)
        return any(other is not None and other.essential for other in others)

    def _image(self, judged: Judged, task: Task) -> Match:
        """Return how the image of a judged container compares.

        Accepted are the expected digest, and where one of the two is an index, its manifest for the task's platform.
        """
        expected, facts = judged.expected, self.facts
        digest = task.digest_of(judged.container)
        if digest is None:
            return _match_by_time(expected, task)
        if expected.digest is None:
            return Match.UNKNOWN
        if digest == expected.digest:
            return Match.EXPECTED
        platform = platform_of(task, facts)
        if _holds(expected.image, digest):
            return _match_child(expected.image, digest, platform)
        running = facts.image_of(digest)
        if _holds(running, expected.digest):
            return _match_index(running, expected.digest, platform)
        if _is_closed_index(expected.image) or _is_closed_index(running):
            return Match.UNKNOWN
        return Match.OTHER


def is_related(judged: Judged, digest: str, facts: ServiceFacts) -> bool:
    """Tell if a digest is the one expected, or one of the two is an index with the other in it, for any platform."""
    expected = judged.expected
    if expected.digest is None or digest == expected.digest:
        return digest == expected.digest
    return _holds(expected.image, digest) or _holds(facts.image_of(digest), expected.digest)


def platform_of(task: Task | None, facts: ServiceFacts) -> TaskPlatform:
    """Return the platform of a task, by its own description, else by its task definition; of None, the service's."""
    definition = facts.definition_of(task) if task else facts.definition
    return task_platform(
        (task.os if task else None) or (definition.os if definition else None),
        (task.architecture if task else None) or (definition.architecture if definition else None),
    )


def _worst(matches: list[Match]) -> Match:
    for match in matches:
        if match.is_other or match.runs_nothing:
            return match
    return Match.EXPECTED if matches and all(match is Match.EXPECTED for match in matches) else Match.UNKNOWN


def _match_by_time(expected: Lookup, task: Task) -> Match:
    """Without a digest only one thing is certain: a task cannot run an image that was pushed after it started."""
    pushed_at = expected.pushed_at
    if pushed_at and task.started_at and task.started_at < pushed_at:
        return Match.STARTED_BEFORE_PUSH
    return Match.UNKNOWN


def _match_child(index: Image | None, digest: str, platform: TaskPlatform) -> Match:
    """The task runs one manifest of the expected index: it must be one for the task's platform."""
    children = index.children if index else ()
    fits = any(child.digest == digest and can_run(child.platform, platform) for child in children)
    return Match.EXPECTED if fits else Match.OTHER_PLATFORM


def _match_index(index: Image | None, expected: str, platform: TaskPlatform) -> Match:
    """The task runs an index that holds the expected manifest: it runs the entry for the task's platform."""
    children = index.children if index else ()
    digests = [child.digest for child in runnable(children, platform)]
    if expected not in digests:
        return Match.OTHER_PLATFORM
    return Match.EXPECTED if len(digests) == 1 else Match.UNKNOWN


def _holds(index: Image | None, digest: str) -> bool:
    """Return True if `digest` is a manifest of `index`, for any platform."""
    return index is not None and any(child.digest == digest for child in index.children)


def _is_closed_index(image: Image | None) -> bool:
    """Return True if it is an index whose manifests could not be read."""
    return image is not None and image.manifest is None and image.media_type in (DOCKER_LIST, OCI_INDEX)
