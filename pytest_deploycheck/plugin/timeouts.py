"""Time limits: every test that waits on AWS has one, and a wait knows how much of it is left."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

_DEADLINE: pytest.StashKey[float] = pytest.StashKey()


class Timeouts:
    """Gives tests a default limit, and remembers when pytest-timeout will end the one that runs."""

    def __init__(self, config: pytest.Config) -> None:
        self._available = config.pluginmanager.hasplugin("timeout")
        # A limit of 0 is one too: the user asked for none.
        self._limited = self._available and any(
            value not in (None, "")
            for value in (config.getoption("timeout"), config.getini("timeout"), os.environ.get("PYTEST_TIMEOUT"))
        )
        self._running: pytest.Item | None = None

    def limit(self, item: pytest.Item, seconds: float) -> None:
        """Give a test a limit where nothing else does."""
        if self._available and not self._limited and seconds and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(seconds))

    def time_left(self) -> float | None:
        """Seconds until pytest-timeout ends the running test, or None where nothing limits it."""
        if self._running is None or _DEADLINE not in self._running.stash:
            return None
        return self._running.stash[_DEADLINE] - time.monotonic()

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> None:
        """Note the deadline; pytest-timeout goes on to set its timer."""
        item.stash[_DEADLINE] = time.monotonic() + settings.timeout

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Nothing of the last test holds for the next."""
        del nodeid
        self._running = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """From here on this is the test whose time counts."""
        self._running = item
