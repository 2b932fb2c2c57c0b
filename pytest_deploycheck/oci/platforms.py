"""The platform of a task beside those of an image: which entry of an index a task can run."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from pytest_deploycheck.facts.image import Child, Platform

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "arm64": "arm64", "aarch64": "arm64"}

# The build number of each release of Windows Server, by the release in ECS's names of operating systems.
_WINDOWS_BUILDS = {
    "2016": "14393",
    "2019": "17763",
    "2004": "19041",
    "20h2": "19042",
    "2022": "20348",
    "2025": "26100",
}
_WORD_BREAK = re.compile(r"[\s_]+")


class TaskPlatform(Struct, frozen=True):
    """The platform on which a task runs, as far as it is known from ECS.

    Attributes:
        os: The operating system in the words of images (`linux`, `windows`), or None where it is not known.
        architecture: The CPU architecture in the words of images (`amd64`, `arm64`), or None where it is not known.
        build: The build number of Windows, such as `20348`, or None where it is not known.
    """

    os: str | None = None
    architecture: str | None = None
    build: str | None = None

    def __str__(self) -> str:
        os = f"{self.os}(build {self.build})" if self.os and self.build else self.os
        return "/".join(filter(None, (os, self.architecture))) or "an unknown platform"


def task_platform(os: str | None, architecture: str | None) -> TaskPlatform:
    """Return the platform of a task in the words of images.

    Args:
        os: The operating system in the words of ECS: `LINUX`, `WINDOWS_SERVER_2022_CORE`, `Windows Server 2022 Core`,
            or None.
        architecture: The CPU architecture in the words of ECS: `X86_64`, `arm64`, or None.
    """
    words = _WORD_BREAK.split((os or "").strip().lower())
    family = words[0] if words[0] in {"linux", "windows"} else None
    builds = (_WINDOWS_BUILDS.get(word) for word in words) if family == "windows" else ()
    return TaskPlatform(
        os=family,
        architecture=_ARCHITECTURES.get(architecture.lower()) if architecture else None,
        build=next(filter(None, builds), None),
    )


def can_run(platform: Platform | None, task: TaskPlatform) -> bool:
    """Return True if a task can run an image for a platform; what is unknown on either side excludes nothing."""
    if platform is None:
        return True
    return task.os in (None, platform.os) and task.architecture in (None, platform.architecture)


def runnable(children: Sequence[Child], task: TaskPlatform) -> tuple[Child, ...]:
    """Return the entries of an index that a task can run.

    A container runtime takes one of them: of several for Windows, the one for the build of the task. Several are left
    where the platform of the task is not fully known, or where the index has several entries for it, such as variants
    of a processor: which one runs is then open.
    """
    fitting = [child for child in children if can_run(child.platform, task)]
    of_build = [child for child in fitting if task.build and _build(child.platform) == task.build]
    # Two entries for one manifest are the same image.
    return tuple({child.digest: child for child in of_build or fitting}.values())


def _build(platform: Platform | None) -> str | None:
    """Return the build number in a version of Windows, such as `20348` in `10.0.20348.2762`."""
    numbers = (platform.os_version or "").split(".") if platform else []
    return numbers[2] if len(numbers) > 2 else None  # noqa: PLR2004 - the third number
