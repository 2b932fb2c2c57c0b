"""The snapshots of whole findings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.amber import AmberSnapshotExtension

from pytest_deploycheck.facts.codec import to_json
from pytest_deploycheck.judge.finding import Finding


class Whole(AmberSnapshotExtension):
    """Snapshots of findings as texts: all of them that is not empty, and then the evidence."""

    def serialize(self, data: Finding, **_: object) -> str:
        """Return the text."""
        told: dict[str, Any] = json.loads(to_json(data))
        evidence = told.pop("evidence", None)
        lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in told.items() if value]
        lines += [json.dumps(evidence, ensure_ascii=False, indent=1, sort_keys=True)] if evidence else []
        return "\n".join(lines)


@pytest.fixture
def whole(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Return the findings that were read and found good."""
    return snapshot.use_extension(Whole)
