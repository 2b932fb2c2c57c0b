"""The time for which a busy machine holds a process up."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

_PAUSE = 0.05
_USUAL = 0.01


class Lateness:
    """Measures how late a thread is that only sleeps: others had the processor, or the interpreter, meanwhile.

    Attributes:
        seconds: The seconds by which it was late in all.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._measure, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def _measure(self) -> None:
        began = time.monotonic()
        while not self._is_over.wait(_PAUSE):
            now = time.monotonic()
            self.seconds += max(0.0, now - began - _PAUSE - _USUAL)
            began = now
