"""Placeholders in settings: `{env}`, and `${NAME}` for environment variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_deploycheck.errors import ConfigurationError

PLACEHOLDER = "{env}"
"""Stands for the environment's name."""

CONTAINER, TASK = "{container}", "{task}"
"""Stand for a container's name and a task's id, in the names of log streams only."""

_BRACES = re.compile(r"\{[^{}]*\}?|\}")
_NAME = r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^{}]*))?\}"
_VARIABLE = re.compile(_NAME)
_ESCAPED_OR_VARIABLE = re.compile(rf"\$\$\{{[^{{}}]*\}}?|{_NAME}")
_FILLED = re.compile(rf"\$\$\{{|{_NAME}|{re.escape(PLACEHOLDER)}")


def unknown(text: str, known: tuple[str, ...] = (PLACEHOLDER,)) -> list[str]:
    """Return what stands in braces in `text` and is not among `known`; a brace without its partner counts too."""
    return [found for found in _BRACES.findall(_ESCAPED_OR_VARIABLE.sub("", text)) if found not in known]


def has_variables(text: str) -> bool:
    """Return whether the value of `text` depends on environment variables."""
    return _VARIABLE.search(text) is not None


def filled(table: Mapping[str, Any], environment: str, variables: Mapping[str, str]) -> dict[str, Any]:
    """Return an environment's table with its placeholders filled, except in the patterns of `logs` and `mask`.

    Args:
        table: The table, with the defaults merged in.
        environment: The environment's name.
        variables: The environment variables; an empty one counts as unset.

    Raises:
        ConfigurationError: A variable is not set and the text gives no default; the message has one line for each.
    """
    missing: list[str] = []

    def fill(value: Any, path: str) -> Any:
        if isinstance(value, Mapping):
            return {key: one if key in {"logs", "mask"} else fill(one, f"{path}.{key}") for key, one in value.items()}
        if isinstance(value, list):
            return [fill(one, f"{path}[{position}]") for position, one in enumerate(value)]
        return _FILLED.sub(lambda match: replacement(match, path), value) if isinstance(value, str) else value

    def replacement(match: re.Match[str], path: str) -> str:
        if match[0] == PLACEHOLDER:
            return environment
        name = match["name"]
        if name is None:
            return "${"
        value = variables.get(name) or match["default"]
        if value is None:
            state = "empty" if name in variables else "not set"
            missing.append(f"{path}: the environment variable {name} is {state}")
        return value or ""

    complete: dict[str, Any] = fill(table, f"env.{environment}")
    if missing:
        raise ConfigurationError("\n".join(missing), "Set the variable, or write a default for it: ${NAME:-default}.")
    return complete
