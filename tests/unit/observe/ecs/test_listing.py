"""The listing of services that is made while the caller is identified, and when it counts."""

from __future__ import annotations

from typing import Any, cast

import pytest

from pytest_deploycheck.observe.calls import Once
from pytest_deploycheck.observe.ecs import listing
from pytest_deploycheck.observe.ecs.listing import EarlyListing
from pytest_deploycheck.observe.ecs.services import FoundServices


class Queries:
    """Finds no services and no tasks."""

    def __init__(self, *_: object) -> None:
        """Take what the queries to ECS take."""

    def services(self, names: list[str], _: object) -> Any:
        """Return that the services are missing."""
        return FoundServices({}, tuple(names), ()), None

    def tasks_of(self, names: list[str]) -> Any:
        """Return no tasks."""
        return dict.fromkeys(names, ((), None))


def begun(monkeypatch: pytest.MonkeyPatch, *names: str) -> EarlyListing:
    """Return a listing that has begun."""
    monkeypatch.setattr(listing, "EcsQueries", Queries)
    early = EarlyListing(names)
    early.begin(cast("Any", None), "shop", Once())
    early.identified()
    return early


def test_a_listing_is_used_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first observation has it, and every later one asks again."""
    early = begun(monkeypatch, "web", "web", "worker")
    listed = early.take(["web", "worker"])
    assert listed is not None
    assert set(listed.tasks) == {"web", "worker"}
    assert early.take(["web", "worker"]) is None


def test_a_listing_of_other_services_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """An observation of one service tells nothing from what was listed for two."""
    assert begun(monkeypatch, "web", "worker").take(["web"]) is None


def test_an_old_listing_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment may have begun since, as where collecting the tests takes long."""
    monkeypatch.setattr(listing, "FRESH", -1.0)
    assert begun(monkeypatch, "web").take(["web"]) is None


def test_without_services_nothing_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As before it is known which services there are."""
    assert begun(monkeypatch).take([]) is None
