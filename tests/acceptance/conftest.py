"""Whole runs: pytest in this process, against a scenario or against a world that the test fills."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.report_schema import check_report

from pytest_deploycheck.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.sandbox import SandboxService

QUICK = ("--deploy-wait=0", "--deploy-log-wait=0.2s")


@dataclass(frozen=True)
class Run:
    """A run that is over."""

    status: int
    text: str
    report: dict[str, Any] | None

    @property
    def document(self) -> dict[str, Any]:
        """Return the report of a run that must have written one."""
        assert self.report is not None, self.text
        return self.report

    @property
    def verdict(self) -> tuple[str, str | None]:
        """Return the verdict and the broken link."""
        return self.document["verdict"], self.document["broken_link"]

    @property
    def outcome(self) -> str:
        """Return the rollout outcome of the only service."""
        (service,) = self.document["services"]
        return str(service["rollout"]["outcome"])

    @property
    def checks(self) -> dict[str, dict[str, Any]]:
        """Return the checks of the only service, by id."""
        (service,) = self.document["services"]
        return {check["id"]: check for check in service["checks"]}

    def of(self, name: str) -> Run:
        """Return what it says of one of its services, with the verdict on that."""
        (service,) = (one for one in self.document["services"] if one["name"] == name)
        own = {key: service[key] for key in ("verdict", "broken_link")}
        return replace(self, report={**self.document, **own, "services": [service]})

    def with_status(self, *statuses: str) -> set[str]:
        """Return the ids of the checks that ended so."""
        return {name for name, check in self.checks.items() if check["status"] in statuses}

    def is_usage_error(self, *words: str) -> bool:
        """Say whether it ended before it began: status 4, one message with these words, no traceback, no report."""
        assert self.status == 4, self.text
        assert self.report is None
        assert "Traceback" not in self.text
        assert "INTERNALERROR" not in self.text
        messages = [line for line in self.text.splitlines() if line.startswith("ERROR: ")]
        missing = [word for word in words if word.lower() not in self.text.lower()]
        assert not missing, f"not in the message: {missing}\n{self.text}"
        (first, *others) = messages
        assert all(self.text.count(line.removeprefix("ERROR: ")) == 1 for line in messages), self.text
        return bool(first) and len(others) <= 1


class Runs:
    """Runs pytest in this process, each time with a JSON report that is checked against its schema."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self._number = 0

    def __call__(self, *args: str) -> Run:
        """Run pytest with these arguments."""
        self._number += 1
        path = self._pytester.path / f"report-{self._number}.json"
        result = self._pytester.runpytest_inprocess(
            "-p",
            "no:cacheprovider",
            f"--deploy-report={path}",
            *args,
            no_reraise_ctrlc=True,
        )
        report = None
        if path.exists():
            report = json.loads(path.read_text(encoding="utf-8"))
            check_report(report)
        return Run(int(result.ret), f"{result.stdout.str()}\n{result.stderr.str()}", report)


class Shop:
    """An environment `dev`, healthy at first: two tasks of the service `shop` run `shop:2`, rolled out after its push.

    Attributes:
        aws: The world it lives in.
        service: The service.
    """

    def __init__(self, aws: Sandbox, runs: Runs, pytester: pytest.Pytester) -> None:
        self.aws = aws
        self._runs = runs
        self._pytester = pytester
        now = aws.now()
        # Versions are fixed and `latest` moves, so that a version names the image to be shipped.
        aws.set_tag_mutability("shop", "IMMUTABLE_WITH_EXCLUSION", excluded=["latest"])
        aws.push_image("shop:1", {"app/main.py": "print('1')"}, tags=["latest"], at=now - timedelta(hours=3))
        self.service: SandboxService = aws.create_service(
            "shop", cluster="shop", image="shop:latest", desired=2, at=now - timedelta(hours=2)
        )
        aws.push_image("shop:2", {"app/main.py": "print('2')"}, tags=["latest"], at=now - timedelta(minutes=10))
        self.service.roll_out(at=now - timedelta(minutes=8))
        self.service.log("hello from 2", at=now - timedelta(minutes=6))
        self.configure()

    def configure(self, services: dict[str, dict[str, Any]] | None = None, **environment: Any) -> None:
        """Write deploycheck.toml: the services by name, and what else the environment says."""
        table = {"cluster": "shop", "services": services or {"shop": self.settings()}, **environment}
        text = f"env = {toml({'dev': table})}\n"
        (self._pytester.path / "deploycheck.toml").write_text(text, encoding="utf-8")

    def add_web(self, *, desired: int = 2, **settings: Any) -> SandboxService:
        """Make a healthy service `web` behind a load balancer, with an alarm and users, and verify it from now on."""
        now = self.aws.now()
        web = self.aws.create_service(
            "web",
            cluster="shop",
            image="shop:2",
            desired=desired,
            target_groups=["web"],
            at=now - timedelta(minutes=8),
            **settings,
        )
        web.log("hello from 2", at=now - timedelta(minutes=6))
        if desired:
            web.serve(100, at=now - timedelta(minutes=3))
        self.aws.create_alarm("5xx")
        self.configure({"web": self.settings(service="web", alarms=["5xx"], error_rate={"max": 0.01})})
        return web

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Return the table of the service with some keys changed; None leaves a key out."""
        table = {"service": "shop", "image": "shop:2", "logs": [{"expect": "hello from 2"}], **changes}
        return {key: value for key, value in table.items() if value is not None}

    def verify(self, *args: str) -> Run:
        """Run pytest against the environment."""
        return self._runs("--deploy-env=dev", *QUICK, *args)

    def asked(self, prefix: str = "") -> list[str]:
        """Return the operations that were asked, in order, and forget them."""
        operations = [call.operation for call in self.aws.calls if call.operation.startswith(prefix)]
        self.aws.calls.clear()
        return operations


def toml(value: Any) -> str:
    """Return a value as TOML writes it inline."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


@pytest.fixture
def runs(pytester: pytest.Pytester) -> Runs:
    """Return what runs pytest."""
    return Runs(pytester)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Return a sandbox that this process's variables lead to."""
    with Sandbox() as sandbox:
        for name, value in sandbox.environ.items():
            monkeypatch.setenv(name, value)
        yield sandbox


@pytest.fixture
def shop(aws: Sandbox, runs: Runs, pytester: pytest.Pytester) -> Shop:
    """Return a healthy environment to break."""
    return Shop(aws, runs, pytester)
