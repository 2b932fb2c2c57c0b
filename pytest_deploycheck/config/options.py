"""The options of a run: their names on the command line, as variables and in ini files; values with their source."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


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
    "The environment to verify, or several: names and patterns of configured names, such as `eu,us` or `prod-*`; "
    "`sandbox` is built in.",
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
SERVICE = Option(
    "--deploy-service",
    "NAME",
    "Verify only this service; with several environments, also ENVIRONMENT/NAME.",
    repeatable=True,
)
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
    "Write a report; its suffix is .json, .md or .html. `github` adds it to the summary of a step of GitHub Actions,"
    " and writes annotations.",
    variable="DEPLOYCHECK_REPORT",
    ini="deploy_report",
    repeatable=True,
)
REPLAY = Option(
    "--deploy-replay",
    "FILE",
    "Judge the facts of an earlier JSON report again, by the same checks and tests; nothing is contacted, and nothing "
    "counts as verified.",
)
SANDBOX = Option("--deploy-sandbox", "SCENARIO", "The scenario of the built-in environment `sandbox`.")

OPTIONS = (
    ENV,
    CONFIG,
    SERVICE,
    IMAGE,
    WAIT,
    LOG_WAIT,
    SINCE,
    PUSHED_AFTER,
    BASELINE,
    BUILD_LOG,
    REPORT,
    REPLAY,
    SANDBOX,
)

SANDBOX_ENVIRONMENT = "sandbox"
"""The environment that is built in."""


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


def of_variable(option: Option, environ: Mapping[str, str]) -> Given | None:
    """Return what the variable of an option gives, or None; an empty variable counts as unset."""
    text = environ.get(option.variable, "").strip() if option.variable else ""
    return Given(split(text, option), option.variable) if text else None


def default_of(option: Option) -> Given:
    """Return the value of an option that nobody gave."""
    return Given((option.default,) if option.default else (), "default")


def empty_variables() -> list[str]:
    """Return the variables of options that are set to nothing, as an earlier step of CI without output leaves them."""
    names = [option.variable for option in OPTIONS if option.variable]
    return [name for name in names if name in os.environ and not os.environ[name].strip()]


def split(text: str, option: Option) -> tuple[str, ...]:
    """Return the values of an option in a text: of one that is repeatable they are separated by commas."""
    if not option.repeatable:
        return (text,)
    from pytest_deploycheck.config.values import comma_list  # noqa: PLC0415  # loaded when an environment is given

    return tuple(comma_list(text))
