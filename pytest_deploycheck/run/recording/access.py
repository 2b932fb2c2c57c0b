"""The connections of a replay: there are none."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO

from pytest_deploycheck.config.settings import Options
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.facts.image import Layer, Reference
from pytest_deploycheck.facts.snapshot import Observation
from pytest_deploycheck.run.connections import Access
from pytest_deploycheck.run.recording.reader import RecordedReader
from pytest_deploycheck.run.recording.unrecorded import NOT_RECORDED, REMEDY, NotRecordedError

if TYPE_CHECKING:
    from pytest_deploycheck.observe.observer import Observer
    from pytest_deploycheck.observe.session import Session


class RecordedAccess(Access, kw_only=True):
    """Connections that answer from a record and contact nothing.

    Attributes:
        observation: The observation that was recorded.
        reader: The log events that were recorded.
    """

    observation: Observation
    reader: RecordedReader

    def now(self) -> datetime:
        """Return the time of the observation: nothing has happened since, as far as is known."""
        return self.observation.observed_at

    @property
    def session(self) -> Session:
        """No clients.

        Raises:
            UnprovenError: Always.
        """
        raise NotRecordedError

    @property
    def log_reader(self) -> RecordedReader:  # type: ignore[override]  # both are readers to the handles
        """The log events that were recorded."""
        return self.reader

    def observer(self, options: Options, *, with_health: bool = True) -> Observer:
        """Refuse to observe again.

        Raises:
            EnvironmentUnusableError: Always.
        """
        del options, with_health
        raise EnvironmentUnusableError(NOT_RECORDED, REMEDY)

    def open_layer(self, reference: Reference, layer: Layer) -> AbstractContextManager[BinaryIO]:
        """Refuse to open a layer.

        Raises:
            UnprovenError: Always.
        """
        del reference, layer
        raise NotRecordedError

    def contact(self) -> None:
        """Refuse any other connection.

        Raises:
            UnprovenError: Always.
        """
        raise NotRecordedError
