"""The filter patterns of CloudWatch Logs, for lines of plain text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pytest_deploycheck.sandbox.world.errors import AwsError

_TERM = re.compile(r'\s*(?P<mark>[?-]?)(?:"(?P<quoted>(?:\\.|[^"\\])*)"|%(?P<regex>[^%]+)%|(?P<bare>[^\s"%]+))')
_BARE = re.compile(r"\w+")
# The regular expressions of CloudWatch have neither groups nor most punctuation, unless escaped.
_REGEX = re.compile(r"(?:\\.|[\w#=@/;,:^$?\[\]{}|*+.-])+")


Term = Callable[[str], object]
"""A function whose result is true if a line contains the term."""


@dataclass(frozen=True, slots=True)
class FilterPattern:
    """A filter pattern, ready to be applied.

    Attributes:
        required: The terms that a line must contain.
        optional: The terms of which a line must contain one, if the pattern has no others.
        excluded: The terms that a line must not contain.
    """

    required: tuple[Term, ...] = ()
    optional: tuple[Term, ...] = ()
    excluded: tuple[Term, ...] = ()

    def matches(self, message: str) -> bool:
        """Return True if a line matches."""
        # Loops, as any() and all() take twice the time, and this runs for each line of a group.
        for term in self.required:
            if not term(message):
                return False
        for term in self.excluded:
            if term(message):
                return False
        if self.required or self.excluded or not self.optional:
            # CloudWatch ignores the optional terms beside any others.
            return True
        return any(term(message) for term in self.optional)


def parse_filter_pattern(text: str) -> FilterPattern:
    """Parse a filter pattern.

    Raises:
        AwsError: If CloudWatch refuses it, or if it is for JSON or space-delimited events.
    """
    text = text.strip()
    if text[:1] in {"{", "["}:
        raise AwsError("InvalidParameterException", "The sandbox supports filter patterns for plain text only")
    terms: dict[str, list[Term]] = {"": [], "?": [], "-": []}
    position = 0
    while position < len(text):
        found = _TERM.match(text, position)
        if found is None:
            raise _invalid()
        terms[found["mark"]].append(_term(found))
        position = found.end()
    return FilterPattern(tuple(terms[""]), tuple(terms["?"]), tuple(terms["-"]))


def _term(found: re.Match[str]) -> Term:
    if found["quoted"] is not None:
        return _text(re.sub(r"\\(.)", r"\1", found["quoted"]))
    if found["bare"] is not None:
        if not _BARE.fullmatch(found["bare"]):
            raise _invalid()
        return _text(found["bare"])
    if not _REGEX.fullmatch(found["regex"]):
        raise _invalid()
    try:
        return re.compile(found["regex"]).search
    except re.error as error:
        raise _invalid() from error


def _text(text: str) -> Term:
    return lambda message: text in message


def _invalid() -> AwsError:
    return AwsError("InvalidParameterException", "Invalid filter pattern")
