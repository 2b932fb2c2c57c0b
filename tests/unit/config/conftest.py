"""A rootdir to write configuration into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from pytest_deploycheck.config import loading
from pytest_deploycheck.config.settings import EnvironmentSettings
from pytest_deploycheck.errors import ConfigurationError

Load: TypeAlias = Callable[..., EnvironmentSettings]
Refuse: TypeAlias = Callable[..., list[str]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Writes a deploycheck.toml and gives one of its environments."""

    def write_and_load(toml: str, name: str = "dev") -> EnvironmentSettings:
        (tmp_path / "deploycheck.toml").write_text(toml, encoding="utf-8")
        return loading.environments(loading.find([tmp_path], None), name)[0]

    return write_and_load


@pytest.fixture
def refuse(load: Load) -> Refuse:
    """Writes a deploycheck.toml that is not valid and gives the lines of the message."""

    def write_and_load(toml: str, name: str = "dev") -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            load(toml, name)
        return caught.value.message.splitlines()

    return write_and_load
