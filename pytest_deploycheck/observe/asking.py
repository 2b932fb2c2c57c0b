"""How calls are made: once for each question, and side by side where they are independent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from msgspec import Struct, field

from pytest_deploycheck.observe.session import PARALLEL_CALLS

T = TypeVar("T")
K = TypeVar("K")


class Once(Struct):
    """Answers that cannot change within a run, by what was asked: asked for once, whoever asks."""

    _answers: dict[object, object] = field(default_factory=dict)
    _locks: dict[object, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: object, ask: Callable[[], T], *, keep: Callable[[T], bool] = lambda _: True) -> T:
        """The answer to `key`; `ask` is called where there is none yet.

        An error is not kept, nor is an answer that `keep` says may be another one later.
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
    """The results of `call` for each argument, in their order, the calls being made at the same time."""
    if len(arguments) < 2:  # noqa: PLR2004
        return [call(argument) for argument in arguments]
    with ThreadPoolExecutor(max_workers=min(len(arguments), PARALLEL_CALLS)) as pool:
        return list(pool.map(call, arguments))
