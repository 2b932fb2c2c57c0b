"""The platform of a task beside those of an image: which entry of an index a task can run."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from pytest_deploycheck.facts.image import Child, Platform

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "arm64": "arm64", "aarch64": "arm64"}


class TaskPlatform(Struct, frozen=True):
    """The platform on which a task runs, as far as ECS tells.

    Attributes:
        os: The operating system in the words of images (`linux`, `windows`), or None where nothing tells.
        architecture: The CPU architecture in the words of images (`amd64`, `arm64`), or None where nothing tells.
    """

    os: str | None = None
    architecture: str | None = None

    def __str__(self) -> str:
        if self.architecture is None:
            return self.os or "an unknown platform"
        return f"{self.os}/{self.architecture}" if self.os else self.architecture


def task_platform(os: str | None, architecture: str | None) -> TaskPlatform:
    """Return the platform of a task in the words of images.

    Args:
        os: What ECS says of the operating system: `LINUX`, `WINDOWS_SERVER_2022_CORE` or None.
        architecture: What ECS says of the CPU architecture: `X86_64`, `arm64` or None.
    """
    family = (os or "").lower().partition("_")[0]
    return TaskPlatform(
        os=family if family in {"linux", "windows"} else None,
        architecture=_ARCHITECTURES.get(architecture.lower()) if architecture else None,
    )


def can_run(platform: Platform | None, task: TaskPlatform) -> bool:
    """Return True if a task can run what was built for a platform; what is unknown on either side excludes nothing."""
    if platform is None:
        return True
    return task.os in (None, platform.os) and task.architecture in (None, platform.architecture)


def runnable(children: Sequence[Child], task: TaskPlatform) -> tuple[Child, ...]:
    """Return the entries of an index that a task can run.

    A container runtime takes one of them. Several are left where the platform of the task is not fully known, or where
    the index has several entries for it, such as variants of a processor: which one runs is then open.
    """
    fitting = [child for child in children if can_run(child.platform, task)]
    # Two entries for one manifest are the same image.
    return tuple({child.digest: child for child in fitting}.values())
