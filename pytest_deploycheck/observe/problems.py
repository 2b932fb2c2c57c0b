"""botocore's errors in terms a user can act on.

Which error stands for which trouble was tried out, not taken from documentation: botocore raises a dozen kinds for
credentials alone, and one of Python's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError

from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.observe.read_only import CREDENTIALS, READS, iam_action
from pytest_deploycheck.redaction import clean

T = TypeVar("T")

Answered: TypeAlias = tuple[T | None, Problem | None]
"""What a query returns: its value and its problem, of which one is None."""

LOOK_ERRORS = (BotoCoreError, ClientError, OSError)
"""What a call through botocore may raise; OSError is for a web identity token file that cannot be read."""

_NOT_UNDERSTOOD = (KeyError, TypeError)
"""What reading an answer raises that lacks what it should have."""

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_INVALID_KEY = frozenset({"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"})
_SIGNATURE = frozenset({"InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed"})
THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded"}
)
_FAULTS = frozenset({"ServerException", "InternalFailure", "InternalError", "ServiceUnavailable", "500", "502", "503"})
_SKEW = ("Signature expired", "not yet current", "RequestTimeTooSkewed")

_ACTIONS = {
    operation: iam_action(service, operation)
    for known in (READS, CREDENTIALS)
    for service, names in known.items()
    for operation in names
}


class IncompleteAnswerError(BotoCoreError):
    """An answer lacks what its operation always returns: it was cut short, and says nothing.

    botocore turns a truncated JSON body into an empty answer, with no error and no retry.
    """

    fmt = "the answer to {operation} lacks '{member}'; it was probably cut short on its way"


def code_of(error: Exception) -> str:
    """The error's own name: the service's code, or the class of what botocore raised."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


def problem_of(error: Exception, action: str) -> Problem:
    """What `error`, raised by a call that needs the IAM action `action`, means to a user."""
    if isinstance(error, ClientError):
        action = _ACTIONS.get(error.operation_name, action)
    message, remedy = _explain(error, action)
    return Problem(action, code_of(error), clean(message), clean(remedy), passing=_is_passing(error))


def _is_passing(error: Exception) -> bool:
    if isinstance(error, ClientError):
        return code_of(error) in THROTTLED | _FAULTS
    return isinstance(error, boto.HTTPClientError | IncompleteAnswerError)


def attempt(action: str, query: Callable[[], T]) -> Answered[T]:
    """Return the value of a query, or the problem that kept it from one."""
    try:
        return query(), None
    except LOOK_ERRORS as error:
        return None, problem_of(error, action)
    except _NOT_UNDERSTOOD as error:
        message = f"The answer to {action} is not of the shape it should have: {error!r}."
        return None, Problem(action, type(error).__name__, message, "See what answers at the endpoint; run again.")


def _explain(error: Exception, action: str) -> tuple[str, str]:
    if isinstance(error, ClientError):
        return _explain_answer(error, action)
    for kinds, message, remedy in _CAUSES:
        if isinstance(error, kinds):
            return message.format(error=str(error).strip().rstrip(".")), remedy
    return f"{action} could not be called: {error}", "See the error; then run again."


def _explain_answer(error: ClientError, action: str) -> tuple[str, str]:
    code = code_of(error)
    said = str(error.response.get("Error", {}).get("Message", "")).strip() or str(error)
    if code in _SIGNATURE:
        if any(mark in said or mark == code for mark in _SKEW):
            return (
                f"AWS refused the signature because this machine's clock is wrong: {said}",
                "Set the clock (for example with NTP), then run again.",
            )
        return (
            f"AWS refused the signature of the credentials: {said}",
            "The secret access key does not belong to the access key id; check AWS_SECRET_ACCESS_KEY or the profile.",
        )
    if code in _EXPIRED:
        return (
            f"The credentials have expired: {said}",
            "Get new ones (for SSO: aws sso login; in CI: assume the role again), then run again.",
        )
    if code in _INVALID_KEY:
        return (
            f"AWS does not know the access key of these credentials: {said}",
            "The key was deleted, belongs to another partition, or its session token is missing; check "
            "AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN or the profile.",
        )
    if code in DENIED:
        return f"{action} is denied: {said}", f"Allow the action {action} to the caller, then run again."
    if code in THROTTLED:
        return (
            f"{action} was throttled, and still was after retries: {said}",
            "Run again; if it happens often, fewer processes should ask at a time.",
        )
    return f"{action} failed with {code}: {said}", "See the error; then run again."


_CAUSES: tuple[tuple[tuple[type[Exception], ...], str, str], ...] = (
    (
        (boto.NoCredentialsError,),
        "No AWS credentials were found.",
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a `profile` for the environment, or give the CI job "
        "a role.",
    ),
    (
        (boto.ProfileNotFound,),
        "The AWS profile does not exist: {error}.",
        "Name one that `aws configure list-profiles` shows, or remove `profile` and AWS_PROFILE.",
    ),
    (
        (boto.PartialCredentialsError,),
        "Half of a pair of AWS credentials is missing: {error}.",
        "Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    ),
    (
        (boto.NoRegionError,),
        "No AWS region is set.",
        "Set `region` for the environment in the configuration, or AWS_DEFAULT_REGION.",
    ),
    (
        (boto.SSOTokenLoadError,),
        "This machine never logged in to SSO for the profile: {error}.",
        "Run: aws sso login",
    ),
    (
        (boto.TokenRetrievalError, boto.UnauthorizedSSOTokenError),
        "The SSO session has expired: {error}.",
        "Run: aws sso login",
    ),
    (
        (boto.InvalidConfigError, boto.ConfigParseError),
        "The AWS configuration files contradict themselves: {error}.",
        "Mend the profile in ~/.aws/config (a source_profile that is not defined is the usual cause).",
    ),
    (
        (boto.CredentialRetrievalError,),
        "The credentials could not be fetched: {error}.",
        "Run the credential_process (or the role's provider) by hand and see what it prints.",
    ),
    (
        (OSError,),
        "The web identity token file cannot be read: {error}.",
        "Check AWS_WEB_IDENTITY_TOKEN_FILE; in Kubernetes and CI it is mounted for the job's service account.",
    ),
    (
        (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ConnectionClosedError, boto.ReadTimeoutError),
        "AWS cannot be reached: {error}.",
        "Check the region, the network and proxy of this machine, and `endpoint_url` or AWS_ENDPOINT_URL.",
    ),
    (
        (boto.SSLError, boto.ProxyConnectionError),
        "AWS cannot be reached safely: {error}.",
        "Check the proxy and the certificates (AWS_CA_BUNDLE) of this machine.",
    ),
)
