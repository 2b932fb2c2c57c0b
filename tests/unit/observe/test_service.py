"""The observation of a service: tasks that it counts and that were not listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from support.runs import IDENTITY
from support.worlds import deployment, service, task

from pytest_deploycheck.config.settings import EnvironmentSettings, Options, ServiceSettings
from pytest_deploycheck.facts.service import Service
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.observe.ecs.services import FoundServices
from pytest_deploycheck.observe.service import ServiceObserver


class Queries:
    """Answers of a cluster that change from call to call; the last one stays."""

    def __init__(self, counts: Sequence[int], listings: Sequence[Sequence[Task]]) -> None:
        self.counts = list(counts)
        self.listings = list(listings)

    def described(self) -> Service:
        """The service as the next call describes it."""
        count = self.counts.pop(0) if len(self.counts) > 1 else self.counts[0]
        return service(deployment(), running=count)

    def services(self, names: Sequence[str]) -> Any:
        """Describe the service again."""
        return FoundServices({name: self.described() for name in names}, (), ()), None

    def tasks(self, _: str) -> Any:
        """List the tasks."""
        return tuple(self.listings.pop(0) if len(self.listings) > 1 else self.listings[0]), None

    def service_deployments(self, *_: object) -> Any:
        """Return no records."""
        return (), None

    def revisions(self, _: object) -> Any:
        """Return no revisions."""
        return (), None

    def definitions(self, _: object) -> Any:
        """Return no task definitions."""
        return (), None


class NoImages:
    """Finds no images."""

    def judged(self, *_: object, **__: object) -> Any:
        """Return no containers to judge."""
        return (), None

    def running(self, *_: object) -> Any:
        """Return no images."""
        return ()


def observed(counts: Sequence[int], *listings: Sequence[Task]) -> ServiceFacts:
    """Observe a service that counts so many tasks, and lists these."""
    queries = Queries(counts, listings)
    settings = ServiceSettings("shop", service="shop")
    observer = ServiceObserver(
        session=cast("Any", None),
        identity=IDENTITY,
        environment=EnvironmentSettings("dev"),
        options=Options(("shop",)),
        ecs=cast("Any", queries),
        images=cast("Any", NoImages()),
        with_health=False,
    )
    return observer.observe(settings, queries.described(), None, queries.tasks("shop"), observer.sources([settings]))


TWO = (task("one"), task("two"))


def test_a_task_that_was_not_listed_is_asked_for_again() -> None:
    """A task that started between two calls is found by the second listing."""
    facts = observed([2], TWO[:1], TWO)
    assert facts.unlisted == 0
    assert len(facts.running) == 2


def test_a_count_that_was_old_is_asked_for_again() -> None:
    """A task that stopped between two calls is gone from the second count."""
    facts = observed([2, 1], TWO[:1])
    assert facts.unlisted == 0
    assert facts.service is not None
    assert facts.service.running == 1


@pytest.mark.parametrize(
    ("listed", "unlisted"),
    [((), 2), (TWO[:1], 1), ((task("one", status="HIBERNATING"), task("two")), 1)],
    ids=["none", "one", "an unknown status"],
)
def test_tasks_that_stay_unlisted_are_counted(listed: Sequence[Task], unlisted: int) -> None:
    """A task that the service counts and no listing shows may run anything."""
    assert observed([2], listed).unlisted == unlisted


def test_tasks_that_leave_or_arrive_are_no_disagreement() -> None:
    """A service counts running tasks only; whether it counts those on their way in or out differs."""
    leaving = (*TWO, task("three", status="DEACTIVATING", desired_status="STOPPED"))
    assert observed([3], leaving).unlisted == 0
    assert observed([2], leaving).unlisted == 0
