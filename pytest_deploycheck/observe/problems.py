"""The problems of calls: botocore's errors in terms a user can act on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.observe.read_only import CREDENTIALS, READS, iam_action
from pytest_deploycheck.redaction import clean

T = TypeVar("T")

Answered: TypeAlias = tuple[T | None, Problem | None]
"""What a query returns: its value and its problem, of which one is None."""

CALL_ERRORS = (BotoCoreError, ClientError, OSError)
"""The errors of a call through botocore; OSError is for files of credentials that cannot be read."""

_NOT_UNDERSTOOD = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""The errors of code that reads an answer with values outside of what it should have."""

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_INVALID_KEY = frozenset({"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"})
_SIGNATURE = frozenset({"InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed"})
THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded"}
)
_FAULTS = frozenset(
    {"ServerException", "InternalFailure", "InternalError", "ServiceUnavailable", "500", "502", "503", "504"}
)
_SKEW = ("Signature expired", "not yet current", "RequestTimeTooSkewed")

_ACTIONS = {
    operation: iam_action(service, operation)
    for known in (READS, CREDENTIALS)
    for service, names in known.items()
    for operation in names
}


class IncompleteAnswerError(BotoCoreError):
    """An answer lacks a member that its operation always returns: it was cut short, and is no evidence of anything.

    botocore turns a truncated JSON body into an empty answer, with no error and no retry.
    """

    fmt = "the answer to {operation} lacks '{member}'; it was probably cut short on its way"


class UnreadableAnswerError(BotoCoreError):
    """An answer that cannot be parsed, or that has a member of another type than the API's model."""

    fmt = "the answer to {operation} is not what AWS sends ({reason})"


class CallTimeoutError(HTTPClientError):
    """A call whose answer was not complete in time, however little by little it arrived."""

    fmt = "{operation} had no complete answer after {seconds} seconds"


class ObservationTimeoutError(BotoCoreError):
    """A call that was not made, because the time for the observation it belongs to was over."""

    fmt = "{operation} was not read, because the time for this observation was over"


def code_of(error: Exception) -> str:
    """Return the error's own name: the service's code, or the class of the exception."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


_BAD_HEADER = "Invalid header value"
"""Words of the standard library's error for a header that cannot be sent."""

_RUN_AGAIN = "Run again; if it happens again, check `endpoint_url`, AWS_ENDPOINT_URL and the proxy of this machine."


def problem_of(error: Exception, action: str) -> Problem:
    """Return the problem that `error` is, raised by a call that needs the IAM action `action`."""
    if isinstance(error, ClientError):
        action = _ACTIONS.get(error.operation_name, action)
    message, remedy = _explain(error, action)
    return Problem(action, code_of(error), clean(message), clean(remedy), passing=_is_passing(error))


def _is_passing(error: Exception) -> bool:
    if isinstance(error, ClientError):
        return code_of(error) in THROTTLED | _FAULTS
    return isinstance(error, HTTPClientError | IncompleteAnswerError | UnreadableAnswerError | ObservationTimeoutError)


def attempt(action: str, query: Callable[[], T]) -> Answered[T]:
    """Return the value of a query, or the problem that kept it from one."""
    try:
        return query(), None
    except CALL_ERRORS as error:
        return None, problem_of(error, action)
    except _NOT_UNDERSTOOD as error:
        message = f"The answer to {action} has a value outside of what AWS sends ({type(error).__name__})."
        return None, Problem(action, type(error).__name__, message, _RUN_AGAIN, passing=True)


def _explain(error: Exception, action: str) -> tuple[str, str]:
    if isinstance(error, ClientError):
        return _explain_answer(error, action)
    if isinstance(error, HTTPClientError) and _BAD_HEADER in str(error):
        # The value is a part of the credentials, and not shown.
        return (
            "A part of the credentials holds a line break or another character that cannot be sent.",
            "Check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN, and the provider of the credentials.",
        )
    for kinds, message, remedy in _CAUSES:
        if isinstance(error, kinds):
            return message.format(error=" ".join(str(error).split()).rstrip(".")), remedy
    return f"{action} could not be called: {error}", "See the error; then run again."


def _explain_answer(error: ClientError, action: str) -> tuple[str, str]:
    code = code_of(error)
    said = _message_of(error)
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


def _message_of(error: ClientError) -> str:
    """Return the service's own message; the page that a proxy sends instead of one is not shown."""
    said = str(error.response.get("Error", {}).get("Message", "")).strip() or str(error)
    if said.startswith(("<", "{", "[")):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return f"the answer was no message of AWS (HTTP status {status})"
    return said


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
        (boto.InfiniteLoopConfigError,),
        "Profiles of the AWS configuration refer to each other: {error}.",
        "Let source_profile lead to a profile with credentials of its own, in ~/.aws/config.",
    ),
    (
        (boto.ConfigParseError,),
        "An AWS configuration file cannot be parsed: {error}.",
        "Fix its syntax: sections in brackets, and `key = value`, each key once.",
    ),
    (
        (
            boto.InvalidDefaultsMode,
            boto.InvalidIMDSEndpointError,
            boto.InvalidIMDSEndpointModeError,
            boto.InvalidMaxRetryAttemptsError,
            boto.InvalidRegionError,
            boto.InvalidRetryConfigurationError,
            boto.InvalidRetryModeError,
            boto.InvalidSTSRegionalEndpointsConfigError,
            boto.ParamValidationError,
        ),
        "A setting of the AWS configuration is not valid: {error}.",
        "Correct it in the configuration of the environment, in ~/.aws/config, or in a variable that begins with AWS_.",
    ),
    (
        (boto.InvalidConfigError,),
        "The AWS configuration files contradict themselves: {error}.",
        "Fix the profile in ~/.aws/config (a source_profile that is not defined is the usual cause).",
    ),
    (
        (boto.CredentialRetrievalError,),
        "The credentials could not be fetched: {error}.",
        "Run the credential_process (or the role's provider) by hand and see what it prints.",
    ),
    (
        (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ConnectionClosedError, boto.ReadTimeoutError),
        "AWS cannot be reached: {error}.",
        "Check the region, the network and proxy of this machine, and `endpoint_url` or AWS_ENDPOINT_URL.",
    ),
    (
        (boto.SSLError, boto.ProxyConnectionError),
        "The connection to AWS is not secure: {error}.",
        "Check the proxy and the certificates (AWS_CA_BUNDLE) of this machine.",
    ),
    (
        (CallTimeoutError,),
        "AWS does not answer in time: {error}.",
        "Check the network and proxy of this machine, and `endpoint_url` or AWS_ENDPOINT_URL; run again.",
    ),
    (
        (IncompleteAnswerError, UnreadableAnswerError),
        "AWS's answer cannot be used, also after retries: {error}.",
        _RUN_AGAIN,
    ),
    (
        (ObservationTimeoutError,),
        "The observation was cut off: {error}.",
        "Run again; if AWS answers slowly, allow more time with --deploy-wait.",
    ),
    (
        (FileNotFoundError, PermissionError, IsADirectoryError),
        "A file of the credentials cannot be read: {error}.",
        "Check AWS_WEB_IDENTITY_TOKEN_FILE and the files that ~/.aws/config names.",
    ),
)
