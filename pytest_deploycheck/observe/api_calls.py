"""The one place that every call of every client passes: its time limit, its retries, and the check of its response."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from pytest_deploycheck.errors import DeploycheckError
from pytest_deploycheck.observe.problems import (
    THROTTLED,
    CallTimeoutError,
    IncompleteAnswerError,
    ObservationTimeoutError,
    UnreadableAnswerError,
    code_of,
)
from pytest_deploycheck.observe.rates import RateBudget, polling
from pytest_deploycheck.observe.read_only import iam_action
from pytest_deploycheck.observe.responses import response_check

if TYPE_CHECKING:
    from botocore.client import ClientMeta
    from botocore.session import Session as CoreSession

T = TypeVar("T")

CALL_LIMIT = 25.0
"""Seconds that a call may take, with its retries: botocore's own limits hold for each read, and never end a response
that arrives byte by byte."""

_PAUSES = (0.2, 0.6)
"""Seconds before the first and the second retry of a call whose response could not be used."""


def within(seconds: float, call: Callable[[], T], action: str) -> T:
    """Return the value of a call, and stop waiting for it after some seconds.

    It is made in another thread, with the context variables of this one.

    Raises:
        CallTimeoutError: It took longer. The thread that waits for it is left behind, and does not keep the process.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # noqa: BLE001  # it is raised in the thread that waits
            outcome.set_exception(error)

    # The threads of a pool are not daemons: they would keep the process.
    threading.Thread(target=copy_context().run, args=(run,), name=action, daemon=True).start()
    if not wait([outcome], seconds).done:
        raise CallTimeoutError(operation=action, seconds=f"{seconds:.3g}")
    return outcome.result()


def install(
    session: CoreSession,
    time_left: Callable[[], float],
    count: Callable[[str], None],
    budget: Callable[[], RateBudget],
) -> None:
    """Let every call of every client of `session` pass through here.

    Args:
        session: The session.
        time_left: Seconds that calls may take from now on, at the most.
        count: Takes note of a call, by its IAM action.
        budget: Returns the budget of the account whose calls they are.
    """

    class CheckedCalls:
        """A base of every client; botocore makes each call of an operation through this method."""

        def _make_api_call(self, operation: str, parameters: Mapping[str, Any]) -> Any:
            send = super()._make_api_call  # type: ignore[misc]  # of botocore's own base
            meta: ClientMeta = self.meta  # type: ignore[attr-defined]  # likewise
            action = iam_action(meta.service_model.service_name, operation)
            if action not in checks:
                checks[action] = response_check(meta.service_model.operation_model(operation), action)
            count(action)
            call = _Call(lambda: send(operation, parameters), checks[action], action, time_left)
            return _paced(call, budget(), meta.region_name)

    checks: dict[str, Callable[[Mapping[str, Any]], None]] = {}

    def add(**event: Any) -> None:
        bases: list[type] = event["base_classes"]
        bases.insert(0, CheckedCalls)

    session.register("creating-client-class", add)


class _Call(NamedTuple):
    """A call: how it is sent and its response checked, its IAM action, and the seconds that it may take."""

    send: Callable[[], Any]
    check: Callable[[Any], None]
    action: str
    time_left: Callable[[], float]


def _paced(call: _Call, budget: RateBudget, region: str) -> Any:
    """Return the response to a call, made when the rates of AWS allow it, and once more if that was too early."""
    budget.take(call.action, region, call.time_left)
    try:
        return _checked(*call)
    except ClientError as error:
        if code_of(error) not in THROTTLED:
            raise
        # botocore has repeated it a few times, and the budget has been slowed down with each of them.
        budget.take(call.action, region, call.time_left)
        return _checked(*call)


def _checked(send: Callable[[], T], check: Callable[[T], None], action: str, time_left: Callable[[], float]) -> T:
    ends = time.monotonic() + CALL_LIMIT
    for pause in (*_PAUSES, None):
        limit = min(ends - time.monotonic(), time_left())
        if limit <= 0:
            raise ObservationTimeoutError(operation=action)
        try:
            response = within(limit, lambda: _readable(send, action), action)
            check(response)
        except (IncompleteAnswerError, UnreadableAnswerError):
            if pause is None or pause >= min(ends - time.monotonic(), time_left()):
                raise
            time.sleep(pause)
        else:
            return response
    raise AssertionError  # the last attempt returns or raises


def _readable(send: Callable[[], T], action: str) -> T:
    """Return the response; what botocore raises when it cannot parse one becomes an error without the body."""
    try:
        # The budget counted this call as a poll; that botocore repeats it is not held back as one.
        with polling(is_on=False):
            return send()
    except (BotoCoreError, ClientError, DeploycheckError, OSError):
        raise
    except Exception as error:  # noqa: BLE001  # botocore lets AttributeError, RuntimeError and others of its parsers pass
        raise UnreadableAnswerError(operation=action, reason=f"botocore raised {type(error).__name__}") from None
