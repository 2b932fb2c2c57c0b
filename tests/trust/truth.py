"""The truth about a deployment, kept beside the sandbox and never read from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Ending = Literal["COMPLETED", "IN_PROGRESS", "FAILED", "ROLLED_BACK"]

HOME = "linux/amd64"
"""The platform that the tasks run on."""

PLATFORMS = (
    (HOME,),
    (HOME, "linux/arm64"),
    ("windows/amd64", HOME),
    ("windows/amd64", "linux/arm64", HOME),
)
"""The platforms that images are built for, each with a manifest of its own where they are several."""

APPLICATION = "/app"
"""The folder that the application's files have in the image."""


@dataclass(eq=False)
class TrueImage:
    """An image that was pushed.

    Attributes:
        number: Its number among the pushes.
        versions: The version of the code it holds, by platform.
        tags: The tags that it was pushed with.
        digest: Its digest, as the push gave it.
        children: The digests of an index's manifests by platform.
        is_there: Whether it is still in the registry.
    """

    number: int
    versions: dict[str, int]
    tags: tuple[str, ...]
    digest: str = ""
    children: Mapping[str, str] = field(default_factory=dict)
    is_there: bool = True

    def digest_for(self, platform: str) -> str:
        """Return the digest of the manifest for a platform."""
        return self.children.get(platform, self.digest)


@dataclass(eq=False)
class TrueTask:
    """A task of the service.

    Attributes:
        image: The image that its container runs.
        lines: The lines that it logged and that can be read.
        late: The lines that it logged and that have not arrived; what it logs later arrives after them.
        has_logs: Whether it logs anything.
        mount: The path of the volume that is mounted in its container; empty for none.
    """

    image: TrueImage
    lines: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    has_logs: bool = True
    mount: str = ""

    @property
    def version(self) -> int | None:
        """The version of the code that it runs; None where a volume hides what the image holds."""
        return None if self.mount == APPLICATION else self.image.versions[HOME]


@dataclass(frozen=True)
class Brought:
    """The image and the settings that a rollout brought.

    Attributes:
        image: The image, as the rollout resolved its reference.
        reference: The reference in the task definition.
        mount: The path of the volume that is mounted.
        resolves_once: Whether later tasks run the image that the rollout resolved, wherever its tag is by then.
    """

    image: TrueImage
    reference: str
    mount: str
    resolves_once: bool


@dataclass
class Truth:
    """The state of the world.

    Attributes:
        tags: The image that each tag names now.
        images: Every image that was pushed, oldest first.
        tasks: The running tasks.
        desired: How many tasks the service wants.
        ending: How the newest rollout ended.
        done: What the newest completed rollout brought.
        begun: What the newest rollout that was begun brings.
        expected: The image that was to be shipped.
        version: The version of the code that was to be shipped.
    """

    tags: dict[str, TrueImage] = field(default_factory=dict)
    images: list[TrueImage] = field(default_factory=list)
    tasks: list[TrueTask] = field(default_factory=list)
    desired: int = 2
    ending: Ending = "COMPLETED"
    done: Brought | None = None
    begun: Brought | None = None
    expected: TrueImage | None = None
    version: int = 0

    def named_by(self, reference: str) -> TrueImage | None:
        """Return the image that a reference names now: a tag, `@` and a digest, or both, of which the digest counts."""
        tag, _, digest = reference.partition("@")
        if not digest:
            return self.tags.get(tag)
        return next((one for one in self.images if one.digest == digest and one.is_there), None)

    def image_of_new_tasks(self, brought: Brought) -> TrueImage | None:
        """Return the image that ECS gives to a task that starts now; None where it cannot be pulled."""
        image = brought.image if brought.resolves_once else self.named_by(brought.reference)
        return image if image and image.is_there else None

    def runs_expected_image(self) -> bool:
        """Return whether each running task runs the expected image, and as many run as are wanted, at least one."""
        return len(self.tasks) >= max(1, self.desired) and all(task.image is self.expected for task in self.tasks)

    def runs_other_code(self) -> bool:
        """Return whether a running task runs other code than was to be shipped."""
        return any(task.version not in {None, self.version} for task in self.tasks)

    def runs_expected_code(self) -> bool:
        """Return whether each running task is known to run the code that was to be shipped."""
        return bool(self.tasks) and all(task.version == self.version for task in self.tasks)

    def logged(self, line: str) -> bool:
        """Return whether a line of a running task can be read."""
        return any(line in task.lines for task in self.tasks)
