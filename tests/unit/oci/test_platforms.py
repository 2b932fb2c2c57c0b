from __future__ import annotations

import pytest

from pytest_deploycheck.facts.image import Child, Platform
from pytest_deploycheck.oci.platforms import TaskPlatform, runnable, task_platform

OLD, NEW, NEWER = (
    Child(f"sha256:{build}", Platform("windows", "amd64", os_version=f"10.0.{build}.2762"))
    for build in ("17763", "20348", "26100")
)
LINUX = Child("sha256:linux", Platform("linux", "amd64"))


@pytest.mark.parametrize(
    ("os", "platform"),
    [
        ("LINUX", TaskPlatform("linux")),
        ("Linux", TaskPlatform("linux")),
        ("WINDOWS_SERVER_2016_FULL", TaskPlatform("windows", build="14393")),
        ("WINDOWS_SERVER_2019_CORE", TaskPlatform("windows", build="17763")),
        ("Windows Server 2019 Core", TaskPlatform("windows", build="17763")),
        ("windows_server_20H2_core", TaskPlatform("windows", build="19042")),
        (" Windows  Server 2022 Full ", TaskPlatform("windows", build="20348")),
        ("WINDOWS_SERVER_2025_CORE", TaskPlatform("windows", build="26100")),
        ("windows", TaskPlatform("windows")),
        ("WINDOWS_SERVER_2099_CORE", TaskPlatform("windows")),
        ("linux 2019", TaskPlatform("linux")),
        ("", TaskPlatform()),
        (None, TaskPlatform()),
    ],
)
def test_the_operating_system_is_read_in_each_form(os: str | None, platform: TaskPlatform) -> None:
    """ECS names operating systems with underscores or blanks; a release of Windows is known by its build number."""
    assert task_platform(os, None) == platform


@pytest.mark.parametrize(
    ("os", "children", "expected"),
    [
        ("WINDOWS_SERVER_2019_CORE", (OLD, NEW, LINUX), (OLD,)),
        ("Windows Server 2022 Core", (OLD, NEW, LINUX), (NEW,)),
        ("WINDOWS_SERVER_2025_FULL", (OLD, NEW, NEWER), (NEWER,)),
        ("WINDOWS_SERVER_2025_FULL", (OLD, NEW), (OLD, NEW)),
        ("windows", (OLD, NEW, LINUX), (OLD, NEW)),
        ("WINDOWS_SERVER_2022_CORE", (OLD, LINUX), (OLD,)),
        ("WINDOWS_SERVER_2022_CORE", (LINUX,), ()),
        ("LINUX", (OLD, NEW, LINUX), (LINUX,)),
    ],
)
def test_the_build_number_decides_between_entries_for_windows(
    os: str, children: tuple[Child, ...], expected: tuple[Child, ...]
) -> None:
    """Of several entries for Windows, the one for the build of the task runs; where none is, it stays open."""
    assert runnable(children, task_platform(os, "X86_64")) == expected


@pytest.mark.parametrize("version", ["", "10.0", "10", "a.b", None])
def test_a_version_without_a_build_number_chooses_nothing(version: str | None) -> None:
    """An unreadable version leaves it open which entry runs."""
    odd = Child("sha256:odd", Platform("windows", "amd64", os_version=version))
    assert runnable((odd, OLD), task_platform("WINDOWS_SERVER_2022_CORE", None)) == (odd, OLD)


@pytest.mark.parametrize(
    ("platform", "text"),
    [
        (TaskPlatform("windows", "amd64", "20348"), "windows(build 20348)/amd64"),
        (TaskPlatform("linux", "arm64"), "linux/arm64"),
        (TaskPlatform(None, "arm64"), "arm64"),
        (TaskPlatform("linux"), "linux"),
        (TaskPlatform(), "an unknown platform"),
    ],
)
def test_a_platform_in_words_has_all_that_is_known(platform: TaskPlatform, text: str) -> None:
    """Messages name the operating system, its build and the architecture as far as they are known."""
    assert str(platform) == text
