"""Filter patterns for CloudWatch Logs: what the service can leave out because no match can be in it.

An optimisation only: what the service lets through is matched again on this side. So a filter pattern may let too
much through, but never too little. The service compares it with raw events, in which control sequences may interrupt
a text and a log router's JSON escapes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from pytest_deploycheck.config.patterns.bounded_search import REPEATS, parsed
from pytest_deploycheck.config.settings import Pattern

LONGEST = 1024
"""Characters that the service takes in one filter pattern."""

_SHORTEST = 3
_LONGEST_NEEDLE = LONGEST - 100

# In a quoted term a quote would end it and a backslash escapes; a percent sign opens a regular expression elsewhere
# in the syntax, and whether it does so within quotes is not documented.
_PLAIN = re.compile(r"[ !#$&-\[\]-~]+")

# What encoders of JSON leave as it is, the strictest of them included.
_PLAIN_IN_JSON = re.compile(r"[ !#$(-.0-;=?-\[\]-~]+")

# Lines with control sequences and backspaces are always let through, as are the pieces of lines that the runtime cut.
_RAW = ("\x1b", "\x9b", "\b")
_ROUTED = ("u001b", "u001B", "partial_message")

# Stands for what is not known: no run of plain text goes over it.
_GAP = "\n"

# Places and conditions take up no text, so that what stands around them stands together.
_WIDTHLESS = {"AT", "ASSERT", "ASSERT_NOT"}
_UNKNOWN = {"ANY", "IN", "NOT_LITERAL", "BRANCH", "GROUPREF", "GROUPREF_EXISTS", "FAILURE"}


@lru_cache(maxsize=256)
def needle(pattern: Pattern, *, is_routed: bool = False) -> str | None:
    """Text that every line which matches has in it, fit to be quoted in a filter pattern; None where there is none.

    Args:
        pattern: What is looked for.
        is_routed: Whether a log router may have wrapped the line in JSON.
    """
    characters = _PLAIN_IN_JSON if is_routed else _PLAIN
    plain = [found.strip(" ") for run in literal_runs(pattern) for found in characters.findall(run)]
    longest = max(plain, key=len, default="")
    return longest if len(longest) >= _SHORTEST else None


def filter_patterns(patterns: Sequence[Pattern], *, is_routed: bool = False) -> list[str] | None:
    """The filter patterns that together find every event whose text matches any of `patterns`.

    Args:
        patterns: What is looked for.
        is_routed: Whether a log router may have wrapped lines in JSON.

    Returns:
        Filter patterns of at most `LONGEST` characters, one request each; None where everything must be read.
    """
    needles: list[str] = []
    for pattern in patterns:
        found = needle(pattern, is_routed=is_routed)
        if found is None:
            return None
        needles.append(found[:_LONGEST_NEEDLE].rstrip(" "))
    always = (*_RAW, *_ROUTED) if is_routed else _RAW
    return [_either([*group, *always]) for group in _groups(_without_redundant(needles), always)]


def literal_runs(pattern: Pattern, *, caseless: bool = False) -> tuple[str, ...]:
    """The runs of literal text that every match has in it, in their order.

    Args:
        pattern: What is looked for.
        caseless: Whether the runs are compared without regard to case. If not, letters of which either case matches
            are in no run.

    Returns:
        The runs; for a regular expression without any, or one that is not understood, none.
    """
    if not pattern.regex:
        return (pattern.text,) if pattern.text else ()
    try:
        found = parsed(pattern.text, pattern.flags)
        text = _required(found, found.state.flags, caseless=caseless)
    except Exception:  # noqa: BLE001 - the parser is the interpreter's own affair, and may change with it in any way
        return ()
    return tuple(run for run in text.split(_GAP) if run)


def _required(sequence: Iterable[tuple[Any, Any]], flags: int, *, caseless: bool) -> str:
    """The literal text that a parsed regular expression demands, with gaps where it leaves a choice."""
    return "".join(_required_by(operation.name, value, flags, caseless=caseless) for operation, value in sequence)


def _required_by(operation: str, value: Any, flags: int, *, caseless: bool) -> str:
    if operation == "LITERAL":
        character = chr(value)
        either_case = flags & re.IGNORECASE and not caseless and not _has_one_case(character)
        return _GAP if either_case else character
    if operation == "SUBPATTERN":
        _, added, removed, inside = value
        return _required(inside, (flags | added) & ~removed, caseless=caseless)
    if operation == "ATOMIC_GROUP":
        return _required(value, flags, caseless=caseless)
    if operation in REPEATS:
        least, most, inside = value
        if least == 0:
            return _GAP
        once = _required(inside, flags, caseless=caseless)
        return once if least == most == 1 else f"{_GAP}{once}{_GAP}"
    if operation in _WIDTHLESS:
        return ""
    if operation in _UNKNOWN:
        return _GAP
    raise NotImplementedError(operation)


def _has_one_case(character: str) -> bool:
    # Other alphabets have cases that no method of `str` tells, and are in no needle anyway.
    return character.isascii() and not character.isalpha()


def _without_redundant(needles: Iterable[str]) -> list[str]:
    """Each needle once, without those that hold another one: what has the longer has the shorter."""
    distinct = list(dict.fromkeys(needles))
    return [one for one in distinct if not any(other in one for other in distinct if other != one)]


def _groups(needles: Iterable[str], always: Sequence[str]) -> Iterator[list[str]]:
    """The needles in groups that fit into one filter pattern each, together with those that each pattern has."""
    group: list[str] = []
    for one in needles:
        if group and len(_either([*group, one, *always])) > LONGEST:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _either(needles: Sequence[str]) -> str:
    return " ".join(f'?"{one}"' for one in needles)
