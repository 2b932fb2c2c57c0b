"""Controls of CloudWatch Logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.world.logs.behaviour import LiveTailing, LogPaging, QueryEnd, Querying, SessionError

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.logs.groups import LogClass
    from pytest_deploycheck.sandbox.world.world import World


class LogControls:
    """The part of the sandbox that is about CloudWatch Logs."""

    def __init__(self, world: World) -> None:
        self._world = world

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
        """Say a line in any stream of any log group, as a log router or an agent does.

        Args:
            group: The name of the log group; it is made if it is not there.
            stream: The name of the log stream, such as `app-firelens-TASK_ID`.
            message: The line.
            at: The time at which it was logged; default: now.
            arrives_in: Seconds of real time until CloudWatch shows it; its time stays `at`.
            region: Where the group is; default: the sandbox's region.
        """
        world = self._world
        with world.account.lock:
            said = world.account.moment(at)
            there = world.logs.open(region or world.account.region, group, world.account.now())
            world.logs.add(there, stream, message, said, world.account.arrival(said, arrives_in))

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
            self._world.logs.open(region or account.region, name, account.now()).log_class = log_class

    def delete_log_group(self, name: str, *, region: str = "") -> None:
        """Delete a log group with all its lines, in the sandbox's region or another.

        Raises:
            LookupError: If it is not there.
        """
        world = self._world
        with world.account.lock:
            if world.logs.groups.pop((region or world.account.region, name), None) is None:
                raise LookupError(f"There is no log group {name} in {region or world.account.region}")

    def page_logs(
        self,
        *,
        size: int = 10_000,
        empty_pages: bool = False,
        repeat_token: int = 0,
        repeat_page: bool = False,
        overlap: int = 0,
    ) -> None:
        """Say in which pages log events are answered; all that is not named is as at the start.

        Args:
            size: How many events a page holds at the most.
            empty_pages: Whether an empty page with a token comes before each page, as AWS may do.
            repeat_token: How many times a token is answered with the very same token, before the reading
                goes on.
            repeat_page: Whether such an answer has the events of the page it leads to, which come once more
                when the reading goes on; otherwise it is empty.
            overlap: How many of a page's last events come again at the start of the next, with the same ids.
                At least one event of a page is new.
        """
        with self._world.account.lock:
            self._world.paging = LogPaging(size, empty_pages, repeat_token, repeat_page, overlap)

    def live_tail(
        self, *, sampled: bool = False, ends_after: float | None = None, fails: SessionError | None = None
    ) -> None:
        """Say how live tails go, those that are open included; all that is not named is as at the start.

        Args:
            sampled: Whether they leave out every other line, beginning with the first, and say that they are
                sampled. More than 500 lines at once are sampled in any case.
            ends_after: After how many seconds they end; default: when the sandbox stops, or at once where
                `fails` is given.
            fails: The error they end with; default: none, the stream just ends.
        """
        with self._world.account.lock:
            self._world.tailing = LiveTailing(sampled, ends_after, fails)

    def queries(self, *, ends: QueryEnd = "Complete", running: int = 1) -> None:
        """Say how queries of Logs Insights go, those that run included; all that is not named is as at the start.

        Args:
            ends: How they end: `Complete`, `Failed` or `Timeout`. Only a complete one has all its results.
            running: How many answers to GetQueryResults say that it is running, with a part of the results.
        """
        with self._world.account.lock:
            self._world.querying = Querying(ends, running)
