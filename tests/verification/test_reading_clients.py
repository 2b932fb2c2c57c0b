from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.config.settings import EnvironmentSettings
from pytest_deploycheck.errors import ConfigurationError, RefusedOperationError
from pytest_deploycheck.observe.session import Session

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox import Sandbox


@pytest.fixture
def session(aws: Sandbox) -> Session:
    """Return a session of the sandbox, to which nothing has been sent yet."""
    aws.calls.clear()
    return Session(EnvironmentSettings(name="dev"))


def sent(aws: Sandbox) -> list[str]:
    """Return the operations that arrived."""
    return [call.operation for call in aws.calls]


def test_reads_reach_the_environment(aws: Sandbox, session: Session) -> None:
    """A client of any service reads with the environment's credentials, region and endpoint; pages and waiters work."""
    client = session.reading_client("ecs")
    aws.push_image("shop:1", {"app": "1"})
    aws.create_service("shop", cluster="shop", image="shop:1")
    assert client.meta.region_name == "us-east-1"
    (page,) = client.get_paginator("list_services").paginate(cluster="shop")
    assert len(page["serviceArns"]) == 1
    client.get_waiter("services_stable").wait(cluster="shop", services=["shop"])
    assert sent(aws) == ["ecs:ListServices", "ecs:DescribeServices"]
    assert session.reading_client("ecs", "eu-west-1").meta.region_name == "eu-west-1"


def test_writes_secrets_and_signatures_are_refused(aws: Sandbox, session: Session) -> None:
    """Nothing is sent, and nothing is signed that others could send."""
    with pytest.raises(RefusedOperationError, match="dynamodb:PutItem was not sent") as refused:
        session.reading_client("dynamodb").put_item(TableName="shop", Item={"id": {"S": "1"}})
    assert "client of your own" in refused.value.remedy
    with pytest.raises(RefusedOperationError, match="it hands out secrets") as refused:
        session.reading_client("secretsmanager").get_secret_value(SecretId="shop")
    assert 'client("secretsmanager", allow=["GetSecretValue"])' in refused.value.remedy
    with pytest.raises(RefusedOperationError):
        session.reading_client("ssm").get_parameter(Name="/shop", WithDecryption=True)
    with pytest.raises(RefusedOperationError):
        session.reading_client("sts").assume_role(RoleArn="arn:aws:iam::123456789012:role/x", RoleSessionName="x")
    s3 = session.reading_client("s3")
    with pytest.raises(RefusedOperationError):
        s3.generate_presigned_url("put_object", Params={"Bucket": "shop", "Key": "x"})
    with pytest.raises(RefusedOperationError):
        s3.generate_presigned_post("shop", "x")
    assert s3.generate_presigned_url("get_object", Params={"Bucket": "shop", "Key": "x"})
    assert sent(aws) == []


def test_the_clients_of_the_package_keep_their_own_list(aws: Sandbox, session: Session) -> None:
    """Opening a client for a test widens nothing for the clients that the package uses itself."""
    session.reading_client("ecs", allow=[])
    with pytest.raises(RefusedOperationError, match="ecs:ListClusters"):
        session.ecs().list_clusters()
    assert sent(aws) == []


@pytest.mark.parametrize(
    ("service", "allow", "message"),
    [
        ("dynamo", [], r"unknown AWS service 'dynamo'; did you mean 'dynamodb'\?"),
        ("secretsmanager", ["GetSecretsValue"], r"no operation 'GetSecretsValue'; did you mean 'GetSecretValue'\?"),
        ("secretsmanager", ["PutSecretValue"], "'PutSecretValue' of secretsmanager is not a read"),
        ("secretsmanager", ["GetSecretValue", "PutSecretValue"], "'PutSecretValue' of secretsmanager is not a read"),
        ("secretsmanager", "GetSecretValue", "expected a list of operations"),
    ],
)
def test_names_are_checked(session: Session, service: str, allow: list[str], message: str) -> None:
    """A service or an operation that is not known is an error with the nearest name; a write cannot be allowed."""
    with pytest.raises(ConfigurationError, match=message) as wrong:
        session.reading_client(service, allow=allow)
    assert wrong.value.remedy
