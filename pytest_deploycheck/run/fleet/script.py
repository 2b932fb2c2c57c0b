"""The verification that a script asks for, by the arguments of a function in place of options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_deploycheck.config import options
from pytest_deploycheck.config.options import Given, Option, default_of
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.report.model import FleetReport
from pytest_deploycheck.run import settings
from pytest_deploycheck.run.fleet.finder import ServiceFinder
from pytest_deploycheck.run.fleet.verify import assemble, carry_out_all
from pytest_deploycheck.run.verification import Verification

_ARGUMENTS: Mapping[str, Option] = {
    "config": options.CONFIG,
    "services": options.SERVICE,
    "images": options.IMAGE,
    "wait": options.WAIT,
    "log_wait": options.LOG_WAIT,
    "since": options.SINCE,
    "pushed_after": options.PUSHED_AFTER,
    "baseline": options.BASELINE,
    "build_log": options.BUILD_LOG,
}
"""The options by the names of the arguments, which messages name as their source."""


def verify_named(environments: str, arguments: Mapping[str, Sequence[str]], *, is_one: bool) -> FleetReport:
    """Carry out every built-in check of the environments that a text names.

    Args:
        environments: Names and patterns of environments, with commas.
        arguments: The values of the other arguments, by their names; none where nothing was given.
        is_one: Whether there may be only one environment.

    Raises:
        ConfigurationError: An argument or the configuration cannot be used.
        EnvironmentUnusableError: None of the environments can be observed.
    """
    if environments == options.SANDBOX_ENVIRONMENT:
        raise ConfigurationError(
            "The environment 'sandbox' is hosted by pytest: pytest --deploy-env=sandbox.",
            "In a script, fill a pytest_deploycheck.sandbox.Sandbox and verify an environment of your own.",
        )
    asked = {option.flag: default_of(option) for option in options.OPTIONS}
    asked[options.ENV.flag] = Given((environments,), "env")
    asked |= {_ARGUMENTS[name].flag: Given(tuple(values), name) for name, values in arguments.items() if values}
    root = Path.cwd()
    finder = ServiceFinder()
    resolved = settings.resolve(
        asked,
        settings.RunFolders(root, root, root),
        sandbox=None,
        baselines=settings.baselines_of(asked[options.BASELINE.flag], root),
        command=lambda _: "",
        find=finder.find,
    )
    if is_one:
        settings.only(resolved.runs)
    fleet = assemble(
        resolved.runs,
        finder,
        lambda run, access, clock: Verification(run.environment, run.options, clock=clock, source=root, access=access),
    )
    try:
        return carry_out_all(fleet, resolved.runs, {})
    finally:
        fleet.close()
