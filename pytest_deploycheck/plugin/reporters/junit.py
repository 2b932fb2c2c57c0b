"""The evidence in pytest's JUnit XML: properties of the suite, evidence of each check, and a run that did not start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from _pytest.junitxml import LogXML, xml_key

from pytest_deploycheck.facts.codec import from_json
from pytest_deploycheck.judge.finding import Finding
from pytest_deploycheck.plugin.outcomes.redacting import ReportRedaction
from pytest_deploycheck.plugin.outcomes.sent import attached
from pytest_deploycheck.report.model import FleetReport, RunReport

_STRICT = "xunit2"
"""The family of schemas in which a test case has no properties; there the evidence is its output."""

_NAME = "deploycheck"


class JunitEvidence:
    """Adds to the XML report of this run, where one is written.

    Args:
        config: The configuration of pytest.
        redaction: The redaction of the run.
    """

    def __init__(self, config: pytest.Config, redaction: ReportRedaction) -> None:
        self._config = config
        self._redaction = redaction
        self._evidence: dict[tuple[str, object], dict[str, str]] = {}

    @property
    def _xml(self) -> LogXML | None:
        """Pytest's own report, which it makes after this object."""
        return self._config.stash.get(xml_key, None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the evidence of a check or a test to its case, before pytest closes that."""
        if self._xml is None:
            return
        key = (report.nodeid, getattr(report, "node", None))
        found = _evidence(attached(report))
        if found and (report.failed or key not in self._evidence):
            self._evidence[key] = found
        if report.when == "teardown" and key in self._evidence:
            self._add(report, self._xml, self._evidence.pop(key))

    def record_run(self, report: FleetReport) -> None:
        """Add the verdict, the environments, and the image of each service to the properties of the suite."""
        if self._xml is None:
            return
        properties = {"verdict": str(report.verdict), "broken_link": report.broken_link or ""}
        properties["environment"] = ", ".join(one.environment for one in report.environments)
        for environment in report.environments:
            prefix = f"{environment.environment}." if len(report.environments) > 1 else ""
            properties |= {f"{prefix}{name}": text for name, text in _services(environment)}
        for name, text in properties.items():
            self._xml.add_global_property(f"{_NAME}.{name}", self._redaction.short(text))

    def record_refusal(self, message: str, *, is_under_way: bool) -> None:
        """Add one errored case for a run that ends with exit status 4.

        Args:
            message: The reason.
            is_under_way: Whether pytest will write the report itself, as the session has started.
        """
        if self._xml is None:
            return
        case = self._xml.node_reporter(f"{_NAME}::run")
        case.attrs.update(classname=_NAME, name="run")
        case._add_simple("error", "the run could not start", self._redaction.short(message))  # noqa: SLF001  # as for its internal errors
        if not is_under_way:
            if not hasattr(self._xml, "suite_start"):
                self._xml.pytest_sessionstart()
            self._xml.pytest_sessionfinish()

    def _add(self, report: pytest.TestReport, xml: LogXML, evidence: Mapping[str, str]) -> None:
        case = xml.node_reporter(report)
        if xml.family == _STRICT:
            lines = "\n".join(f"{name}: {self._redaction.short(text)}" for name, text in evidence.items())
            case._write_content(report, lines, "system-out")  # noqa: SLF001  # the only way to its output
            return
        for name, text in evidence.items():
            case.add_property(f"{_NAME}.{name}", self._redaction.short(text))


def _evidence(sent: Mapping[str, Any]) -> dict[str, str]:
    """Return the evidence that is attached to the report of a check, or of a test about the deployment."""
    if "finding" in sent:
        finding = from_json(sent["finding"], Finding)
        texts = {"status": str(finding.status), "link": finding.link, "evidence": finding.summary}
        texts |= {"remedy": finding.remedy, "command": finding.command}
        return {name: text for name, text in texts.items() if text}
    if sent.get("services") is not None and sent["outcome"]:
        return {"outcome": sent["outcome"], "services": ", ".join(sent["services"])}
    return {}


def _services(report: RunReport) -> list[tuple[str, str]]:
    found = []
    for service in report.services:
        found.append((f"{service.name}.verdict", str(service.judgement.verdict)))
        for judged in service.facts.judged:
            name = service.name if len(service.facts.judged) == 1 else f"{service.name}.{judged.container}"
            found.append((f"{name}.image", str(judged.expected.reference)))
            found.append((f"{name}.digest", judged.expected.digest or ""))
    return found
