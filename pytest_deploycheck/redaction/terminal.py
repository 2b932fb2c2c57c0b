"""The text that a terminal shows: without control sequences and characters that take no place, after backspaces."""

from __future__ import annotations

import re

# No sequence goes over the end of a line, so that the number of lines stays, and every repetition that can begin at
# many places is bounded or possessive, so that a hostile line costs no more than its length.
_SEQUENCE = re.compile(
    r"""
    (?: \x1b\[ | \x9b ) [0-?]{0,64} [ -/]{0,8} [@-~]                       # CSI: colours, cursor movements
    | (?: \x1b\] | \x9d ) [^\x07\x1b\x9c\n]*+ (?: \x07 | \x1b\\ | \x9c )?  # OSC: titles, links
    | \x1b [PX^_] [^\x1b\x9c\n]*+ (?: \x1b\\ | \x9c )?                     # DCS, SOS, PM, APC
    | \x1b [ -/]{0,8} [0-~]                                                # the short sequences
    """,
    re.VERBOSE,
)
_BACKSPACE = "\b"
_IGNORED = "\x00-\x07\x0e-\x1f\x7f"
"""Control characters that a terminal takes in without showing anything."""

_SPECIAL = re.compile(f"[\b{_IGNORED}\x9b\x9d]")
_SILENT = re.compile(f"[{_IGNORED}]")

# Beside those: other control characters, and characters that take no place, such as the zero-width space, marks of the
# direction of writing, and variation selectors.
_UNSEEN = re.compile(
    f"[{_IGNORED}\x0b-\x0d\x80-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)


def displayed(text: str) -> str:
    """Return the text that a terminal shows; line ends and tabs stay as they are.

    A backspace lets the next character replace the one before it.
    """
    # Most texts have nothing of the kind, and the expressions cost more than the question.
    return _written(_SILENT.sub("", _SEQUENCE.sub("", text))) if _SPECIAL.search(text) else text


def legible(text: str) -> str:
    """Return the text that is left for a reader who sees only what takes a place; the number of lines stays."""
    return _UNSEEN.sub("", displayed(text))


def _written(text: str) -> str:
    """Return a text after its backspaces."""
    return "\n".join(map(_overwritten, text.split("\n"))) if _BACKSPACE in text else text


def _overwritten(line: str) -> str:
    shown: list[str] = []
    at = 0
    for character in line:
        if character == _BACKSPACE:
            at = max(0, at - 1)
        else:
            shown[at : at + 1] = [character]
            at += 1
    return "".join(shown)
