"""AWS in a process of its own, whose logs the benchmarks fill and read: python benchmarks/log_world.py serves it.

What serves and what reads share no interpreter, so neither takes time from the other's share of it.
"""

from __future__ import annotations

import gc
import json
import math
import random
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

from log_client import SERVICE, SINCE
from log_pages import BESIDE, PAGE_BYTES, RepeatedPages
from served_world import ServedWorld, serve

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from pytest_deploycheck.sandbox import Sandbox
    from pytest_deploycheck.sandbox.world.ecs.service import SandboxService

_FIRST_LINE = timedelta(minutes=20)

_MOST_OF_PAGE = 10_000
"""Events of a page of FilterLogEvents at the most."""


class Traffic(NamedTuple):
    """The calls of CloudWatch Logs, and the bytes that all services returned.

    Attributes:
        calls: Calls to CloudWatch Logs.
        received: Bytes of all answers' bodies.
    """

    calls: int
    received: int


class LogWorld(ServedWorld):
    """A world with one service and one task that logs."""

    def __init__(self) -> None:
        super().__init__(__file__)

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables by which a process uses this world and nothing else."""
        return dict(self.about)

    def say(self, message: str, *, ago: float) -> float:
        """Let a line arrive that was logged some seconds ago, and return the moment at which it did."""
        moment: float = self._order("say", message=message, ago=ago)
        return moment

    def fill(self, number: int, needle: str, place: int) -> None:
        """Let the task have logged many lines, one of them with the needle in it."""
        self._order("fill", number=number, needle=needle, place=place)

    def repeat(self, number: int, last: str) -> None:
        """Let the task have logged about so many lines that are not stored, with this line as the last."""
        self._order("repeat", number=number, last=last)

    def traffic(self) -> Traffic:
        """Return the traffic since the last call of this method."""
        return Traffic(*self._order("traffic"))


class _Served:
    """The other side: carries out orders."""

    def __init__(self, aws: Sandbox, service: SandboxService) -> None:
        self._aws = aws
        self._service = service
        self.received: list[int] = []
        self.repeated: RepeatedPages | None = None

    def say(self, message: str, ago: float) -> float:
        self._service.log(message, at=self._aws.now() - timedelta(seconds=ago))
        return time.monotonic()

    def fill(self, number: int, needle: str, place: int) -> None:
        self._service.log_lines(_lines(number, needle, place), at=self._aws.now() - _FIRST_LINE)
        # The lines stay: looking through them for garbage would take time from each answer.
        gc.freeze()

    def repeat(self, number: int, last: str) -> None:
        lines: list[str] = []
        size = 0
        for line in _lines(_MOST_OF_PAGE, "", -1):
            size += len(line) + BESIDE
            if size > PAGE_BYTES:
                break
            lines.append(line)
        first = int((self._aws.now() - _FIRST_LINE).timestamp())
        self.repeated = RepeatedPages(lines, math.ceil(number / len(lines)), last, first)

    def traffic(self) -> Traffic:
        calls = sum(call.operation.startswith("logs:") for call in self._aws.calls)
        if self.repeated:
            calls += self.repeated.calls
            self.repeated.calls = 0
        traffic = Traffic(calls, sum(self.received))
        self._aws.calls.clear()
        self.received.clear()
        return traffic


def _lines(number: int, needle: str, place: int) -> Iterator[str]:
    """Lines of about 100 bytes, as a web service writes them."""
    chance = random.Random(4)  # noqa: S311  # no secret
    for index in range(number):
        text = needle if index == place else f"200 {chance.randrange(10, 5000)}"
        trace = f"trace={chance.getrandbits(96):024x}"
        yield f"INFO  [worker-{index % 8}] shop.http {trace} GET /articles/{index:07d}?page={index % 97:02d} {text}"


@contextmanager
def _counting(served: _Served) -> Generator[None]:
    """Count the bytes of all answers, and answer for the logs where they are repeated pages."""
    from pytest_deploycheck.sandbox.api.server import Application  # noqa: PLC0415  # moto, in the server's process only

    answer = Application.__call__

    def counted(application: Application, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
            served.received.append(sum(int(value) for name, value in headers if name.lower() == "content-length"))
            return start_response(status, headers, *error)

        is_of_log = environ.get("HTTP_X_AMZ_TARGET", "").endswith(".FilterLogEvents")
        if served.repeated is None or not is_of_log:
            return answer(application, environ, start)
        body = served.repeated.answer(json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
        start("200 OK", [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))])
        return [body]

    with mock.patch.object(Application, "__call__", counted):
        yield


def _serve() -> None:
    from pytest_deploycheck.sandbox import Sandbox  # noqa: PLC0415  # moto, in the server's process only

    with Sandbox() as aws:
        aws.push_image(f"{SERVICE}:1.0", {"app/main.py": "print('hello')"}, at=aws.now() - SINCE)
        service = aws.create_service(
            SERVICE, cluster="default", image=f"{SERVICE}:1.0", desired=1, at=aws.now() - SINCE
        )
        served = _Served(aws, service)
        with _counting(served):
            serve(
                aws.environ,
                {"say": served.say, "fill": served.fill, "repeat": served.repeat, "traffic": served.traffic},
            )


if __name__ == "__main__":
    _serve()
