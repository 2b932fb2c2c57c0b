"""One run as each of its processes sees it: the checks as items, the services as parameters, the tests' reports."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.errors import ConfigurationError, EnvironmentUnusableError, UnprovenError
from pytest_deploycheck.facts.snapshot import Observation, Problem
from pytest_deploycheck.judge.analysis.logs.evidence import LAST_LINES
from pytest_deploycheck.judge.finding import Finding
from pytest_deploycheck.plugin import fixtures
from pytest_deploycheck.plugin.base_url import BaseUrl
from pytest_deploycheck.plugin.fixtures import FIXTURES, SERVICE_FIXTURE
from pytest_deploycheck.plugin.items import FINDING, ROOT, CheckItem, RootCollector
from pytest_deploycheck.plugin.outcomes.redacting import ReportRedaction
from pytest_deploycheck.plugin.progress import LogAdvice, ProgressLine, RolloutProgress
from pytest_deploycheck.plugin.results import attach_finding, attach_nothing, attach_test
from pytest_deploycheck.plugin.timeouts import Timeouts
from pytest_deploycheck.run.verification import Verification, checks_of

if TYPE_CHECKING:
    from pytest_deploycheck.handles.logs.tail import LogTail
    from pytest_deploycheck.plugin.settings import RunSettings

_INTERNAL = "An exception that is not part of a check: {error!r}"


class DeployRun:
    """The run in this process; `begin` comes before the first test is collected."""

    settings: RunSettings
    verification: Verification

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._log_advice = LogAdvice()
        self.timeouts = Timeouts(config)
        self._base_url = BaseUrl(config)
        self._selected: list[str] | None = None
        self._asked_before: dict[str, int] = {}
        self._answered_before: dict[str, int] = {}
        self._differences_before = 0
        config.pluginmanager.register(self.timeouts, "deploycheck-timeouts")

    def begin(self, settings: RunSettings, *, observation: Observation | None = None) -> None:
        """Take up what the run is asked, and what another process saw already."""
        self.settings = settings
        self._base_url.hand_over(settings.environment.base_url)
        redaction = ReportRedaction(settings.environment.mask)
        self._config.pluginmanager.register(redaction, "deploycheck-redaction")
        self._selected = self._select()
        line = ProgressLine(self._config)
        self.verification = Verification(
            settings.environment,
            settings.options,
            observation=observation,
            time_left=self.timeouts.time_left,
            source=self._config.rootpath,
            show_progress=line.show,
            show_rollouts=RolloutProgress(self._config, line).show,
            cache=self._cache(),
        )

    def _cache(self) -> Path | None:
        """The folder for blobs of images, in pytest's own cache; None where that is switched off."""
        cache = getattr(self._config, "cache", None)
        return cache.mkdir("deploycheck-blobs") if cache else None

    def _select(self) -> list[str] | None:
        """The checks selected by their node ids, as in `pytest deploycheck::backend::logs-1`, or None for all.

        A file or folder of that name keeps its meaning.
        """
        if (self._config.invocation_params.dir / ROOT).exists():
            return None
        selected = [arg for arg in self._config.args if arg.split("::")[0] == ROOT]
        for arg in selected:
            if not any(_is_within(nodeid, arg) for nodeid in self._nodeids()):
                raise ConfigurationError(f"There is no check {arg}{did_you_mean(arg, self._nodeids())}")
        return selected or None

    def _nodeids(self) -> list[str]:
        environment = self.settings.environment
        return [
            f"{ROOT}::{service}::{check.id}"
            for service in self.settings.options.services
            for check in checks_of(environment, service)
        ]

    def only_service(self) -> str:
        """The service of a test that is not parametrized, where there is just one."""
        services = self.settings.options.services
        if len(services) != 1:
            pytest.fail(
                f"This test is not run once per service (it asks with getfixturevalue, or is a unittest class), and "
                f"{len(services)} services are selected: {', '.join(services)}. Select one with --deploy-service.",
                pytrace=False,
            )
        return services[0]

    def log_tail(self, service: str) -> LogTail:
        """The log tail of a service."""
        return self.verification.log_tail(service)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Keep the node ids of checks from pytest, which takes every argument for a file."""
        if self._selected:
            self._config.args = [arg for arg in self._config.args if arg not in self._selected]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Add the built-in checks to what the session collects."""
        report = yield
        if isinstance(collector, pytest.Session) and report.passed:
            # The checks come first: what they find explains what the tests after them run into.
            report.result.insert(
                0,
                RootCollector.from_parent(
                    collector,
                    name=ROOT,
                    nodeid=ROOT,
                    checks={
                        service: tuple(
                            check
                            for check in checks_of(self.settings.environment, service)
                            if self._is_selected(f"{ROOT}::{service}::{check.id}")
                        )
                        for service in self.settings.options.services
                    },
                    carry_out=lambda item: self.verification.finding(item.service, item.check),
                ),
            )
        return report

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run a test once for each service, or for those that its marker names."""
        if SERVICE_FIXTURE not in metafunc.fixturenames:
            return
        selected = self.settings.options.services
        names = selected
        marker = metafunc.definition.get_closest_marker("deploy_service")
        if marker is not None:
            names = self._marked(marker)
        parameters = [name if name in selected else _left_out(name) for name in names]
        metafunc.parametrize(SERVICE_FIXTURE, parameters, indirect=True, scope="session")

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Give tests that use the fixtures a time limit."""
        if uses_fixtures(item):
            self.timeouts.limit(item, self.settings.test_timeout)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Note how much was asked so far."""
        self._differences_before = len(self.verification.image_differences)
        self._asked_before = {name: tail.questions for name, tail in self.verification.log_tails.items()}
        self._answered_before = {name: tail.answers for name, tail in self.verification.log_tails.items()}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send along with the report what the verdict needs of it."""
        report = yield
        if isinstance(item, CheckItem):
            if call.when == "call" or report.failed:
                attach_finding(report, item.service, _finding(item, call))
        elif uses_fixtures(item) or _failed_in_fixture(call):
            answered = [
                name
                for name, tail in self.verification.log_tails.items()
                if tail.answers > self._answered_before.get(name, 0)
            ]
            unproven = call.excinfo is not None and call.excinfo.errisinstance(
                (UnprovenError, EnvironmentUnusableError)
            )
            attach_test(report, services=self._services_of(item), heard_logs=bool(answered), unproven=unproven)
            if report.failed:
                self._show_logs(report)
                self._show_differences(report)
            elif call.when == "call":
                tails = self.verification.log_tails.values()
                self._log_advice.after(item, max((tail.longest_no for tail in tails), default=0.0))
        else:
            attach_nothing(report)
        return report

    def pytest_unconfigure(self) -> None:
        """Let go of what costs while it is open."""
        if hasattr(self, "verification"):
            self.verification.close()

    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> list[str] | None:
        """Explain comparisons with what the fixtures hold."""
        from pytest_deploycheck.plugin.explain import explain_comparison  # noqa: PLC0415  # only on failure

        return explain_comparison(op, left, right)

    def _is_selected(self, nodeid: str) -> bool:
        return self._selected is None or any(_is_within(nodeid, own) for own in self._selected)

    def _marked(self, marker: pytest.Mark) -> tuple[str, ...]:
        """The services that a marker names."""
        if not marker.args or marker.kwargs:
            raise pytest.Collector.CollectError(
                'deploy_service names one service or more: @pytest.mark.deploy_service("backend")'
            )
        services = self.settings.environment.services
        for name in marker.args:
            if name not in services:
                raise pytest.Collector.CollectError(
                    f"deploy_service: the environment {self.settings.environment.name!r} has no service {name!r}"
                    f"{did_you_mean(str(name), services)} There are: {', '.join(services)}."
                )
        return marker.args

    def _services_of(self, item: pytest.Item) -> tuple[str, ...]:
        """The services that a test looked at; empty for one that used only what they share."""
        callspec = getattr(item, "callspec", None)
        if callspec is not None and SERVICE_FIXTURE in callspec.params:
            return (callspec.params[SERVICE_FIXTURE],)
        services = self.settings.options.services
        return services if len(services) == 1 and _names(item) & (FIXTURES - {"deploy_env"}) else ()

    def _show_logs(self, report: pytest.TestReport) -> None:
        """Pytest cuts the explanation of an assertion; what must be read stands in a section of its own."""
        for name, tail in self.verification.log_tails.items():
            account = tail.account()
            is_shown = all(line.strip() in report.longreprtext for line in account.splitlines())
            if tail.questions > self._asked_before.get(name, 0) and not is_shown:
                report.sections.append((f"deploy logs of {name}, the last {LAST_LINES} lines", account))

    def _show_differences(self, report: pytest.TestReport) -> None:
        """What a comparison of the image with the checkout came to, line by line."""
        differences = self.verification.image_differences[self._differences_before :]
        if differences:
            report.sections.append(("image and checkout", "\n\n".join(differences)))


