"""Tests that are run in a world, and can change it while they run."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING
from unittest import mock

if TYPE_CHECKING:
    import pytest

    from plugin.conftest import Deploy, Outcome, World

HEAD = """
import re
import threading
import time
from datetime import timedelta

import pytest

from shop import world
"""


def ask(deploy: Deploy, pytester: pytest.Pytester, world: World, text: str, *args: str) -> Outcome:
    """Run these tests, which have the world at hand as `world`, and no checks."""
    shop = ModuleType("shop")
    shop.__dict__["world"] = world
    pytester.makepyfile(f"{HEAD}\n{text}")
    with mock.patch.dict(sys.modules, {"shop": shop}):
        return deploy("-k", "test_", *args, env="shop")


def not_passed(outcome: Outcome) -> dict[str, str]:
    """Return the tests of a run that did not pass, with how they ended; there has to be one that did."""
    assert outcome.tests, outcome.output
    return {name: word for name, word in outcome.tests.items() if word != "passed"}
