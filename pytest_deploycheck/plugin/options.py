"""The options: command line before environment variable before ini file before default, each with its source."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import pytest


# A dataclass, as every pytest run loads this module: importing msgspec would cost more than it saves.
@dataclass(frozen=True, slots=True)
class Option:
    """One option and its other names.

    Attributes:
        flag: The command line option.
        metavar: The placeholder of its value in the help.
        help: Its description.
        variable: The environment variable, or an empty string.
        ini: The name in the ini file, or an empty string.
        default: The value where none is given, or an empty string.
        repeatable: True where it may be given several times; its variable and ini value are comma-separated then.
    """

    flag: str
    metavar: str
    help: str
    variable: str = ""
    ini: str = ""
    default: str = ""
    repeatable: bool = False

    @property
    def dest(self) -> str:
        """The name under which pytest stores it."""
        return self.flag.removeprefix("--").replace("-", "_")


ENV = Option(
    "--deploy-env",
    "NAME",
    "The environment to verify; `sandbox` is built in.",
    variable="DEPLOYCHECK_ENV",
    ini="deploy_env",
)
CONFIG = Option(
    "--deploy-config",
    "FILE",
    "The configuration; default: the nearest deploycheck.toml, or pyproject.toml with [tool.deploycheck], upwards.",
    variable="DEPLOYCHECK_CONFIG",
    ini="deploy_config",
)
SERVICE = Option("--deploy-service", "NAME", "Verify only this service of the environment.", repeatable=True)
IMAGE = Option(
    "--deploy-image",
    "[SERVICE=]REF",
    "The expected image: a tag, sha256:…, a whole reference, or @FILE, the file of `docker buildx build "
    "--metadata-file`; default: what the task definition names.",
    variable="DEPLOYCHECK_IMAGE",
    repeatable=True,
)
WAIT = Option(
    "--deploy-wait",
    "DURATION",
    "How long the rollout may take to settle, such as 90s or 5m; 0 polls once.",
    variable="DEPLOYCHECK_WAIT",
    ini="deploy_wait",
    default="5m",
)
LOG_WAIT = Option(
    "--deploy-log-wait",
    "DURATION",
    "How long an expected log line may take to arrive.",
    variable="DEPLOYCHECK_LOG_WAIT",
    ini="deploy_log_wait",
    default="60s",
)
SINCE = Option(
    "--deploy-since",
    "WHEN",
    "Start of the log window: ISO time or duration back; default: the start of the rollout being verified.",
)
PUSHED_AFTER = Option(
    "--deploy-pushed-after",
    "WHEN",
    "The image must have been pushed after this: ISO time, duration back, `today` (UTC) or `commit` (of HEAD).",
    variable="DEPLOYCHECK_PUSHED_AFTER",
)
BASELINE = Option("--deploy-baseline", "FILE", "An earlier JSON report: what ran before.")
BUILD_LOG = Option(
    "--deploy-build-log",
    "FILE",
    "The output of `docker build`, plain or tty style: it shows the steps that were cached.",
)
REPORT = Option(
    "--deploy-report",
    "FILE",
    "Write a report; its suffix is .json.",
    variable="DEPLOYCHECK_REPORT",
    ini="deploy_report",
    repeatable=True,
)
SANDBOX = Option("--deploy-sandbox", "SCENARIO", "The scenario of the built-in environment `sandbox`.")

OPTIONS = (ENV, CONFIG, SERVICE, IMAGE, WAIT, LOG_WAIT, SINCE, PUSHED_AFTER, BASELINE, BUILD_LOG, REPORT, SANDBOX)

SANDBOX_ENVIRONMENT = "sandbox"
"""The environment that is built in."""

TEST_TIMEOUT_INI = "deploy_test_timeout"


@dataclass(frozen=True, slots=True)
class Given:
    """The value of an option as text, and where it came from.

    Attributes:
        values: The values; more than one only where the option is repeatable, none where nothing was given.
        source: The source: `--deploy-env`, `DEPLOYCHECK_ENV`, `ini deploy_env` or `default`.
    """

    values: tuple[str, ...]
    source: str

    @property
    def text(self) -> str | None:
        """The value of an option that is not repeatable, or None."""
        return self.values[-1] if self.values else None

    @property
    def is_default(self) -> bool:
        """True where nobody gave a value."""
        return self.source == "default"


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
    parser.addini(
        TEST_TIMEOUT_INI,
        "Time limit of a test that uses the deploy fixtures and has no other, such as 10m; 0 sets none.",
        type="string",
        default="10m",
    )


def given(config: pytest.Config, option: Option, environ: Mapping[str, str] = os.environ) -> Given:
    """Return what was given for an option: command line > environment variable > ini file > default."""
    value = config.getoption(option.dest)
    if value is not None:
        return Given(tuple(value) if option.repeatable else (value,), option.flag)
    variable = environ.get(option.variable, "").strip() if option.variable else ""
    if variable:
        return Given(_values(variable, option), option.variable)
    ini = str(config.getini(option.ini)).strip() if option.ini else ""
    if ini:
        return Given(_values(ini, option), f"ini {option.ini}")
    return Given((option.default,) if option.default else (), "default")


def empty_variables(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the variables of options that are set to nothing, as an earlier step of CI without output leaves them."""
    names = [option.variable for option in OPTIONS if option.variable]
    return [name for name in names if name in environ and not environ[name].strip()]


def refuse_empty(config: pytest.Config) -> None:
    """See that no option of the command line has an empty value, as an unset variable of a shell leaves it.

    Raises:
        UsageError: One of them is empty.
    """
    for option in OPTIONS:
        value = config.getoption(option.dest)
        if value is not None and any(not text.strip() for text in (value if option.repeatable else [value])):
            raise pytest.UsageError(f"{option.flag}: found an empty value; expected {option.metavar}")


def _values(text: str, option: Option) -> tuple[str, ...]:
    if not option.repeatable:
        return (text,)
    from pytest_deploycheck.config.values import comma_list  # noqa: PLC0415  # loaded when an environment is given

    return tuple(comma_list(text))
