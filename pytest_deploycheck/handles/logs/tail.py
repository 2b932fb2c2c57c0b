"""The log tail: what the tasks that run the image say, with the patience to wait for it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from pytest_deploycheck.config.settings import Expectation
from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.log import LogEvent, LogScope, LogSight
from pytest_deploycheck.handles.logs.wait import RECENT, Held, Listener, Window
from pytest_deploycheck.handles.logs.window import Asked, LogWindow, Text, to_pattern
from pytest_deploycheck.judge.analysis.log_reading import matching
from pytest_deploycheck.judge.wording import plural
from pytest_deploycheck.report.logs import account_of, explain


class LogTail(LogWindow):
    """The logs of the tasks that run the image, since their rollout began.

    Questions wait for an answer up to the log wait (`--deploy-log-wait`). A task that runs another image is never
    heard, nor is anything from before the rollout. Where the new tasks said nothing at all, or the logs cannot be
    read, a question fails the test as unproven: silence is no answer.
    """

    def __init__(self, service: str, listener: Listener, *, source: Path | None = None) -> None:
        super().__init__(listener, Asked(LogSight(listener.scope)), source)
        self._service = service

    @property
    def questions(self) -> int:
        """How many questions were asked of it so far, those asked of its captures included."""
        return self._asked.questions

    @property
    def answers(self) -> int:
        """How many of them were asked with at least one event seen."""
        return self._asked.answers

    @property
    def scope(self) -> LogScope:
        """Which tasks and streams are looked at, and from when."""
        return self._listener.scope

    @contextmanager
    def capture(self) -> Generator[Captured]:
        """What is logged from here on, such as by an action that a test triggers.

        with deploy_logs.capture() as captured:
            requests.post(f"{deploy_env.base_url}/generate")
        assert "Found 3 platform sections" in captured

        Only events that were written after the start of the block are in it, by the servers' clock. It answers inside
        the block and after it; captures may be nested and used in several threads.
        """
        captured = Captured(self._listener, self._asked, self._source, of=repr(self))
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
        if not self.scope.streams:
            raise UnprovenError(f"unproven: {explain('query: there is no log to run it on', LogSight(self.scope))}")
        rows = self._listener.reader.query(self.scope, text, clock=self._listener.clock, timeout=timeout)
        self._asked.count(heard=bool(rows))
        return rows

    def hold(self, expectation: Expectation, *, timeout: float | None = None) -> Held:
        """Wait until the logs answer a declared expectation for good, and say how they did.

        Args:
            expectation: What to look for.
            timeout: Seconds to wait; default: the log wait.
        """
        # A forbidden line may still be on its way: each task is to say something later than the question.
        return self._hold(expectation, timeout=timeout, fresh=expectation.kind == "forbid")

    def last_words(self, task: str) -> list[LogEvent]:
        """The last lines of a task that runs something else or has stopped."""
        old = self.scope.of_old
        streams = tuple(stream for stream in old.streams if stream.task == task)
        scope = replace(old, tasks=(task,), streams=streams)
        return list(self._listener.reader.recall(LogSight(scope), (), RECENT).recent)

    def seen(self, pattern: Text) -> list[LogEvent]:
        """The events seen so far that have the pattern, without another look."""
        wanted = to_pattern(pattern)
        return list(matching(wanted, self._listener.reader.known(self.scope, (wanted,)).events))

    def account(self) -> str:
        """What was looked at and the last lines seen, and why the last answer was no, as text for people."""
        if self._asked.why:
            return self._asked.why
        self._asked.sight = self._explained(self._asked.sight)
        return account_of(repr(self), self._asked.sight)

    def close(self) -> None:
        """Let go of what costs while it is open."""
        self._listener.close()

    def __repr__(self) -> str:
        tasks = plural(len(self.scope.tasks), "task")
        return f"<deploy_logs of {self._service}: {tasks} since {self.scope.since:%H:%M:%S} UTC>"


class Captured(LogWindow):
    """What the tasks that run the image logged since a block began.

    Attributes:
        since: The start of the block, by the servers' clock (UTC).
    """

    def __init__(self, listener: Listener, asked: Asked, source: Path | None, *, of: str) -> None:
        super().__init__(listener, asked, source)
        self.since = listener.now()
        self._until: datetime | None = None
        self._of = of

    def end(self) -> None:
        """Note that the block is over: an absence is asked for up to here."""
        self._until = self._listener.now()

    def __repr__(self) -> str:
        return f"<captured since {self.since:%H:%M:%S} UTC of {self._of}>"

    def _window(self) -> Window:
        return Window(self.since, self._until or self._listener.now())
