"""Runs of the plugin: in the built-in sandbox, or against a world that a test fills itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Protocol

import pytest

from pytest_deploycheck.sandbox import Sandbox, SandboxService


class Outcome:
    """A run that is over.

    Attributes:
        pytester: Where it ran.
        result: What pytester says of it.
    """

    def __init__(self, pytester: pytest.Pytester, result: pytest.RunResult) -> None:
        self.pytester = pytester
        self.result = result

    @property
    def status(self) -> int:
        """The exit status."""
        return int(self.result.ret)

    @property
    def output(self) -> str:
        """Its output, on both streams."""
        return f"{self.result.stdout}\n{self.result.stderr}"

    @property
    def words(self) -> str:
        """Its output as if the terminal had one endless line."""
        return " ".join(self.output.split())

    @property
    def header(self) -> str:
        """The part of the run's header that the plugin writes."""
        return "\n".join(line for line in self.output.splitlines() if line.startswith("deploycheck: "))

    @property
    def has_report(self) -> bool:
        """True if it wrote its JSON report."""
        return (self.pytester.path / "report.json").exists()

    @property
    def report(self) -> dict[str, Any]:
        """The JSON report."""
        report: dict[str, Any] = json.loads((self.pytester.path / "report.json").read_text(encoding="utf-8"))
        return report

    @property
    def verdict(self) -> tuple[str, str | None]:
        """The verdict and the broken link of the report."""
        return self.report["verdict"], self.report["broken_link"]

    @property
    def tests(self) -> dict[str, str]:
        """The outcomes of the report's tests, by the last part of their ids."""
        return {test["nodeid"].rpartition("::")[2]: test["outcome"] for test in self.report["tests"]}

    @property
    def checks(self) -> dict[str, str]:
        """The statuses of the checks of the report's only service."""
        (service,) = self.report["services"]
        return {check["id"]: check["status"] for check in service["checks"]}

    def refused(self) -> str:
        """Return the message of a run that ended as a usage error should, and fail where it did not."""
        assert self.status == 4, self.output
        assert "Traceback" not in self.output
        assert "INTERNALERROR" not in self.output
        assert not self.has_report
        errors = str(self.result.stderr)
        assert errors.count("ERROR: ") == 1, self.output
        return errors.partition("ERROR: ")[2].strip()


class Deploy(Protocol):
    """Runs pytest in this process, without waiting, and with a JSON report."""

    def __call__(self, *args: str, scenario: str | None = None, env: str | None = None) -> Outcome:
        """Verify a scenario of the sandbox, or an environment of the configuration file, or neither."""
        ...


@pytest.fixture
def deploy(pytester: pytest.Pytester) -> Deploy:
    """Return what runs pytest in this process, without waiting, and with a JSON report."""

    def run(*args: str, scenario: str | None = None, env: str | None = None) -> Outcome:
        where = []
        if scenario:
            where = ["--deploy-env=sandbox", f"--deploy-sandbox={scenario}"]
        elif env:
            where = [f"--deploy-env={env}"]
        quick = ["--deploy-wait=0", "--deploy-log-wait=0", "--deploy-report=report.json"]
        return Outcome(pytester, pytester.runpytest_inprocess(*where, *quick, *args, no_reraise_ctrlc=True))

    return run


class Collect(Protocol):
    """Collects with pytest in this process, and contacts nothing."""

    def __call__(self, *args: str) -> Outcome:
        """Run `pytest --collect-only` with these arguments."""
        ...


@pytest.fixture
def collect(pytester: pytest.Pytester) -> Collect:
    """Return what runs `pytest --collect-only` where AWS cannot be reached."""

    def run(*args: str) -> Outcome:
        return Outcome(pytester, pytester.runpytest_inprocess("--collect-only", *args))

    return run


class Ini(Protocol):
    """Writes pytest's configuration."""

    def __call__(self, file: str, **values: str) -> None:
        """Write these values to `pytest.ini`, or to `pyproject.toml` as native TOML."""
        ...


INI_FILES = ("pytest.ini", "pyproject.toml")
"""Where pytest's own configuration may stand: the one of old, and native TOML."""


@pytest.fixture(params=INI_FILES)
def ini_file(request: pytest.FixtureRequest) -> str:
    """Return the name of the file of pytest's configuration: a test runs once for each kind."""
    return str(request.param)


