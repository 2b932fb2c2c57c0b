"""The connections of one run to AWS, each opened when it is first used: boto3 is slow to load."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct, field

from pytest_deploycheck.config.settings import EnvironmentSettings, Options
from pytest_deploycheck.facts.image import Layer, Reference
from pytest_deploycheck.facts.recorded.calls import Calls
from pytest_deploycheck.facts.snapshot import Identity
from pytest_deploycheck.observe.first_observation import FirstObservation
from pytest_deploycheck.observe.rates import Budgets
from pytest_deploycheck.polling import Overtime

if TYPE_CHECKING:
    from pytest_deploycheck.observe.calls import Once
    from pytest_deploycheck.observe.ecs.listing import EarlyListing
    from pytest_deploycheck.observe.images.contents import Contents
    from pytest_deploycheck.observe.logs.reader import LogReader
    from pytest_deploycheck.observe.observer import Observer
    from pytest_deploycheck.observe.session import Session


def _load(session: Session) -> None:
    """Load the modules that observe, and make the clients that every observation uses."""
    # Whoever uses them next tells what is wrong.
    with suppress(Exception):
        import pytest_deploycheck.observe.logs.reader  # noqa: PLC0415  # loaded when it is needed
        import pytest_deploycheck.observe.observer  # noqa: F401, PLC0415  # as above

        session.ecs()
        session.ecr(session.region)


class Access(Struct):
    """The connections of one run.

    Attributes:
        environment: The environment.
        overtime: The time that calls may take beyond the waits of the run.
        cache: The folder in which blobs of images are kept, or None for one that is removed when the process ends.
        first: The first observation of this run, which all its observers share.
        budgets: The budgets of calls, one for each account.
        services: The names of the services that are going to be observed first, as far as they are known.
    """

    environment: EnvironmentSettings
    overtime: Overtime
    cache: Path | None = None
    first: FirstObservation = field(default_factory=FirstObservation)
    budgets: Budgets = field(default_factory=Budgets)
    services: Sequence[str] = ()
    _identity: Identity | None = None
    _session: Session | None = None
    _contents: Contents | None = None
    _once: Once | None = None
    _log_reader: LogReader | None = None
    _early: EarlyListing | None = None

    @property
    def identity(self) -> Identity:
        """The caller, the account and the region; asked once.

        Raises:
            EnvironmentUnusableError: The credentials do not work, or AWS cannot be reached.
        """
        if self._identity is None:
            session = self.session
            # While AWS answers, modules are loaded and clients made that the observation needs next.
            loading = threading.Thread(target=_load, args=(session,), name="load")
            loading.start()
            try:
                self._identity = session.identify(self._list_early)
            finally:
                loading.join()
            if self._early:
                self._early.identified()
        return self._identity

    @identity.setter
    def identity(self, identity: Identity) -> None:
        self._identity = identity
        if self._session:
            self._session.belongs_to(identity.account)

    def _list_early(self) -> None:
        """Begin to list the services, whose answers are used once it is known whose they are."""
        from pytest_deploycheck.observe.ecs.listing import EarlyListing  # noqa: PLC0415  # boto3 is loaded when it is needed

        self._early = EarlyListing(self.services)
        self._early.begin(self.session, self.environment.cluster, self._kept())

    def now(self) -> datetime:
        """Return the time by the servers' clock (UTC): the clock of the machine that runs CI may be wrong."""
        return datetime.now(UTC) + timedelta(seconds=self.identity.clock_offset)

    @property
    def calls(self) -> tuple[Calls, ...]:
        """The calls of AWS's API so far."""
        return self._session.counts.calls if self._session else ()

    @property
    def session(self) -> Session:
        """The clients."""
        from pytest_deploycheck.observe.session import Session  # noqa: PLC0415  # boto3 is loaded when it is needed

        if self._session is None:
            self._session = Session(self.environment, overtime=self.overtime, budgets=self.budgets)
            if self._identity:
                self._session.belongs_to(self._identity.account)
        return self._session

    def contact(self) -> None:
        """Note that something beside AWS is about to be contacted; a replay refuses that."""

    @property
    def contents(self) -> Contents:
        """The contents of images."""
        from pytest_deploycheck.observe.images.contents import Contents  # noqa: PLC0415  # boto3 is loaded when it is needed

        if self._contents is None:
            self._contents = Contents(self.session, self.cache)
        return self._contents

    @property
    def log_reader(self) -> LogReader:
        """The reader of logs."""
        from pytest_deploycheck.observe.logs.reader import LogReader  # noqa: PLC0415  # boto3 is loaded when it is needed

        if self._log_reader is None:
            self._log_reader = LogReader(self.session, self.identity.account, self.now)
        return self._log_reader

    def discover(self) -> tuple[str, ...]:
        """Return the names of the services that the environment discovers.

        Raises:
            ConfigurationError: Nothing is found.
            EnvironmentUnusableError: The cluster does not exist, or its services cannot be listed.
        """
        from pytest_deploycheck.observe.ecs.discovery import discover  # noqa: PLC0415  # boto3 is loaded when it is needed

        # Wrong credentials have a better explanation there than a denied listing.
        _ = self.identity
        return discover(self.session.ecs(), self.environment, region=self.session.region)

    @property
    def is_identified(self) -> bool:
        """True where the identity is known."""
        return self._identity is not None

    def observer(self, options: Options, *, with_health: bool = True) -> Observer:
        """Return an observer of services that shares the first observation of the run, and what cannot change in it."""
        from pytest_deploycheck.observe.observer import Observer  # noqa: PLC0415  # boto3 is loaded when it is needed

        return Observer(
            self.session,
            self.identity,
            self.environment,
            options,
            self.contents,
            first=self.first,
            once=self._kept(),
            with_health=with_health,
            early=self._early,
        )

    def _kept(self) -> Once:
        """Return what cannot change within the run."""
        from pytest_deploycheck.observe.calls import Once  # noqa: PLC0415  # boto3 is loaded when it is needed

        if self._once is None:
            self._once = Once()
        return self._once

    def open_layer(self, reference: Reference, layer: Layer) -> AbstractContextManager[BinaryIO]:
        """Open a layer of an image."""
        return self.contents.open_layer(reference, layer)
