"""Responses with members of another type than the API's model, in the shapes that ECS and CloudWatch Logs have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

import botocore.session
import pytest

from pytest_deploycheck.observe.problems import IncompleteAnswerError, UnreadableAnswerError
from pytest_deploycheck.observe.responses import response_check


@cache
def checked(operation: str) -> Callable[[Mapping[str, Any]], None]:
    """Return the check of the responses of an operation of ECS."""
    model = botocore.session.get_session().get_service_model("ecs")
    return response_check(model.operation_model(operation), f"ecs:{operation}")


def service(**more: Any) -> dict[str, Any]:
    """A response of DescribeServices, with further members of its service."""
    whole = {"serviceArn": "arn", "serviceName": "shop", "status": "ACTIVE"}
    counts = {"desiredCount": 1, "runningCount": 1, "pendingCount": 0}
    return {"services": [{**whole, **counts, **more}]}


def definition(**more: Any) -> dict[str, Any]:
    """A response of DescribeTaskDefinition, with further members of its container."""
    container = {"name": "app", "image": "shop:1", **more}
    return {"taskDefinition": {"taskDefinitionArn": "arn", "containerDefinitions": [container]}}


BEFORE_ALL_TIME = datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))
"""A time that has no counterpart in UTC."""


@pytest.mark.parametrize(
    ("operation", "response", "member"),
    [
        ("ListServices", {"serviceArns": "arn"}, "serviceArns"),
        ("ListServices", {"serviceArns": [1]}, r"serviceArns\[0\]"),
        ("DescribeServices", service(createdAt="yesterday"), r"services\[0\].createdAt"),
        ("DescribeServices", service(createdAt=BEFORE_ALL_TIME), r"services\[0\].createdAt"),
        ("DescribeServices", service(runningCount="1"), r"services\[0\].runningCount"),
        ("DescribeServices", service(runningCount=True), r"services\[0\].runningCount"),
        ("DescribeServices", service(deploymentController=[]), r"services\[0\].deploymentController"),
        ("DescribeTaskDefinition", definition(dockerLabels=["a"]), r"containerDefinitions\[0\].dockerLabels"),
        ("DescribeTaskDefinition", definition(dockerLabels={"a": 1}), r"containerDefinitions\[0\].dockerLabels"),
    ],
    ids=["list", "item", "time", "time out of bounds", "number", "yes or no", "structure", "map", "value of a map"],
)
def test_a_member_of_another_type(operation: str, response: dict[str, Any], member: str) -> None:
    """It is no evidence of anything: the error names the operation and the way to the member."""
    with pytest.raises(UnreadableAnswerError, match=f"ecs:{operation} .*{member} is not of the type"):
        checked(operation)(response)


def test_a_member_that_is_missing() -> None:
    """A response that was cut short is told apart from one that is damaged."""
    response = service()
    del response["services"][0]["status"]
    with pytest.raises(IncompleteAnswerError, match=r"services\[0\].status"):
        checked("DescribeServices")(response)


def test_half_a_character_is_replaced_wherever_it_stands() -> None:
    """No report can be written with half of a surrogate pair: in a list, a member and a map, nothing else changes."""
    listed = {"serviceArns": ["caf\u00e9", "half \ud83d"]}
    checked("ListServices")(listed)
    assert listed == {"serviceArns": ["caf\u00e9", "half ?"]}
    named = definition(dockerLabels={"\ud83d": "\ude00", "whole": "\U0001f600"})
    checked("DescribeTaskDefinition")(named)
    (container,) = named["taskDefinition"]["containerDefinitions"]
    assert container["dockerLabels"] == {"?": "?", "whole": "\U0001f600"}
