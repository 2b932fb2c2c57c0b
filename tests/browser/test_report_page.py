"""The report in HTML, in a real browser: its layout, its use with the keyboard, and for screen readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_core_python.selenium import Axe
from msgspec.structs import replace
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select
from support.hostile import PLANTED, hostile_run
from support.runs import findings_of, logs_finding, run_of, run_report, service_report
from support.worlds import completed, never_restarted, rolled_back

from browser.conftest import DESKTOP, PHONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.conftest import Window
    from pytest_deploycheck.report.model import RunReport


def refuted() -> RunReport:
    """A run with a broken link, a disagreement, and log lines."""
    world = never_restarted()
    return run_of(world, findings_of(world, logs_finding("Found 2 platform sections")))


def fleet(size: int = 12) -> RunReport:
    """Many services, some of them broken."""
    worlds = [completed(), never_restarted(), rolled_back("service deployments")]
    named = (replace(worlds[number % 3], name=f"service-{number}") for number in range(size))
    return run_report(*(service_report(world) for world in named))


REPORTS: dict[str, Callable[[], RunReport]] = {
    "refuted": refuted,
    "verified": lambda: run_of(completed()),
    "fleet": fleet,
    "hostile": hostile_run,
    "two": lambda: fleet(2),
}


@pytest.mark.parametrize("name", [name for name in REPORTS if name != "two"])
def test_a_page_fits_its_window_and_makes_no_error(window: Window, name: str) -> None:
    """Unfolded, a page scrolls to no side on a desktop or a phone, and its console stays empty."""
    window.show(REPORTS[name](), width=DESKTOP)
    assert window.overflow <= 0
    window.resize(PHONE)
    assert window.overflow <= 0
    assert window.console == []


@pytest.mark.parametrize(("name", "width", "dark"), [("refuted", PHONE, True), ("two", DESKTOP, False)])
def test_axe_finds_no_violation(window: Window, name: str, width: int, *, dark: bool) -> None:
    """Contrast, names of pictures, the order of headings, landmarks and labels satisfy the rules of axe-core."""
    window.show(REPORTS[name](), width=width, dark=dark, unfold=name != "two")
    violations = Axe().run(window.driver)["violations"]
    assert [(one["id"], one["nodes"][0]["html"], one["nodes"][0]["failureSummary"]) for one in violations] == []


def test_what_is_planted_does_not_run(window: Window) -> None:
    """Markup in log lines, names and tags is text: no script, no handler and no style of it takes effect."""
    window.show(hostile_run())
    assert PLANTED in window.run("return document.body.textContent")
    assert window.run("return window.planted") is None
    assert (
        window.run("return document.querySelectorAll('main img, main script, main style, main a[href^=java]').length")
        == 0
    )


def test_the_policy_stops_what_would_slip_through(window: Window) -> None:
    """Were a template to let a script through, the page's own policy would keep it from running."""
    window.show(run_of(completed()))
    window.run(
        "const one = document.createElement('script'); one.text = 'window.planted = 1'; document.body.append(one)"
    )
    assert window.run("return window.planted") is None
    assert any("Content Security Policy" in message for message in window.console)


def test_a_fleet_is_filtered_by_name_and_verdict(window: Window) -> None:
    """Typing a name or choosing a verdict leaves what fits, in the list and below it, and says how many."""
    window.show(fleet())
    shown = "return [...document.querySelectorAll('li[data-name]')].filter((one) => one.offsetParent).length"
    below = "return [...document.querySelectorAll('article')].filter((one) => one.offsetParent).length"
    assert window.run(shown) == 12
    Select(window.driver.find_element(By.NAME, "verdict")).select_by_visible_text("REFUTED")
    assert (window.run(shown), window.run(below)) == (8, 8)
    window.driver.find_element(By.NAME, "name").send_keys("SERVICE-1")
    assert (window.run(shown), window.run(below)) == (3, 3)
    assert window.driver.find_element(By.CSS_SELECTOR, "output").text == "3 shown"


def test_a_page_works_with_the_keyboard(window: Window) -> None:
    """The first stop leads past the head to the report, and a check is folded and unfolded without a mouse."""
    window.show(refuted())
    window.driver.switch_to.active_element.send_keys(Keys.TAB)
    assert str(window.driver.switch_to.active_element.get_attribute("href")).endswith("#report")
    summary = window.driver.find_element(By.CSS_SELECTOR, ".check summary")
    is_open = "return document.querySelector('.check').open"
    before = window.run(is_open)
    summary.send_keys(Keys.ENTER)
    assert window.run(is_open) is not before


def test_the_broken_link_is_what_is_seen_first(window: Window) -> None:
    """On a desktop the verdict, the broken link and the next command are on the first screen, in large type."""
    window.show(refuted(), width=DESKTOP)
    rectangle = (
        "const box = document.querySelector(arguments[0]).getBoundingClientRect(); return [box.bottom, box.height]"
    )
    for selector, least in (("h1", 40), ("svg.wide .here", 20), (".command pre", 20)):
        bottom, height = window.driver.execute_script(rectangle, selector)
        assert bottom < 900, selector
        assert height >= least, selector
