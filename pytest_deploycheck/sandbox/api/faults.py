"""Faults: rules by which calls fail, are slow, or get a response that is not a valid answer."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_deploycheck.sandbox.world.errors import AwsError, DeniedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response

    from pytest_deploycheck.sandbox.api.responses import Json


class Call(NamedTuple):
    """A call that arrived.

    Attributes:
        operation: Service and operation, such as `ecs:DescribeTasks`.
        region: The region it was signed for.
        parameters: Its parameters.
    """

    operation: str
    region: str
    parameters: dict[str, Any]


class Effect:
    """The effect of a rule on a call; the effects below override one of its steps."""

    def refuse(self, call: Call, account: str) -> None:
        """Raise the error that answers the call, if any."""

    def wait(self, closing: threading.Event) -> None:
        """Wait before the call is answered, until the sandbox stops at the latest."""

    def ask(self, parameters: Json) -> Json:
        """Return the parameters that are answered in place of those of the call."""
        return parameters

    def amend(self, answer: Json) -> Json:
        """Return the answer that is sent in place of the right one."""
        return answer

    def damage(self, response: Response, closing: threading.Event) -> Response:  # noqa: ARG002  # for effects that wait
        """Return the response that is sent in place of the right one."""
        return response


@dataclass(frozen=True, slots=True)
class Deny(Effect):
    """The call is refused as IAM refuses it."""

    def refuse(self, call: Call, account: str) -> None:
        """Raise the error of IAM.

        Raises:
            DeniedError: Always.
        """
        message = (
            f"User: arn:aws:iam::{account}:user/sandbox is not authorized to perform: {call.operation} "
            f"on resource: {resource_of(call, account)} because no identity-based policy allows the "
            f"{call.operation} action"
        )
        raise DeniedError("AccessDeniedException", message)


@dataclass(frozen=True, slots=True)
class Fail(Effect):
    """The call fails with an error.

    Attributes:
        code: The error code.
        message: The message for people.
        status: The HTTP status.
    """

    code: str
    message: str
    status: int

    def refuse(self, call: Call, account: str) -> None:  # noqa: ARG002  # the same error for every call
        """Raise the error.

        Raises:
            AwsError: Always.
        """
        raise AwsError(self.code, self.message, self.status)


@dataclass(frozen=True, slots=True)
class Delay(Effect):
    """The call is answered late.

    Attributes:
        seconds: The seconds of real time until it is answered.
    """

    seconds: float

    def wait(self, closing: threading.Event) -> None:
        """Wait."""
        closing.wait(self.seconds)


@dataclass(slots=True)
class Rule:
    """A rule that some calls are subject to.

    Attributes:
        operation: The pattern of their operation, such as `logs:*`.
        resource: The pattern of the ARN of their resource.
        times: The number of calls left; None is without end.
        effect: The effect.
    """

    operation: str
    resource: str
    times: int | None
    effect: Effect


@dataclass(slots=True)
class Faults:
    """The rules in force.

    Attributes:
        account: The account whose user is denied.
        rules: The rules; the newer ones come first.
    """

    account: str
    rules: list[Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, rule: Rule) -> None:
        """Put a rule in force, before those in force already."""
        with self._lock:
            self.rules.insert(0, rule)

    def clear(self, operation: str) -> None:
        """Remove the rules whose operation matches the pattern `operation`."""
        with self._lock:
            self.rules[:] = [rule for rule in self.rules if not fnmatchcase(rule.operation, operation)]

    def take(self, call: Call) -> list[Effect]:
        """Return the effects on a call, the newest of each kind, and count it as one of their times."""
        resource = resource_of(call, self.account)
        effects: dict[type[Effect], Effect] = {}
        with self._lock:
            for rule in list(self.rules):
                kind = Fail if isinstance(rule.effect, Deny) else type(rule.effect)
                fits = fnmatchcase(call.operation, rule.operation) and fnmatchcase(resource, rule.resource)
                if not fits or kind in effects:
                    continue
                effects[kind] = rule.effect
                if rule.times is not None:
                    rule.times -= 1
                    if rule.times <= 0:
                        self.rules.remove(rule)
        return list(effects.values())


def resource_of(call: Call, account: str) -> str:
    """Return the ARN of the resource of a call; `*` where it has none."""
    service = call.operation.partition(":")[0]
    name = _log_group(call.parameters) if service == "logs" else _repository(call.parameters)
    if service == "ecr":
        owner = call.parameters.get("registryId", account)
        return f"arn:aws:ecr:{call.region}:{owner}:repository/{name or '*'}"
    if service == "logs" and name:
        return f"arn:aws:logs:{call.region}:{account}:log-group:{name}:log-stream:"
    if service == "cloudwatch" and "Alarm" in call.operation:
        return f"arn:aws:cloudwatch:{call.region}:{account}:alarm:{call.parameters.get('AlarmName', '*')}"
    cluster = call.parameters.get("cluster")
    if service == "ecs" and cluster:
        return str(cluster) if cluster.startswith("arn:") else f"arn:aws:ecs:{call.region}:{account}:cluster/{cluster}"
    return "*"


def _repository(parameters: Mapping[str, Any]) -> str:
    many = parameters.get("repositoryNames") or [""]
    return str(parameters.get("repositoryName") or many[0])


def _log_group(parameters: Mapping[str, Any]) -> str:
    many = parameters.get("logGroupNames") or parameters.get("logGroupIdentifiers") or [""]
    return str(parameters.get("logGroupName") or many[0]).rpartition(":log-group:")[2]
