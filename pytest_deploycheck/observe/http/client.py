"""Requests to the deployed application: one at a time, bounded, with the certificates and proxies of the machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial, reduce
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from botocore.utils import get_environ_proxies
from urllib3 import PoolManager, ProxyManager, Retry, Timeout
from urllib3.exceptions import HTTPError

from pytest_deploycheck.observe.api_calls import within
from pytest_deploycheck.observe.http.answer import HttpAnswer
from pytest_deploycheck.observe.problems import CallTimeoutError

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

_LARGEST_BODY = 4 * 1024 * 1024
_MOST_REDIRECTS = 5


class NoAnswerError(Exception):
    """Nobody answered a request; the text is the reason."""


def request(url: str, headers: Mapping[str, str], *, timeout: float, follow: bool) -> HttpAnswer:
    """Return the answer to a GET request, of any status.

    Args:
        url: The whole URL.
        headers: The headers to send.
        timeout: Seconds until the answer has to be there.
        follow: Whether redirects are followed, five at the most.

    Raises:
        NoAnswerError: Nobody answered: refused, unknown host, a certificate that is not trusted, or too late.
    """
    try:
        # urllib3's limits hold for each read, and never end an answer that arrives byte by byte.
        return within(timeout + 0.5, lambda: _request(url, headers, timeout, follow=follow), f"GET {url}")
    except CallTimeoutError:
        raise NoAnswerError(f"no complete answer within {timeout:.3g} s") from None
    except (HTTPError, OSError, ValueError) as error:
        raise NoAnswerError(_reason(error)) from None


def _request(url: str, headers: Mapping[str, str], timeout: float, *, follow: bool) -> HttpAnswer:
    proxy = get_environ_proxies(url).get(url.partition(":")[0].lower())
    certificates = os.environ.get("REQUESTS_CA_BUNDLE")
    limits = Timeout(connect=timeout, read=timeout)
    # A redirect too many is an answer as well, and what fails is tried again by whoever waits.
    retries = Retry(
        connect=0, read=0, other=0, status=0, redirect=_MOST_REDIRECTS if follow else 0, raise_on_redirect=False
    )
    make = partial(ProxyManager, proxy) if proxy else PoolManager
    with make(ca_certs=certificates, cert_reqs="CERT_REQUIRED", timeout=limits, retries=retries) as manager:
        sent = {"User-Agent": "pytest-deploycheck", **headers}
        response = manager.request("GET", url, headers=sent, redirect=follow, preload_content=False)
        body = response.read(_LARGEST_BODY, decode_content=True)
        received = {name.lower(): value for name, value in response.headers.items()}
        return HttpAnswer(_address(url, response), response.status, received, body)


def _address(url: str, response: BaseHTTPResponse) -> str:
    """Return the whole URL that answered; urllib3 knows its path, or the last redirect as it was sent."""
    redirects = response.retries.history if response.retries else ()
    return reduce(urljoin, (one.redirect_location for one in redirects if one.redirect_location), url)


def _reason(error: Exception) -> str:
    """Return the reason in urllib3's words, without the pool and the object that it names."""
    reason = str(getattr(error, "reason", None) or error)
    return reason.rpartition(">: ")[2] or type(error).__name__
