"""Keeps secrets out of logs and messages: presigned URLs and credentials for registries."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_deploycheck.observe.registry.errors import without_queries

_TALKATIVE = ("urllib3.connectionpool", "urllib3.poolmanager", "urllib3.util.retry", "botocore.parsers")
"""The loggers that write addresses, or answers with addresses in them, at whatever level."""


class Secret(str):
    """A text that is not shown where a value is, as in a traceback with local variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[masked]'"


class _Mask(logging.Filter):
    """Replaces the queries of URLs in what is logged on behalf of our own requests, and of no others."""

    def __init__(self) -> None:
        super().__init__()
        self._ours = threading.local()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """While this lasts, what this thread logs is masked."""
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
    """While this lasts, no query of a URL gets into a log from this thread."""
    for name in _TALKATIVE:
        # Adding a filter that is there already changes nothing.
        logging.getLogger(name).addFilter(_MASK)
    with _MASK.at_work():
        yield
