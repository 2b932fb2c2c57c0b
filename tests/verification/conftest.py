"""Worlds in a sandbox, and what a verification of them comes to, over HTTP with boto3 as it is installed."""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck import verify
from pytest_deploycheck.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from pytest_deploycheck.judge.finding import Finding
    from pytest_deploycheck.report.model import RunReport, ServiceReport
    from pytest_deploycheck.sandbox import SandboxService


class Seen:
    """The result of a verification of one service, or of one of several, and the calls that the verification made."""

    def __init__(self, report: RunReport, calls: list[Any], name: str = "") -> None:
        self.report = report
        self.calls = calls
        self._name = name

    def of(self, name: str) -> Seen:
        """Return the result of one of several services."""
        return Seen(self.report, self.calls, name)

    @property
    def service(self) -> ServiceReport:
        """Return the service."""
        (service,) = (one for one in self.report.services if self._name in {"", one.name})
        return service

    @property
    def outcome(self) -> str:
        """Return the outcome of the service's rollout."""
        return str(self.service.rollout.outcome)

    @property
    def verdict(self) -> str:
        """Return the verdict on the service."""
        return str(self.service.judgement.verdict)

    @property
    def broken_link(self) -> str | None:
        """Return the first link of the service that is broken."""
        return self.service.judgement.broken_link

    @property
    def statuses(self) -> dict[str, str]:
        """Return how the service's checks ended, those that were not asked for left out."""
        return {one.id: str(one.status) for one in self.service.findings if one.status != "skip"}

    def finding(self, check: str) -> Finding:
        """Return what a check of the service found."""
        return next(one for one in self.service.findings if one.id == check)

    @property
    def asked(self) -> Counter[str]:
        """Return how often each operation was asked."""
        return Counter(call.operation for call in self.calls)

    def parameters(self, operation: str) -> list[dict[str, Any]]:
        """Return what each call of an operation asked."""
        return [call.parameters for call in self.calls if call.operation == operation]

    def regions(self, operation: str) -> set[str]:
        """Return the regions in which an operation was asked."""
        return {call.region for call in self.calls if call.operation == operation}


class Room:
    """A sandbox, and verifications of the environment `dev` in it."""

    def __init__(self, aws: Sandbox, folder: Path) -> None:
        self.aws = aws
        self._folder = folder
        # Versions are fixed and `latest` moves, so that a version names the image to be shipped.
        aws.set_tag_mutability("shop", "IMMUTABLE_WITH_EXCLUSION", excluded=["latest"])

    def ago(self, minutes: float) -> Any:
        """Return the servers' time some minutes ago."""
        return self.aws.now() - timedelta(minutes=minutes)

    def shop(self, **settings: Any) -> SandboxService:
        """Make the service `shop` that has run `shop:1` for an hour, with `shop:2` pushed but not rolled out."""
        return self.shops(["shop"], **settings)["shop"]

    def shops(
        self, names: Iterable[str], own: Mapping[str, Mapping[str, Any]] | None = None, **settings: Any
    ) -> dict[str, SandboxService]:
        """Make such services side by side, with the settings of all and each with its own; they share the images."""
        self.aws.push_image("shop:1", {"app": "1"}, tags=["latest"], at=self.ago(90))
        made = {
            name: self.aws.create_service(
                name, cluster="shop", image="shop:latest", at=self.ago(60), **settings, **(own or {}).get(name, {})
            )
            for name in names
        }
        self.aws.push_image("shop:2", {"app": "2"}, tags=["latest"], at=self.ago(10))
        return made

    def verify(
        self,
        *,
        image: str | None = "shop:2",
        logs: list[dict[str, Any]] | None = None,
        services: dict[str, dict[str, Any]] | None = None,
        environment: dict[str, Any] | None = None,
        **options: Any,
    ) -> Seen:
        """Verify the environment: the service `shop` with an image and log expectations, or other services."""
        service: dict[str, Any] = {"service": "shop", "logs": logs or []}
        if image:
            service["image"] = image
        services = services or {"shop": service}
        # Lines of the sandbox are visible at once, so that an absence needs no wait.
        table = {"cluster": "shop", "log_settle": "0.1s", "services": services, **(environment or {})}
        file = self._folder / "deploycheck.toml"
        file.write_text(f"env = {toml({'dev': table})}\n", encoding="utf-8")
        self.aws.calls.clear()
        report = verify("dev", config=file, **{"wait": "0", "log_wait": "0.2s", **options})
        return Seen(report, list(self.aws.calls))

    def verify_each(
        self, names: Iterable[str], own: Mapping[str, Mapping[str, Any]] | None = None, **settings: Any
    ) -> Seen:
        """Verify services side by side with the image `shop:2`, with the settings of all and each with its own."""
        return self.verify(
            services={
                name: {"service": name, "image": "shop:2", **settings, **(own or {}).get(name, {})} for name in names
            }
        )


def toml(value: Any) -> str:
    """Return a value as TOML writes it inline."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


@pytest.fixture
def clock_offset() -> timedelta:
    """Return how far AWS's clock is ahead of this machine's."""
    return timedelta(0)


@contextmanager
def served(patch: pytest.MonkeyPatch, clock_offset: timedelta = timedelta(0)) -> Iterator[Sandbox]:
    """Serve a sandbox that this process's variables lead to, and nowhere else."""
    for name in os.environ:
        if name.startswith(("AWS_", "DEPLOYCHECK_")):
            patch.delenv(name)
    with Sandbox(clock_offset=clock_offset) as sandbox:
        for name, value in sandbox.environ.items():
            patch.setenv(name, value)
        yield sandbox


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, clock_offset: timedelta) -> Iterator[Sandbox]:
    """Return a sandbox that this process's variables lead to."""
    with served(monkeypatch, clock_offset) as sandbox:
        yield sandbox


@pytest.fixture
def room(aws: Sandbox, tmp_path: Path) -> Room:
    """Return a sandbox with the means to verify what a test puts into it."""
    return Room(aws, tmp_path)
