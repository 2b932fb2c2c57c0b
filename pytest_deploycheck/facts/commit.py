"""The commit that was to be shipped."""

from __future__ import annotations

from msgspec import Struct


class Commit(Struct, frozen=True):
    """A commit of the checkout, or of the CI's build.

    Attributes:
        sha: Its id, in lower-case hex digits.
        source: Where it is known from: `HEAD`, or the name of the CI's variable.
    """

    sha: str
    source: str
