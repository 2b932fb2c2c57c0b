"""What goes wrong on purpose, and a record of what was asked."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_deploycheck.sandbox.world.errors import AwsError, DeniedError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Call(NamedTuple):
    """One call that arrived.

    Attributes:
        operation: Service and operation, such as `ecs:DescribeTasks`.
        region: The region it was signed for.
        parameters: What it asked.
    """

    operation: str
    region: str
    parameters: dict[str, Any]


@dataclass(slots=True)
class Fault:
    """A rule by which calls fail.

    Attributes:
        operation: Which calls, such as `logs:FilterLogEvents`; `*` stands for any part.
        code: The error code; empty denies the call the way IAM does.
        message: The message for people.
        status: The HTTP status.
        times: How many more calls fail; None is without end.
    """

    operation: str
    code: str
    message: str
    status: int
    times: int | None


@dataclass(slots=True)
class Faults:
    """The rules in force.

    Attributes:
        account: The account whose user is denied.
        rules: The rules, the first that fits decides.
    """

    account: str
    rules: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, rule: Fault) -> None:
        """Put a rule in force, before those already there."""
        with self._lock:
            self.rules.insert(0, rule)

    def clear(self, operation: str) -> None:
        """Take back the rules whose operation fits the pattern `operation`."""
        with self._lock:
            self.rules[:] = [rule for rule in self.rules if not fnmatchcase(rule.operation, operation)]

    def check(self, call: Call) -> None:
        """Raise what a rule prescribes for this call.

        Raises:
            AwsError: If a rule fits.
        """
        with self._lock:
            rule = next((rule for rule in self.rules if fnmatchcase(call.operation, rule.operation)), None)
            if rule is None:
                return
            if rule.times is not None:
                rule.times -= 1
                if rule.times <= 0:
                    self.rules.remove(rule)
        if rule.code:
            raise AwsError(rule.code, rule.message, rule.status)
        raise _denied(call, self.account)


def _denied(call: Call, account: str) -> DeniedError:
    message = (
        f"User: arn:aws:iam::{account}:user/sandbox is not authorized to perform: {call.operation} "
        f"on resource: {_resource(call, account)} because no identity-based policy allows the "
        f"{call.operation} action"
    )
    return DeniedError("AccessDeniedException", message)


def _resource(call: Call, account: str) -> str:
    service = call.operation.partition(":")[0]
    name = _log_group(call.parameters) if service == "logs" else call.parameters.get("repositoryName")
    if service == "ecr" and name:
        owner = call.parameters.get("registryId", account)
        return f"arn:aws:ecr:{call.region}:{owner}:repository/{name}"
    if service == "logs" and name:
        return f"arn:aws:logs:{call.region}:{account}:log-group:{name}:log-stream:"
    if service == "cloudwatch" and "Alarm" in call.operation:
        return f"arn:aws:cloudwatch:{call.region}:{account}:alarm:{call.parameters.get('AlarmName', '*')}"
    cluster = call.parameters.get("cluster")
    if service == "ecs" and cluster:
        return str(cluster) if cluster.startswith("arn:") else f"arn:aws:ecs:{call.region}:{account}:cluster/{cluster}"
    return "*"


def _log_group(parameters: Mapping[str, Any]) -> str:
    many = parameters.get("logGroupNames") or parameters.get("logGroupIdentifiers") or [""]
    return str(parameters.get("logGroupName") or many[0]).rpartition(":log-group:")[2]
