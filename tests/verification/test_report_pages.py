"""The reports of every scenario of the sandbox: the structure of the page, and the pictures in docs."""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from support.outline import Outline
from support.scenarios import fleet_report, scenario_report

from pytest_deploycheck.report.html.rendering import to_html
from pytest_deploycheck.sandbox.scenarios import SCENARIOS

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from pytest_deploycheck.report.model import RunReport

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"


@cache
def report_of(name: str) -> RunReport:
    """Return the report of a scenario, of which there is one verification for all tests here."""
    return fleet_report() if name == "fleet" else scenario_report(name)


@cache
def drawing() -> ModuleType:
    """Return the script that draws the pictures."""
    spec = importlib.util.spec_from_file_location("make_pictures", ROOT / "docs" / "make_pictures.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_page_of_each_scenario(name: str, snapshot: SnapshotAssertion) -> None:
    """Headings, the chain, the diagnosis, the images and the timeline of each scenario, as texts to be read."""
    page = to_html(report_of(name))
    assert Outline(page).text == snapshot
    assert len(page.encode()) < 300_000


@pytest.mark.parametrize("name", drawing().SHOWN)
def test_the_pictures_are_current(name: str) -> None:
    """Each picture in docs shows what a run of today shows; `python docs/make_pictures.py` draws them again."""
    draw, report = drawing(), report_of(name)
    drawn = ET.fromstring((PICTURES / f"{name}.svg").read_text(encoding="utf-8"))  # noqa: S314  # our own
    texts = ["".join(one.itertext()) for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
    today = [str(line) for line in draw.terminal_lines(name, report)]
    assert draw.words_of("\n".join(texts)) == draw.words_of("\n".join(today))
    digests = json.loads((PICTURES / "pages.json").read_text(encoding="utf-8"))
    assert digests[name] == draw.digest_of(to_html(report))
    assert (PICTURES / f"{name}.png").stat().st_size < 150_000
