"""The JSON report: CI reads it, and a later run takes it as its baseline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pytest_deploycheck.facts.codec import to_plain
from pytest_deploycheck.facts.recorded.calls import Calls
from pytest_deploycheck.facts.snapshot import Lookup, ServiceFacts
from pytest_deploycheck.judge.analysis.rollback import RollbackTarget
from pytest_deploycheck.judge.finding import IMAGE_CONTENT, IMAGE_INTENDED, Finding, Status
from pytest_deploycheck.judge.record import RunRecord
from pytest_deploycheck.judge.wording import step_of
from pytest_deploycheck.redaction import clean, clean_lines
from pytest_deploycheck.report.model import RunReport, ServiceReport

SCHEMA_VERSION = 1

FACTS_FORMAT = 1
"""The version of the form in which the facts are recorded."""


def to_text(report: RunReport) -> str:
    """Return the report as JSON text, with everything masked that looks like a credential."""
    return as_text(document(report))


def as_text(written: Mapping[str, Any]) -> str:
    """Return a document as JSON text."""
    facts = written.get("facts")
    text = json.dumps({name: one for name, one in written.items() if name != "facts"}, indent=2, ensure_ascii=False)
    if facts is not None:
        # They are for a program, and several times as long as the rest: they take one line.
        text = f'{text.removesuffix("}").rstrip()},\n  "facts": {json.dumps(facts, ensure_ascii=False)}\n}}'
    return f"{text}\n"


def document(report: RunReport) -> dict[str, Any]:
    """Return the report as plain JSON values, valid against `report.schema.json`."""
    identity = report.observation.identity
    written: dict[str, Any] = _cleaned(
        {
            "schema_version": SCHEMA_VERSION,
            "verdict": str(report.verdict),
            "broken_link": report.broken_link,
            "complete": report.complete,
            "environment": report.environment,
            "account": identity.account,
            "region": identity.region,
            **({"endpoint": identity.endpoint} if identity.endpoint else {}),
            **({"replay_of": report.replay_of} if report.replay_of else {}),
            "observed_at": _time(report.observation.observed_at),
            "clock_offset_seconds": identity.clock_offset,
            "versions": dict(report.versions),
            "operations": operations(report.calls),
            "services": [_service(service) for service in report.services],
            "tests": [{"nodeid": test.nodeid, "outcome": test.outcome} for test in report.tests],
        },
        report.mask,
    )
    return written | ({"facts": _facts(report.record, report.mask)} if report.record else {})


def _facts(record: RunRecord, own: Sequence[str]) -> dict[str, Any]:
    """Return the record, with a note on each reading of logs in which something was masked or cut."""
    plain = to_plain(record)
    cleaned: dict[str, Any] = _cleaned(plain, own)
    for service, one in cleaned["services"].items():
        expectations = [kind["environment"]["services"].get(service, {}).get("logs", []) for kind in (plain, cleaned)]
        for check, read in one.get("logs", {}).items():
            number = int(check.rpartition("-")[2]) - 1
            is_same = read == plain["services"][service]["logs"][check]
            if not is_same or expectations[0][number] != expectations[1][number]:
                read["is_masked"] = True
        for before, asked in zip(plain["services"][service].get("asked", []), one.get("asked", []), strict=True):
            if asked != before:
                asked["read"]["is_masked"] = True
    return {"format": FACTS_FORMAT, **cleaned}


def operations(calls: Sequence[Calls]) -> list[dict[str, Any]]:
    """Return the calls of AWS's API as plain values."""
    return [
        {
            "operation": one.operation,
            "times": one.times,
            "first_at": _time(one.first_at),
            "last_at": _time(one.last_at),
        }
        for one in calls
    ]


def _service(service: ServiceReport) -> dict[str, Any]:
    rollout = service.rollout
    return {
        "name": service.name,
        "verdict": str(service.verdict),
        "broken_link": service.broken_link,
        "intent": _intent(service),
        "image": _images(service.facts)[0] if service.facts.judged else None,
        "images": _images(service.facts),
        "source": _source(service),
        "rollout": {
            "outcome": str(rollout.outcome),
            "reason": rollout.reason,
            "id": rollout.id,
            "started_at": _time(rollout.started_at),
            "desired": rollout.desired,
            "running": rollout.running,
        },
        "rollback": _rollback(service.rollback),
        "tasks": _tasks(service.facts),
        "checks": [_check(finding) for finding in service.findings],
        "timeline": [
            {"at": _time(moment.at), "what": moment.what, "detail": moment.detail, "source": moment.source}
            for moment in service.timeline
        ],
    }


