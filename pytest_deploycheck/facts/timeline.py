"""Events with their times."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Moment(Struct, frozen=True):
    """Something that happened.

    Attributes:
        at: When (UTC), by the clock of whoever tells of it.
        what: What, in a word or two.
        detail: Of what, or how.
        source: Who tells of it, such as `ecs:DescribeTasks`.
    """

    at: datetime
    what: str
    detail: str
    source: str
