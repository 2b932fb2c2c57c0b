"""What a run keeps in mind from its first look on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct, field

from pytest_deploycheck.facts.snapshot import Lookup, ServiceFacts


class Memory(Struct):
    """What was seen first, and holds for the whole run: somebody may deploy again while it goes on.

    Attributes:
        expected: The expected image, by the name of the service in the configuration and of the container.
        made_at: When a service was made, by its name: one that was made anew is another.
    """

    expected: dict[tuple[str, str], Lookup] = field(default_factory=dict)
    made_at: dict[str, datetime | None] = field(default_factory=dict)

    def take_up(self, services: Iterable[ServiceFacts]) -> None:
        """Keep in mind what another process saw."""
        for facts in services:
            if facts.service:
                self.made_at.setdefault(facts.service.name, facts.service.created_at)
            for judged in facts.judged:
                if judged.expected.image:
                    self.expected.setdefault((facts.name, judged.container), judged.expected)
