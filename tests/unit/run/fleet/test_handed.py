"""The values that workers get with their start-up data."""

from __future__ import annotations

from time import process_time

from msgspec.structs import replace
from support.runs import IDENTITY
from support.worlds import NOW, completed, task

from pytest_deploycheck.facts.baseline import Baseline
from pytest_deploycheck.facts.snapshot import Observation
from pytest_deploycheck.run.fleet.handed import Handed


def test_nothing_is_lost_on_the_way() -> None:
    """A worker has the values of the process that started it."""
    observation = Observation(IDENTITY, NOW, NOW, (completed(),))
    baseline = Baseline("report.json", "eu", "123456789012", "eu-west-1", NOW)
    handed = Handed({"eu": ("web",)}, {"eu": observation}, {"cluster": "shop"}, (baseline,))
    assert Handed.from_bytes(handed.as_bytes()) == handed


def test_the_facts_of_a_fleet_are_small() -> None:
    """A hundred services of four tasks are well under a second and a quarter of a megabyte."""
    facts = completed(tasks=[task(f"{number:032x}") for number in range(4)])
    services = tuple(replace(facts, name=f"service-{number}") for number in range(100))
    handed = Handed({}, {"eu": Observation(IDENTITY, NOW, NOW, services)}, None, ())
    began = process_time()
    sent = handed.as_bytes()
    assert Handed.from_bytes(sent) == handed
    assert process_time() - began < 1
    assert len(sent) < 250_000
