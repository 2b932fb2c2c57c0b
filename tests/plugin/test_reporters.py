"""The evidence in JUnit XML and in the report of pytest-html."""

from __future__ import annotations

import re
import shutil
from html import unescape
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from support.other_plugins import without
from support.replays import REPORTS

if TYPE_CHECKING:
    from plugin.conftest import Deploy, Outcome

CHECKS = ("-k", "image-exists or rollout-complete or test_it")


@pytest.fixture
def replay(deploy: Deploy, pytester: pytest.Pytester) -> Deploy:
    """Return what replays a report of the documentation: the quickest run with findings."""

    def run(*args: str, scenario: str | None = None, env: str | None = None) -> Outcome:
        shutil.copy(REPORTS / f"{scenario}.json", pytester.path / "old.json")
        return deploy(*CHECKS, "--deploy-replay=old.json", *args, env=env)

    return run


def suite(pytester: pytest.Pytester) -> ET.Element:
    """Return the suite of the XML report."""
    found = ET.parse(pytester.path / "junit.xml").getroot().find("testsuite")  # noqa: S314  # pytest wrote it
    assert found is not None
    return found


def properties(node: ET.Element) -> dict[str, str]:
    """Return the properties of a suite or a case."""
    return {one.attrib["name"]: one.attrib["value"] for one in node.findall("properties/property")}


@pytest.mark.parametrize(("family", "workers"), [("xunit1", ()), ("xunit2", ()), ("xunit2", ("-n1",))])
def test_junit(replay: Deploy, pytester: pytest.Pytester, family: str, workers: tuple[str, ...]) -> None:
    """The suite names verdict, environment, image and digest; each case has its evidence, as its schema allows it."""
    pytester.makepyfile("def test_it(deploy_env): assert deploy_env.name == 'sandbox'")
    outcome = replay("--junit-xml=junit.xml", "-o", f"junit_family={family}", *workers, scenario="not-restarted")
    assert outcome.status == 1, outcome.output
    known = properties(suite(pytester))
    image = outcome.report["services"][0]["image"]
    assert known["deploycheck.verdict"] == "REFUTED"
    assert known["deploycheck.broken_link"] == "rollout"
    assert known["deploycheck.environment"] == "sandbox"
    assert known["deploycheck.backend.digest"] == image["digest"]
    assert known["deploycheck.backend.image"] == image["reference"]
    case = next(one for one in suite(pytester).iter("testcase") if one.attrib["name"] == "rollout-complete")
    test = next(one for one in suite(pytester).iter("testcase") if one.attrib["name"] == "test_it")
    if family == "xunit1":
        assert properties(test)["deploycheck.outcome"] == "passed"
        assert "NOT_STARTED" in properties(case)["deploycheck.evidence"]
    else:
        assert "outcome: passed" in (test.findtext("system-out") or "")
        assert case.find("properties") is None
        assert "evidence: NOT_STARTED" in (case.findtext("system-out") or "")


def test_junit_of_a_run_that_did_not_start(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A run that ends with exit status 4 has one errored case with the reason, and no old report stays."""
    (pytester.path / "junit.xml").write_text("<testsuites/>", encoding="utf-8")
    assert "soon" in deploy("--junit-xml=junit.xml", "--deploy-wait=soon", scenario="healthy").refused()
    (case,) = suite(pytester).iter("testcase")
    assert "soon" in (case.findtext("error") or "")
    assert suite(pytester).attrib["errors"] == "1"


def test_junit_of_a_run_without_the_environment_that_it_needs(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A refusal for want of an environment is the reason in the XML report, too."""
    assert "needs --deploy-env" in deploy("--junit-xml=junit.xml", "--deploy-sandbox=stale").refused()
    (case,) = suite(pytester).iter("testcase")
    assert "--deploy-sandbox needs --deploy-env=sandbox" in (case.findtext("error") or "")


def test_pytest_html(replay: Deploy, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of pytest-html has the verdict on each service, log lines of failed tests, and our page in a frame."""
    monkeypatch.setenv("PYTEST_ADDOPTS", without("html"))
    pytester.makepyfile("def test_it(deploy_logs): assert 'Found 3 platform sections' in deploy_logs")
    outcome = replay("--html=page.html", "--self-contained-html", scenario="cached-layer")
    assert outcome.status == 1, outcome.output
    page = (pytester.path / "page.html").read_text(encoding="utf-8")
    assert "Deployment of sandbox/backend" in page
    assert outcome.report["services"][0]["image"]["digest"] in page
    assert "Log lines" in page
    (frame,) = re.findall(r'<iframe title="Deployment" sandbox="allow-same-origin" srcdoc="([^"]*)"', page)
    assert "<h1>REFUTED</h1>" in unescape(frame)
    assert "Content-Security-Policy" in unescape(frame)
