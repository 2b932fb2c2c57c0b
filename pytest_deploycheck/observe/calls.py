"""Small habits of every look at AWS: batches, whole answers, times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from pytest_deploycheck.observe.problems import IncompleteAnswerError

T = TypeVar("T")

PATIENCE = 5
"""Times that one page token may come in a row."""


def member(answer: Mapping[str, Any], name: str, operation: str) -> Any:
    """A member that the operation always returns.

    Raises:
        IncompleteAnswerError: It is not there, so the answer was cut short and says nothing.
    """
    if name not in answer:
        raise IncompleteAnswerError(operation=operation, member=name)
    return answer[name]


def require_all(asked: Iterable[str], answered: Iterable[str], operation: str) -> None:
    """See that nothing is left out: ECS tells what it could not describe in `failures`, not by an exception.

    Raises:
        IncompleteAnswerError: Something is.
    """
    left_out = set(asked).difference(answered)
    if left_out:
        raise IncompleteAnswerError(operation=operation, member=", ".join(sorted(left_out)))


def batches(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """`things` in runs of `size`, the most that one call takes."""
    for start in range(0, len(things), size):
        yield things[start : start + size]


def pages(call: Callable[..., Mapping[str, Any]], **parameters: Any) -> Iterator[Mapping[str, Any]]:
    """Every page of an operation, until no token is left.

    For operations that botocore has no paginator for, or whose paginator gives up on a token that comes twice. Such a
    token is followed again, as the page behind it may be another by then, but not for ever.

    Raises:
        IncompleteAnswerError: The same token came `PATIENCE` times in a row, so the rest cannot be reached.
    """
    token: str | None = None
    repeats = 0
    while True:
        page = call(**parameters, **({"nextToken": token} if token else {}))
        yield page
        following = page.get("nextToken")
        if not following:
            return
        repeats = repeats + 1 if following == token else 0
        if repeats >= PATIENCE:
            raise IncompleteAnswerError(operation=call.__name__, member="page behind a token that does not move on")
        token = following


def utc(moment: datetime) -> datetime:
    """A time as botocore reads it, in UTC."""
    return moment.astimezone(UTC)


def utc_or_none(moment: datetime | None) -> datetime | None:
    """As `utc`, for a time that may not be given."""
    return moment.astimezone(UTC) if moment else None
