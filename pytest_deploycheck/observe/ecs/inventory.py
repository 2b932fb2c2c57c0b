"""The names of the clusters of an account, and of the services of a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_deploycheck.errors import DeploycheckError
from pytest_deploycheck.observe.calls import PAGES_LIMIT, member, pages
from pytest_deploycheck.observe.problems import CALL_ERRORS, Answered, attempt

if TYPE_CHECKING:
    from pytest_deploycheck.observe.session import Session

_SOON = 3.0
"""Seconds after which no further page is asked for where names are only for a message, better soon than complete."""


SERVICES_PER_PAGE = 100
"""The most that one call of ListServices lists, and ten times what it lists by default, from its own documentation."""


def cluster_names(session: Session) -> Answered[tuple[str, ...]]:
    """Return the names of the clusters of the account and region, sorted; or why they may not be listed."""
    return attempt("ecs:ListClusters", lambda: tuple(sorted(_clusters(session))))


def service_names(session: Session, cluster: str) -> Answered[tuple[str, ...]]:
    """Return the names of the services of a cluster, sorted; or why they may not be listed."""
    return attempt("ecs:ListServices", lambda: tuple(sorted(_services(session, cluster))))


def some_clusters(session: Session) -> tuple[str, ...]:
    """Return the names of clusters that can soon be listed, for a message about one that does not exist."""
    return _listed(_clusters(session, _SOON))


def some_services(session: Session, cluster: str) -> tuple[str, ...]:
    """Return the names of services that can soon be listed, for a message about one that does not exist."""
    return _listed(_services(session, cluster, _SOON))


def last_part(arn: str) -> str:
    """Return the name at the end of an ARN; a name is returned as it is."""
    return arn.rpartition("/")[2]


def _clusters(session: Session, seconds: float = PAGES_LIMIT) -> Iterator[str]:
    for page in pages(session.reading_client("ecs").list_clusters, seconds=seconds):
        yield from map(last_part, member(page, "clusterArns", "ecs:ListClusters"))


def _services(session: Session, cluster: str, seconds: float = PAGES_LIMIT) -> Iterator[str]:
    list_services = session.reading_client("ecs").list_services
    for page in pages(list_services, seconds=seconds, cluster=cluster, maxResults=SERVICES_PER_PAGE):
        yield from map(last_part, member(page, "serviceArns", "ecs:ListServices"))


def _listed(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names up to the first error: the message is complete without the others."""
    found: list[str] = []
    with suppress(*CALL_ERRORS, DeploycheckError):
        found.extend(names)
    return tuple(found)