def _intent(service: ServiceReport) -> dict[str, Any] | None:
    """Return the tie of the image to the release by `image-intended`, or None where that was not selected."""
    finding = service.finding(IMAGE_INTENDED.id)
    if finding is None:
        return None
    # Of several containers each has its own evidence.
    parts = [finding.evidence, *(part for part in finding.evidence.values() if isinstance(part, Mapping))]
    ties = dict.fromkeys(str(part["by"]) for part in parts if part.get("by"))
    by = ", ".join(ties) if finding.status is Status.PASS else None
    return {"status": str(finding.status), "by": by, "detail": finding.summary}


def _images(facts: ServiceFacts) -> list[dict[str, Any]]:
    return [{"container": judged.container, **_image(judged.expected)} for judged in facts.judged]


def _image(lookup: Lookup) -> dict[str, Any]:
    image = lookup.image
    return {
        "uri": image.uri if image else str(lookup.reference),
        "reference": str(lookup.reference),
        "digest": lookup.digest,
        "pushed_at": _time(image.pushed_at) if image else None,
        "tags": list(image.tags) if image else [],
        "revision": image.configs[0].revision if image and image.configs else None,
        "created_at": _time(image.configs[0].created_at) if image and image.configs else None,
        "layers": [
            {
                "digest": layer.digest,
                "size": layer.size,
                "diff_id": layer.diff_id,
                "created_by": step_of(layer),
            }
            for layer in image.layers
        ]
        if image
        else [],
    }


def _source(service: ServiceReport) -> dict[str, Any]:
    """The source trees as `image-content` compared them, with a hash for each."""
    finding = service.finding(IMAGE_CONTENT.id)
    trees: Mapping[str, Any] = finding.evidence.get("source", {}) if finding else {}
    return {
        local: {"place": tree["place"], "sha256": tree["sha256"], "files": tree["files"]}
        for local, tree in trees.items()
    }


def _rollback(target: RollbackTarget | None) -> dict[str, Any] | None:
    if target is None:
        return None
    return {
        "uri": target.image.uri,
        "digest": target.image.digest,
        "tags": list(target.image.tags),
        "ran_at": _time(target.ran_at),
        "verified": target.is_verified,
        "command": target.command,
    }


def _tasks(facts: ServiceFacts) -> list[dict[str, Any]]:
    judged = facts.judged[0].container if facts.judged else None
    return [
        {
            "id": task.id,
            "digest": task.digest_of(judged) if judged else None,
            "started_at": _time(task.started_at),
            "containers": {one.name: one.image_digest for one in task.containers},
        }
        for task in facts.running
    ]


def _check(finding: Finding) -> dict[str, Any]:
    written: dict[str, Any] = {
        "id": finding.id,
        "link": finding.link,
        "status": str(finding.status),
        "summary": finding.summary,
        "evidence": dict(finding.evidence),
    }
    if not finding.is_good:
        written["reason"] = finding.summary
    written |= {
        name: value
        for name, value in (
            ("cause", finding.cause),
            ("remedy", finding.remedy),
            ("command", finding.command),
            ("notes", [*finding.notes, *(f"advice: {advice}" for advice in finding.advice)]),
        )
        if value
    }
    return written


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def _cleaned(value: Any, own: Sequence[str]) -> Any:
    """Return the value with every text in it fit to be shown; a secret may span the texts of a list."""
    if isinstance(value, str):
        return clean(value, own=own)
    if isinstance(value, Mapping):
        return {key: _cleaned(item, own) for key, item in value.items()}
    if isinstance(value, list | tuple):
        if value and all(isinstance(item, str) for item in value):
            return clean_lines(value, own)
        return [_cleaned(item, own) for item in value]
    return value
