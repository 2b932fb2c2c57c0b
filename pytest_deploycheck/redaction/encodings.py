"""Texts in which signs and quotation marks are written as URLs, HTML and JSON may write them."""

from __future__ import annotations

import re

_NAMED = {"quot": '"', "apos": "'", "equals": "=", "colon": ":", "comma": ","}

# Only characters that take a place, so that the number of lines stays.
_ENCODED = re.compile(
    r"%(?P<url>[2-7][0-9A-Fa-f])|\\u00(?P<json>[2-7][0-9A-Fa-f])|&(?:#x(?P<hex>[2-7][0-9A-Fa-f])|#(?P<number>\d{2,3})"
    r"|(?P<name>quot|apos|equals|colon|comma));"
)
_LAST = 0x7E


def decoded(text: str) -> str:
    """Return a text with the printable characters of ASCII in place of their codes; the number of lines stays."""
    return _ENCODED.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    if match["name"]:
        return _NAMED[match["name"]]
    number = match["number"]
    code = int(number) if number else int(match["url"] or match["json"] or match["hex"], 16)
    return chr(code) if ord(" ") <= code <= _LAST else match[0]
