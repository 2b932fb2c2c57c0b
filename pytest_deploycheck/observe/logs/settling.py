"""The time up to which a log stream is known to be complete."""

from __future__ import annotations

from dataclasses import dataclass, field

_BUCKET_BITS = 8
"""Events are told apart by the quarter of a second (256 ms) in which CloudWatch took them in."""


@dataclass(slots=True)
class StreamTimes:
    """The times of a stream's events, as far as they were read, in milliseconds since 1970.

    Attributes:
        last: The time of the latest event.
        latest: By the quarter of a second in which CloudWatch took events in, the time of the latest of them.
    """

    last: int
    latest: dict[int, int] = field(default_factory=dict)

    def add(self, timestamp: int, ingested: int) -> None:
        """Note an event."""
        self.last = max(self.last, timestamp)
        bucket = ingested >> _BUCKET_BITS
        if self.latest.get(bucket, -1) < timestamp:
            self.latest[bucket] = timestamp

    def merge(self, other: StreamTimes) -> None:
        """Note the events of another reading of the same stream."""
        self.last = max(self.last, other.last)
        for bucket, timestamp in other.latest.items():
            if self.latest.get(bucket, -1) < timestamp:
                self.latest[bucket] = timestamp

    def complete_until(self, now: int, settle: int) -> int | None:
        """The time before which every event is visible, or None where that is known of no time.

        Every event that was written before one that CloudWatch took in at least `settle` ago is visible by now.

        Args:
            now: The time at which the reading began.
            settle: How long after CloudWatch took in an event all that was written before it is visible.
        """
        limit = now - settle
        settled = {bucket: moment for bucket, moment in self.latest.items() if _end_of(bucket) <= limit}
        if not settled:
            return None
        best = max(settled, key=lambda bucket: settled[bucket])
        # A later event outdoes the others for good, so that a long window keeps a few numbers only.
        for bucket in settled.keys() - {best}:
            del self.latest[bucket]
        return min(settled[best], limit)


def _end_of(bucket: int) -> int:
    return (bucket + 1) << _BUCKET_BITS
