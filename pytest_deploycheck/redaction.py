"""Foreign text made fit to be shown: no control characters, no credentials, a bounded length."""

from __future__ import annotations

import re

LONGEST_SHOWN = 2000
"""Characters of one foreign text that are shown; the rest is cut and said to be."""

_MASK = "[masked]"

# Every repetition that can be tried at many places is bounded, so that a hostile line costs no more than its length.
_NOUN = r"""(?:[_-]?(?:access[_-]?key|hash|id|key|string|token|value))?(?:[_-]?\d{1,3})?"""
_VALUE = r"""\s{0,8}[=:]\s{0,8}"""
_CREDENTIALS = re.compile(
    rf"""
    (?P<arn>\barn:aws[a-z-]{{0,12}}:secretsmanager:[a-z0-9-]{{1,24}}:\d{{12}}:secret:[\w/+=.@-]{{1,519}})  # a name
    | \b(?:AKIA|ASIA)[A-Z0-9]{{16}}\b                                             # AWS access key ids
    | \beyJ[\w-]{{8,}}\.[\w-]{{8,}}\.[\w-]*                                    # JSON web tokens
    | \bgh[pousr]_[A-Za-z0-9]{{20,}}\b | \bgithub_pat_\w{{20,}}                 # GitHub tokens
    | \bxox[a-z]-[\w-]{{10,}}                                                   # Slack tokens
    | \bsk-[\w-]{{20,}}                                                         # keys of model vendors
    | -----BEGIN\ [A-Z ]{{0,20}}PRIVATE\ KEY-----[\s\S]*?(?:-----END\ [A-Z ]{{0,30}}-----|\Z)
    | [?&]X-Amz-(?:Signature|Credential|Security-Token)=[^&\s"']+             # presigned URLs
    | (?P<scheme>\b(?:Bearer|Basic)\s{{1,8}})[\w.~+/=-]{{8,}}                    # Authorization headers
    | (?P<userinfo>://[^\s/:@]{{0,64}}:)[^\s/]{{1,200}}(?=@)                     # passwords in URLs
    | (?P<header>\bauthorization["']?\s{{0,8}}[:=]\s{{0,8}}["']?\w{{1,20}}\s{{1,8}})\S{{8,}}
    | (?P<named>(?:(?:password|passwd|secret){_NOUN}|(?<![A-Za-z])(?:pass|pwd)(?==))\\?["']?{_VALUE})
        (?: \\?"[^"\n]*"? | '[^'\n]*'? | [^\s"',;]{{4,}} )                       # name = value, quoted or not
    # A token or key is a common word before a colon too: its value is quoted, has a digit, or is long.
    | (?P<keyed>(?:token|api[_-]?key|access[_-]?key){_NOUN}\\?["']?{_VALUE})
        (?: \\?"[^"\n]{{8,}}"? | '[^'\n]{{8,}}'? | (?=[^\s"',;]{{0,200}}\d)[^\s"',;]{{8,}} | [^\s"',;]{{20,}} )
    """,
    re.VERBOSE | re.IGNORECASE,
)

# C0 and C1 control characters, and the marks that turn the direction of writing.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def mask(text: str) -> str:
    """`text` with what looks like a credential replaced."""

    def replaced(match: re.Match[str]) -> str:
        if match["arn"]:
            return match["arn"]
        kept = match["scheme"] or match["userinfo"] or match["header"] or match["named"] or match["keyed"] or ""
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


def one_line(text: str, limit: int = LONGEST_SHOWN) -> str:
    """As `clean`, on one line, so that no text can pass for a line of ours."""
    return clean(text, limit).replace("\n", "\\n")
