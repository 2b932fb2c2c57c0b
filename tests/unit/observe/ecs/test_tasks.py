"""The tasks of several services, where one of the calls fails."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_ecs import ECSClient

from pytest_deploycheck.observe.ecs.tasks import tasks_by_cluster, tasks_by_service


def refusing(code: str, **refused: str) -> ECSClient:
    """Return a client that lists a task for each service, and refuses to list some.

    Args:
        code: The error.
        refused: The parameter for which it refuses a listing, and its value.
    """

    def list_tasks(**asked: Any) -> dict[str, Any]:
        if refused.items() <= asked.items():
            raise ClientError({"Error": {"Code": code, "Message": "No."}}, "ListTasks")
        return {"taskArns": [f"task/{asked.get('serviceName', 'shop')}"]}

    def describe_tasks(*, tasks: list[str], **_: Any) -> dict[str, Any]:
        state = {"taskDefinitionArn": "shop:1", "lastStatus": "RUNNING", "desiredStatus": "RUNNING"}
        return {"tasks": [{"taskArn": arn, "group": f"service:{arn[5:]}", **state} for arn in tasks]}

    return cast("ECSClient", SimpleNamespace(list_tasks=list_tasks, describe_tasks=describe_tasks))


def test_a_service_whose_tasks_cannot_be_listed() -> None:
    """It has the problem, and the other services have their tasks."""
    client = refusing("AccessDeniedException", serviceName="jobs")
    found = tasks_by_service(client, "default", ["shop", "jobs"])
    assert [one.arn for one in found["shop"][0] or ()] == ["task/shop"]
    assert found["shop"][1] is None
    tasks, problem = found["jobs"]
    assert tasks is None
    assert problem is not None
    assert (problem.operation, problem.code) == ("ecs:ListTasks", "AccessDeniedException")


@pytest.mark.parametrize("status", ["RUNNING", "STOPPED"])
def test_a_cluster_whose_tasks_cannot_be_listed(status: str) -> None:
    """A denial holds for every service; after another error each of them is asked for by itself."""
    denied = tasks_by_cluster(refusing("AccessDeniedException", desiredStatus=status), "default", ["shop", "jobs"])
    assert denied is not None
    assert [(tasks, problem and problem.code) for tasks, problem in denied.values()] == [
        (None, "AccessDeniedException"),
        (None, "AccessDeniedException"),
    ]
    assert tasks_by_cluster(refusing("ServerException", desiredStatus=status), "default", ["shop", "jobs"]) is None
