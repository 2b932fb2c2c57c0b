"""The process that starts the run: it observes, judges, reports, and sets the exit status."""

from __future__ import annotations

from collections.abc import Collection, Generator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.config import options
from pytest_deploycheck.errors import DeploycheckError
from pytest_deploycheck.facts.codec import from_json
from pytest_deploycheck.judge.finding import Status
from pytest_deploycheck.judge.verdict import Verdict
from pytest_deploycheck.plugin.collection.items import CheckItem
from pytest_deploycheck.plugin.options import given, refuse_empty
from pytest_deploycheck.plugin.outcomes.by_label import checks_by_id, findings_by_label
from pytest_deploycheck.plugin.outcomes.results import Results
from pytest_deploycheck.plugin.outcomes.sent import attached, attached_logs, without_attachment
from pytest_deploycheck.plugin.reporters.failures import TerminalFailures
from pytest_deploycheck.plugin.reporters.junit import JunitEvidence
from pytest_deploycheck.plugin.reporters.metadata import add_page, record_metadata
from pytest_deploycheck.plugin.reporters.terminal import write_summary
from pytest_deploycheck.plugin.settings import baselines_of, replays_of, resolve, resolve_replay
from pytest_deploycheck.run.exit_status import UNPROVEN
from pytest_deploycheck.run.fleet.finder import ServiceFinder
from pytest_deploycheck.run.fleet.handed import WORKER_DATA, Handed, Returned
from pytest_deploycheck.run.fleet.places import listed_places, places
from pytest_deploycheck.run.report_files import replacing_earlier, write_all

if TYPE_CHECKING:
    from pytest_deploycheck.facts.baseline import Baseline
    from pytest_deploycheck.judge.record import AskedLogs
    from pytest_deploycheck.plugin.run import DeployRun
    from pytest_deploycheck.report.model import FleetReport
    from pytest_deploycheck.run.recording.replay import Replay
    from pytest_deploycheck.sandbox.hosting import HostedSandbox


_ENDED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
"""The statuses of pytest for a session that came to its end; every other status stands as it is."""

_LISTINGS = ("collectonly", "showfixtures", "show_fixtures_per_test", "setupplan")
"""The options with which pytest shows tests or fixtures and runs nothing: then nothing is contacted."""


