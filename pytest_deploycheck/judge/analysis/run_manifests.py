"""The manifests of an expected image that the tasks of a service run."""

from __future__ import annotations

from msgspec import Struct

from pytest_deploycheck.facts.image import Child, Image
from pytest_deploycheck.facts.snapshot import Judged, ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.analysis.matching import platform_of
from pytest_deploycheck.judge.wording import short
from pytest_deploycheck.oci.platforms import TaskPlatform, runnable


class RunManifests(Struct, frozen=True):
    """The manifests of an image that tasks run.

    Attributes:
        digests: The digest of the manifest of each platform that tasks run.
        doubt: Why it is not known which manifest some task runs; empty where it is known of all.
    """

    digests: tuple[str, ...] = ()
    doubt: str = ""


def run_manifests(judged: Judged, facts: ServiceFacts) -> RunManifests:
    """Return the manifests of the expected image for the platforms on which the tasks run.

    A task runs the child of an index that it shows, else the only one that fits its platform. Without a running task
    the platform of the task definition counts.
    """
    image = judged.expected.image
    if image is None or image.manifest is None:
        return RunManifests(doubt="the manifest of the expected image is not known")
    if not image.manifest.is_index:
        return RunManifests((image.digest,))
    found: dict[str, None] = {}
    for task in facts.running or (None,):
        children = _children(image, judged, task, facts)
        if len(children) != 1:
            return RunManifests(doubt=_doubt(image, children, platform_of(task, facts)))
        found[children[0].digest] = None
    return RunManifests(tuple(found))


def _children(image: Image, judged: Judged, task: Task | None, facts: ServiceFacts) -> tuple[Child, ...]:
    """Return the children of the index that a task can be running, or would run without a task."""
    digest = task.digest_of(judged.container) if task else None
    shown = tuple(child for child in image.children if child.digest == digest)
    # The same manifest may be listed for several platforms.
    return shown[:1] or runnable(image.children, platform_of(task, facts))


def _doubt(image: Image, fitting: tuple[Child, ...], platform: TaskPlatform) -> str:
    entries = ", ".join(
        f"{child.platform.with_version if child.platform else 'no platform'} ({short(child.digest)})"
        for child in fitting or image.children
    )
    if not fitting:
        return f"the index {short(image.digest)} has no manifest for {platform}, on which tasks run; it has {entries}"
    return f"the index {short(image.digest)} has several manifests that fit tasks on {platform}: {entries}"
