"""Lookups that no check needs: each is made when the value of a fixture is asked for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from msgspec import Struct, field

from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.facts.task import DefinedTask
from pytest_deploycheck.observe.http.answer import HttpAnswer
from pytest_deploycheck.run.connections import Access

T = TypeVar("T")


class OnDemand(Struct):
    """The lookups of one process; what cannot change within a run is looked up once."""

    _access: Access
    _definitions: dict[str, DefinedTask] = field(default_factory=dict)

    def client(self, service: str, region: str | None, allow: Collection[str]) -> Any:
        """Open a client of any service that sends only operations which are named like reads."""
        return self._access.session.reading_client(service, region, allow)

    def request(self, url: str, headers: Mapping[str, str], timeout: float, follow: bool) -> HttpAnswer | str:  # noqa: FBT001 - as the handle calls it
        """Return the application's answer to a GET request, or the reason why nobody answered."""
        from pytest_deploycheck.observe.http.client import NoAnswerError, request  # noqa: PLC0415  # botocore is loaded when it is needed

        self._access.contact()
        try:
            return request(url, headers, timeout=timeout, follow=follow)
        except NoAnswerError as error:
            return str(error)

    def task_settings(self, arn: str) -> DefinedTask:
        """Return a task definition with environment, CPU and memory.

        Raises:
            UnprovenError: It could not be read.
        """
        from pytest_deploycheck.observe.ecs.task_settings import task_settings  # noqa: PLC0415  # as above
        from pytest_deploycheck.observe.problems import attempt  # noqa: PLC0415

        if arn not in self._definitions:
            action = "ecs:DescribeTaskDefinition"
            found, problem = attempt(action, lambda: task_settings(self._access.session.ecs(), arn))
            self._definitions[arn] = _found(found, problem, f"The task definition {arn}")
        return self._definitions[arn]

    def dns_names(self, groups: Collection[str]) -> tuple[str, ...]:
        """Return the DNS names of the load balancers that forward to target groups.

        Raises:
            UnprovenError: They could not be read.
        """
        from pytest_deploycheck.observe.health.load_balancers import dns_names  # noqa: PLC0415  # as above
        from pytest_deploycheck.observe.problems import attempt  # noqa: PLC0415

        names, problem = attempt(
            "elasticloadbalancing:DescribeLoadBalancers",
            lambda: dns_names(self._access.session.reading_client("elbv2"), list(groups)),
        )
        return _found(names, problem, "The load balancers")


def _found(value: T | None, problem: Problem | None, subject: str) -> T:
    if value is None:
        why = f"{problem.message} {problem.remedy}" if problem else "there was no answer."
        raise UnprovenError(f"{subject} could not be read: {why}")
    return value
