"""The errors of fetching a blob or a manifest, in terms that a user can act on."""

from __future__ import annotations

import json
import re
import ssl
from http import HTTPStatus

from msgspec import Struct
from urllib3.exceptions import HTTPError, LocationParseError, LocationValueError, ProxyError, SSLError

from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.snapshot import Absence, Problem
from pytest_deploycheck.redaction import clean

_TEMPORARY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_DENIED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED})
_SERVER_ERROR = 500

_QUERY = re.compile(r"\?[^\s\"'<>]+")
_XML = re.compile(r"<(Code|Message)>([^<]*)</\1>")
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_SAID = 400
"""Characters of a registry's own words that are shown."""


class Asked(Struct, frozen=True):
    """The subject of a request to a registry, as messages name it.

    Attributes:
        operation: The call, for example `registry:GetBlob`; for ECR the IAM action it needs.
        thing: What is wanted and where, for example `the blob sha256:… of ghcr.io/owner/app`.
        absent: What an answer of "not found" says is not there.
        if_denied: What to do about a denial.
    """

    operation: str
    thing: str
    absent: Absence
    if_denied: str


class BlobError(UnprovenError):
    """A blob or a manifest could not be had, or is not what its digest promises.

    Attributes:
        problem: What happened, and what to do about it.
        absent: What the registry says is not there, or None where that is not what it says.
    """

    def __init__(self, problem: Problem, absent: Absence | None = None) -> None:
        super().__init__(problem, absent)
        self.problem = problem
        self.absent = absent

    def __str__(self) -> str:
        return f"{self.problem.message}\n{self.problem.remedy}"


class PassingError(Exception):
    """Something that may be over a moment later; it never leaves the fetching.

    Attributes:
        problem: What happened.
        after: Seconds after which the server says to ask again, or None where it does not say.
    """

    def __init__(self, problem: Problem, after: float | None = None) -> None:
        super().__init__(problem, after)
        self.problem = problem
        self.after = after


def without_queries(text: str) -> str:
    """`text` with the queries of its URLs replaced: whoever knows a presigned URL can read what it leads to."""
    return _QUERY.sub("?[masked]", text)


def failed(asked: Asked, code: str, message: str, remedy: str, *, passing: bool = False) -> Problem:
    """A problem whose texts can be shown."""
    return Problem(
        asked.operation, code, clean(without_queries(message)), clean(without_queries(remedy)), passing=passing
    )


def refusal(asked: Asked, status: int, body: bytes, after: float | None = None) -> BlobError | PassingError:
    """Return the error for a response that is not the expected one.

    Args:
        asked: What was asked for.
        status: The HTTP status.
        body: The beginning of the answer.
        after: Seconds after which the server says to ask again, or None where it does not say.
    """
    code, said = _words(body)
    code, told = code or f"HTTP{status}", f": {said}" if said else ""
    if status == HTTPStatus.NOT_FOUND:
        absent: Absence = "repository" if code == "NAME_UNKNOWN" else asked.absent
        return gone(asked, code, said, absent)
    if status in _DENIED:
        message = f"{asked.thing} may not be read: {asked.operation} is denied (HTTP {status}, {code}){told}"
        return BlobError(failed(asked, code, message, asked.if_denied))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = f"; the registry asks to wait {after:.0f} s" if after else ""
        message = f"{asked.thing} could not be fetched: {asked.operation} was throttled (HTTP {status}){told}{wait}"
        remedy = "Run again later; with fewer processes, or logged in to the registry, more is allowed."
        return PassingError(failed(asked, code, message, remedy, passing=True), after)
    if status in _TEMPORARY or status >= _SERVER_ERROR:
        message = f"{asked.thing} could not be fetched: {asked.operation} failed (HTTP {status}, {code}){told}"
        return PassingError(failed(asked, code, message, "Run again.", passing=True), after)
    message = f"{asked.thing} could not be fetched: {asked.operation} was answered with HTTP {status} ({code}){told}"
    return BlobError(failed(asked, code, message, "See what answers under the name of the registry; then run again."))


def gone(asked: Asked, code: str, said: str, absent: Absence) -> BlobError:
    """The requested thing does not exist (any more)."""
    message = f"{asked.thing} is not there (any more)" + (f": {said}" if said else ".")
    remedy = "Was it deleted, perhaps by a lifecycle policy? Push the image again, or name one that is still there."
    return BlobError(failed(asked, code, message, remedy), absent)


def broken(asked: Asked, error: Exception) -> BlobError | PassingError:
    """Return the error for one of the transport: most pass; a wrong certificate or an invalid address does not."""
    code = type(error).__name__
    # What Python says of a header or a name it cannot send quotes it, and it may be a secret.
    said = str(error) if isinstance(error, HTTPError | OSError) else code
    if isinstance(error, LocationParseError | LocationValueError) or not isinstance(error, HTTPError | OSError):
        message = f"{asked.thing} could not be fetched: its address cannot be used ({said})"
        return BlobError(failed(asked, code, message, "Check the reference of the image."))
    if isinstance(error, SSLError) and _is_about_certificates(error):
        message = f"{asked.thing} could not be fetched safely: {said}"
        remedy = "Check the proxy and the certificates (AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE) of this machine."
        return BlobError(failed(asked, code, message, remedy))
    way = "the proxy" if isinstance(error, ProxyError) else "the way to the registry"
    message = f"{asked.thing} could not be fetched, {way} broke: {said}"
    remedy = "Check the network and the proxy (HTTPS_PROXY, NO_PROXY) of this machine; then run again."
    return PassingError(failed(asked, code, message, remedy, passing=True))


def cut_short(asked: Asked, arrived: int, whole: int) -> PassingError:
    """The connection ended before all bytes had come."""
    message = f"{asked.thing} was cut short: {arrived} of {whole} bytes came"
    remedy = "Run again; if it happens often, see what is between this machine and the registry."
    return PassingError(failed(asked, "IncompleteRead", message, remedy, passing=True))


def of_another_size(asked: Asked, size: int, came: int) -> BlobError:
    """It is not as long as its manifest says, so it cannot have the digest either."""
    message = (
        f"{asked.thing} is not what its manifest promises: {size} bytes were promised, {came} came or were to come"
    )
    return BlobError(failed(asked, "SizeMismatch", message, _NOT_AS_PROMISED))


def of_another_digest(asked: Asked, digest: str, actual: str) -> BlobError:
    """Its bytes are not those that the digest stands for."""
    message = f"{asked.thing} is not what its digest promises: expected {digest}, computed {actual}"
    return BlobError(failed(asked, "DigestMismatch", message, _NOT_AS_PROMISED))


_NOT_AS_PROMISED = (
    "Nothing read from it can be trusted; see what is between this machine and the registry, and run again."
)


def _words(body: bytes) -> tuple[str, str]:
    """The code and the message of a refusal: of a registry in JSON, of S3 in XML; empty where there are none."""
    text = body.decode(errors="replace")
    try:
        first = json.loads(text)["errors"][0]
        code, said = str(first.get("code", "")), str(first.get("message", ""))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        found = dict(_XML.findall(text))
        code, said = found.get("Code", ""), found.get("Message", "")
    return code if _CODE.fullmatch(code) else "", said.strip()[:_SAID]


def _is_about_certificates(error: SSLError) -> bool:
    kinds = (ssl.SSLCertVerificationError, FileNotFoundError)
    return any(isinstance(cause, kinds) for cause in error.args) or "CERTIFICATE" in str(error)
