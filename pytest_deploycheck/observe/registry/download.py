"""The bytes of a blob over HTTP, resumed where the connection broke."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from http import HTTPStatus

from pytest_deploycheck.observe.registry.errors import Asked, PassingError, cut_short, failed, of_another_size
from pytest_deploycheck.observe.registry.http import Reply
from pytest_deploycheck.observe.registry.retry import Retries
from pytest_deploycheck.observe.registry.streams import Chunks

Ask = Callable[[int], AbstractContextManager[Reply]]
"""Asks for a blob from a byte on."""

_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")


def download(ask: Ask, *, asked: Asked, size: int | None, retries: Retries) -> Chunks:
    """The bytes of a blob, whose digest is not checked here.

    An interrupted download goes on from the byte it reached where the server takes a range, and where it does not,
    what came before is passed over.

    Args:
        ask: Asks for the blob; what `Reply.check` refuses is for it to raise.
        asked: What is asked for.
        size: The bytes that there should be, or None where that is not known.
        retries: How patient to be.

    Raises:
        BlobError: It cannot be had.
    """
    reached, can_resume, patience = 0, True, retries.begin()
    failure: PassingError
    while True:
        try:
            with ask(reached if can_resume else 0) as reply, closing(_rest(reply, reached, size, asked)) as chunks:
                for chunk in chunks:
                    reached += len(chunk)
                    yield chunk
        except _NotResumableError as error:
            can_resume, failure = False, error
        except PassingError as error:
            failure = error
        else:
            return
        # Outside of the handlers, so that the failure in between is no part of what is raised in the end.
        patience.wait(failure)


class _NotResumableError(PassingError):
    """The server does not give what comes from a byte on."""


def _rest(reply: Reply, reached: int, size: int | None, asked: Asked) -> Chunks:
    """Return the bytes after the first `reached` ones, wherever the response begins."""
    at, announced = _extent(reply, reached, asked)
    whole = size if announced is None else announced
    if size is not None and whole is not None and whole != size:
        raise of_another_size(asked, size, whole)
    for chunk in reply.chunks():
        new = chunk[max(0, reached - at) :]
        at += len(chunk)
        if size is not None and at > size:
            raise of_another_size(asked, size, at)
        if new:
            yield new
    if whole is not None and at < whole:
        raise cut_short(asked, at, whole)


def _extent(reply: Reply, reached: int, asked: Asked) -> tuple[int, int | None]:
    """The byte with which the answer begins, and how many the whole blob has, or None where that is not said."""
    if reply.status == HTTPStatus.OK:
        return 0, reply.length
    said = _CONTENT_RANGE.fullmatch(reply.header("Content-Range"))
    if reply.status == HTTPStatus.PARTIAL_CONTENT and said and int(said[1]) <= reached:
        return int(said[1]), None if said[3] == "*" else int(said[3])
    message = f"{asked.thing} was cut short, and the rest cannot be had alone"
    raise _NotResumableError(failed(asked, "InvalidRange", message, "Run again.", passing=True))
