"""Answers of the deployed application over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field


class HttpAnswer(Struct, frozen=True):
    """An answer of the application.

    Attributes:
        url: The requested URL; after redirects, the last one.
        status: The HTTP status.
        headers: The headers, with their names in lower case.
        body: The body, of at most 4 MiB.
    """

    url: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        """The body as text (UTF-8); bytes that are not text are replaced."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """Return the body parsed as JSON.

        Raises:
            ValueError: It is not JSON.
        """
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<answer {self.status} of {self.url}, {len(self.body)} bytes>"
