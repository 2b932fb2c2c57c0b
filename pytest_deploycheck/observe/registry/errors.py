"""The errors of fetching a blob or a manifest, in terms that a user can act on."""

from __future__ import annotations

import json
import re
import socket
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
"""Characters of a registry's own message that are shown."""


class RequestSubject(Struct, frozen=True):
    """The subject of a request to a registry, as messages name it.

    Attributes:
        operation: The call, for example `registry:GetBlob`; for ECR the IAM action it needs.
        thing: The wanted object and its place, for example `the blob sha256:… of ghcr.io/owner/app`.
        absent: The thing that does not exist if the answer is "not found".
        if_denied: The remedy for a denial.
    """

    operation: str
    thing: str
    absent: Absence
    if_denied: str


class BlobError(UnprovenError):
    """A blob or a manifest could not be fetched, or does not match its digest.

    Attributes:
        problem: The problem, with its remedy.
        absent: The thing that does not exist by the registry's answer, or None for other errors.
    """

    def __init__(self, problem: Problem, absent: Absence | None = None) -> None:
        super().__init__(problem, absent)
        self.problem = problem
        self.absent = absent

    def __str__(self) -> str:
        return f"{self.problem.message}\n{self.problem.remedy}"


class PassingError(Exception):
    """An error that can be temporary; it is handled within this package.

    Attributes:
        problem: The problem.
        after: Seconds after which the server allows another request, or None where it names none.
    """

    def __init__(self, problem: Problem, after: float | None = None) -> None:
        super().__init__(problem, after)
        self.problem = problem
        self.after = after


def without_queries(text: str) -> str:
    """Return `text` with the queries of its URLs replaced: a presigned URL gives access to its object."""
    return _QUERY.sub("?[masked]", text)


def failed(subject: RequestSubject, code: str, message: str, remedy: str, *, passing: bool = False) -> Problem:
    """Return a problem whose texts can be shown."""
    return Problem(
        subject.operation, code, clean(without_queries(message)), clean(without_queries(remedy)), passing=passing
    )


def refusal(subject: RequestSubject, status: int, body: bytes, after: float | None = None) -> BlobError | PassingError:
    """Return the error for a response that is not the expected one.

    Args:
        subject: The subject of the request.
        status: The HTTP status.
        body: The beginning of the answer.
        after: Seconds after which the server allows another request, or None where it names none.
    """
    code, said = _words(body)
    code, told = code or f"HTTP{status}", f": {said}" if said else ""
    if status == HTTPStatus.NOT_FOUND:
        absent: Absence = "repository" if code == "NAME_UNKNOWN" else subject.absent
        return gone(subject, code, said, absent)
    if status in _DENIED:
        message = f"{subject.thing} may not be read: {subject.operation} is denied (HTTP {status}, {code}){told}"
        return BlobError(failed(subject, code, message, subject.if_denied))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = f"; the registry asks to wait {after:.0f} s" if after else ""
        message = f"{subject.thing} could not be fetched: {subject.operation} was throttled (HTTP {status}){told}{wait}"
        remedy = "Run again later; with fewer processes, or logged in to the registry, more is allowed."
        return PassingError(failed(subject, code, message, remedy, passing=True), after)
    if status in _TEMPORARY or status >= _SERVER_ERROR:
        message = f"{subject.thing} could not be fetched: {subject.operation} failed (HTTP {status}, {code}){told}"
        return PassingError(failed(subject, code, message, "Run again.", passing=True), after)
    message = (
        f"{subject.thing} could not be fetched: {subject.operation} was answered with HTTP {status} ({code}){told}"
    )
    return BlobError(
        failed(subject, code, message, "Check which server answers under the name of the registry, and run again.")
    )


def gone(subject: RequestSubject, code: str, said: str, absent: Absence) -> BlobError:
    """Return the error for a thing that does not exist (any more)."""
    message = f"{subject.thing} does not exist (any more)" + (f": {said}" if said else ".")
    remedy = "Was it deleted, perhaps by a lifecycle policy? Push the image again, or name one that still exists."
    return BlobError(failed(subject, code, message, remedy), absent)


def broken(subject: RequestSubject, error: Exception) -> BlobError | PassingError:
    """Return the error for a failed connection: temporary, unless a certificate, an address or a name is wrong."""
    code = type(error).__name__
    # Python's errors quote a header or a name that cannot be sent, which can be a secret.
    said = str(error) if isinstance(error, HTTPError | OSError) else code
    if isinstance(error, LocationParseError | LocationValueError) or not isinstance(error, HTTPError | OSError):
        message = f"{subject.thing} could not be fetched: its address cannot be used ({said})"
        return BlobError(failed(subject, code, message, "Check the reference of the image."))
    if isinstance(error, SSLError) and _is_about_certificates(error):
        message = f"{subject.thing} could not be fetched safely: {said}"
        remedy = "Check the proxy and the certificates (AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE) of this machine."
        return BlobError(failed(subject, code, message, remedy))
    if _is_unknown_host(error):
        message = f"{subject.thing} could not be fetched: {said}"
        remedy = "Check the name of the registry and the network of this machine; an emulator may name a host of AWS."
        return BlobError(failed(subject, code, message, remedy))
    way = "the proxy" if isinstance(error, ProxyError) else "the connection to the registry"
    message = f"{subject.thing} could not be fetched, {way} failed: {said}"
    remedy = "Check the network and the proxy (HTTPS_PROXY, NO_PROXY) of this machine; then run again."
    return PassingError(failed(subject, code, message, remedy, passing=True))


def _is_unknown_host(error: Exception) -> bool:
    """Tell if a host does not exist; a name server that does not answer is another error."""
    cause = error.__cause__ or error.__context__  # urllib3 1 gives no cause
    return isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME


def cut_short(subject: RequestSubject, arrived: int, whole: int) -> PassingError:
    """Return the error for a connection that ended before all bytes arrived."""
    message = f"{subject.thing} was cut short: {arrived} of {whole} bytes arrived"
    remedy = "Run again; if it happens often, check the proxies between this machine and the registry."
    return PassingError(failed(subject, "IncompleteRead", message, remedy, passing=True))


def of_another_size(subject: RequestSubject, size: int, came: int) -> BlobError:
    """Return the error for a blob of another size than that in its manifest, which cannot have its digest either."""
    message = f"{subject.thing} does not match its manifest: expected {size} bytes, received or announced {came}"
    return BlobError(failed(subject, "SizeMismatch", message, _NOT_AS_PROMISED))


def of_another_digest(subject: RequestSubject, digest: str, actual: str) -> BlobError:
    """Return the error for bytes that have another digest."""
    message = f"{subject.thing} does not match its digest: expected {digest}, computed {actual}"
    return BlobError(failed(subject, "DigestMismatch", message, _NOT_AS_PROMISED))


_NOT_AS_PROMISED = (
    "Its content cannot be trusted. Check the proxies between this machine and the registry, and run again."
)


def _words(body: bytes) -> tuple[str, str]:
    """Return the code and the message of a refusal: of a registry in JSON, of S3 in XML; empty without them."""
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
