"""The names of clusters and services that exist, for messages about one that does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from pytest_deploycheck.errors import DeploycheckError
from pytest_deploycheck.observe.calls import pages
from pytest_deploycheck.observe.problems import LOOK_ERRORS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_deploycheck.observe.session import Session

_SECONDS = 3.0
"""A message is better soon than complete: no further page is asked for after these."""


class NearNames(Struct, frozen=True):
    """Lists names; a caller that may not list them gets none, as the message is complete without.

    Attributes:
        session: The clients.
    """

    session: Session

    def services(self, cluster: str) -> tuple[str, ...]:
        """Return the names of the services of a cluster."""
        return self._names("serviceArns", lambda client: client.list_services, cluster=cluster)

    def clusters(self) -> tuple[str, ...]:
        """Return the names of the clusters of the account and region."""
        return self._names("clusterArns", lambda client: client.list_clusters)

    def _names(
        self, member: str, operation: Callable[[Any], Callable[..., Mapping[str, Any]]], **parameters: Any
    ) -> tuple[str, ...]:
        found: list[str] = []
        try:
            client = self.session.named_reads("ecs")
            for page in pages(operation(client), seconds=_SECONDS, **parameters):
                found += map(last_part, page.get(member, ()))
        except (*LOOK_ERRORS, DeploycheckError):
            pass
        return tuple(found)


def last_part(arn: str) -> str:
    """Return the name at the end of an ARN; a name is returned as it is."""
    return arn.rpartition("/")[2]
