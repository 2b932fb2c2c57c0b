"""The violations of a configuration, in sentences that a user can act on."""

from __future__ import annotations

import json
import re
import reprlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, time
from typing import Any, NamedTuple, TypeAlias

from pytest_deploycheck import schemas
from pytest_deploycheck.config import placeholders
from pytest_deploycheck.config.building import KINDS, merged
from pytest_deploycheck.config.formats import (
    DURATION_FORMAT,
    IMAGE_PATH_FORMAT,
    LINE_REGEX_FORMAT,
    STREAM_FORMAT,
    STREAM_PLACEHOLDERS,
    format_checker,
)
from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.config.values import DURATIONS
from pytest_deploycheck.errors import ConfigurationError

KeyPath: TypeAlias = tuple[str | int, ...]
"""Table keys and array indices from the top of the document to a value."""

Violation: TypeAlias = tuple[KeyPath, str]
"""Where something is wrong, and what."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_TYPES = {
    "array": "an array",
    "boolean": "true or false",
    "integer": "an integer",
    "object": "a table",
    "string": "a string",
}

_shortened = reprlib.Repr()
_shortened.maxstring = 80


def validate(document: object, *, file: str, prefix: tuple[str, ...] = (), is_filled: bool = False) -> None:
    """Check a whole configuration: keys, types, patterns, placeholders, and what goes together.

    Args:
        document: The configuration as `tomllib` gives it.
        file: The file's name, for messages.
        prefix: The table of the file that `document` is, for messages.
        is_filled: Whether the placeholders are filled, so that braces are part of the texts.

    Raises:
        ConfigurationError: Something is wrong; the message has one line for each violation.
    """
    lines = [
        f"{file}: {describe_path((*prefix, *path))}: {text}"
        for path, text in _violations(document, is_filled=is_filled)
    ]
    if lines:
        raise ConfigurationError(
            "\n".join(lines), "Every key and its meaning: python -m pytest_deploycheck.schemas config"
        )


def describe_path(path: Sequence[str | int]) -> str:
    """`path` as TOML writes it, with the check id of a log expectation: `env.dev.…logs[2].tasks (logs-3)`."""
    text = ""
    check = ""
    for position, part in enumerate(path):
        if isinstance(part, str):
            text += f".{describe_key(part)}" if text else describe_key(part)
        else:
            text += f"[{part}]"
            if path[position - 1] == "logs":
                check = f" (logs-{part + 1})"
    return text + check


def describe_key(key: str) -> str:
    """`key` as TOML writes it: quoted where it must be."""
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key)


class _Refusal(NamedTuple):
    """A value that breaks one rule of the schema.

    Attributes:
        found: The value.
        rule: What the broken keyword of the schema says.
        schema: The part of the schema that the keyword stands in.
        schema_path: The way to the keyword from the top of the schema.
        message: What the checker of the value says, or jsonschema.
    """

    found: Any
    rule: Any
    schema: Any
    schema_path: tuple[str | int, ...]
    message: str


def _violations(document: object, *, is_filled: bool) -> Iterator[Violation]:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - slow to import, and needed only here

    validator = Draft202012Validator(schemas.load("config"), format_checker=format_checker(is_filled=is_filled))
    for error in validator.iter_errors(document):
        path = tuple(error.absolute_path)
        refusal = _Refusal(
            found=error.instance,
            rule=error.validator_value,
            schema=error.schema,
            schema_path=tuple(error.absolute_schema_path),
            message=str(error.cause or error.message),
        )
        for below, text in _SENTENCES.get(str(error.validator), _as_jsonschema_says)(refusal):
            yield (*path, *below), text
    if isinstance(document, Mapping):
        yield from _external_ids_without_role(document)
        yield from _log_streams_without_group(document)
        yield from _defaults_that_name_a_service(document)


def _environments(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Each environment's name, its own table, and that table with the defaults merged in."""
    defaults, environments = (
        table if isinstance(table, Mapping) else {} for table in (document.get("defaults"), document.get("env"))
    )
    for name, own in environments.items():
        if isinstance(own, Mapping):
            yield name, own, merged(defaults, own)


