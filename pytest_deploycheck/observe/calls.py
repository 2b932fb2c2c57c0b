"""The ways of calling: once for each question, side by side where they are independent, in batches, page by page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec import Struct, field

from pytest_deploycheck.observe.problems import IncompleteAnswerError
from pytest_deploycheck.observe.read_only import iam_action
from pytest_deploycheck.observe.session import PARALLEL_CALLS

T = TypeVar("T")
K = TypeVar("K")

MOST_REPEATS = 5
"""Page tokens that may come in a row although they came before."""

PAGES_LIMIT = 25.0
"""Seconds that the pages of a listing may take."""


class Once(Struct):
    """Answers that cannot change within a run, by what was asked: each is asked for once, whoever needs it."""

    _answers: dict[object, object] = field(default_factory=dict)
    _locks: dict[object, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: object, ask: Callable[[], T], *, keep: Callable[[T], bool] = lambda _: True) -> T:
        """Return the answer to `key`, and call `ask` where there is none yet.

        An error is not kept, nor is an answer for which `keep` returns false because it may change later.
        """
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._answers:
                answer = ask()
                if not keep(answer):
                    return answer
                self._answers[key] = answer
            return self._answers[key]  # type: ignore[return-value]  # what was kept under `key` is what `ask` gave


def side_by_side(call: Callable[[K], T], arguments: Sequence[K]) -> list[T]:
    """Return the results of `call` for each argument, in their order; the calls are made at the same time."""
    if len(arguments) < 2:  # noqa: PLR2004
        return [call(argument) for argument in arguments]
    contexts = [copy_context() for _ in arguments]
    with ThreadPoolExecutor(max_workers=min(len(arguments), PARALLEL_CALLS)) as pool:
        return list(pool.map(lambda context, argument: context.run(call, argument), contexts, arguments))


def member(answer: Mapping[str, Any], name: str, operation: str) -> Any:
    """Return a member that the operation always returns.

    Raises:
        IncompleteAnswerError: It is missing, so the answer was cut short and is no evidence of anything.
    """
    if name not in answer:
        raise IncompleteAnswerError(operation=operation, member=name)
    return answer[name]


def require_all(asked: Iterable[str], answered: Iterable[str], operation: str) -> None:
    """Check that the answer covers all that was asked: ECS lists what it could not describe in `failures`.

    Raises:
        IncompleteAnswerError: Something that was asked for is missing from the answer.
    """
    left_out = set(asked).difference(answered)
    if left_out:
        raise IncompleteAnswerError(operation=operation, member=", ".join(sorted(left_out)))


def batches(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield `things` in batches of `size`, the most that one call takes."""
    for start in range(0, len(things), size):
        yield things[start : start + size]


def pages(
    call: Callable[..., Mapping[str, Any]],
    *,
    cursor: str = "nextToken",
    seconds: float = PAGES_LIMIT,
    monotonic: Callable[[], float] = time.monotonic,
    **parameters: Any,
) -> Iterator[Mapping[str, Any]]:
    """Yield every page of an operation, until no token is left.

    botocore's paginators stop at a token that comes twice, and follow new tokens for ever. Here a token that comes
    again is followed a few times, as the page behind it may have changed, and the pages have a time limit.

    Args:
        call: The operation, a method of a client.
        cursor: The name of the token in request and response.
        seconds: Seconds after which no further page is asked for; `math.inf` where the caller stops by itself.
        monotonic: The clock of that limit.
        parameters: The parameters of the call.

    Raises:
        IncompleteAnswerError: The rest of the pages could not be reached.
    """
    ends = monotonic() + seconds
    operation = _operation(call)
    seen: set[str] = set()
    repeats = 0
    following: str | None = None
    while True:
        page = call(**parameters, **({cursor: following} if following else {}))
        yield page
        following = page.get(cursor)
        if not following:
            return
        repeats = repeats + 1 if following in seen else 0
        seen.add(following)
        if repeats >= MOST_REPEATS:
            raise IncompleteAnswerError(operation=operation, member="page after a token that keeps repeating")
        if monotonic() >= ends:
            raise IncompleteAnswerError(
                operation=operation, member=f"last page: more than {len(seen)} pages came in {seconds:g} seconds"
            )


def _operation(call: Callable[..., Any]) -> str:
    """Return the IAM action of a method of a client, such as `ecs:ListTasks`."""
    name: str = getattr(call, "__name__", "the call")
    meta = getattr(getattr(call, "__self__", None), "meta", None)
    if meta is None:
        return name
    return iam_action(meta.service_model.service_name, meta.method_to_api_mapping[name])


def utc(moment: datetime) -> datetime:
    """Return a time that botocore parsed, in UTC."""
    return moment.astimezone(UTC)


def utc_or_none(moment: datetime | None) -> datetime | None:
    """Return a time in UTC, or None where none is given."""
    return moment.astimezone(UTC) if moment else None
