"""The operations of any AWS service that read, by their names: for the clients that tests open.

AWS names operations by what they do, with exceptions: some of those named like a read change something or hand out a
secret. Both kinds are listed here, from the models of all services that botocore has.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

_READ = re.compile(r"(?:Get|List|Describe|Head|BatchGet|Query|Scan|Select|Search|Lookup)(?=[A-Z]|$)")

_WRITES: Final = {
    "cognito-identity": {"GetId", "GetOpenIdTokenForDeveloperIdentity"},  # create identities
    "frauddetector": {"GetEventPrediction"},  # may store the event
    "kms": {"GetParametersForImport"},  # creates a key pair and a token
    "payment-cryptography": {"GetParametersForExport", "GetParametersForImport"},  # as above
    "redshift": {"GetClusterCredentials", "GetClusterCredentialsWithIAM"},  # may create a user of the database
    "sagemaker": {"GetScalingConfigurationRecommendation"},  # starts a job
    "stepfunctions": {"GetActivityTask"},  # takes a task from its queue
    "timestream-query": {"Query"},  # its UNLOAD writes to S3
    "xray": {"GetSamplingTargets"},  # reports statistics
}
"""Operations that are named like reads and change something."""

_SECRETS: Final = {
    "amplifybackend": {"GetBackendAuth"},
    "appstream": {"DescribeDirectoryConfigs"},
    "artifact": {"GetTermForReport"},
    "chime": {"GetBot", "ListBots"},
    "chime-sdk-meetings": {"GetAttendee", "ListAttendees"},
    "codepipeline": {"GetJobDetails", "GetThirdPartyJobDetails", "ListWebhooks"},
    "cognito-idp": {"DescribeIdentityProvider", "DescribeUserPoolClient", "GetIdentityProviderByIdentifier"},
    "continuum": {"GetCollectorDataAccessAuthorization"},
    "datazone": {"GetConnection"},
    "directconnect": {"DescribeVirtualInterfaces"},
    "ec2": {"DescribeVpnConnections", "GetVpnConnectionDeviceSampleConfiguration"},
    "emr-serverless": {"GetDashboardForJobRun"},
    "evs": {"GetDepotUrl"},
    "gamelift": {"GetComputeAccess", "GetInstanceAccess", "GetPlayerConnectionDetails"},
    "glue": {"GetConnection", "GetConnections"},
    "groundstation": {"GetAgentTaskResponseUrl"},
    "invoicing": {"GetProcurementPortalPreference"},
    "ivs-realtime": {"GetIngestConfiguration"},
    "kinesis-video-signaling": {"GetIceServerConfig"},
    "marketplace-agreement": {"GetAgreementEntitlements"},
    "mediapackage": {"DescribeChannel", "ListChannels"},
    "snowball": {"GetJobManifest"},
    "wickr": {"GetOidcInfo", "GetOpentdfConfig"},
}
"""Operations that hand out secrets, beside those whose names tell."""

_SECRET_WORDS: Final = re.compile(
    r"AccessDetails|AccessKey|ApiKey|Credential|DataAccess$|EmbedUrl|LoginUrl|Password|PresignedUrl|Secret"
    r"|SessionEndpoint|StreamKey|StreamingSession(?:Stream|URL)|Token|UnlockCode|UploadUrl",
    re.IGNORECASE,
)

_HARMLESS: Final = {
    "DescribeSecret",
    "GetAccessKeyInfo",
    "GetAccessKeyLastUsed",
    "GetAccountPasswordPolicy",
    "GetRandomPassword",
    "ListAccessKeys",
    "ListSecretVersionIds",
    "ListSecrets",
}
"""Operations with such a word that hand out names and rules only."""

_REVEALING: Final = ("WithDecryption", "includeValue", "includeValues", "withSecret")
"""Parameters that turn a read of what is stored into one of the secret itself."""


def is_named_like_a_read(operation: str) -> bool:
    """Tell if an operation is named like a read; it may be one of the exceptions nevertheless."""
    return _READ.match(operation) is not None


def changes_something(service: str, operation: str) -> bool:
    """Tell if an operation changes something in an account, or is not known not to.

    Args:
        service: botocore's name of the service, such as `dynamodb`.
        operation: The operation, such as `Query`.
    """
    return not is_named_like_a_read(operation) or operation in _WRITES.get(service, ())


def hands_out_secrets(service: str, operation: str, parameters: Mapping[str, Any]) -> bool:
    """Tell if a call hands out a secret, such as a password, a token or a decrypted parameter."""
    if operation in _SECRETS.get(service, ()) or any(parameters.get(name) for name in _REVEALING):
        return True
    return operation not in _HARMLESS and _SECRET_WORDS.search(operation) is not None


def refusal(
    service: str, operation: str, parameters: Mapping[str, Any], allowed: Collection[str]
) -> tuple[str, str] | None:
    """Return the reason why a test may not make a call, and what to do instead; None where it may.

    Args:
        service: botocore's name of the service.
        operation: The operation.
        parameters: The parameters of the call.
        allowed: The operations that hand out secrets and were allowed by name.
    """
    if changes_something(service, operation):
        return "tests of a deployment only read", "Make changes with a client of your own."
    if operation not in allowed and hands_out_secrets(service, operation, parameters):
        allow = f'deploy_env.client("{service}", allow=["{operation}"])'
        return "it hands out secrets", f"Where the test needs it, allow it by name: {allow}."
    return None
