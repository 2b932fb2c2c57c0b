"""Verifications of the sandbox's scenarios in this process, and of a fleet of twelve services."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from pytest_deploycheck.config.building import build_environment
from pytest_deploycheck.config.settings import Options
from pytest_deploycheck.report.model import RunReport
from pytest_deploycheck.sandbox import Sandbox, SandboxService
from pytest_deploycheck.sandbox.scenarios import build
from support.verifying import verify_settings

FLEET = (
    *("accounts", "billing", "catalog", "checkout", "images", "mail"),
    *("orders", "payments", "prices", "search", "stock", "web"),
)
"""The services of the fleet."""

_DAY, _PUSHED, _ROLLED_OUT = timedelta(days=1), timedelta(minutes=10), timedelta(minutes=8)
_OLD, _NEW = "2025.11.25-1", "2025.11.26-1"


def scenario_report(name: str) -> RunReport:
    """Return the result of a verification of a scenario, with waits as short as its lines allow."""
    with _served() as aws:
        return _verified("sandbox", build(name, aws), log_wait=0.8 if name == "healthy" else 0.2, scenario=name)


def fleet_report() -> RunReport:
    """Return the result for twelve services: one was never restarted, one rolled back, and one does not log."""
    with _served() as aws:
        services = {name: _service(aws, name) for name in FLEET}
        # How long the calls of so many services are held back depends on how fast the machine makes them.
        return replace(_verified("prod", {"cluster": "shop", "services": services}), held=0.0)


def _service(aws: Sandbox, name: str) -> dict[str, Any]:
    """Make a service of the fleet, and return its configuration."""
    now = aws.now()
    aws.push_image(f"{name}:{_OLD}", {"app/main.py": f"print('{name}, old')"}, tags=["latest"], at=now - _DAY - _PUSHED)
    service = aws.create_service(name, cluster="shop", image=f"{name}:latest", desired=2, at=now - _DAY)
    aws.push_image(f"{name}:{_NEW}", {"app/main.py": f"print('{name}')"}, tags=["latest"], at=now - _PUSHED)
    if name == "search":
        rollout = service.roll_out(at=now - _ROLLED_OUT, status="IN_PROGRESS", new_running=2)
        rollout.fail(at=now - timedelta(minutes=5))
        service.roll_back(at=now - timedelta(minutes=5))
    elif name != "payments":
        service.roll_out(at=now - _ROLLED_OUT)
    if name != "mail":
        _log(service, now)
    return {"service": name, "image": f"{name}:{_NEW}", "logs": [{"expect": "ready"}]}


def _log(service: SandboxService, now: Any) -> None:
    for task in service.running_tasks:
        task.log(f"{service.name} is ready", at=now - timedelta(minutes=3))


@contextmanager
def _served() -> Iterator[Sandbox]:
    """A sandbox to which this process's AWS variables lead."""
    before = dict(os.environ)
    with Sandbox() as aws:
        for key in [key for key in os.environ if key.startswith("AWS_")]:
            del os.environ[key]
        os.environ.update(aws.environ)
        try:
            yield aws
        finally:
            os.environ.clear()
            os.environ.update(before)


def _verified(environment: str, table: dict[str, Any], *, log_wait: float = 0.2, scenario: str = "") -> RunReport:
    # Lines of the sandbox are visible at once, so that an absence needs no wait.
    settings = build_environment(environment, {"log_settle": "0.1s", **table})
    command = f"pytest --deploy-env={environment}{f' --deploy-sandbox={scenario}' if scenario else ''}"
    options = Options(services=tuple(settings.services), wait=0, log_wait=log_wait, command=command)
    return verify_settings(settings, options)
