"""The first observation of a run, which later ones are compared with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct, field

from pytest_deploycheck.facts.snapshot import Lookup, ServiceFacts


class FirstObservation(Struct):
    """The values of the first observation that hold for the whole run: another deployment may begin during it.

    Attributes:
        expected: The expected image, by the name of the service in the configuration and of the container.
        created_at: When each service was created, by its name: one that was recreated is another service.
        is_complete: Whether it was made. Until then a missing cluster or service is a usage error; afterwards it is
            a problem of the service.
    """

    expected: dict[tuple[str, str], Lookup] = field(default_factory=dict)
    created_at: dict[str, datetime | None] = field(default_factory=dict)
    is_complete: bool = False

    def take_over(self, services: Iterable[ServiceFacts]) -> None:
        """Take over the first observation that another process made."""
        for facts in services:
            if facts.service:
                self.created_at.setdefault(facts.service.name, facts.service.created_at)
            for judged in facts.judged:
                if judged.expected.image:
                    self.expected.setdefault((facts.name, judged.container), judged.expected)
        self.is_complete = True
