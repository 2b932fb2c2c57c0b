"""The foreign texts that tests hold, and the secrets in them: a report may show one without the name that tells it."""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from pytest_deploycheck.redaction.keys import MASK
from pytest_deploycheck.redaction.masking import secrets_in

_MOST_CHARACTERS = 2_000_000
"""Characters of texts that are remembered; the oldest are forgotten first."""

_SHORTEST = 6
"""Characters from which on a secret is masked wherever it stands: a shorter one is a common word too often."""

_SHORTEST_PART = 4
_MOST_SECRETS = 2000
_LONGEST_PART = 150
"""Characters of a value that pytest shows on either side of an elision are fewer than these."""

_ELISION = "..."
"""The mark that pytest puts in the middle of a value that it shortens."""


class KnownSecrets:
    """Secrets that are masked wherever they stand, and in part where an elision cut them.

    Args:
        secrets: The secrets.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets = tuple(sorted(secrets, key=len, reverse=True))
        sizes = [(one, size) for one in self.secrets for size in _part_sizes(len(one) - 1)]
        self._starts = {one[:size] for one, size in sizes}
        self._ends = {one[-size:] for one, size in sizes}

    def mask(self, text: str) -> str:
        """Return a text without the secrets, and without what an elision left of them."""
        for secret in self.secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        return self._without_parts(text) if self.secrets and _ELISION in text else text

    def _without_parts(self, text: str) -> str:
        before, *others = text.split(_ELISION)
        shown = [before]
        for after in others:
            left, right = shown[-1], after
            cut = next((size for size in _part_sizes(len(left)) if left[-size:] in self._starts), 0)
            if cut:
                shown[-1] = left[:-cut] + MASK
            cut = next((size for size in _part_sizes(len(right)) if right[:size] in self._ends), 0)
            shown.append(MASK + right[cut:] if cut else right)
        return _ELISION.join(shown)


def _part_sizes(longest: int) -> range:
    """The sizes of parts of a secret, the longest first."""
    return range(min(longest, _LONGEST_PART), _SHORTEST_PART - 1, -1)


class HandedTexts:
    """Remembers the foreign texts that tests were given, such as log lines and files of an image."""

    def __init__(self) -> None:
        self._texts: deque[str] = deque()
        self._characters = 0
        self._found: dict[str, None] = {}
        self._known = KnownSecrets(())
        self._lock = threading.Lock()

    def note(self, *texts: str) -> None:
        """Remember texts that a test is given."""
        with self._lock:
            for text in texts:
                self._texts.append(text)
                self._characters += len(text)
            while self._characters > _MOST_CHARACTERS and len(self._texts) > 1:
                self._characters -= len(self._texts.popleft())

    def secrets(self, own: Sequence[str] = ()) -> KnownSecrets:
        """Return the secrets in the texts so far.

        Args:
            own: Regular expressions of the user for further secrets.
        """
        with self._lock:
            # Texts are read once; what was found in them is kept.
            new, self._characters = list(self._texts), 0
            self._texts.clear()
            for text in new:
                found = list(secrets_in(text[:_MOST_CHARACTERS], own))
                # The secret of a manager of secrets is a JSON object with several in it.
                found += [one for value in found if ":" in value for one in secrets_in(_unescaped(value), own)]
                self._found.update(dict.fromkeys(_spellings(found)))
            for old in list(self._found)[: max(0, len(self._found) - _MOST_SECRETS)]:
                del self._found[old]
            if new:
                self._known = KnownSecrets(self._found)
            return self._known


HANDED = HandedTexts()
"""The texts of this process: whichever test holds one, any report may show it."""


def _spellings(secrets: Iterable[str]) -> Iterator[str]:
    """Yield the secrets as they may be written: as they are, and with and without the escapes of JSON and Python."""
    for secret in secrets:
        bare = secret.strip(" \t\r\n\"'\\,;)}]>")
        for one in dict.fromkeys((bare, _unescaped(bare))):
            if len(one) >= _SHORTEST and MASK not in one:
                yield from dict.fromkeys((one, repr(one)[1:-1], json.dumps(one)[1:-1]))


def _unescaped(text: str) -> str:
    try:
        decoded = json.loads(f'"{text}"', strict=False)
    except ValueError:
        return re.sub(r"\\+([\"'])", r"\1", text)
    return str(decoded)
