"""The check of every response: its members have the types of the API's model, and those always returned are there.

botocore does not check what it parses: a JSON body that was cut short becomes an empty response, and a member of
another type is passed on as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from pytest_deploycheck.observe.problems import IncompleteAnswerError, UnreadableAnswerError

REQUIRED: Final[Mapping[str, str]] = {
    "sts:GetCallerIdentity": "Account",
    "cloudwatch:DescribeAlarmHistory": "AlarmHistoryItems",
    "cloudwatch:DescribeAlarms": "MetricAlarms|CompositeAlarms MetricAlarms?[].AlarmName MetricAlarms?[].StateValue "
    "CompositeAlarms?[].AlarmName CompositeAlarms?[].StateValue",
    "cloudwatch:GetMetricData": "MetricDataResults[].Id",
    "ecs:DescribeContainerInstances": "containerInstances[].containerInstanceArn",
    "ecs:DescribeServiceDeployments": "serviceDeployments[].serviceDeploymentArn serviceDeployments[].status "
    "serviceDeployments[].createdAt",
    "ecs:DescribeServiceRevisions": "serviceRevisions[].serviceRevisionArn serviceRevisions[].taskDefinition "
    "serviceRevisions[].containerImages?[].containerName serviceRevisions[].containerImages?[].image",
    "ecs:DescribeServices": "services[].serviceArn services[].serviceName services[].status services[].desiredCount "
    "services[].runningCount services[].pendingCount services[].deployments?[].id services[].deployments?[].status "
    "services[].deployments?[].taskDefinition services[].deployments?[].createdAt services[].taskSets?[].id "
    "services[].taskSets?[].status services[].taskSets?[].taskDefinition services[].taskSets?[].createdAt "
    "services[].events?[].createdAt services[].events?[].message",
    "ecs:DescribeTaskDefinition": "taskDefinition.taskDefinitionArn taskDefinition.containerDefinitions[].name "
    "taskDefinition.containerDefinitions[].image",
    "ecs:DescribeTasks": "tasks[].taskArn tasks[].taskDefinitionArn tasks[].lastStatus tasks[].desiredStatus "
    "tasks[].containers?[].name tasks[].attributes?[].name",
    "ecs:ListServiceDeployments": "serviceDeployments[].serviceDeploymentArn serviceDeployments[].createdAt",
    "ecs:ListServices": "serviceArns",
    "ecs:ListTasks": "taskArns",
    "elasticloadbalancing:DescribeListeners": "Listeners[].ListenerArn",
    "elasticloadbalancing:DescribeRules": "Rules[].RuleArn",
    "elasticloadbalancing:DescribeTargetGroups": "TargetGroups[].TargetGroupArn",
    "elasticloadbalancing:DescribeTargetHealth": "TargetHealthDescriptions[].Target.Id "
    "TargetHealthDescriptions[].TargetHealth.State",
    "ecr:BatchGetImage": "images[].imageId.imageDigest images[].imageManifest",
    "ecr:DescribeImages": "imageDetails[].imageDigest",
    "ecr:DescribeRepositories": "repositories[].repositoryName",
    "ecr:GetDownloadUrlForLayer": "downloadUrl",
    "logs:FilterLogEvents": "events[].eventId events[].timestamp events[].logStreamName",
    "logs:GetQueryResults": "status",
    "logs:StartLiveTail": "responseStream",
    "logs:StartQuery": "queryId",
}
"""The members that each operation always returns, as paths: `[]` is each item of a list, `?` a member that may be
missing although its items have members of their own, and of `A|B` one is always there."""

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "integer": (int,),
    "long": (int,),
    "float": (float, int),
    "double": (float, int),
    "boolean": (bool,),
}

Members = dict[str, "Members"]
Check = Callable[[Any], Any]
"""Returns a value, with lone surrogates replaced, or raises `_UnfitError`."""


class _UnfitError(Exception):
    """A value that does not fit the model; `path` leads to it."""

    def __init__(self, path: str, *, is_missing: bool = False) -> None:
        super().__init__(path)
        self.path = path
        self.is_missing = is_missing


def response_check(model: OperationModel, action: str) -> Callable[[Mapping[str, Any]], None]:
    """Return the check of the responses of an operation.

    The check raises `IncompleteAnswerError` for a response that lacks a member, and `UnreadableAnswerError` for one
    with a member of another type.
    """
    required = _members(REQUIRED.get(action, "").split())
    if model.has_event_stream_output or model.output_shape is None:
        check: Check = _StructureCheck(None, required)
    else:
        check = _check_of(model.output_shape, required)

    def checked(response: Mapping[str, Any]) -> None:
        try:
            check(response)
        except _UnfitError as error:
            if error.is_missing:
                raise IncompleteAnswerError(operation=action, member=error.path) from None
            raise UnreadableAnswerError(
                operation=action, reason=f"{error.path} is not of the type it should have"
            ) from None

    return checked


def _members(paths: Iterable[str]) -> Members:
    """Return the paths as a tree; a member that may be missing keeps its `?`."""
    tree: Members = {}
    for path in paths:
        branch = tree
        for name in path.replace("[]", "").split("."):
            branch = branch.setdefault(name, {})
    return tree


def _check_of(shape: Shape, required: Members) -> Check:
    if isinstance(shape, StructureShape):
        # A document may be any JSON.
        return _scalar(None) if shape.is_document_type else _StructureCheck(shape, required)
    if isinstance(shape, ListShape):
        return _list(_check_of(shape.member, required))
    if isinstance(shape, MapShape):
        return _map(_check_of(shape.value, {}))
    if shape.type_name == "string":
        return _text
    if shape.type_name == "timestamp":
        return _moment
    return _scalar(_TYPES.get(shape.type_name))


class _StructureCheck:
    """The check of a structure, which makes the check of a member when it first sees one.

    A model has many more members than a response, and a structure may contain itself.
    """

    def __init__(self, shape: StructureShape | None, required: Members) -> None:
        self._shape = shape
        self._required = required
        self._needed = [name.split("|") for name in required if not name.endswith("?")]
        self._checks: dict[str, Check | None] = {}

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise _UnfitError("")
        for names in self._needed:
            if not any(name in value for name in names):
                raise _UnfitError(names[0], is_missing=True)
        for name, one in value.items():
            check = self._check_of_member(name)
            if check is not None:
                try:
                    fit = check(one)
                except _UnfitError as error:
                    raise _UnfitError(_joined(name, error.path), is_missing=error.is_missing) from None
                if fit is not one:
                    value[name] = fit
        return value

    def _check_of_member(self, name: str) -> Check | None:
        if name not in self._checks:
            member = self._shape.members.get(name) if self._shape else None
            below = self._required.get(name) or self._required.get(f"{name}?") or {}
            self._checks[name] = _check_of(member, below) if member else None
        return self._checks[name]


def _list(item: Check) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, list):
            raise _UnfitError("")
        for number, one in enumerate(value):
            try:
                fit = item(one)
            except _UnfitError as error:
                raise _UnfitError(_joined(f"[{number}]", error.path), is_missing=error.is_missing) from None
            if fit is not one:
                value[number] = fit
        return value

    return check


def _map(item: Check) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            raise _UnfitError("")
        return {_text(key): item(one) for key, one in value.items()}

    return check


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise _UnfitError("")
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair cannot be written anywhere.
        return value.encode(errors="replace").decode()
    return value


def _moment(value: Any) -> Any:
    if not isinstance(value, datetime):
        raise _UnfitError("")
    try:
        value.astimezone(UTC)
    except (OverflowError, ValueError, OSError):
        raise _UnfitError("") from None
    return value


def _scalar(types: tuple[type, ...] | None) -> Check:
    def check(value: Any) -> Any:
        if types is not None and type(value) not in types:
            raise _UnfitError("")
        if type(value) is float and not math.isfinite(value):
            raise _UnfitError("")
        return value

    return check


def _joined(name: str, rest: str) -> str:
    return f"{name}.{rest}" if rest and not rest.startswith("[") else f"{name}{rest}"