def _defaults_that_name_a_service(document: Mapping[str, Any]) -> Iterator[Violation]:
    for where, table in _tables(document):
        defaults = table.get("service_defaults")
        if isinstance(defaults, Mapping) and "service" in defaults:
            yield (
                (*where, "service_defaults", "service"),
                "found the name of one ECS service in the defaults of all; allowed only in services",
            )


def _tables(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Each table of an environment as it is written, with its path: the defaults and the environments' own."""
    defaults = document.get("defaults")
    if isinstance(defaults, Mapping):
        yield ("defaults",), defaults
    for name, own, _ in _environments(document):
        yield ("env", name), own


def _log_streams_without_group(document: Mapping[str, Any]) -> Iterator[Violation]:
    for name, own, table in _environments(document):
        services = table.get("services")
        for service, settings in services.items() if isinstance(services, Mapping) else ():
            has_group = isinstance(settings, Mapping) and ("log_group" in settings or _has_default(table, "log_group"))
            if isinstance(settings, Mapping) and "log_stream" in settings and not has_group:
                own_services = own.get("services")
                is_own = isinstance(own_services, Mapping) and "log_stream" in own_services.get(service, {})
                where = ("env", name) if is_own else ("defaults",)
                yield (
                    (*where, "services", service, "log_stream"),
                    f"found without log_group in the environment {name!r}; allowed only with it",
                )


def _has_default(table: Mapping[str, Any], key: str) -> bool:
    defaults = table.get("service_defaults")
    return isinstance(defaults, Mapping) and key in defaults


def _external_ids_without_role(document: Mapping[str, Any]) -> Iterator[Violation]:
    for name, own, table in _environments(document):
        if "external_id" in table and "role_arn" not in table:
            where = ("env", name) if "external_id" in own else ("defaults",)
            yield (
                (*where, "external_id"),
                f"found without role_arn in the environment {name!r}; allowed only with it",
            )


def _found(value: object) -> str:
    if isinstance(value, str):
        return _shortened.repr(value)
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, date | time):
        return f"the date or time {value}"
    # TOML writes numbers and booleans as JSON does.
    return json.dumps(value)


def _listed(names: Sequence[str], last: str) -> str:
    return f" {last} ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _alternatives(refusal: _Refusal) -> list[str]:
    """The keys of a `oneOf` or `anyOf` whose every branch requires one key."""
    return [branch["required"][0] for branch in refusal.rule]


def _unknown_keys(refusal: _Refusal) -> Iterator[Violation]:
    allowed = sorted(refusal.schema["properties"])
    for key in refusal.found:
        if key not in allowed:
            yield (key,), f"unknown key{did_you_mean(key, allowed)} Allowed here: {', '.join(allowed)}"


def _wrong_type(refusal: _Refusal) -> Iterator[Violation]:
    wanted = [refusal.rule] if isinstance(refusal.rule, str) else list(refusal.rule)
    text = f"found {_found(refusal.found)}; allowed: {_listed([_TYPES[one] for one in wanted], 'or')}"
    if wanted == ["array"] and isinstance(refusal.found, Mapping):
        text += " (of tables: write the header in double brackets, [[…]])"
    yield (), text


def _empty_string(refusal: _Refusal) -> Iterator[Violation]:
    if "propertyNames" in refusal.schema_path:
        yield ("",), "found an empty name; allowed: a name of at least one character"
    else:
        yield (), "found an empty string; allowed: a string that is not empty"


def _bad_service_name(refusal: _Refusal) -> Iterator[Violation]:
    # Such a name could not be told apart in node ids, in --deploy-image or from a placeholder.
    yield (
        (refusal.found,),
        "found this name of a service; allowed: a name that is not empty, without = , { } or ::",
    )


