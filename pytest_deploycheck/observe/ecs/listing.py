"""The services of a cluster with their tasks: what an observation asks for first."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING

from msgspec import Struct

from pytest_deploycheck.facts.service import Service
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.observe.calls import Once
from pytest_deploycheck.observe.ecs.queries import EcsQueries
from pytest_deploycheck.observe.ecs.services import FoundServices
from pytest_deploycheck.observe.problems import Answered
from pytest_deploycheck.observe.session import PARALLEL_CALLS

if TYPE_CHECKING:
    from pytest_deploycheck.observe.session import Session

FRESH = 2.0
"""Seconds after the caller is known for which an early listing is as good as a new one."""


class ListedServices(Struct, frozen=True):
    """The answers to the first questions of an observation.

    Attributes:
        services: The services that were found, or why none could be described.
        tasks: The tasks of each service, by its name, or why they could not be listed.
    """

    services: Answered[FoundServices]
    tasks: Mapping[str, Answered[tuple[Task, ...]]]


def list_services(ecs: EcsQueries, names: Sequence[str]) -> ListedServices:
    """Describe services, and list their tasks at the same time.

    Many tasks are listed page by page. Meanwhile task definitions are read, as AWS allows the fewest calls for them.
    """
    pool = ThreadPoolExecutor(max_workers=1 + PARALLEL_CALLS, thread_name_prefix="listing")
    try:
        tasks = pool.submit(copy_context().run, ecs.tasks_of, names)

        def read_definition(service: Service) -> None:
            if not tasks.done():
                ecs.read_definition(service)

        services = ecs.services(names, lambda service: pool.submit(copy_context().run, read_definition, service))
        return ListedServices(services, tasks.result())
    finally:
        # Whoever needs a definition that is being read waits for it.
        pool.shutdown(wait=False, cancel_futures=True)


class EarlyListing:
    """A listing that another thread makes while AWS is asked for the caller's identity.

    Args:
        names: The names of the services.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(dict.fromkeys(names))
        self._listed: ListedServices | None = None
        self._known_at = 0.0
        self._thread: threading.Thread | None = None

    def begin(self, session: Session, cluster: str, once: Once) -> None:
        """Begin to list.

        Args:
            session: The clients.
            cluster: Name or ARN of the cluster.
            once: Keeps what cannot change within the run.
        """
        if self._names:
            listing = threading.Thread(target=self._list, args=(session, cluster, once), name="listing", daemon=True)
            self._thread = listing
            listing.start()

    def identified(self) -> None:
        """Note that the caller is known, so that the listing may be used from now on."""
        self._known_at = time.monotonic()

    def take(self, names: Sequence[str]) -> ListedServices | None:
        """Return the listing of exactly these services, once and while it is fresh; else None."""
        thread, self._thread = self._thread, None
        if thread is None or list(names) != self._names or time.monotonic() - self._known_at > FRESH:
            return None
        thread.join()
        return self._listed

    def _list(self, session: Session, cluster: str, once: Once) -> None:
        # Whoever asks next tells what is wrong. Where the caller cannot be identified nobody waits for this.
        with suppress(Exception):
            self._listed = list_services(EcsQueries(session, cluster, once), self._names)
