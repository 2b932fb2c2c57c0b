"""The masking of what looks like a credential."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from pytest_deploycheck.redaction.assignments import ASSIGNMENT, KEPT
from pytest_deploycheck.redaction.keys import MASK, mask_keys
from pytest_deploycheck.redaction.tokens import TOKEN

# Sequences that colour text, move the cursor, set titles or choose a character set. They are removed before anything is
# compared, as what a person reads is what may be a credential.
_SEQUENCE = re.compile(
    "(?:\x1b\\[|\x9b(?=[0-?]))[0-?]{0,64}[ -/]{0,8}[@-~]"
    "|\x1b\\][^\x07\x1b\n]{0,1000}(?:\x07|\x1b\\\\)"
    "|\x1b[()*+][A-Z0-9]"
)


def mask(text: str, own: Sequence[str] = ()) -> str:
    """Return `text` without terminal sequences and with what looks like a credential replaced.

    The number of lines stays, so that a text made of several can be masked as a whole and be taken apart again.

    Args:
        text: What others wrote.
        own: Regular expressions of the user for further secrets.
    """
    text = mask_keys(_SEQUENCE.sub("", text))
    text = ASSIGNMENT.sub(_assigned, TOKEN.sub(MASK, text))
    for pattern in own:
        text = _compiled(pattern).sub(_whole, text)
    return text


def _assigned(match: re.Match[str]) -> str:
    if match["arn"]:
        return match["arn"]
    kept = next((found for name in KEPT if (found := match[name])), "")
    return f"{kept}{_masked(match[0][len(kept) :])}"


def _whole(match: re.Match[str]) -> str:
    return _masked(match[0])


def _masked(secret: str) -> str:
    return "\n" * secret.count("\n") + MASK if secret else ""


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
