"""The layers of Windows images, and the paths by which Windows names their files."""

from __future__ import annotations

import pytest

from pytest_deploycheck.oci.files.layer import Entry, Kind
from pytest_deploycheck.oci.files.windows import drive_entries, plain_path


@pytest.mark.parametrize(
    ("kind", "target", "led_to"),
    [
        ("symlink", r"C:\ProgramData\app", "/ProgramData/app"),
        ("symlink", r"\\?\C:\ProgramData\app", "/ProgramData/app"),
        ("symlink", r"..\data", "../data"),
        ("hardlink", "Files/app/main.py", "app/main.py"),
    ],
)
def test_links_lead_to_where_they_lead_on_the_drive(kind: Kind, target: str, led_to: str) -> None:
    """A symbolic link is written as Windows names paths, a hard link by its place in the layer."""
    (entry,) = drive_entries([Entry("Files/app/link", kind, target=target)])
    assert (entry.path, entry.kind, entry.target) == ("app/link", kind, led_to)


def test_what_is_not_on_the_drive_is_left_out() -> None:
    """Registry hives and the utility VM are in the same layer, and no files of the image."""
    entries = [Entry("Hives/Software_Delta", "file"), Entry("FilesOther/a", "file"), Entry("Files/a", "file")]
    assert [one.path for one in drive_entries(entries)] == ["a"]


@pytest.mark.parametrize("path", [r"C:\app\main.py", "c:/app/main.py", r"\\.\C:\app\main.py", "/app/main.py"])
def test_one_file_has_one_path(path: str) -> None:
    """It does not depend on the slash, nor on whether the drive is named."""
    assert plain_path(path) == "/app/main.py"
