"""Foreign text made fit to be shown: no control characters, no credentials, a bounded length."""

from __future__ import annotations

import re

LONGEST_SHOWN = 2000
"""Characters of one foreign text that are shown; the rest is cut and said to be."""

_MASK = "[masked]"

_CREDENTIALS = re.compile(
    r"""
    (?P<key>\b(?:AKIA|ASIA)[A-Z0-9]{16}\b)                                  # AWS access key ids
    | (?P<jwt>\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)                            # JSON web tokens
    | (?P<github>\bgh[pousr]_[A-Za-z0-9]{20,}\b)                            # GitHub tokens
    | (?P<model>\bsk-[A-Za-z0-9_-]{20,})                                    # keys of model vendors
    | (?P<signed>[?&]X-Amz-(?:Signature|Credential|Security-Token)=[^&\s"']+)  # presigned URLs
    | (?P<scheme>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{8,}               # Authorization headers
    | (?P<userinfo>\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?=@)           # passwords in URLs
    | (?P<named>\b[\w-]*(?:password|passwd|secret)[\w-]*["']?\s*[=:]\s*["']?)[^\s"',;&]{4,}      # name = value
    # A token or key is a common word before a colon too: its value has a digit, or is long.
    | (?P<keyed>\b[\w-]*(?:token|api[_-]?key|access[_-]?key)[\w-]*["']?\s*[=:]\s*["']?)
        (?:(?=[^\s"',;&]*\d)[^\s"',;&]{8,}|[^\s"',;&]{20,})
    """,
    re.VERBOSE | re.IGNORECASE,
)

# C0 and C1 control characters, and the marks that turn the direction of writing.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def mask(text: str) -> str:
    """`text` with what looks like a credential replaced."""

    def replaced(match: re.Match[str]) -> str:
        kept = match["scheme"] or match["userinfo"] or match["named"] or match["keyed"] or ""
        return f"{kept}{_MASK}"

    return _CREDENTIALS.sub(replaced, text)


def clean(text: str, limit: int = LONGEST_SHOWN) -> str:
    """`text` as it may be sent to a terminal or a report.

    Args:
        text: Log lines, file contents, service events: anything that others wrote.
        limit: Characters to keep.
    """
    masked = mask(text)
    shown = masked if len(masked) <= limit else f"{masked[:limit]}… ({len(masked) - limit} more characters)"
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode(), shown)
