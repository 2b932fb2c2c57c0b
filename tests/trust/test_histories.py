from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from pytest_deploycheck.observe import api_calls
from pytest_deploycheck.observe.rates import RateBudget
from pytest_deploycheck.sandbox import Sandbox
from trust.conftest import VERDICTS
from trust.machine import OF_EACH_STATE, Deployments
from trust.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HISTORIES = int(os.environ.get("TRUST_HISTORIES", "4"))
IN_EACH_PART = 125
PARTS = max(1, HISTORIES // IN_EACH_PART)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    """Return a sandbox that this process's variables lead to."""
    # Each call would be made in a thread of its own, to limit its time; here, all are answered at once.
    monkeypatch.setattr(api_calls, "within", lambda _, call, __: call())
    # The rates of AWS would hold the calls back for most of the time, by a clock that is not that of the verification.
    monkeypatch.setattr(RateBudget, "take", lambda *_: None)
    with Sandbox() as aws:
        for name, value in aws.environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        yield World(aws, tmp_path)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(PARTS))
def test_verified_is_true_in_every_history(
    part: int, world: World, record_property: Callable[[str, object], None]
) -> None:
    """Whatever people and AWS do to a deployment, VERIFIED is given only where it is true."""

    class Histories(Deployments):
        pass

    Histories.world = world
    OF_EACH_STATE.clear()
    how = settings(
        max_examples=min(HISTORIES, IN_EACH_PART),
        stateful_step_count=6,
        deadline=None,
        database=None,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    run_state_machine_as_test(seed(part)(Histories), settings=how)
    record_property(VERDICTS, "; ".join(f"{state}={count}" for state, count in OF_EACH_STATE.items()))
