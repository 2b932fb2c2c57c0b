"""The parts that the answers of all services share: their type and paging."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pytest_deploycheck.sandbox.world.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.sandbox.world.world import World

T = TypeVar("T")

Json = dict[str, Any]
"""A JSON object."""


class Operation(Protocol):
    """Answers one operation, in the shape of botocore's service model."""

    def __call__(self, world: World, region: str, request: Json, /) -> Json:
        """Return the answer to a call in a region.

        Raises:
            AwsError: If the service would answer with an error.
        """
        ...


def page(items: Sequence[T], request: Json, *, largest: int, default: int | None = None) -> tuple[list[T], Json]:
    """Return one page of a listing.

    Returns:
        The items of the page, and an object to merge into the answer, with `nextToken` where more items follow.

    Raises:
        AwsError: If `maxResults` or `nextToken` is not what the service allows.
    """
    size = request.get("maxResults", default or largest)
    if not 1 <= size <= largest:
        raise invalid(f"maxResults must be between 1 and {largest}")
    start = read_token(request["nextToken"]).get("start", 0) if request.get("nextToken") else 0
    end = start + size
    more = {"nextToken": make_token({"start": end})} if end < len(items) else {}
    return list(items[start:end]), more


def make_token(state: Json) -> str:
    """Return a token for a position in a listing."""
    return base64.urlsafe_b64encode(json.dumps(state).encode()).decode()


def read_token(token: str) -> Json:
    """Return the position in a listing that a token stands for.

    Raises:
        AwsError: If the sandbox did not make the token.
    """
    try:
        state = json.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise invalid("The specified nextToken is invalid.") from error
    if not isinstance(state, dict):
        raise invalid("The specified nextToken is invalid.")
    return state


def invalid(message: str) -> AwsError:
    """Return the error for a parameter that is not allowed."""
    return AwsError("InvalidParameterException", message)


def without_none(answer: Json) -> Json:
    """Return the object without the members that are None: AWS leaves those out."""
    return {key: value for key, value in answer.items() if value is not None}