def _is_within(nodeid: str, selection: str) -> bool:
    return nodeid == selection or nodeid.startswith(f"{selection}::")


def uses_fixtures(item: pytest.Item) -> bool:
    """Whether a test uses the deploy fixtures."""
    return bool(_names(item) & (FIXTURES | {SERVICE_FIXTURE}))


def _failed_in_fixture(call: pytest.CallInfo[None]) -> bool:
    """Whether one of our fixtures failed that only getfixturevalue asked for: pytest does not list it then."""
    frames = call.excinfo.traceback if call.excinfo else ()
    return any(str(frame.path) == fixtures.__file__ for frame in frames)


def _names(item: pytest.Item) -> set[str]:
    """The fixtures of a test, those it asked for with getfixturevalue included."""
    request = getattr(item, "_request", None)
    return set(request.fixturenames if request is not None else getattr(item, "fixturenames", ()))


def _left_out(name: str) -> Any:
    return pytest.param(name, marks=pytest.mark.skip(reason=f"service {name!r} is not selected by --deploy-service"))


def _finding(item: CheckItem, call: pytest.CallInfo[None]) -> Finding:
    """What the check found; whatever else ended it leaves its question open."""
    if FINDING in item.stash:
        return item.stash[FINDING]
    error = call.excinfo.value if call.excinfo else None
    problem = Problem("", type(error).__name__, _INTERNAL.format(error=error), "See the traceback above.")
    return item.check.errs(problem)
