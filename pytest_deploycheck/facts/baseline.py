"""The image that ran before, as an earlier report or the registry records it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

from pytest_deploycheck.facts.image import Layer


class Previous(Struct, frozen=True):
    """The image that ran before the expected one.

    Attributes:
        origin: How it is known, such as `the baseline of 2025-11-25 10:00:00 UTC`.
        digest: Its digest.
        pushed_at: When it was first pushed, or None where that is not known.
        layers: Its layers, from the bottom up.
        source: The digest of each source tree at that time, by its local path; empty where none was recorded.
        seen_at: The time of the report that records it (UTC), or None where no report does.
        reference: The reference by which it was expected then, or an empty string.
        rollout: The id of the newest rollout at that time, or None.
        rollout_began_at: When that rollout began, or None.
        is_settled: Whether that rollout was over then.
        running: The digests that the tasks ran then.
        by_container: The digests that each container ran then, by its name.
        is_verified: Whether it was verified then that this image ran, and worked.
    """

    origin: str
    digest: str
    pushed_at: datetime | None = None
    layers: tuple[Layer, ...] = ()
    source: Mapping[str, str] = field(default_factory=dict)
    seen_at: datetime | None = None
    reference: str = ""
    rollout: str | None = None
    rollout_began_at: datetime | None = None
    is_settled: bool = True
    running: tuple[str, ...] = ()
    by_container: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_verified: bool = False

    def has(self, layer: Layer) -> bool:
        """Return True if it has a layer with the same content."""
        return any(
            layer.digest == own.digest or (layer.diff_id is not None and layer.diff_id == own.diff_id)
            for own in self.layers
        )


class Baseline(Struct, frozen=True):
    """An earlier report.

    Attributes:
        path: The file, as it was named.
        environment: The environment it was of.
        account: The AWS account it was of.
        region: The AWS region it was of.
        observed_at: When it was made (UTC).
        services: The image that each service was to run then, by the service's name.
    """

    path: str
    environment: str
    account: str
    region: str
    observed_at: datetime
    services: Mapping[str, Previous] = field(default_factory=dict)
