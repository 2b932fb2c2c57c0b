"""The header of a run: its settings, and where each of them came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_deploycheck.config import options
from pytest_deploycheck.config.options import Given

if TYPE_CHECKING:
    from pytest_deploycheck.config.loading import ConfigurationFile

_SHOWN = {
    "scenario": options.SANDBOX,
    "services": options.SERVICE,
    "images": options.IMAGE,
    "wait": options.WAIT,
    "log wait": options.LOG_WAIT,
    "since": options.SINCE,
    "pushed after": options.PUSHED_AFTER,
    "baseline": options.BASELINE,
    "build log": options.BUILD_LOG,
    "report": options.REPORT,
}
"""The options that are shown where they are given, by their names in the header."""


def settings_line(
    asked: Mapping[str, Given],
    file: ConfigurationFile | None,
    *,
    selected_by_id: Sequence[str] = (),
    unselected: Sequence[str] = (),
) -> str:
    """Return `env dev (from --deploy-env), config deploycheck.toml`, and all other settings that were given.

    Args:
        asked: What was given for each option, by its flag.
        file: The configuration file.
        selected_by_id: The services that node ids of checks select.
        unselected: The environments of which no service is selected.
    """
    env, config = asked[options.ENV.flag], asked[options.CONFIG.flag]
    parts = [_with_source("env", env)]
    if config.values:
        parts.append(_with_source("config", config))
    else:
        is_own = file is not None and options.SANDBOX_ENVIRONMENT in file.environment_names
        is_built_in = env.text == options.SANDBOX_ENVIRONMENT and not is_own
        parts.append(f"config {'built in' if is_built_in else file}")
    for name, option in _SHOWN.items():
        given = asked[option.flag]
        if given.values and not given.is_default:
            parts.append(_with_source(name, given))
    if selected_by_id:
        parts.append(f"services {' '.join(selected_by_id)} (from the node ids)")
    if unselected:
        parts.append(f"no service selected in {', '.join(unselected)}")
    return ", ".join(parts)


def _with_source(what: str, asked: Given) -> str:
    return f"{what} {' '.join(asked.values)} (from {asked.source})"
