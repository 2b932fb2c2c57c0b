"""The bytes of a blob over HTTP, resumed where the connection failed."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from http import HTTPStatus

from pytest_deploycheck.observe.registry.errors import PassingError, RequestSubject, cut_short, failed, of_another_size
from pytest_deploycheck.observe.registry.http import Reply
from pytest_deploycheck.observe.registry.retry import Patience, Retries
from pytest_deploycheck.observe.registry.streams import Chunks
from pytest_deploycheck.polling import Overtime

Ask = Callable[[int], AbstractContextManager[Reply]]
"""Requests a blob from a byte on."""

_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")


_LEAST_RATE = 64 * 1024
"""Bytes a second; a download that is as fast uses up nothing of the overtime."""


def download(ask: Ask, *, subject: RequestSubject, size: int | None, retries: Retries, overtime: Overtime) -> Chunks:
    """Yield the bytes of a blob, whose digest is not checked here.

    An interrupted download continues from the byte that it reached if the server supports ranges; otherwise the bytes
    before it are read again and dropped.

    Args:
        ask: Requests the blob; it raises the errors of `Reply.check`.
        subject: The subject of the requests.
        size: The expected bytes, or None where they are not known.
        retries: The retries.
        overtime: The time that it may take.

    Raises:
        BlobError: It cannot be fetched.
    """
    with closing(_resumed(ask, subject, size, Patience(retries, overtime.time_left))) as chunks:
        while True:
            with overtime.step() as step:
                chunk = next(chunks, None)
                step.wait = len(chunk or b"") / _LEAST_RATE
            if chunk is None:
                return
            yield chunk


def _resumed(ask: Ask, subject: RequestSubject, size: int | None, patience: Patience) -> Chunks:
    reached, can_resume = 0, True
    failure: PassingError
    while True:
        try:
            with ask(reached if can_resume else 0) as reply, closing(_rest(reply, reached, size, subject)) as chunks:
                for chunk in chunks:
                    reached += len(chunk)
                    yield chunk
        except _NotResumableError as error:
            can_resume, failure = False, error
        except PassingError as error:
            failure = error
        else:
            return
        # Outside of the handlers, so that the temporary failure is not the context of the final error.
        patience.wait(failure)


class _NotResumableError(PassingError):
    """The server does not send a range."""


def _rest(reply: Reply, reached: int, size: int | None, subject: RequestSubject) -> Chunks:
    """Return the bytes after the first `reached` ones, wherever the response begins."""
    at, announced = _extent(reply, reached, subject)
    whole = size if announced is None else announced
    if size is not None and whole is not None and whole != size:
        raise of_another_size(subject, size, whole)
    for chunk in reply.chunks():
        new = chunk[max(0, reached - at) :]
        at += len(chunk)
        if size is not None and at > size:
            raise of_another_size(subject, size, at)
        if new:
            yield new
    if whole is not None and at < whole:
        raise cut_short(subject, at, whole)


def _extent(reply: Reply, reached: int, subject: RequestSubject) -> tuple[int, int | None]:
    """Return the first byte of the answer and the size of the whole blob, or None where it is not announced."""
    if reply.status == HTTPStatus.OK:
        return 0, reply.length
    found = _CONTENT_RANGE.fullmatch(reply.header("Content-Range"))
    if reply.status == HTTPStatus.PARTIAL_CONTENT and found and int(found[1]) <= reached:
        return int(found[1]), None if found[3] == "*" else int(found[3])
    message = f"{subject.thing} was cut short, and the server does not send the rest alone"
    raise _NotResumableError(failed(subject, "InvalidRange", message, "Run again.", passing=True))
