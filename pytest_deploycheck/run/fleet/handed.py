"""The values that workers of pytest-xdist get from the process that starts the run, and those that they return."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from pytest_deploycheck.facts.baseline import Baseline
from pytest_deploycheck.facts.codec import from_json, to_json
from pytest_deploycheck.facts.recorded.calls import CallsMade
from pytest_deploycheck.facts.snapshot import Observation
from pytest_deploycheck.run.recording.replay import Replay

WORKER_DATA = "deploycheck"
"""The key of the data that a worker gets from the controller."""

_FASTEST = 1
"""The level of compression: facts repeat themselves, so that more effort gains little."""


class Handed(Struct, frozen=True):
    """The values that a worker gets.

    Attributes:
        found: The services that were found in each environment that discovers them.
        observations: The observation of each environment; empty where nothing was observed.
        sandbox: The table of the built-in environment, or None.
        baselines: The baseline of each environment of an earlier report.
        replays: The environments of a report that is judged again; empty for a run of its own.
    """

    found: Mapping[str, tuple[str, ...]]
    observations: Mapping[str, Observation]
    sandbox: dict[str, Any] | None
    baselines: tuple[Baseline, ...]
    replays: tuple[Replay, ...] = ()

    def as_bytes(self) -> bytes:
        """Return it as bytes, which xdist sends as they are."""
        return zlib.compress(to_json(self).encode(), _FASTEST)

    @classmethod
    def from_bytes(cls, sent: bytes) -> Handed:
        """Return the values of which `as_bytes` made `sent`."""
        return from_json(zlib.decompress(sent).decode(), cls)


class Returned(Struct, frozen=True):
    """The values that a worker returns when it has come to its end.

    Attributes:
        made: The calls of AWS's API that it made, by the environment.
        concerns: The labels of the services that each test about the deployment concerns, by node id; None where the
            worker has not collected the tests.
    """

    made: Mapping[str, CallsMade]
    concerns: Mapping[str, tuple[str, ...]] | None
