"""HTTP requests to registries: streamed, with botocore's proxies and certificates, and without secrets in messages."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit

from botocore.httpsession import ProxyConfiguration, get_cert_path
from botocore.utils import get_environ_proxies
from msgspec import Struct, field
from msgspec.structs import replace
from urllib3 import PoolManager, ProxyManager, Timeout
from urllib3.exceptions import HTTPError

from pytest_deploycheck.observe.registry.errors import (
    BlobError,
    RequestSubject,
    broken,
    cut_short,
    failed,
    of_another_size,
    refusal,
)
from pytest_deploycheck.observe.registry.secrets import masked_logs
from pytest_deploycheck.observe.registry.streams import CHUNK, Chunks
from pytest_deploycheck.observe.session import PARALLEL_CALLS
from pytest_deploycheck.polling import Overtime, SystemClock

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_LARGEST_REFUSAL = 64 * 1024
_CONNECT_SECONDS = 10.0
_READ_SECONDS = 30.0
_CHECK_SECONDS = 0.2
"""Seconds after which it is seen that the time for a response is over."""

_FAILURES = (HTTPError, OSError, ValueError)
"""What urllib3 raises; a ValueError is for addresses and headers that cannot be sent."""


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
        return f"<request to {_place(self.url)[1].rpartition('@')[2]}>"

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
        old, new = _place(self.url), _place(target)
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


class Web:
    """Connections to registries and their storage of blobs; safe to share between threads.

    Args:
        ca_bundle: File of the certificates to trust; default: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE or botocore's own.
        overtime: The time that responses may take; default: that of a run.
    """

    def __init__(self, ca_bundle: str | None = None, *, overtime: Overtime | None = None) -> None:
        self._time_left = (overtime or Overtime(SystemClock())).time_left
        bundle = ca_bundle or os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE")
        self._ca_bundle = bundle or get_cert_path(True)  # noqa: FBT003 - botocore's own signature
        self._managers: dict[str | None, PoolManager] = {}
        self._lock = threading.Lock()

    @contextmanager
    def ask(self, request: Request, subject: RequestSubject) -> Iterator[Reply]:
        """Return the answer to a request of any status, after redirects.

        Raises:
            BlobError: The request cannot be sent.
            PassingError: The connection failed.
        """
        reply = self._follow(request, subject)
        try:
            with _limited(reply.response, self._time_left):
                yield reply
        finally:
            # A connection whose answer was read to its end is back in the pool, and stays open.
            reply.response.close()

    def close(self) -> None:
        """Close the connections that are kept."""
        with self._lock:
            for manager in self._managers.values():
                manager.clear()

    def _follow(self, request: Request, subject: RequestSubject) -> Reply:
        _, host = _place(request.url)
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._send(request, subject)
            reply = Reply(subject, response, is_elsewhere=_place(request.url)[1] != host)
            if response.status not in _REDIRECTS:
                return reply
            following = request.redirected(reply.header("Location"))
            response.close()
            if following is None:
                break
            request = following
        message = f"{subject.thing} could not be fetched: {host} redirects without end, or to an unsafe address"
        raise BlobError(
            failed(subject, "Redirect", message, "Check which server answers under the name of the registry.")
        )

    def _send(self, request: Request, subject: RequestSubject) -> BaseHTTPResponse:
        time_left = self._time_left()
        if time_left <= 0:
            message = f"{subject.thing} was not fetched, because the time for it was over"
            raise BlobError(failed(subject, "TimeOver", message, "Run again, when the registry answers.", passing=True))
        try:
            with masked_logs():
                return self._manager(request.url).request(
                    "GET" if request.form is None else "POST",
                    request.url,
                    body=None if request.form is None else urlencode(request.form),
                    headers={"Accept-Encoding": "identity", "User-Agent": "pytest-deploycheck", **request.headers},
                    timeout=Timeout(connect=min(_CONNECT_SECONDS, time_left), read=min(_READ_SECONDS, time_left)),
                    redirect=False,
                    retries=False,
                    preload_content=False,
                    decode_content=False,
                    enforce_content_length=True,
                )
        except _FAILURES as error:
            failure = broken(subject, error)
        # Outside of the handler: urllib3's own error holds the address, and must not come along as the context.
        raise failure

    def _manager(self, url: str) -> PoolManager:
        proxies = ProxyConfiguration(get_environ_proxies(url))
        proxy = proxies.proxy_url_for(url)
        with self._lock:
            if proxy not in self._managers:
                self._managers[proxy] = self._make_manager(proxy, proxies)
            return self._managers[proxy]

    def _make_manager(self, proxy: str | None, proxies: ProxyConfiguration) -> PoolManager:
        if not proxy:
            return PoolManager(maxsize=PARALLEL_CALLS, cert_reqs="CERT_REQUIRED", ca_certs=self._ca_bundle)
        return ProxyManager(
            proxy,
            proxy_headers=proxies.proxy_headers_for(proxy),
            maxsize=PARALLEL_CALLS,
            cert_reqs="CERT_REQUIRED",
            ca_certs=self._ca_bundle,
        )


@contextmanager
def _limited(response: BaseHTTPResponse, time_left: Callable[[], float]) -> Iterator[None]:
    """End a response when there is no time left: the limit of each read never ends one that comes byte by byte."""
    is_read = threading.Event()

    def watch() -> None:
        while not is_read.wait(_CHECK_SECONDS):
            if time_left() <= 0:
                # It is open elsewhere: a socket of the same connection ends the reading that is under way.
                with suppress(OSError, ValueError), socket.socket(fileno=os.dup(response.fileno())) as same:
                    same.shutdown(socket.SHUT_RDWR)
                return

    threading.Thread(target=watch, name="time limit of a response", daemon=True).start()
    try:
        yield
    finally:
        is_read.set()


def _place(url: str) -> tuple[str, str]:
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
