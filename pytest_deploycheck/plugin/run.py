"""One run in each of its processes: the parts of the plugin, and the verification that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pytest

from pytest_deploycheck.config.settings import EnvironmentRun
from pytest_deploycheck.facts.snapshot import Observation
from pytest_deploycheck.plugin.base_url import BaseUrl
from pytest_deploycheck.plugin.collection.items import CheckItem
from pytest_deploycheck.plugin.collection.selection import CheckSelection
from pytest_deploycheck.plugin.collection.services import ServiceParameters
from pytest_deploycheck.plugin.outcomes.recorder import Recorder
from pytest_deploycheck.plugin.outcomes.redacting import ReportRedaction
from pytest_deploycheck.plugin.progress import ProgressLine, RolloutProgress
from pytest_deploycheck.plugin.reporters import allure, metadata
from pytest_deploycheck.plugin.settings import RunSettings
from pytest_deploycheck.plugin.state import DeployState, uses_fixtures
from pytest_deploycheck.plugin.timeouts import Timeouts
from pytest_deploycheck.run.fleet.finder import ServiceFinder
from pytest_deploycheck.run.fleet.fleet import Fleet
from pytest_deploycheck.run.fleet.progress import GatheredProgress
from pytest_deploycheck.run.fleet.verify import assemble
from pytest_deploycheck.run.recording.replay import Replay
from pytest_deploycheck.run.verification import Verification


class DeployRun:
    """The run in this process; `begin` comes before the first test is collected.

    Args:
        config: The configuration of pytest.
        state: The state to fill.
    """

    def __init__(self, config: pytest.Config, state: DeployState) -> None:
        self._config = config
        self.state = state
        state.redaction = ReportRedaction()
        self._base_url = BaseUrl(config)
        self._timeouts = Timeouts(config)
        self._selection = CheckSelection(config, state)
        for name, part in (
            ("timeouts", self._timeouts),
            ("selection", self._selection),
            ("services", ServiceParameters(state)),
            ("recorder", Recorder(state)),
        ):
            config.pluginmanager.register(part, f"deploycheck-{name}")
        if metadata.is_wanted(config):
            config.pluginmanager.register(metadata.HtmlEvidence(), "deploycheck-html")
        if allure.is_wanted(config):
            config.pluginmanager.register(allure.AllureEvidence(state.redaction), "deploycheck-allure")

    def begin(
        self,
        settings: RunSettings,
        finder: ServiceFinder,
        *,
        observations: Mapping[str, Observation] = MappingProxyType({}),
        replays: Sequence[Replay] = (),
    ) -> None:
        """Take over the settings of the run, and the observations of another process where there are some.

        Args:
            settings: The settings.
            finder: The finder of services, with the connections that it has opened.
            observations: The observations of another process, by the environment.
            replays: The environments of a report that is judged again.

        Raises:
            ConfigurationError: A node id names no check, or an image that was named is not a reference.
        """
        self.state.settings = settings
        environments = [run.environment for run in settings.runs]
        urls = {environment.base_url for environment in environments}
        # A replay contacts nothing, so that browser tests are not led to the application either.
        self._base_url.hand_over(urls.pop() if len(urls) == 1 and not replays else None)
        self.state.redaction.begin(list(dict.fromkeys(text for one in environments for text in one.mask)))
        # As the last of the plugin's parts, so that it sees what the others have written to a report.
        self._config.pluginmanager.register(self.state.redaction, "deploycheck-redaction")
        self._selection.validate()
        by_name = {replay.environment.name: replay for replay in replays}
        self.state.fleet = self._fleet(settings.runs, finder, observations, by_name)

    def _fleet(
        self,
        runs: Sequence[EnvironmentRun],
        finder: ServiceFinder,
        observations: Mapping[str, Observation],
        replays: Mapping[str, Replay],
    ) -> Fleet:
        line = ProgressLine(self._config)
        total = sum(len(run.labels) for run in runs)
        progress = GatheredProgress(RolloutProgress(self._config, line, total).show, runs)
        return assemble(
            runs,
            finder,
            lambda run, access, clock: Verification(
                run.environment,
                run.options,
                clock=clock,
                observation=observations.get(run.environment.name),
                time_left=self._timeouts.time_left,
                source=self._config.rootpath,
                show_progress=line.show,
                show_rollouts=progress.of(run),
                access=None if replays else access,
                replay=replays[run.environment.name].of(run.options.services) if replays else None,
            ),
        )

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Give a time limit to checks and to tests that use the fixtures, where a conftest gave them none."""
        for item in items:
            if isinstance(item, CheckItem) or uses_fixtures(item):
                self._timeouts.limit(item, self.state.settings.test_timeout)

    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> list[str] | None:
        """Explain comparisons with the values of the fixtures."""
        from pytest_deploycheck.plugin.explain import explain_comparison  # noqa: PLC0415  # only on failure

        return explain_comparison(op, left, right)

    def pytest_unconfigure(self) -> None:
        """Release resources."""
        if hasattr(self.state, "fleet"):
            self.state.fleet.close()

    def cache(self) -> Path | None:
        """Return the folder for blobs of images in pytest's own cache; None where that is off or cannot be written."""
        cache = getattr(self._config, "cache", None)
        try:
            return cache.mkdir("deploycheck-blobs") if cache else None
        except OSError:
            return None
