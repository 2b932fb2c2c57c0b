"""Finding the configuration and taking one environment out of it."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from pytest_deploycheck.config.building import build_environment
from pytest_deploycheck.config.merging import merged
from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.config.validation import describe_key, validate
from pytest_deploycheck.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_deploycheck.config.settings import EnvironmentSettings

BUILT_IN = "sandbox"
"""The environment that needs no configuration file."""

_OWN_FILE = "deploycheck.toml"
_PYPROJECT = "pyproject.toml"
_PYPROJECT_TABLE = ("tool", "deploycheck")


class ConfigurationFile(Struct, frozen=True):
    """A configuration that was found and parsed, not yet validated.

    Attributes:
        path: The file.
        label: The file's name for messages: as given, or by its name where it was found in the rootdir.
        content: The configuration as `tomllib` gives it.
        prefix: The table of the file that `content` is; empty for the whole file.
    """

    path: Path
    label: str
    content: Any
    prefix: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.label} [{'.'.join(self.prefix)}]" if self.prefix else self.label


def find(rootdir: Path, explicit: Path | None) -> ConfigurationFile | None:
    """The configuration: `explicit`, else deploycheck.toml, else `[tool.deploycheck]` in pyproject.toml.

    Args:
        rootdir: Where to look when nothing is given.
        explicit: The file a user named; a relative path starts at the current directory.

    Returns:
        The configuration, or None where nothing was given and nothing was found.

    Raises:
        ConfigurationError: The file given does not exist or has no configuration, or the file cannot be
            read or parsed.
    """
    if explicit is not None:
        return _given(explicit)
    own = rootdir / _OWN_FILE
    if own.exists():
        return ConfigurationFile(own, own.name, _parse(own, label=own.name))
    pyproject = rootdir / _PYPROJECT
    return _in_pyproject(pyproject, label=pyproject.name) if pyproject.exists() else None


def environment(
    file: ConfigurationFile | None, name: str, builtin: Mapping[str, Any] | None = None
) -> EnvironmentSettings:
    """The environment `name`, validated, with the defaults merged in and `{env}` filled.

    Args:
        file: What `find` returned. The whole file must be valid, whatever environment is asked for.
        name: The name after `env.` in the file, or `sandbox`.
        builtin: The table of the built-in environment `sandbox`. It counts only where the file has no
            `[env.sandbox]`, and the file's defaults are not merged under it.

    Raises:
        ConfigurationError: The file is not valid, there is no file, or it has no such environment.
    """
    content: dict[str, Any] = {}
    if file is not None:
        validate(file.content, file=file.label, prefix=file.prefix)
        content = file.content
    environments = content.get("env", {})
    if name in environments:
        return build_environment(name, merged(content.get("defaults", {}), environments[name]))
    if name == BUILT_IN and builtin is not None:
        validate({"env": {name: builtin}}, file="built-in environment")
        return build_environment(name, builtin)
    if file is None:
        raise _no_file(name)
    raise _no_such_environment(file, name, list(environments))


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
        raise ConfigurationError(f"{label}: not valid TOML: {error}") from error


def _no_such_environment(file: ConfigurationFile, name: str, environments: list[str]) -> ConfigurationError:
    known = environments if name == BUILT_IN else sorted({*environments, BUILT_IN}, key=[*environments, BUILT_IN].index)
    there_are = f"There are: {', '.join(known)}" if known else "There are none"
    return ConfigurationError(f"{file}: no environment {name!r}{did_you_mean(name, known)} {there_are}")


def _no_file(name: str) -> ConfigurationError:
    env = f"env.{describe_key(name)}"
    return ConfigurationError(
        f"no configuration for the environment {name!r}: the rootdir has neither a {_OWN_FILE}"
        f" nor a {_PYPROJECT} with [{'.'.join(_PYPROJECT_TABLE)}]",
        f"""Start with this {_OWN_FILE}:

[{env}]
cluster = "my-cluster"
region = "us-east-1"

[{env}.services.backend]
service = "my-backend-service"

[[{env}.services.backend.logs]]
expect = "a line that only the new code logs"
""",
    )
