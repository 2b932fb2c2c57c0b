"""The options in pytest: command line before environment variable before ini file before default."""

from __future__ import annotations

import os

import pytest

from pytest_deploycheck.config.options import OPTIONS, Given, Option, default_of, of_variable, split

TEST_TIMEOUT_INI = "deploy_test_timeout"

POLICY_FLAG = "--deploy-iam-policy"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and their ini names."""
    group = parser.getgroup("deploycheck", "verification of deployments on AWS ECS")
    for option in OPTIONS:
        names = [name for name in (option.variable, f"ini {option.ini}" if option.ini else "") if name]
        also = f" Also: {', '.join(names)}." if names else ""
        default = f" Default: {option.default}." if option.default else ""
        group.addoption(
            option.flag,
            dest=option.dest,
            metavar=option.metavar,
            action="append" if option.repeatable else "store",
            default=None,
            help=f"{option.help}{default}{also}",
        )
        if option.ini:
            parser.addini(option.ini, f"{option.help} As {option.flag}.", type="string", default="")
    group.addoption(
        POLICY_FLAG,
        action="store_true",
        default=False,
        help="Print the least IAM policy for the environment and its checks as JSON, and end.",
    )
    parser.addini(
        TEST_TIMEOUT_INI,
        "Time limit of a test that uses the deploy fixtures and has no other, such as 10m; 0 sets none.",
        type="string",
        default="10m",
    )


def given(config: pytest.Config, option: Option) -> Given:
    """Return what was given for an option: command line > environment variable > ini file > default."""
    value = config.getoption(option.dest)
    if value is not None:
        return Given(tuple(value) if option.repeatable else (value,), option.flag)
    variable = of_variable(option, os.environ)
    if variable:
        return variable
    ini = str(config.getini(option.ini)).strip() if option.ini else ""
    return Given(split(ini, option), f"ini {option.ini}") if ini else default_of(option)


def refuse_empty(config: pytest.Config) -> None:
    """See that no option of the command line has an empty value, as an unset variable of a shell leaves it.

    Raises:
        UsageError: One of them is empty.
    """
    for option in OPTIONS:
        value = config.getoption(option.dest)
        if value is not None and any(not text.strip() for text in (value if option.repeatable else [value])):
            raise pytest.UsageError(f"{option.flag}: found an empty value; expected {option.metavar}")
