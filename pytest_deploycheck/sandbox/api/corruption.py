"""Invalid responses: cut short, replaced, slow to arrive, with absurd values, or with pages without end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from werkzeug.wrappers import Response

from pytest_deploycheck.sandbox.api.faults import Effect
from pytest_deploycheck.sandbox.api.responses import Json

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping

Corruption = Literal["cut", "html", "null", "list", "empty", "times"]
"""The ways in which a response can be damaged."""

Amendment = Callable[[Json], Json]
"""A function from the correct answer, in the members of the service model, to the answer that is sent."""

_HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_TIME = re.compile(r"(At|Time|Timestamps?)$|^timestamp$")
_NEVER = 1e30
_TOKENS = {"nextToken": "nextToken", "NextToken": "NextToken", "NextMarker": "Marker"}


@dataclass(frozen=True, slots=True)
class Damage(Effect):
    """The response is damaged.

    Attributes:
        how: The kind of damage.
    """

    how: Corruption

    def damage(self, response: Response, closing: threading.Event) -> Response:  # noqa: ARG002  # nothing to wait for
        """Return the damaged response."""
        body, content_type = response.get_data(), response.content_type
        if self.how == "html":
            return Response(_HTML, 200, content_type="text/html")
        if self.how == "times":
            body = json.dumps(_with_absurd_times(json.loads(body))).encode()
        else:
            body = {"cut": body[: len(body) // 2], "null": b"null", "list": b"[]", "empty": b"{}"}[self.how]
        return Response(body, response.status_code, content_type=content_type)


@dataclass(frozen=True, slots=True)
class Amend(Effect):
    """The answer is replaced.

    Attributes:
        amendment: The function that makes it.
    """

    amendment: Amendment

    def amend(self, answer: Json) -> Json:
        """Return the amended answer."""
        return self.amendment(answer)


@dataclass(frozen=True, slots=True)
class Drip(Effect):
    """The response arrives a byte at a time.

    Attributes:
        seconds: The seconds of real time between two bytes.
    """

    seconds: float

    def damage(self, response: Response, closing: threading.Event) -> Response:
        """Return the response as a stream."""
        body = response.get_data()

        def stream() -> Iterator[bytes]:
            for number in body:
                yield bytes([number])
                if closing.wait(self.seconds):
                    return

        dripping = Response(stream(), response.status_code, content_type=response.content_type)
        dripping.headers["Content-Length"] = str(len(body))
        return dripping


@dataclass(frozen=True, slots=True)
class EndlessPages(Effect):
    """The first page is returned again and again, each time with a token.

    Attributes:
        token: The name of the token in the answer.
        repeated: Whether the token is always the same; otherwise it is a new one each time.
    """

    token: str
    repeated: bool

    def ask(self, parameters: Json) -> Json:
        """Return the parameters without the token."""
        return {key: value for key, value in parameters.items() if key != _TOKENS[self.token]}

    def amend(self, answer: Json) -> Json:
        """Return the answer with a token."""
        return {**answer, self.token: "again" if self.repeated else uuid4().hex}


def token_name(operation: str) -> str:
    """Return the name of the token in the answers of an operation, given as `service:Operation`."""
    names: Mapping[str, str] = {"cloudwatch": "NextToken", "elasticloadbalancing": "NextMarker"}
    return names.get(operation.partition(":")[0], "nextToken")


def _with_absurd_times(document: Any, *, is_time: bool = False) -> Any:
    if isinstance(document, dict):
        return {key: _with_absurd_times(value, is_time=bool(_TIME.search(key))) for key, value in document.items()}
    if isinstance(document, list):
        return [_with_absurd_times(value, is_time=is_time) for value in document]
    return _NEVER if is_time and isinstance(document, int | float) else document
