"""The JSON report of a run over several environments."""

from __future__ import annotations

import json
from typing import Any

from pytest_deploycheck.facts.recorded.calls import joined
from pytest_deploycheck.redaction import clean
from pytest_deploycheck.report.document import SCHEMA_VERSION, document, operations
from pytest_deploycheck.report.model import FleetReport, RunReport

_OF_ENVIRONMENT = (
    "verdict",
    "broken_link",
    "account",
    "region",
    "endpoint",
    "observed_at",
    "clock_offset_seconds",
    "facts",
)
"""The members that the report of one environment has at its top and that of several has for each."""


def fleet_text(report: FleetReport) -> str:
    """Return the report as JSON text, with everything masked that looks like a credential."""
    return json.dumps(fleet_document(report), indent=2, ensure_ascii=False) + "\n"


def fleet_document(report: FleetReport) -> dict[str, Any]:
    """Return the report as plain JSON values, valid against `report.schema.json`; of one environment, its own."""
    if len(report.environments) == 1:
        return document(report.environments[0])
    documents = [(one, document(one)) for one in report.environments]
    own = [text for one in report.environments for text in one.mask]
    tests = [{"nodeid": clean(test.nodeid, own=own), "outcome": test.outcome} for test in report.tests]
    return {
        "schema_version": SCHEMA_VERSION,
        "verdict": str(report.verdict),
        "broken_link": report.broken_link,
        "complete": report.complete,
        **({"replay_of": documents[0][1]["replay_of"]} if "replay_of" in documents[0][1] else {}),
        "environments": [_environment(one, written) for one, written in documents],
        "versions": documents[0][1]["versions"],
        "operations": operations(joined(*(one.calls for one in report.environments))),
        "observed_at": max(written["observed_at"] for _, written in documents),
        "services": [
            {"environment": one.environment, **service} for one, written in documents for service in written["services"]
        ],
        "tests": tests,
    }


def _environment(report: RunReport, written: dict[str, Any]) -> dict[str, Any]:
    problem = report.observation.problem
    members = {name: written[name] for name in _OF_ENVIRONMENT if name in written}
    if problem is None:
        return {"name": report.environment, **members}
    known = {"account": written["account"] or None, "region": written["region"] or None}
    why = {"message": clean(problem.message, own=report.mask), "remedy": clean(problem.remedy, own=report.mask)}
    return {"name": report.environment, **members, **known, "problem": why}
