"""HTTP requests to registries and their replies, which are read as they arrive, without secrets in messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from msgspec import Struct, field
from msgspec.structs import replace
from urllib3.exceptions import HTTPError

from pytest_deploycheck.observe.registry.errors import (
    RequestSubject,
    broken,
    cut_short,
    of_another_size,
    refusal,
)
from pytest_deploycheck.observe.registry.streams import CHUNK, Chunks

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

_LARGEST_REFUSAL = 64 * 1024


class Request(Struct, frozen=True):
    """A request and its credentials; its representation shows neither.

    Attributes:
        url: The whole address.
        headers: The headers.
        form: The form to send (POST), or None to GET.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        return f"<request to {origin_of(self.url)[1].rpartition('@')[2]}>"

    def having(self, **headers: str | None) -> Request:
        """Return the request with further headers; those that are None or empty are left out."""
        return replace(self, headers={**self.headers, **{name: value for name, value in headers.items() if value}})

    def ranged(self, offset: int) -> Request:
        """Return the request for the bytes from `offset` on."""
        return self.having(Range=f"bytes={offset}-") if offset else self

    def redirected(self, location: str) -> Request | None:
        """Return the request of a redirect, or None if it must not be followed; another host gets no credentials."""
        try:
            target = urljoin(self.url, location)
        except ValueError:
            return None
        old, new = origin_of(self.url), origin_of(target)
        if new[0] not in {"http", "https"} or (old[0], new[0]) == ("https", "http"):
            return None
        kept = {name: value for name, value in self.headers.items() if old == new or name != "Authorization"}
        return Request(target, kept)


class Reply(Struct, frozen=True):
    """An answer whose body is still to be read.

    Attributes:
        subject: The subject of the request.
        response: The answer.
        is_elsewhere: True if a redirect led to another host.
    """

    subject: RequestSubject
    response: BaseHTTPResponse
    is_elsewhere: bool = False

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status

    def header(self, name: str) -> str:
        """A header, or an empty string."""
        return self.response.headers.get(name, "")

    def headers(self, name: str) -> list[str]:
        """Every header of a name."""
        return list(self.response.headers.getlist(name))

    @property
    def length(self) -> int | None:
        """Bytes of the body as announced, or None where they are not."""
        text = self.header("Content-Length")
        return int(text) if text.isdecimal() and len(text) < 20 else None  # noqa: PLR2004 - 64 bits

    def check(self, offset: int = 0) -> None:
        """Check that the request succeeded.

        Args:
            offset: The first requested byte; a server that has no bytes from there on does not refuse.

        Raises:
            BlobError: It is a refusal.
            PassingError: The error can be temporary.
        """
        if self.status in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
            return
        if offset and self.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return
        raise refusal(self.subject, self.status, self._beginning(), _retry_after(self.header("Retry-After")))

    def chunks(self) -> Chunks:
        """Yield the body as it is sent, not decompressed.

        Raises:
            PassingError: The connection failed, or ended too early.
        """
        came, failure = 0, None
        try:
            for chunk in self.response.stream(CHUNK, decode_content=False):
                came += len(chunk)
                yield chunk
        except (HTTPError, OSError) as error:
            failure = broken(self.subject, error)
        if failure is not None:
            raise failure
        if self.length is not None and came < self.length:
            raise cut_short(self.subject, came, self.length)

    def content(self, limit: int) -> bytes:
        """Return the whole body, of at most `limit` bytes.

        Raises:
            BlobError: It has more bytes.
            PassingError: As `chunks`.
        """
        content = bytearray()
        for chunk in self.chunks():
            content += chunk
            if len(content) > limit:
                raise of_another_size(self.subject, limit, len(content))
        return bytes(content)

    def _beginning(self) -> bytes:
        try:
            return self.response.read(_LARGEST_REFUSAL, decode_content=False) or b""
        except (HTTPError, OSError):
            return b""


def origin_of(url: str) -> tuple[str, str]:
    """Return the scheme and the host of an address, or empty texts where it is not one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc


def _retry_after(text: str) -> float | None:
    """Seconds that a `Retry-After` header asks for, as a number or as a date; None where it has neither."""
    if text.isdecimal():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
