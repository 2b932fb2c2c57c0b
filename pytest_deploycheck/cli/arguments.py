"""The options of a verification on the command line of the console script: command line before variable."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_deploycheck.config import options
from pytest_deploycheck.config.loading import find
from pytest_deploycheck.config.options import Given, Option, default_of, of_variable
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.run.settings import RunFolders

_ENV_SOURCE = "the command line"


def add_options(parser: argparse.ArgumentParser, chosen: Sequence[Option], *, with_environment: bool = True) -> None:
    """Add the environment and some options; each has the name that it has in pytest as well."""
    if with_environment:
        parser.add_argument(
            "env", metavar="ENV", nargs="?", help="the environment to verify; default: the variable DEPLOYCHECK_ENV"
        )
    for option in chosen:
        default = f" Default: {option.default}." if option.default else ""
        also = f" Also: {option.variable}." if option.variable else ""
        parser.add_argument(
            flag_of(option),
            option.flag,
            dest=option.dest,
            metavar=option.metavar,
            action="append" if option.repeatable else "store",
            help=f"{option.help}{default}{also}".replace("%", "%%"),
        )


def flag_of(option: Option) -> str:
    """Return the name of an option here, such as `--service` for `--deploy-service`."""
    return option.flag.replace("--deploy-", "--", 1)


def given(parsed: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> dict[str, Given]:
    """Return what was given for each option, by its flag in pytest.

    Raises:
        ConfigurationError: An option has an empty value.
    """
    return {option.flag: _given(parsed, option, environ) for option in options.OPTIONS}


def refuse_no_environment(asked: Mapping[str, Given], folders: RunFolders) -> None:
    """See that an environment was named.

    Raises:
        ConfigurationError: None was; it names those that the configuration has.
    """
    if asked[options.ENV.flag].text:
        return
    config = asked[options.CONFIG.flag].text
    file = find((folders.folder,), folders.folder / config if config else None)
    names = [*(file.environment_names if file else ()), options.SANDBOX_ENVIRONMENT]
    raise ConfigurationError(
        f"No environment was named. There are: {', '.join(names)}.",
        f"Name it: deploycheck verify {names[0]}, or set {options.ENV.variable}.",
    )


def folders() -> RunFolders:
    """Return the folders of a run that starts in the current one."""
    here = Path.cwd()
    return RunFolders(here, here, here)


def _given(parsed: argparse.Namespace, option: Option, environ: Mapping[str, str]) -> Given:
    is_env = option is options.ENV
    value = getattr(parsed, "env" if is_env else option.dest, None)
    if value is None:
        return of_variable(option, environ) or default_of(option)
    texts = tuple(value) if option.repeatable else (value,)
    if any(not text.strip() for text in texts):
        raise ConfigurationError(f"{'ENV' if is_env else flag_of(option)}: found an empty value; expected a value")
    return Given(texts, _ENV_SOURCE if is_env else flag_of(option))
