"""A world that another process serves, and that carries out orders: lines of JSON each way."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Self


class ServedWorld:
    """A world in a process of its own.

    Args:
        script: The file that serves it.
        arguments: The arguments of the script.

    Attributes:
        environ: The environment variables by which a process uses this world and nothing else.
    """

    def __init__(self, script: str, *arguments: str) -> None:
        self.environ: dict[str, str] = {}
        self._command = [sys.executable, script, *arguments]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.environ = self._answer()
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
