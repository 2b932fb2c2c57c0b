"""The parser of Logs Insights queries; it refuses what the sandbox does not support."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pytest_deploycheck.sandbox.api.logs.insights_query import FIELDS, Condition, ParsedQuery, SortCommand, StatsCommand
from pytest_deploycheck.sandbox.world.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable

_TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<regex>/(?:\\.|[^/\\])+/)"""
    r"""|(?P<word>@?[A-Za-z_]\w*)|(?P<number>\d+)|(?P<mark>!=|=~|[=|,()\[\]*])|(?P<blank>\s+)|(?P<other>.)"""
)
_ESCAPED = re.compile(r"\\(.)")
_DEFAULT_FIELDS = ("@timestamp", "@message")
_MOST_ROWS = 100_000


def parse_query(text: str) -> ParsedQuery:
    """Parse a query: `fields`, `filter`, `sort`, `limit` and `stats count(*)`, separated by `|`.

    Raises:
        AwsError: If it is malformed, or uses a part of the language that the sandbox does not support.
    """
    return _Parser(text).query()


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class _Parser:
    def __init__(self, text: str) -> None:
        tokens = [_Token(found.lastgroup or "", found[0], *found.span()) for found in _TOKEN.finditer(text)]
        self._tokens = [token for token in tokens if token.kind != "blank"]
        self._tokens.append(_Token("end", "", len(text), len(text)))
        self._fields: list[str] = []
        self._conditions: list[Condition] = []
        self._count: StatsCommand | None = None
        self._order: SortCommand | None = None
        self._limit: int | None = None

    def query(self) -> ParsedQuery:
        self._command()
        while self._take("|"):
            self._command()
        if self._next.kind != "end":
            raise self._unexpected()
        fields = tuple(self._fields) or _DEFAULT_FIELDS
        order = self._order or SortCommand("@timestamp", descending=True)
        return ParsedQuery(fields, tuple(self._conditions), self._count, order, self._limit)

    def _command(self) -> None:
        commands: dict[str, Callable[[], None]] = {
            "fields": self._fields_command,
            "filter": self._filter_command,
            "sort": self._sort_command,
            "limit": self._limit_command,
            "stats": self._stats_command,
        }
        command = commands.get(self._next.text.lower())
        # Commands for lines after `stats` would be answered wrongly.
        if command is None or (self._count and self._next.text.lower() not in {"sort", "limit"}):
            raise self._unexpected()
        self._advance()
        command()

    def _fields_command(self) -> None:
        self._fields += self._list(self._field)

    def _filter_command(self) -> None:
        self._conditions.append(self._either())

    def _sort_command(self) -> None:
        names = (self._count.name, *self._count.by) if self._count else tuple(FIELDS)
        name = self._field(names)
        descending = self._take("desc")
        if not descending:
            self._take("asc")
        self._order = SortCommand(name, descending)

    def _limit_command(self) -> None:
        self._limit = int(self._of_kind("number"))
        if not 1 <= self._limit <= _MOST_ROWS:
            raise self._unexpected()

    def _stats_command(self) -> None:
        for text in ("count", "(", "*", ")"):
            self._require(text)
        name = self._of_kind("word") if self._take("as") else "count(*)"
        self._count = StatsCommand(name, tuple(self._list(self._field)) if self._take("by") else ())

    def _either(self) -> Condition:
        condition = self._both()
        while self._take("or"):
            condition = _or(condition, self._both())
        return condition

    def _both(self) -> Condition:
        condition = self._one()
        while self._take("and"):
            condition = _and(condition, self._one())
        return condition

    def _one(self) -> Condition:
        if self._take("not"):
            return _not(self._one())
        if self._take("("):
            condition = self._either()
            self._require(")")
            return condition
        value = FIELDS[self._field()]
        if self._take("="):
            wanted = self._text()
            return lambda record: value(record) == wanted
        if self._take("!="):
            unwanted = self._text()
            return lambda record: value(record) != unwanted
        if self._take("not"):
            return _not(self._like_or_in(value))
        return self._like_or_in(value)

    def _like_or_in(self, value: Callable[..., str]) -> Condition:
        if self._take("in"):
            self._require("[")
            wanted = frozenset(self._list(self._text))
            self._require("]")
            return lambda record: value(record) in wanted
        if not self._take("=~"):
            self._require("like")
        if self._next.kind == "text":
            part = self._text()
            return lambda record: part in value(record)
        found = self._regex()
        return lambda record: found.search(value(record)) is not None

    def _regex(self) -> re.Pattern[str]:
        token = self._next
        text = self._of_kind("regex")[1:-1].replace("\\/", "/")
        try:
            return re.compile(text)
        except re.error as error:
            raise _malformed(token) from error

    def _field(self, known: tuple[str, ...] = tuple(FIELDS)) -> str:
        token = self._next
        name = token.text
        if name == "count" and "count(*)" in known:
            for text in ("count", "(", "*", ")"):
                self._require(text)
            return "count(*)"
        if name not in known:
            raise self._unexpected()
        self._advance()
        return name

    def _text(self) -> str:
        return _ESCAPED.sub(r"\1", self._of_kind("text")[1:-1])

    def _list(self, item: Callable[[], str]) -> list[str]:
        items = [item()]
        while self._take(","):
            items.append(item())
        return items

    @property
    def _next(self) -> _Token:
        return self._tokens[0]

    def _advance(self) -> None:
        del self._tokens[0]

    def _take(self, text: str) -> bool:
        token = self._next
        if token.kind not in {"word", "mark"} or token.text.lower() != text:
            return False
        self._advance()
        return True

    def _require(self, text: str) -> None:
        if not self._take(text):
            raise self._unexpected()

    def _of_kind(self, kind: str) -> str:
        token = self._next
        if token.kind != kind:
            raise self._unexpected()
        self._advance()
        return token.text

    def _unexpected(self) -> AwsError:
        return _malformed(self._next)


def _and(one: Condition, other: Condition) -> Condition:
    return lambda record: one(record) and other(record)


def _or(one: Condition, other: Condition) -> Condition:
    return lambda record: one(record) or other(record)


def _not(condition: Condition) -> Condition:
    return lambda record: not condition(record)


def _malformed(token: _Token) -> AwsError:
    problem = f"unexpected symbol found {token.text}" if token.text else "unexpected end of the query"
    message = f"{problem} at line 1 and position {token.start}; the sandbox supports a part of the language only"
    location = {"startCharOffset": token.start, "endCharOffset": token.end}
    details = {"queryCompileError": {"location": location, "message": message}}
    return AwsError("MalformedQueryException", message, details=details)
