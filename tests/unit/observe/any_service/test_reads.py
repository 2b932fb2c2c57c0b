from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import botocore
import msgspec
import pytest

from pytest_deploycheck.observe.any_service.reads import refusal
from pytest_deploycheck.observe.read_only import CREDENTIALS, READS


class Operation(msgspec.Struct):
    """An operation as the service model describes it."""

    http: dict[str, Any] = {}


class Model(msgspec.Struct):
    """A service model; its shapes, which are most of it, are skipped."""

    operations: dict[str, Operation]


@pytest.fixture(scope="module")
def operations() -> dict[tuple[str, str], str]:
    """Every operation of the newest model of every service that botocore ships, with its HTTP method."""
    found = {}
    decoder = msgspec.json.Decoder(Model)
    for folder in sorted((Path(botocore.__file__).parent / "data").iterdir()):
        models = sorted(folder.glob("*/service-2.json*")) if folder.is_dir() else []
        for path in models[-1:]:
            content = path.read_bytes()
            model = decoder.decode(gzip.decompress(content) if path.suffix == ".gz" else content)
            found.update({(folder.name, name): one.http.get("method", "") for name, one in model.operations.items()})
    return found


READ = ("Get", "List", "Describe", "Head", "BatchGet", "Query", "Scan", "Select", "Search", "Lookup")


def test_only_what_is_named_like_a_read_is_sent(operations: dict[tuple[str, str], str]) -> None:
    """Of all operations of all services none is permitted that is not named like a read, allowed or not."""
    assert len(operations) > 10_000
    wrong = [
        (service, name)
        for service, name in operations
        if not name.startswith(READ) and refusal(service, name, {}, [name]) is None
    ]
    assert wrong == []


def test_what_is_sent_by_name_changes_nothing(operations: dict[tuple[str, str], str]) -> None:
    """No permitted operation is one that HTTP itself knows to change something."""
    permitted = {key: method for key, method in operations.items() if refusal(*key, {}, ()) is None}
    assert len(permitted) > 5_000
    assert {key: method for key, method in permitted.items() if method in {"PUT", "DELETE", "PATCH"}} == {}


def test_no_permitted_name_has_the_word_of_a_secret(operations: dict[tuple[str, str], str]) -> None:
    """No permitted operation of any service is named for a secret, but for those that are known to hand out none."""
    words = ("Password", "Credential", "AuthToken", "SecretValue", "AuthorizationToken", "SessionToken", "ApiKey")
    permitted = {key for key in operations if refusal(*key, {}, ()) is None}
    named = {key for key in permitted if any(word in key[1] for word in words)}
    assert named == {("iam", "GetAccountPasswordPolicy"), ("secretsmanager", "GetRandomPassword")}


def test_all_exceptions_are_operations_of_their_services(operations: dict[tuple[str, str], str]) -> None:
    """Our own list and the list of what gives credentials name operations that exist."""
    ours = {(service, name) for known in (READS, CREDENTIALS) for service, names in known.items() for name in names}
    services = {service for service, _ in operations}
    # Older versions of botocore do not have all of them.
    assert {key for key in ours if key[0] in services} - set(operations) == set()


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("secretsmanager", "GetSecretValue"),
        ("secretsmanager", "BatchGetSecretValue"),
        ("ecr", "GetAuthorizationToken"),
        ("sts", "GetSessionToken"),
        ("sts", "GetFederationToken"),
        ("sso", "GetRoleCredentials"),
        ("redshift-serverless", "GetCredentials"),
        ("cognito-idp", "DescribeUserPoolClient"),
        ("ec2", "GetPasswordData"),
        ("lambda", "GetFutureCredentials"),
    ],
)
def test_what_hands_out_secrets_is_allowed_by_name_only(service: str, operation: str) -> None:
    """It is refused with the words that allow it, also in a service yet to come."""
    refused = refusal(service, operation, {}, ())
    assert refused is not None
    assert f'allow=["{operation}"]' in refused[1]
    assert refusal(service, operation, {}, [operation]) is None


@pytest.mark.parametrize(
    ("service", "operation"),
    [("stepfunctions", "GetActivityTask"), ("cognito-identity", "GetId"), ("dynamodb", "PutItem"), ("s3", "Getaway")],
)
def test_what_writes_cannot_be_allowed(service: str, operation: str) -> None:
    """An operation that changes something is refused, whatever was allowed."""
    assert refusal(service, operation, {}, [operation]) is not None


def test_a_parameter_is_not_decrypted() -> None:
    """A parameter may be read as it is stored; decrypted it is a secret."""
    assert refusal("ssm", "GetParameter", {"Name": "/shop/url"}, ()) is None
    assert refusal("ssm", "GetParameter", {"Name": "/shop/url", "WithDecryption": False}, ()) is None
    for operation in ("GetParameter", "GetParameters", "GetParametersByPath", "GetParameterHistory"):
        assert refusal("ssm", operation, {"WithDecryption": True}, ()) is not None
        assert refusal("ssm", operation, {"WithDecryption": True}, [operation]) is None
