from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_metadata.plugin import metadata_key  # type: ignore[import-untyped]
from support.runs import run_of
from support.worlds import NEW, completed

from pytest_deploycheck.plugin.reporters.metadata import record_metadata
from pytest_deploycheck.report.model import FleetReport


def recorded(stash: dict[Any, Any]) -> dict[str, str]:
    """Return what is added to the metadata of a run with this stash."""
    report = run_of(completed())
    config: Any = SimpleNamespace(stash=stash)
    record_metadata(config, FleetReport((report,), (), judgement=report.judgement, complete=True))
    return dict(stash.get(metadata_key, {}))


def test_the_verdict_is_part_of_the_metadata() -> None:
    """Each service has a line with its verdict and image."""
    metadata = recorded({metadata_key: {"Python": "3"}})
    assert (metadata["Python"], metadata["Deployment"]) == ("3", "VERIFIED")
    assert metadata["Deployment of dev/backend"].endswith(f"({NEW})")


def test_where_nobody_wants_metadata_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """With pytest-metadata switched off, or not installed, a run ends as it would without it."""
    assert recorded({}) == {}
    monkeypatch.setitem(sys.modules, "pytest_metadata.plugin", None)
    unread: dict[str, str] = {}
    assert recorded({metadata_key: unread}) == unread == {}