def _not_among(refusal: _Refusal) -> Iterator[Violation]:
    allowed = refusal.rule
    hint = did_you_mean(refusal.found, allowed) if isinstance(refusal.found, str) else "."
    yield (), f"found {_found(refusal.found)}{hint} Allowed: {', '.join(map(repr, allowed))}"


def _too_few(refusal: _Refusal) -> Iterator[Violation]:
    yield (), f"found an array of {len(refusal.found)}; allowed: at least {refusal.rule}"


def _missing_keys(refusal: _Refusal) -> Iterator[Violation]:
    missing = [key for key in refusal.rule if key not in refusal.found]
    yield (), f"needs the key {_listed(missing, 'and')}"


def _no_keys(_: _Refusal) -> Iterator[Violation]:
    yield (), "found an empty table; allowed: a table of at least one key"


def _too_small(refusal: _Refusal) -> Iterator[Violation]:
    yield (), f"found {_found(refusal.found)}; allowed: {refusal.rule} or more"


def _repeated(refusal: _Refusal) -> Iterator[Violation]:
    repeated = [found for found, times in Counter(map(_found, refusal.found)).items() if times > 1]
    yield (), f"found {_listed(repeated, 'and')} more than once; allowed: each at most once"


def _not_exactly_one(refusal: _Refusal) -> Iterator[Violation]:
    # A value that is not a table is already reported as that.
    if isinstance(refusal.found, Mapping):
        kinds = _alternatives(refusal)
        found = _listed([key for key in refusal.found if key in kinds] or ["none of them"], "and")
        yield (), f"needs exactly one of {_listed(kinds, 'or')}; found {found}"


def _misplaced_key(refusal: _Refusal) -> Iterator[Violation]:
    key = refusal.schema_path[-2]
    kinds = [kind for kind in KINDS if kind in refusal.found]
    # An entry with no kind at all is already reported as that.
    if kinds:
        allowed = _listed(_alternatives(refusal), "or")
        yield (key,), f"found beside {_listed(kinds, 'and')}; allowed only with {allowed}"


def _bad_format(refusal: _Refusal) -> Iterator[Violation]:
    if refusal.rule == "python-regex":
        yield (), f"found {_found(refusal.found)}, not a regular expression: {refusal.message}"
        return
    if refusal.rule == LINE_REGEX_FORMAT:
        yield (
            (),
            f"found {_found(refusal.found)}, which matches without any text and so proves nothing; allowed: a regular "
            "expression of which each match has a text",
        )
        return
    if refusal.rule == DURATION_FORMAT:
        yield (), f"found {_found(refusal.found)}; allowed: {DURATIONS}, such as 20s or 2m"
        return
    if refusal.rule == IMAGE_PATH_FORMAT:
        yield (), f"found {_found(refusal.found)}; allowed: an absolute path in the image, such as /app"
        return
    if refusal.rule == STREAM_FORMAT:
        allowed = _listed([repr(name) for name in STREAM_PLACEHOLDERS], "and")
        yield (
            (),
            f"found {_found(refusal.found)}; allowed: a name with {placeholders.TASK!r} in it, and {allowed}",
        )
        return
    for placeholder in placeholders.unknown(refusal.found):
        yield (), f"found the unknown placeholder {placeholder!r}; allowed: {placeholders.PLACEHOLDER!r}"


def _as_jsonschema_says(refusal: _Refusal) -> Iterator[Violation]:
    yield (), refusal.message


_SENTENCES: Mapping[str, Callable[[_Refusal], Iterator[Violation]]] = {
    "additionalProperties": _unknown_keys,
    "anyOf": _misplaced_key,
    "enum": _not_among,
    "format": _bad_format,
    "minItems": _too_few,
    "minLength": _empty_string,
    "minProperties": _no_keys,
    "minimum": _too_small,
    "oneOf": _not_exactly_one,
    "pattern": _bad_service_name,
    "required": _missing_keys,
    "type": _wrong_type,
    "uniqueItems": _repeated,
}
