"""The log tail: what the tasks that run the expected image log, with the means to wait for it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from pytest_deploycheck.config.settings import Expectation
from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.log import LogEvent, LogScope, LogSight
from pytest_deploycheck.handles.logs.answers import QuestionRecord
from pytest_deploycheck.handles.logs.patterns import Text, to_pattern
from pytest_deploycheck.handles.logs.questions import longest_wait
from pytest_deploycheck.handles.logs.service_logs import IsOver, Window
from pytest_deploycheck.handles.logs.wait import RECENT, LogWait
from pytest_deploycheck.handles.logs.window import LogWindow
from pytest_deploycheck.judge.analysis.logs.evidence import evidence_of
from pytest_deploycheck.judge.analysis.logs.reading import matching
from pytest_deploycheck.judge.record import AskedLogs
from pytest_deploycheck.judge.wording import plural
from pytest_deploycheck.redaction.handed import HANDED
from pytest_deploycheck.report.logs import account_of


class LogTail(LogWindow):
    """The logs of the tasks that run the expected image, since their rollout began.

    Questions wait for an answer up to the log wait (`--deploy-log-wait`). Lines of tasks that run another image never
    count, nor do lines from before the rollout. Where the new tasks have no log events, or the logs cannot be read, a
    question fails the test as unproven.
    """

    def __init__(self, service: str, wait: LogWait, *, source: Path | None = None) -> None:
        super().__init__(wait, QuestionRecord(LogSight(wait.logs.scope)), source)
        self._service = service

    @property
    def questions(self) -> int:
        """The number of questions that were asked of it so far, those asked of its captures included."""
        return self._record.questions

    @property
    def asked(self) -> list[AskedLogs]:
        """The questions so far with what was read for them, those of its captures included."""
        return self._record.asked

    @property
    def answers(self) -> int:
        """The number of those that were asked with at least one event seen."""
        return self._record.answers

    @property
    def longest_no(self) -> float:
        """Seconds that the longest wait took after which `in` was false."""
        return self._record.longest_no

    @property
    def scope(self) -> LogScope:
        """The tasks and streams that are read, and the start of the window."""
        return self._wait.logs.scope

    @contextmanager
    def capture(self) -> Generator[Captured]:
        """Capture the lines that are logged from here on, such as by an action that a test triggers.

        with deploy_logs.capture() as captured:
            requests.post(f"{deploy_env.base_url}/generate")
        assert "Found 3 platform sections" in captured

        Only events that were written after the start of the block are in it, by the servers' clock. It answers inside
        the block and after it; captures may be nested and used in several threads.
        """
        captured = Captured(self._wait, self._record, self._source, of=repr(self))
        try:
            yield captured
        finally:
            captured.end()

    def query(self, text: str, *, timeout: float = 60.0) -> list[dict[str, str]]:
        """The rows of a Logs Insights query over the window and the streams of the new tasks.

        For groups too large to be read. AWS charges a query by the bytes it scans, and what has just been written is
        not found by it yet: rows are no proof that a line is absent.

        Args:
            text: The query, such as `filter @message like /timeout/ | stats count(*) as timeouts by @logStream`.
            timeout: Seconds to wait for its end.

        Raises:
            UnprovenError: It did not come to its end, may not be run, or there is no log to run it on.
        """
        __tracebackhide__ = True
        logs = self._wait.logs
        if not self.scope.streams:
            account = account_of(evidence_of(LogSight(self.scope)))
            raise UnprovenError(f"unproven: query: there is no log stream to run it on\n{account}")
        rows = logs.reader.query(self.scope, text, clock=logs.clock, timeout=timeout)
        HANDED.note(*(text for row in rows for name, value in row.items() for text in (value, f"{name}={value}")))
        self._record.count(has_events=bool(rows))
        return rows

    def longest_wait(self, expectation: Expectation, log_wait: float) -> float:
        """The seconds that a declared expectation may take to be answered; none where there is no log to wait for."""
        if not self.scope.streams:
            return 0.0
        return longest_wait(log_wait, self.scope) if expectation.kind == "forbid" else log_wait

    def last_lines(self, task: str, is_over: IsOver) -> list[LogEvent]:
        """The last lines of a task that runs something else or has stopped, as far as there is time to read them."""
        old = self.scope.of_old
        streams = tuple(stream for stream in old.streams if stream.task == task)
        scope = replace(old, tasks=(task,), streams=streams)
        sight = self._wait.logs.reader.recall(LogSight(scope), (), RECENT, is_over=is_over)
        return list(sight.recent)

    def seen(self, pattern: Text) -> list[LogEvent]:
        """The events seen so far that have the pattern, without another call."""
        wanted = to_pattern(pattern)
        return list(matching(wanted, self._wait.logs.reader.known(self.scope, (wanted,)).events))

    def account(self) -> str:
        """Return the text that shows what was read, the last lines, and why the last answer was no."""
        if self._record.why:
            return self._record.why
        self._record.sight = self._explained(self._record.sight)
        return f"{self!r}\n{account_of(evidence_of(self._record.sight))}"

    def close(self) -> None:
        """Release the resources."""
        self._wait.logs.close()

    def __repr__(self) -> str:
        tasks = plural(len(self.scope.tasks), "task")
        return f"<deploy_logs of {self._service}: {tasks} since {self.scope.since:%H:%M:%S} UTC>"


class Captured(LogWindow):
    """The lines that the tasks that run the expected image logged since a block began.

    Attributes:
        since: The start of the block, by the servers' clock (UTC).
    """

    def __init__(self, wait: LogWait, record: QuestionRecord, source: Path | None, *, of: str) -> None:
        super().__init__(wait, record, source)
        self.since = wait.logs.now()
        self._until: datetime | None = None
        self._of = of

    def end(self) -> None:
        """Note that the block is over: an absence is asked for up to here."""
        self._until = self._wait.logs.now()

    def __repr__(self) -> str:
        return f"<captured since {self.since:%H:%M:%S} UTC of {self._of}>"

    def _window(self) -> Window:
        return Window(self.since, self._until or self._wait.logs.now())
