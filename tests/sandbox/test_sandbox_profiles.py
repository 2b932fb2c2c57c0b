from __future__ import annotations

import os
from pathlib import Path

from pytest_deploycheck.sandbox.profiles import Profiles


def test_a_file_is_written_once_and_removed() -> None:
    """Every process that is started with the sandbox's environment reads the same file, until the sandbox stops."""
    profiles = Profiles(["default", "dev"], "eu-west-1")
    path = Path(profiles.file)
    assert profiles.file == str(path)
    text = path.read_text(encoding="utf-8")
    assert "[default]\nregion = eu-west-1\n" in text
    assert "[profile dev]\nregion = eu-west-1\n" in text
    profiles.remove()
    assert not path.exists()


def test_without_profiles_there_is_no_file() -> None:
    """The null device stands for a configuration without profiles, and is not removed."""
    profiles = Profiles([], "eu-west-1")
    assert profiles.file == os.devnull
    profiles.remove()
    assert Path(os.devnull).exists()
