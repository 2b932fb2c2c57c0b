"""The list of operations that only read, and the guard that refuses every other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, Final

from botocore.model import OperationModel
from botocore.session import Session as CoreSession

from pytest_deploycheck.errors import RefusedOperationError
from pytest_deploycheck.observe.any_service.reads import refusal

READS: Final = {
    "sts": {"GetCallerIdentity"},
    "cloudwatch": {"DescribeAlarmHistory", "DescribeAlarms", "GetMetricData"},
    "ecs": {
        "DescribeContainerInstances",
        "DescribeServiceDeployments",
        "DescribeServiceRevisions",
        "DescribeServices",
        "DescribeTaskDefinition",
        "DescribeTasks",
        "ListServiceDeployments",
        "ListServices",
        "ListTasks",
    },
    "elbv2": {"DescribeListeners", "DescribeRules", "DescribeTargetGroups", "DescribeTargetHealth"},
    "ecr": {"BatchGetImage", "DescribeImages", "DescribeRepositories", "GetDownloadUrlForLayer"},
    "logs": {"FilterLogEvents", "GetQueryResults", "StartLiveTail", "StartQuery"},
}
"""The operations that this project calls, by botocore's name of the service."""

CREDENTIALS: Final = {
    "sts": {"AssumeRole", "AssumeRoleWithWebIdentity"},
    "sso": {"GetRoleCredentials"},
    "sso-oidc": {"CreateToken"},
    "signin": {"CreateOAuth2Token"},
}
"""What botocore itself calls to obtain credentials; none of it changes anything in an account."""


_IAM_NAMES: Final = {"elbv2": "elasticloadbalancing"}


def iam_action(service: str, operation: str) -> str:
    """The IAM action of an operation, for example `ecr:DescribeImages`, by botocore's name of the service."""
    return f"{_IAM_NAMES.get(service, service)}:{operation}"


def guard(session: CoreSession) -> None:
    """Make every client of `session` refuse what is not on the list, whatever calls it."""
    # `before-call` is emitted for each API call of each client, paginators included, before anything is sent.
    session.register("before-call", _refuse_writes)


def guard_by_names(client: Any, allowed: Collection[str] = ()) -> None:
    """Let a client read of its whole service what operations are named for, and nothing that hands out secrets.

    Args:
        client: A client of a guarded session.
        allowed: Operations that hand out secrets and that may be called nevertheless.
    """
    events = client.meta.events
    # Emitted before anything is sent, and for presigned URLs too, which others could send.
    events.register("provide-client-params", partial(_refuse_by_name, allowed=frozenset(allowed)))
    events.unregister("before-call", _refuse_writes)


def _refuse_by_name(model: OperationModel, params: Mapping[str, Any], allowed: Collection[str] = (), **_: Any) -> None:
    service = model.service_model.service_name
    if model.name in READS.get(service, ()):
        return
    refused = refusal(service, model.name, params, allowed)
    if refused:
        raise RefusedOperationError(f"{iam_action(service, model.name)} was not sent: {refused[0]}.", refused[1])


def _refuse_writes(**event: Any) -> None:
    model: OperationModel = event["model"]
    service = model.service_model.service_name
    if model.name in READS.get(service, ()) or model.name in CREDENTIALS.get(service, ()):
        return
    raise RefusedOperationError(
        f"{service}:{model.name} was not sent: pytest-deploycheck only reads, and this is not on its list of reads.",
        "Make changes to an environment with a client of your own.",
    )
