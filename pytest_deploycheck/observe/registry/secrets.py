"""The masking of presigned URLs and of credentials for registries in logs and messages."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_deploycheck.observe.registry.errors import without_queries

_TALKATIVE = ("urllib3.connectionpool", "urllib3.poolmanager", "urllib3.util.retry", "botocore.parsers")
"""The loggers that write addresses, or answers with addresses in them, at any level."""


class Secret(str):
    """A text whose representation is masked, as in a traceback with local variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[masked]'"


class _Mask(logging.Filter):
    """Replaces the queries of URLs in log records of the plugin's own requests only."""

    def __init__(self) -> None:
        super().__init__()
        self._ours = threading.local()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Mask the log records of this thread within the block."""
        depth = getattr(self._ours, "depth", 0)
        self._ours.depth = depth + 1
        try:
            yield
        finally:
            self._ours.depth = depth

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(self._ours, "depth", 0):
            record.msg, record.args = without_queries(record.getMessage()), ()
        return True


_MASK = _Mask()


@contextmanager
def masked_logs() -> Iterator[None]:
    """Keep the queries of URLs out of this thread's log records within the block."""
    for name in _TALKATIVE:
        # Adding a filter that is there already changes nothing.
        logging.getLogger(name).addFilter(_MASK)
    with _MASK.at_work():
        yield
