"""The environment's `base_url` for pytest-base-url, whose users' browser and HTTP tests follow the environment so."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest


class BaseUrl:
    """Hands the environment's `base_url` to pytest-base-url, where that is installed and nobody asked for another.

    It is made before pytest-base-url's own `pytest_configure`. That copies the ini file's value, which is less than the
    environment's, into the option, and nothing tells it there from what was asked for on the command line or by
    PYTEST_BASE_URL.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._is_asked_for = bool(config.getoption("base_url", None))

    def hand_over(self, url: str | None) -> None:
        """Let pytest-base-url see the environment's URL; None where it has none."""
        plugin = self._plugin()
        if url is None or plugin is None or self._is_asked_for or self._is_set_by_others():
            return
        self._config.option.base_url = url
        # Once more, as if it had been on the command line: it notes the URL for pytest-metadata and its reports too.
        plugin.pytest_configure(self._config)

    def _plugin(self) -> ModuleType | None:
        """The module of pytest-base-url, whatever name it is registered by, or None."""
        module = sys.modules.get("pytest_base_url.plugin")
        return module if module is not None and self._config.pluginmanager.is_registered(module) else None

    def _is_set_by_others(self) -> bool:
        """Return True if the project's own code, such as a `pytest_configure`, has set the option meanwhile."""
        return self._config.getoption("base_url") not in (None, self._config.getini("base_url"))
