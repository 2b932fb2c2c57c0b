"""A world that another process serves, and that carries out orders: lines of JSON each way."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, Self


class ServedWorld:
    """A world in a process of its own.

    Args:
        script: The file that serves it.
        arguments: The arguments of the script.

    Attributes:
        about: What one has to know to use it: of a world of AWS the environment variables.
    """

    def __init__(self, script: str, *arguments: str) -> None:
        self.about: Any = None
        self._command = [sys.executable, script, *arguments]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.about = self._answer()
        return self

    def __exit__(self, *_: object) -> None:
        # Without orders it ends by itself.
        self._process.communicate()

    def _order(self, what: str, **how: object) -> Any:
        stdin = self._process.stdin
        assert stdin  # noqa: S101  # Popen was given a pipe
        stdin.write(json.dumps([what, how]).encode() + b"\n")
        stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        stdout = self._process.stdout
        assert stdout  # noqa: S101  # Popen was given a pipe
        return json.loads(stdout.readline())


def serve(about: object, orders: Mapping[str, Callable[..., object]]) -> None:
    """In the process of a world, say what it is about, and carry out orders until no more come."""
    print(json.dumps(about), flush=True)
    for line in sys.stdin:
        what, how = json.loads(line)
        print(json.dumps(orders[what](**how)), flush=True)
