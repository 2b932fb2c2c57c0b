"""The clusters of an account, and the services of a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.observe.calls import member, pages
from pytest_deploycheck.observe.problems import Answered, attempt

if TYPE_CHECKING:
    from pytest_deploycheck.observe.session import Session


def cluster_names(session: Session) -> Answered[tuple[str, ...]]:
    """Return the names of the clusters of the account and region, sorted; or why they may not be listed."""
    return _names(session, "ListClusters", "clusterArns")


def service_names(session: Session, cluster: str) -> Answered[tuple[str, ...]]:
    """Return the names of the services of a cluster, sorted; or why they may not be listed."""
    return _names(session, "ListServices", "serviceArns", cluster=cluster)


def _names(session: Session, operation: str, key: str, **parameters: Any) -> Answered[tuple[str, ...]]:
    action = f"ecs:{operation}"

    def listed() -> tuple[str, ...]:
        client = session.named_reads("ecs")
        call: Mapping[str, Any] = {"ListClusters": client.list_clusters, "ListServices": client.list_services}
        found = [arn for page in pages(call[operation], **parameters) for arn in member(page, key, action)]
        return tuple(sorted(arn.rpartition("/")[2] for arn in found))

    return attempt(action, listed)