@pytest.fixture
def ini(pytester: pytest.Pytester) -> Ini:
    """Return what writes pytest's configuration."""

    def write(file: str, **values: str) -> None:
        native = file.endswith(".toml")
        lines = [f"{key} = {json.dumps(value) if native else value}" for key, value in values.items()]
        (pytester.path / file).write_text(
            "\n".join(["[tool.pytest]" if native else "[pytest]", *lines]), encoding="utf-8"
        )

    return write


CONFIGURATION = """
[env.dev]
region = "us-east-1"
cluster = "dev"

[env.dev.services.backend]
service = "backend-service"

[env.prod]
region = "eu-west-1"
cluster = "prod"

[env.prod.services.backend]
service = "backend-service"

[env.prod.services.worker]
service = "worker-service"
"""
"""Two environments; nothing of them exists."""


@pytest.fixture
def configured(pytester: pytest.Pytester) -> pytest.Pytester:
    """Return a project with a configuration and one test."""
    (pytester.path / "deploycheck.toml").write_text(CONFIGURATION, encoding="utf-8")
    pytester.makepyfile("def test_one(): pass")
    return pytester


class World:
    """AWS in a box with a shop in it: two services, each rolled out ten minutes ago, and their configuration.

    Attributes:
        aws: The box.
        backend: The service `backend`, of two tasks.
    """

    def __init__(self, aws: Sandbox, pytester: pytest.Pytester) -> None:
        self.aws = aws
        self._pytester = pytester
        self._services: dict[str, SandboxService] = {}
        self.backend = self.add("backend", desired=2)
        self.configure("backend")

    def add(self, name: str, *, desired: int = 1, **settings: Any) -> SandboxService:
        """Make a service that ran an old image for a day and was rolled out ten minutes ago."""
        aws = self.aws
        day, minutes = aws.now() - timedelta(days=1), aws.now() - timedelta(minutes=10)
        # Tags other than `latest` are fixed, so that one names the image to be shipped.
        aws.set_tag_mutability(f"shop-{name}", "IMMUTABLE_WITH_EXCLUSION", excluded=["latest"])
        aws.push_image(f"shop-{name}:old", {"app/main.py": f"old {name}"}, tags=("latest",), at=day)
        service = aws.create_service(
            f"shop-{name}", cluster="shop", image=f"shop-{name}:latest", desired=desired, at=day, **settings
        )
        aws.push_image(
            f"shop-{name}:new", {"app/main.py": f"new {name}"}, tags=("latest",), at=minutes - timedelta(minutes=1)
        )
        service.roll_out(at=minutes)
        return service

    def configure(
        self,
        *services: str,
        keys: str | Mapping[str, str] = "",
        logs: str = "",
        extra: str = "",
        log_settle: str = "0.1s",
    ) -> None:
        """Write a configuration of these services; `logs`, and `keys` that are one text, are of the first."""
        keys_of = {services[0]: keys} if isinstance(keys, str) else keys
        # Lines of the sandbox are visible at once, so that an absence needs no wait.
        lines = ["[env.shop]", 'region = "us-east-1"', 'cluster = "shop"', f'log_settle = "{log_settle}"', extra]
        for name in services:
            lines += [f"[env.shop.services.{name}]", f'service = "shop-{name}"', f'image = "shop-{name}:new"']
            lines += [keys_of.get(name, ""), logs if name == services[0] else ""]
        (self._pytester.path / "deploycheck.toml").write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture
def world(empty_aws: Sandbox, pytester: pytest.Pytester) -> World:
    """Return a world of its own for a test, which boto3 takes for AWS: run with `env="shop"`."""
    return World(empty_aws, pytester)


@pytest.fixture
def clock_offset() -> timedelta:
    """Return how far AWS's clock is ahead of this machine's."""
    return timedelta(0)


@pytest.fixture
def empty_aws(monkeypatch: pytest.MonkeyPatch, clock_offset: timedelta) -> Iterator[Sandbox]:
    """Return an AWS in which nothing is; boto3 takes it for the real one."""
    with Sandbox(clock_offset=clock_offset) as aws:
        for name, value in aws.environ.items():
            monkeypatch.setenv(name, value)
        yield aws
