"""The settings of a replay: those of the run that is replayed, and a selection among its services."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pytest_deploycheck.config import options
from pytest_deploycheck.config.options import Given
from pytest_deploycheck.config.settings import EnvironmentRun
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.judge.wording import at
from pytest_deploycheck.run.fleet import selection
from pytest_deploycheck.run.recording.replay import Replay

_RECORDED = (options.IMAGE, options.SINCE, options.PUSHED_AFTER, options.BASELINE, options.BUILD_LOG)
"""Options of which the report holds what was given then."""


def replayed_runs(
    asked: Mapping[str, Given], replays: Sequence[Replay], narrow: Callable[[tuple[str, ...]], tuple[str, ...]]
) -> tuple[EnvironmentRun, ...]:
    """Return the environments of a replay.

    Args:
        asked: What was given for each option, by its flag.
        replays: The environments of the report.
        narrow: Selects among the labels of the services that the options select.

    Raises:
        ConfigurationError: An option names something that the report does not hold, or cannot change any more.
    """
    _refuse(asked, replays)
    by_option = asked[options.SERVICE.flag]
    environments = [replay.verified_environment for replay in replays]
    chosen = selection.services(by_option.values, environments, by_option.source)
    prefixes = {one.name: f"{one.name}/" if len(environments) > 1 else "" for one in environments}
    labels = narrow(tuple(prefixes[name] + service for name, services in chosen.items() for service in services))
    return tuple(
        EnvironmentRun(
            replay.environment,
            replay.of(tuple(one for one in chosen[name] if prefixes[name] + one in labels)).options,
            prefixes[name],
        )
        for replay in replays
        for name in [replay.environment.name]
    )


def replay_line(asked: Given, replays: Sequence[Replay]) -> str:
    """Return the part of the header that names the report and its environments."""
    recorded = ", ".join(
        f"env {replay.environment.name} as recorded {at(replay.observation.observed_at)}" for replay in replays
    )
    return f"replay {asked.text} (from {asked.source}), {recorded}, nothing is contacted"


def _refuse(asked: Mapping[str, Given], replays: Sequence[Replay]) -> None:
    for option in _RECORDED:
        if asked[option.flag].source == option.flag:
            raise ConfigurationError(
                f"{option.flag} does not apply to a replay, which judges by what was given then.",
                f"Leave it out, or verify the environment itself without {options.REPLAY.flag}.",
            )
    env = asked[options.ENV.flag]
    names = [replay.environment.name for replay in replays]
    # A variable or an ini file may name the environment of other runs.
    unknown = [name for name in env.values if env.source == options.ENV.flag and name not in names]
    if unknown:
        raise ConfigurationError(
            f"{env.source}: found {unknown[0]!r}, but the report that is replayed is of {', '.join(names)}.",
            f"Leave {env.source} out: the report names its environment.",
        )
