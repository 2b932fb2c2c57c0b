"""The masking of presigned URLs and of credentials for registries in logs and messages."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pytest_deploycheck.observe.registry.errors import without_queries

_TALKATIVE = ("urllib3.connectionpool", "urllib3.poolmanager", "urllib3.util.retry", "botocore.parsers")
"""The loggers that write addresses, or answers with addresses in them, at any level."""


class Secret(str):
    """A text whose representation is masked, as in a traceback with local variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[masked]'"


_is_ours: ContextVar[bool] = ContextVar("is_ours", default=False)


class _Mask(logging.Filter):
    """Replaces the queries of URLs in log records of the plugin's own requests only."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _is_ours.get():
            record.msg, record.args = without_queries(record.getMessage()), ()
        return True


_MASK = _Mask()


@contextmanager
def masked_logs() -> Iterator[None]:
    """Keep the queries of URLs out of the log records of what is called within the block."""
    for name in _TALKATIVE:
        # Adding a filter that is there already changes nothing.
        logging.getLogger(name).addFilter(_MASK)
    token = _is_ours.set(True)
    try:
        yield
    finally:
        _is_ours.reset(token)
