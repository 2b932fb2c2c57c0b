"""The connections to registries, with botocore's proxies and certificates."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from botocore.httpsession import ProxyConfiguration, get_cert_path
from botocore.utils import get_environ_proxies
from urllib3 import PoolManager, ProxyManager, Timeout
from urllib3.exceptions import HTTPError

from pytest_deploycheck.observe.registry.errors import BlobError, RequestSubject, broken, failed
from pytest_deploycheck.observe.registry.http import Reply, Request, origin_of
from pytest_deploycheck.observe.registry.secrets import masked_logs
from pytest_deploycheck.observe.session import PARALLEL_CALLS
from pytest_deploycheck.polling import Overtime, SystemClock

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_CONNECT_SECONDS = 10.0
_READ_SECONDS = 30.0
_CHECK_SECONDS = 0.2
"""Seconds after which it is seen that the time for a response is over."""

_FAILURES = (HTTPError, OSError, ValueError)
"""What urllib3 raises; a ValueError is for addresses and headers that cannot be sent."""


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
        _, host = origin_of(request.url)
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._send(request, subject)
            reply = Reply(subject, response, is_elsewhere=origin_of(request.url)[1] != host)
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
        make = partial(ProxyManager, proxy, proxy_headers=proxies.proxy_headers_for(proxy)) if proxy else PoolManager
        return make(maxsize=PARALLEL_CALLS, cert_reqs="CERT_REQUIRED", ca_certs=self._ca_bundle)


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
