"""Controls of CloudWatch Logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.world.logs.behaviour import LiveTailing, LogPaging, QueryEnd, Querying, SessionError

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.logs.groups import LogClass
    from pytest_deploycheck.sandbox.world.world import World


class LogControls:
    """The controls of the sandbox for CloudWatch Logs."""

    _world: World

    def log(
        self,
        group: str,
        stream: str,
        message: str,
        *,
        at: datetime | None = None,
        arrives_in: float = 0.0,
        region: str = "",
    ) -> None:
        """Log a line to any stream of any log group, as a log router or an agent does.

        Args:
            group: The name of the log group; it is created if it does not exist.
            stream: The name of the log stream, such as `app-firelens-TASK_ID`.
            message: The line.
            at: The time of the event; default: now.
            arrives_in: Seconds of real time until CloudWatch shows it; its time stays `at`.
            region: The region of the log group; default: that of the sandbox.
        """
        world = self._world
        with world.account.lock:
            logged = world.account.moment(at)
            opened = world.logs.open(region or world.account.region, group)
            world.logs.add(opened, stream, message, logged, world.account.arrival(logged, arrives_in))

    def create_log_group(self, name: str, *, log_class: LogClass = "STANDARD", region: str = "") -> None:
        """Create a log group, or change the class of one that exists already.

        Args:
            name: Its name.
            log_class: Its class. FilterLogEvents and StartLiveTail refuse one of `INFREQUENT_ACCESS`, and only queries
                of Logs Insights read it.
            region: The region; default: that of the sandbox.
        """
        account = self._world.account
        with account.lock:
            self._world.logs.open(region or account.region, name).log_class = log_class

    def delete_log_group(self, name: str, *, region: str = "") -> None:
        """Delete a log group with all its events.

        Raises:
            LookupError: If the log group is unknown.
        """
        world = self._world
        with world.account.lock:
            if world.logs.groups.pop((region or world.account.region, name), None) is None:
                raise LookupError(f"Unknown log group {name} in {region or world.account.region}")

    def page_logs(
        self,
        *,
        size: int = 10_000,
        empty_pages: bool = False,
        repeat_token: int = 0,
        repeat_page: bool = False,
        overlap: int = 0,
    ) -> None:
        """Set the pages of FilterLogEvents; settings that are not given return to their defaults.

        Args:
            size: The largest number of events in a page.
            empty_pages: Whether an empty page with a token precedes each page, as can happen in AWS.
            repeat_token: How many times the answer to a token has the same token, before the reading continues.
            repeat_page: Whether such an answer has the events of the next page, which are repeated when the reading
                continues; otherwise it is empty.
            overlap: The number of events at the end of a page that the next page repeats, with the same ids. At least
                one event of a page is new.
        """
        with self._world.account.lock:
            self._world.paging = LogPaging(size, empty_pages, repeat_token, repeat_page, overlap)

    def live_tail(
        self, *, sampled: bool = False, ends_after: float | None = None, fails: SessionError | None = None
    ) -> None:
        """Set the behaviour of live tails, including open ones; settings that are not given return to their defaults.

        Args:
            sampled: Whether they leave out every other line, beginning with the first, and report that they are
                sampled. More than 500 lines at once are always sampled.
            ends_after: The seconds after which they end; default: when the sandbox stops, or at once with `fails`.
            fails: The error with which they end; default: none.
        """
        with self._world.account.lock:
            self._world.tailing = LiveTailing(sampled, ends_after, fails)

    def queries(self, *, ends: QueryEnd = "Complete", running: int = 1) -> None:
        """Set the behaviour of Logs Insights queries, including running ones; settings not given return to defaults.

        Args:
            ends: Their final status: `Complete`, `Failed` or `Timeout`. Only a complete query has all its results.
            running: The number of answers to GetQueryResults with the status `Running` and a part of the results.
        """
        with self._world.account.lock:
            self._world.querying = Querying(ends, running)
