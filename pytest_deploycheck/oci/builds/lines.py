"""The lines of a build log, without control sequences and without what other programs put before them."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A terminal's control sequences, and those among them that move the cursor to where another line begins.
_CONTROL = re.compile(
    r"\x1b(?:\[[0-?]*+[ -/]*+(?P<final>[@-~])?|\][^\x07\x1b]*+\x07?|_[^\x07\x1b\r\n]*+\x07?|[@-Z\\^_78=>c])?"
)
_MOVES = frozenset("ABEFGHdf")
_FORWARD = "C"

# What continuous integration and `docker compose` put before a line. Every repetition is bounded, so that a long line
# costs no more than its length.
_PREFIX = re.compile(
    r"""
    (?: [^\t]{1,100} \t [^\t]{1,100} \t )?                                       # job and step, as gh prints them
    (?:
        \ufeff
        | \[ \d\d:\d\d:\d\d \] [A-Z]? [ ]? : (?= [ \t] )                          # TeamCity
        | \[? \d{4} [-/] \d\d [-/] \d\d [T ] \d\d:\d\d:\d\d (?: [.,] \d{1,9} )? (?: Z | [+-] \d\d :? \d\d )? \]?
        | \[? \d\d:\d\d:\d\d (?: [.,] \d{1,9} )? \]?
        | \d\d [OE] (?: \+ | (?= [ ] ) )                                         # the stream, as GitLab marks it
        | _bk;t=\d{10,16}                                                        # Buildkite, without control characters
        | \d\d-[A-Z][a-z]{2}-\d{4} [ ] \d\d:\d\d:\d\d                             # Bamboo
        | [A-Z][a-z]{2} [ ]{1,2} \d{1,2} [ ] \d\d:\d\d:\d\d                         # the journal of a host
            (?: [ ] (?! STEP | Step ) [\w.-]{1,60} [ ] [\w./-]{1,60} (?: \[ \d{1,9} \] )? : (?= [ ] ) )?
        | (?<= [\dZ] [ ] ) [\w./-]{8,200}                                        # the stream, by aws logs tail
            (?= [ ]{1,3} (?: \#\d | => | \[\+ | -{2,3}> | S(?:tep|TEP)[ ] | \{" | INFO\[ ) )
        | remote: (?= [ ] )
        | \[ [\w./:@-] [\w./:@ -]{0,60} \]                                       # [build]
        | [\w./-]{0,60} [ ]{0,20} [|\u2502]                                      # build  |
        | [ \t]{1,60}
    ){0,12}
    """,
    re.VERBOSE | re.ASCII,
)
_BARE = ("#", "=>", "[+]", "Step ", "STEP ", "--->", "--> ", "{")

# Google Cloud Build names the step of its own before each line.
_CLOUD_BUILD = re.compile(r"Step #\d{1,4}(?: - \"[^\"\r\n]{1,100}\")?: ", re.ASCII)


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines that are not blank, without prefixes."""
    if "\x1b" in text:
        text = _CONTROL.sub(_without_control, text)
    for match in re.finditer(r"[^\r\n]+", text):
        line = match[0].lstrip("\ufeff \t")
        if cloud := _CLOUD_BUILD.match(line):
            line = line[cloud.end() :].lstrip(" \t")
        if not line.startswith(_BARE):
            prefix = _PREFIX.match(line)
            line = line[prefix.end() :] if prefix else line
        if line := line.rstrip():
            yield line


def _without_control(match: re.Match[str]) -> str:
    final = match["final"]
    if final in _MOVES:
        return "\n"
    return " " if final == _FORWARD else ""
