"""Controls of the endpoint: calls that fail, are slow, limited, or answered wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pytest_deploycheck.sandbox.api.corruption import (
    Amend,
    Amendment,
    Corruption,
    Damage,
    Drip,
    EndlessPages,
    token_name,
)
from pytest_deploycheck.sandbox.api.faults import Delay, Deny, Effect, Fail, Faults, Rule
from pytest_deploycheck.sandbox.api.rates import PUBLISHED, Rate, RateLimits

if TYPE_CHECKING:
    from collections.abc import Sequence


class FaultControls:
    """The part of the sandbox that is about faults.

    In all of them an operation is such as `ecr:DescribeImages`, or a pattern such as `ecr:*` or `*`; the download of a
    layer is `s3:GetObject`. A resource is the pattern of an ARN, such as `arn:aws:ecr:*:906394416424:*` for the
    registry of another account; where a call has none, it is `*`.

    Attributes:
        latency: The seconds of real time that every call takes.
    """

    _faults: Faults
    _limits: RateLimits
    latency: float = 0.0

    def deny(self, operation: str, *, resource: str = "*", times: int | None = None) -> None:
        """Refuse a call as IAM does, until [Sandbox.allow][].

        Args:
            operation: The operation.
            resource: The resource.
            times: The number of calls; None is without end.
        """
        self._add(operation, Deny(), times, resource)

    def fail(
        self,
        operation: str,
        *,
        code: str,
        message: str = "",
        status: int = 400,
        times: int | None = None,
        resource: str = "*",
    ) -> None:
        """Let a call fail.

        Args:
            operation: The operation.
            code: The error code, such as `ThrottlingException`.
            message: The message for people.
            status: The HTTP status. From 500 on, botocore retries by itself.
            times: The number of calls; None is without end.
            resource: The resource.
        """
        self._add(operation, Fail(code, message, status), times, resource)

    def corrupt(
        self, operation: str, how: Corruption | Amendment, *, times: int | None = None, resource: str = "*"
    ) -> None:
        """Damage or replace the answer to a call.

        Args:
            operation: The operation.
            how: `cut` (the first half of the body), `html` (the page of a proxy), `null`, `list` (`[]`), `empty` (`{}`)
                or `times` (every time is 1e30, in JSON). Or a function from the correct answer, in the members of the
                service model, to the answer that is sent, such as
                `lambda answer: {**answer, "MetricDataResults": []}`; not for the answers of moto, such as those of sts.
            times: The number of calls; None is without end.
            resource: The resource.
        """
        self._add(operation, Amend(how) if callable(how) else Damage(how), times, resource)

    def page_endlessly(
        self,
        operation: str,
        tokens: Literal["new", "repeated"] = "new",
        *,
        times: int | None = None,
        resource: str = "*",
    ) -> None:
        """Answer a call with its first page and a token for another, again and again.

        Args:
            operation: The operation, with its service by name.
            tokens: Whether each token is a new one or always the same.
            times: The number of calls; None is without end.
            resource: The resource.
        """
        self._add(operation, EndlessPages(token_name(operation), tokens == "repeated"), times, resource)

    def delay(self, operation: str, seconds: float, *, times: int | None = None, resource: str = "*") -> None:
        """Answer a call late, in seconds of real time; with a very long time, it is never answered.

        Args:
            operation: The operation.
            seconds: The seconds until it is answered. A stopped sandbox answers at once.
            times: The number of calls; None is without end.
            resource: The resource.
        """
        self._add(operation, Delay(seconds), times, resource)

    def drip(self, operation: str, seconds: float = 0.05, *, times: int | None = None, resource: str = "*") -> None:
        """Send the answer to a call a byte at a time.

        Args:
            operation: The operation.
            seconds: The seconds of real time between two bytes.
            times: The number of calls; None is without end.
            resource: The resource.
        """
        self._add(operation, Drip(seconds), times, resource)

    def limit_rates(self, rates: Sequence[Rate] = PUBLISHED) -> None:
        """Limit the rates of calls for each region, with the throttling errors of AWS.

        Args:
            rates: The rates; default: those that AWS publishes. An empty sequence removes the limits.
        """
        self._limits.limit(tuple(rates))

    def allow(self, operation: str = "*") -> None:
        """Remove the faults of these operations, by default of all; rates and latency stay.

        Args:
            operation: The operation, as a pattern of those that faults were set for.
        """
        self._faults.clear(operation)

    def _add(self, operation: str, effect: Effect, times: int | None, resource: str) -> None:
        self._faults.add(Rule(operation, resource, times, effect))