class Controller:
    """The one process that observes and reports."""

    def __init__(self, config: pytest.Config, run: DeployRun) -> None:
        self._config = config
        self._run = run
        self._state = run.state
        self._asked: dict[str, list[AskedLogs]] = {}
        self._replays: tuple[Replay, ...] = ()
        self._baselines: tuple[Baseline, ...] = ()
        self._finder: ServiceFinder | None = None
        self._handed: bytes | None = None
        self._results = Results()
        self._report: FleetReport | None = None
        self._written: list[str] = []
        self._returned: list[Returned] = []
        self._sandbox: HostedSandbox | None = None
        self._junit = JunitEvidence(config, run.state.redaction)
        config.pluginmanager.register(self._junit, "deploycheck-junit")
        config.pluginmanager.register(TerminalFailures(run.state.redaction), "deploycheck-failures")
        self._started = False
        self._is_under_way = False
        self._interrupted = False
        self._is_cut_short = False
        self._is_unwritten = False
        self._only_lists = any(getattr(config.option, name, False) for name in _LISTINGS)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Resolve the settings and the credentials, before anything is collected."""
        with self._usage_errors():
            self._read_earlier()
            if self._replays:
                self._finder = ServiceFinder()
                self._run.begin(resolve_replay(self._config, self._replays), self._finder, replays=self._replays)
                return
            if given(self._config, options.ENV).text == options.SANDBOX_ENVIRONMENT:
                from pytest_deploycheck.plugin.hosting import host  # noqa: PLC0415  # only where asked for

                self._sandbox = host(self._config)
            self._finder = ServiceFinder(self._run.cache())
            find = (lambda _: {}) if self._only_lists else self._finder.find
            table = self._sandbox.table if self._sandbox else None
            self._run.begin(resolve(self._config, sandbox=table, baselines=self._baselines, find=find), self._finder)
            if not self._only_lists:
                self._state.fleet.identify()

    def pytest_report_header(self) -> str:
        """Return the environment that is verified, and where each of the settings came from."""
        settings = self._state.settings
        if self._only_lists:
            parts = [
                settings.header,
                "nothing is contacted",
                *listed_places([run.environment for run in settings.runs]),
            ]
        else:
            parts = [settings.header, *places(self._state.fleet.verifications)]
        return f"deploycheck: {', '.join(parts)}"

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self) -> None:
        """Observe before the workers start, as they get the facts with their start-up data."""
        if not self._only_lists:
            self._observe()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give a worker the observation."""
        if self._handed is None:
            fleet, finder = self._state.fleet, self._finder
            observed = fleet.verifications if self._started else []
            self._handed = Handed(
                found=finder.found if finder else {},
                observations={one.environment.name: one.observation for one in observed},
                sandbox=self._sandbox.table if self._sandbox else None,
                baselines=self._baselines,
                replays=self._replays,
            ).as_bytes()
        node.workerinput[WORKER_DATA] = self._handed

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a worker returns; one that crashed returns nothing."""
        sent = getattr(node, "workeroutput", {}).get(WORKER_DATA)
        self._returned += [from_json(sent, Returned)] if sent else []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Observe before the first test, outside of any test's time limit."""
        stopped = session.testsfailed and not session.config.option.continue_on_collection_errors
        if not self._only_lists and not stopped:
            log_checks = (one for one in session.items if isinstance(one, CheckItem) and one.check.link == "logs")
            # Under xdist this has been done, and the workers read the logs that their own tests ask for.
            self._observe(read_ahead={item.service for item in log_checks})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather the results of tests, from this process or from workers."""
        self._results.add(report)
        for label, asked in attached_logs(report).items():
            self._asked.setdefault(label, []).extend(asked)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, Any] | None:
        """Tell checks and tests that are unproven, and checks in error, from those that failed."""
        sent = attached(report)
        status = sent.get("outcome")
        if not report.failed or status not in (Status.UNPROVEN, Status.ERROR):
            return None
        if status == Status.ERROR and "finding" not in sent:
            return None
        category = "failed" if report.when == "call" else "error"
        letter = "U" if status == Status.UNPROVEN else "E"
        return category, letter, (status.upper(), {"yellow": True})

    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(self) -> Generator[None, dict[str, Any] | None, dict[str, Any] | None]:
        """Keep what travels with a report, as it was read, from plugins that write reports as JSON."""
        return without_attachment((yield))

    def pytest_keyboard_interrupt(self) -> None:
        """Note that the session does not come to its end, whatever exit status pytest.exit gives it."""
        self._interrupted = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Note that the session has started, so that pytest writes its reports when it ends."""
        self._is_under_way = True

    @pytest.hookimpl(tryfirst=True, specname="pytest_sessionfinish")
    def pytest_judge(self, session: pytest.Session, exitstatus: int) -> None:
        """Judge, and write the reports, before others write theirs with the verdict in them."""
        if self._only_lists or exitstatus == pytest.ExitCode.USAGE_ERROR:
            return
        lost = self._attribute_crashes(session)
        stopped = session.shouldfail or session.shouldstop or self._interrupted or lost
        # Where nothing was observed (a file could not be collected, or another plugin took over) nothing was verified.
        came_to_its_end = self._started and exitstatus in _ENDED and not stopped
        report = self._finish(complete=came_to_its_end)
        self._junit.record_run(report)
        record_metadata(self._config, report)
        add_page(self._config, report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Set the exit status by the verdict."""
        if self._report is None:
            return
        if self._is_cut_short:
            session.exitstatus = pytest.ExitCode.INTERRUPTED
        elif exitstatus in _ENDED:
            session.exitstatus = self._exit_status(self._report, session.exitstatus)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the verdict, and where it is not VERIFIED the diagnosis."""
        if self._report is not None:
            write_summary(terminalreporter, self._report, self._written)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Report where the session was interrupted before it was under way, and close the sandbox."""
        if self._started and self._report is None:
            self._finish(complete=False)
        if self._sandbox:
            self._sandbox.close()

    def _read_earlier(self) -> None:
        """Read the baseline or the report to replay, which may be one of the reports that are replaced."""
        reports, folder = given(self._config, options.REPORT), self._config.invocation_params.dir
        with nullcontext() if self._only_lists else replacing_earlier(reports, folder):
            refuse_empty(self._config)
            self._replays = replays_of(self._config)
            self._baselines = () if self._replays else baselines_of(self._config)

    def _observe(self, read_ahead: Collection[str] = ()) -> None:
        if self._started:
            return
        with self._usage_errors():
            self._started = True
            try:
                self._state.fleet.observe(read_ahead)
            except DeploycheckError:
                # There is nothing to report beside pytest's usage error.
                self._started = False
                raise

    def _attribute_crashes(self, session: pytest.Session) -> bool:
        """Let the crash of a worker count for the test or the check that it was running, and for nothing else.

        Returns:
            Whether something is lost with it: a test of which it is not known what it is about, or that did not run as
            the worker was not replaced.
        """
        if not self._results.has_crash:
            return False
        checks = checks_by_id(self._state.settings.runs)
        # Every worker collects the same tests.
        concerns = next((one.concerns for one in self._returned if one.concerns is not None), None)
        self._results.attribute_crashes(checks, concerns)
        return bool(self._results.crashed) or len(self._results.reported) < session.testscollected

    def _finish(self, *, complete: bool) -> FleetReport:
        """Judge and write the reports."""
        findings = findings_by_label(self._results, self._state.settings.runs)
        self._state.fleet.record_asked(self._asked)
        report = self._state.fleet.report(findings, self._results.tests, complete=complete)
        if any(one.verdict is Verdict.VERIFIED for one in report.environments):
            try:
                report = self._state.fleet.confirm(report, complete=complete)
            except KeyboardInterrupt:
                self._is_cut_short = True
                complete = False
                report = self._state.fleet.report(findings, self._results.tests, complete=complete)
        report = self._state.fleet.with_workers(report, [one.made for one in self._returned])
        self._report = report
        self._written, self._is_unwritten = write_all(self._state.settings.reports, report)
        return self._report

    @contextmanager
    def _usage_errors(self) -> Generator[None]:
        """Turn an error that keeps the run from starting into pytest's usage error: one message, no traceback."""
        try:
            yield
        except (DeploycheckError, pytest.UsageError) as error:
            message = self._state.redaction.lines(str(error))
            self._junit.record_refusal(message, is_under_way=self._is_under_way)
            raise pytest.UsageError(message) from error

    def _exit_status(self, report: FleetReport, status: int) -> int:
        if report.verdict is Verdict.REFUTED or self._results.other_failed or self._is_unwritten:
            return pytest.ExitCode.TESTS_FAILED
        if report.verdict is Verdict.UNPROVEN:
            return UNPROVEN
        # What another plugin failed the session for, such as too little coverage, stands.
        return status if status == pytest.ExitCode.TESTS_FAILED else pytest.ExitCode.OK
