"""The truth about a deployment, kept beside the sandbox and never read from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Ending = Literal["COMPLETED", "IN_PROGRESS", "FAILED", "ROLLED_BACK"]

PLATFORMS = ("linux/amd64", "linux/arm64")
"""The platforms that images are built for; the tasks run on the first."""


@dataclass(eq=False)
class TrueImage:
    """An image that was pushed.

    Attributes:
        number: Its number among the pushes.
        versions: The version of the code it holds, by platform.
        tags: The tags that it was pushed with.
        digest: Its digest, as the push gave it.
        is_there: Whether it is still in the registry.
    """

    number: int
    versions: dict[str, int]
    tags: tuple[str, ...]
    digest: str = ""
    is_there: bool = True


@dataclass(eq=False)
class TrueTask:
    """A task of the service.

    Attributes:
        image: The image that its container runs.
        lines: The lines that it logged and that can be read.
        speaks: Whether it logs anything.
    """

    image: TrueImage
    lines: list[str] = field(default_factory=list)
    speaks: bool = True


@dataclass
class Truth:
    """The state of the world.

    Attributes:
        tags: The image that each tag names now.
        images: Every image that was pushed, oldest first.
        tasks: The running tasks.
        desired: How many tasks the service wants.
        ending: How the newest rollout ended.
        rollout_image: The image that the newest completed rollout brought, which ECS gives to later tasks as well.
        reference: The reference in the task definition.
        expected: The image that was to be shipped.
        version: The version of the code that was to be shipped.
    """

    tags: dict[str, TrueImage] = field(default_factory=dict)
    images: list[TrueImage] = field(default_factory=list)
    tasks: list[TrueTask] = field(default_factory=list)
    desired: int = 2
    ending: Ending = "COMPLETED"
    rollout_image: TrueImage | None = None
    reference: str = ""
    expected: TrueImage | None = None
    version: int = 0

    def runs_expected_image(self) -> bool:
        """Return whether each running task runs the expected image, and as many run as are wanted, at least one."""
        return len(self.tasks) >= max(1, self.desired) and all(task.image is self.expected for task in self.tasks)

    def runs_expected_code(self) -> bool:
        """Return whether each running task runs the code that was to be shipped."""
        return bool(self.tasks) and all(task.image.versions[PLATFORMS[0]] == self.version for task in self.tasks)

    def logged(self, line: str) -> bool:
        """Return whether a running task logged a line."""
        return any(line in task.lines for task in self.tasks)
