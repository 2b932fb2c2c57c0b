"""A language server, asked over its standard input and output as an editor does it."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_TIMEOUT = 30


class LanguageServer:
    """A language server over one folder.

    Args:
        command: The command that starts it.
        folder: The folder that is open in the editor.
        environ: Its environment.
    """

    def __init__(self, command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command, cwd=folder, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._folder = folder
        self._asked = 0

    def __enter__(self) -> Self:
        self.ask("initialize", processId=None, rootUri=self._folder.as_uri(), capabilities={})
        self.tell("initialized")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate(timeout=_TIMEOUT)

    def open(self, file: Path) -> None:
        """Open a TOML file in the editor, as it is on the disk."""
        text = file.read_text(encoding="utf-8")
        document = {"uri": file.as_uri(), "languageId": "toml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", textDocument=document)

    def completions(self, file: Path, line: int, character: int = 0) -> list[str]:
        """Return what is offered at a place of an open file; lines and characters count from 0.

        It is asked again while nothing is offered: the server may answer before it has read the file or the schema.
        """
        ends = time.monotonic() + _TIMEOUT
        found: Any = None
        while not found and time.monotonic() < ends:
            found = self.ask(
                "textDocument/completion",
                textDocument={"uri": file.as_uri()},
                position={"line": line, "character": character},
            )
        return [item["label"] for item in found or ()]

    def ask(self, method: str, **parameters: Any) -> Any:
        """Send a request and return its result; what the server asks meanwhile is answered with nothing."""
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": parameters})
        while True:
            message = self._receive()
            if "method" in message:
                if "id" in message:
                    self._send({"id": message["id"], "result": None})
            elif message["id"] == self._asked:
                return message["result"]

    def tell(self, method: str, **parameters: Any) -> None:
        """Send a notification, which has no answer."""
        self._send({"method": method, "params": parameters})

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the language server ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message
