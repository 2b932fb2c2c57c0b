"""Questions that are asked together: an operation that takes many names answers several of those who ask at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from pytest_deploycheck.observe.problems import IncompleteAnswerError

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Together(Generic[K, V]):
    """Answers by key, each asked for once: with one key those are asked for that others are expected to ask for.

    Where a call for several fails, or leaves a key out, each is asked for alone. So one that is denied, damaged or
    missing is the problem of those who ask for it, and of nobody else.

    Args:
        action: The IAM action of the call.
        ask: Makes the call for some keys and returns the answers by key.
        most: The most keys that a call takes.
    """

    def __init__(self, action: str, ask: Callable[[Sequence[K]], Mapping[K, V]], most: int) -> None:
        self._action = action
        self._ask = ask
        self._most = most
        self._lock = threading.Lock()
        self._expected: dict[K, None] = {}
        self._alone: set[K] = set()
        self._answers: dict[K, V] = {}
        self._pending: dict[K, threading.Event] = {}

    def expect(self, keys: Iterable[K]) -> None:
        """Note keys that are going to be asked for, so that they are asked for along with others."""
        with self._lock:
            self._expected.update((key, None) for key in keys if key not in self._answers and key not in self._alone)

    def known(self, key: K) -> V | None:
        """Return the answer to a key if there is one by now."""
        with self._lock:
            return self._answers.get(key)

    def get(self, key: K) -> V:
        """Return the answer to a key.

        Raises:
            IncompleteAnswerError: The call for this key alone leaves it out.
        """
        while True:
            batch: list[K] = []
            with self._lock:
                if key in self._answers:
                    return self._answers[key]
                under_way = self._pending.get(key)
                if under_way is None:
                    under_way = threading.Event()
                    batch = self._batch(key)
                    self._pending.update(dict.fromkeys(batch, under_way))
            if batch:
                self._answer(batch, under_way)
            else:
                under_way.wait()

    def _batch(self, key: K) -> list[K]:
        if key in self._alone:
            return [key]
        self._expected.pop(key, None)
        batch = [key]
        for other in list(self._expected):
            if len(batch) == self._most:
                break
            del self._expected[other]
            if other not in self._answers and other not in self._pending and other not in self._alone:
                batch.append(other)
        return batch

    def _answer(self, batch: Sequence[K], under_way: threading.Event) -> None:
        """Ask for some keys; those that get no answer are asked for alone from then on."""
        answers: Mapping[K, V] = {}
        try:
            answers = self._ask(batch)
        except Exception:
            if len(batch) == 1:
                raise
        finally:
            with self._lock:
                self._answers.update((key, answers[key]) for key in batch if key in answers)
                self._alone.update(key for key in batch if key not in answers)
                for key in batch:
                    del self._pending[key]
            under_way.set()
        if len(batch) == 1 and batch[0] not in answers:
            raise IncompleteAnswerError(operation=self._action, member=str(batch[0]))
