"""The configuration file, and one environment out of it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from pytest_deploycheck.config.building import build_environment, merged
from pytest_deploycheck.config.options import SANDBOX_ENVIRONMENT
from pytest_deploycheck.config.placeholders import filled
from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.config.validation import describe_key, validate
from pytest_deploycheck.config.values import comma_list
from pytest_deploycheck.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_deploycheck.config.settings import EnvironmentSettings

_OWN_FILE = "deploycheck.toml"
_PYPROJECT = "pyproject.toml"
_PYPROJECT_TABLE = ("tool", "deploycheck")


class ConfigurationFile(Struct, frozen=True):
    """A configuration that was found and parsed, not yet validated.

    Attributes:
        path: The file.
        label: The file's name for messages: as given, or relative to the first folder that was searched.
        content: The configuration as `tomllib` gives it.
        prefix: The table of the file that `content` is; empty for the whole file.
    """

    path: Path
    label: str
    content: Any
    prefix: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.label} [{'.'.join(self.prefix)}]" if self.prefix else self.label

    @property
    def environment_names(self) -> list[str]:
        """The names after `env.` in the file, which may not be valid."""
        table = self.content.get("env") if isinstance(self.content, Mapping) else None
        return list(table) if isinstance(table, Mapping) else []


def find(starts: Sequence[Path], explicit: Path | None = None) -> ConfigurationFile | None:
    """Return the configuration: `explicit`, else the nearest deploycheck.toml or pyproject.toml with our table.

    The search goes from each folder of `starts` up to the root of its repository, which is where `.git` is; a folder
    outside a repository is searched alone. In one folder deploycheck.toml comes first.

    Args:
        starts: The folders to start from, in their order.
        explicit: The file that a user named; a relative path starts at the current directory.

    Returns:
        The configuration, or None where nothing was given and nothing was found.

    Raises:
        ConfigurationError: The file given does not exist or has no configuration, or a file cannot be read or parsed.
    """
    if explicit is not None:
        return _given(explicit)
    for folder in searched(starts):
        own, pyproject = folder / _OWN_FILE, folder / _PYPROJECT
        if own.exists():
            label = _label(own, starts)
            return ConfigurationFile(own, label, _parse(own, label=label))
        found = _in_pyproject(pyproject, label=_label(pyproject, starts)) if pyproject.exists() else None
        if found:
            return found
    return None


def searched(starts: Sequence[Path]) -> list[Path]:
    """Return the folders in which `find` looks for a configuration, in its order, each once."""
    return list(dict.fromkeys(folder for start in starts for folder in _up_to_repository(start)))


def _up_to_repository(start: Path) -> Iterator[Path]:
    lineage = [start, *start.parents]
    # In a worktree or a submodule, `.git` is a file.
    root = next((folder for folder in lineage if (folder / ".git").exists()), start)
    yield from lineage[: lineage.index(root) + 1]


def _label(path: Path, starts: Sequence[Path]) -> str:
    return os.path.relpath(path, starts[0])


def environments(
    file: ConfigurationFile | None,
    text: str,
    builtin: Mapping[str, Any] | None = None,
    *,
    searched: Sequence[Path] = (),
) -> tuple[EnvironmentSettings, ...]:
    """Return the environments that a text names, in its order: names, and patterns of configured names, with commas.

    Args:
        file: The file that `find` returned. The whole file must be valid, whatever environments are asked for.
        text: One name, or several names and patterns, such as `eu,us` or `prod-*`.
        builtin: The table of the built-in environment `sandbox`. It counts only where the file has no
            `[env.sandbox]`, and the file's defaults are not merged under it.
        searched: The folders that were searched for a file, for messages.

    Returns:
        The environments, with the defaults merged in and the placeholders filled.

    Raises:
        ConfigurationError: The file is not valid, there is no file, it has no such environment, or an environment
            variable that it names is not set; or a name is empty, a pattern matches nothing, or `sandbox` is one of
            several.
    """
    configured = file.environment_names if file is not None else []
    names: dict[str, None] = {}
    if "," in text and text not in configured and not all(part.strip() for part in text.split(",")):
        raise ConfigurationError(
            f"found {text!r} for the environments, in which a name is empty",
            "Name each environment; a variable that should have held one may be empty.",
        )
    for one in [text] if text in configured else comma_list(text):
        is_pattern = one not in configured and any(character in one for character in "*?[")
        matching = [name for name in configured if fnmatchcase(name, one)] if is_pattern else [one]
        if not matching:
            raise _no_match(file, one, configured)
        names.update(dict.fromkeys(matching))
    if len(names) > 1 and SANDBOX_ENVIRONMENT in names and SANDBOX_ENVIRONMENT not in configured:
        raise ConfigurationError(
            f"found {text!r}; the environment {SANDBOX_ENVIRONMENT!r} is built in, and cannot be verified beside "
            "others",
            "Verify it in a run of its own.",
        )
    if file is not None:
        validate(file.content, file=file.label, prefix=file.prefix)
    return tuple(_named(file, name, builtin, searched) for name in names or [text])


def _named(
    file: ConfigurationFile | None, name: str, builtin: Mapping[str, Any] | None, searched: Sequence[Path]
) -> EnvironmentSettings:
    """Return an environment of a file that is valid."""
    content: dict[str, Any] = file.content if file is not None else {}
    environments = content.get("env", {})
    if name in environments:
        return _resolved(name, merged(content.get("defaults", {}), environments[name]), file=str(file))
    if name == SANDBOX_ENVIRONMENT and builtin is not None:
        return _resolved(name, builtin, file="built-in environment")
    if file is None:
        raise _no_file(name, searched)
    raise _no_such_environment(file, name, list(environments))


def _no_match(file: ConfigurationFile | None, pattern: str, configured: Sequence[str]) -> ConfigurationError:
    there_are = f"There are: {', '.join(configured)}" if configured else "There are none"
    return ConfigurationError(f"{file or 'no configuration'}: no environment matches {pattern!r}. {there_are}")


def _resolved(name: str, table: Mapping[str, Any], *, file: str) -> EnvironmentSettings:
    """Return the settings of a table; what its variables hold must be as valid as what is written in it."""
    complete = filled(table, name, os.environ)
    validate({"env": {name: complete}}, file=file, is_filled=True)
    return build_environment(name, complete)


def _given(path: Path) -> ConfigurationFile:
    label = str(path)
    if not path.exists():
        raise ConfigurationError(f"{label}: no such configuration file; looked for {path.absolute()}")
    if path.name != _PYPROJECT:
        return ConfigurationFile(path, label, _parse(path, label=label))
    found = _in_pyproject(path, label=label)
    if found is None:
        raise ConfigurationError(f"{label}: has no table [{'.'.join(_PYPROJECT_TABLE)}]; looked in {path.absolute()}")
    return found


def _in_pyproject(path: Path, *, label: str) -> ConfigurationFile | None:
    tools = _parse(path, label=label).get(_PYPROJECT_TABLE[0])
    if not isinstance(tools, dict) or _PYPROJECT_TABLE[1] not in tools:
        return None
    return ConfigurationFile(path, label, tools[_PYPROJECT_TABLE[1]], prefix=_PYPROJECT_TABLE)


def _parse(path: Path, *, label: str) -> dict[str, Any]:
    if path.is_dir():
        raise ConfigurationError(f"{label}: found a directory; allowed: a TOML file")
    try:
        # Some editors start a file with a byte order mark, which tomllib does not take.
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{label}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{label}: not UTF-8, which TOML must be: {error.reason} at byte {error.start}"
        ) from error
    try:
        return tomllib.loads(text)
    # Also what tomllib does not turn into a TOMLDecodeError, such as a number of too many digits.
    except ValueError as error:
        raise ConfigurationError(f"{label}: not valid TOML: {error}", _about_backslash(str(error))) from error


def _about_backslash(error: str) -> str:
    """Return what to do about a backslash that TOML takes for an escape; an empty text for other errors."""
    if "\\" not in error and "hex value" not in error:
        return ""
    return (
        "Between double quotes TOML takes a backslash for an escape. Write a pattern between single quotes, such as "
        "'item #\\d+', or each backslash twice, \"item #\\\\d+\"."
    )


def _no_such_environment(file: ConfigurationFile, name: str, environments: list[str]) -> ConfigurationError:
    known = environments if name == SANDBOX_ENVIRONMENT else list(dict.fromkeys([*environments, SANDBOX_ENVIRONMENT]))
    there_are = f"There are: {', '.join(known)}" if known else "There are none"
    return ConfigurationError(f"{file}: no environment {name!r}{did_you_mean(name, known)} {there_are}")


def _no_file(name: str, searched: Sequence[Path]) -> ConfigurationError:
    env = f"env.{describe_key(name)}"
    where = f"; searched in {', '.join(map(str, searched))}" if searched else ""
    return ConfigurationError(
        f"no configuration for the environment {name!r}: found neither a {_OWN_FILE}"
        f" nor a {_PYPROJECT} with [{'.'.join(_PYPROJECT_TABLE)}]{where}",
        f"""Have it written from what the account has: deploycheck init. Or start with this {_OWN_FILE}:

[{env}]
cluster = "my-cluster"
region = "us-east-1"

[{env}.services.backend]
service = "my-backend-service"

[[{env}.services.backend.logs]]
expect = "a line that only the new code logs"
""",
    )
