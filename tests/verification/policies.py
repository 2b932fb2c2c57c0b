"""The worlds in which a policy is enforced, and verifications under a policy."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.config.building import build_environment
from pytest_deploycheck.config.settings import Options

if TYPE_CHECKING:
    from pytest_deploycheck.config.settings import EnvironmentSettings
    from pytest_deploycheck.report.model import RunReport
    from pytest_deploycheck.sandbox import Sandbox, SandboxService

NETWORK_LOAD_BALANCER = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/web/0123456789abcdef"


def prepared(table: dict[str, Any], *, log_wait: float = 0) -> tuple[EnvironmentSettings, Options]:
    """Return the settings of an environment, and options that wait for no rollout."""
    environment = build_environment("dev", {"region": "us-east-1", **table})
    return environment, Options(tuple(environment.services), wait=0, log_wait=log_wait)


def statuses(report: RunReport) -> dict[str, str]:
    """Return the status of each check of the only service."""
    (service,) = report.services
    return {one.id: str(one.status) for one in service.findings}


def actions_of(policy: dict[str, Any]) -> set[str]:
    """Return all actions of a policy."""
    return {action for statement in policy["Statement"] for action in statement["Action"]}


def without(policy: dict[str, Any], action: str) -> dict[str, Any]:
    """Return a policy without one of its actions."""
    rest = [
        {**statement, "Action": [one for one in statement["Action"] if one != action]}
        for statement in policy["Statement"]
    ]
    return {**policy, "Statement": [one for one in rest if one["Action"]]}


def with_health(aws: Sandbox) -> dict[str, Any]:
    """A service that asks for nearly every action: on instances, with alarms and metrics, and the source `app`."""
    service = rolled_out(aws, launch_type="EC2", network_mode="bridge", target_groups=["web"])
    service.serve(100, at=aws.now() - timedelta(minutes=3))
    aws.create_alarm("5xx", state="ALARM").set_state("OK", at=aws.now())
    return table_of(alarms=["5xx"], error_rate={"max": 0.5}, source={"app": "/app"})


def blue_green(aws: Sandbox) -> dict[str, Any]:
    """A service between whose target groups a listener rule shifts the traffic."""
    rolled_out(aws, strategy="BLUE_GREEN", target_groups=["web-blue"], alternate_target_groups=["web-green"])
    return table_of()


def behind_a_network_load_balancer(aws: Sandbox) -> dict[str, Any]:
    """The same with the listener of a Network Load Balancer."""
    for colour in ("blue", "green"):
        aws.create_target_group(f"web-{colour}", load_balancer=NETWORK_LOAD_BALANCER, protocol="TCP")
    return blue_green(aws)


def infrequent_access(aws: Sandbox) -> dict[str, Any]:
    """A service whose log group is read by queries of Logs Insights alone."""
    rolled_out(aws)
    aws.create_log_group("/ecs/shop", log_class="INFREQUENT_ACCESS")
    return table_of()


def rolled_out(aws: Sandbox, **settings: Any) -> SandboxService:
    """Create the service `shop` that has run `shop:1` for eight minutes, and has logged its line."""
    now = aws.now()
    aws.set_tag_mutability("shop", "IMMUTABLE")
    aws.push_image("shop:1", {"app/main.py": "print(1)\n"}, at=now - timedelta(minutes=9))
    service = aws.create_service("shop", cluster="shop", image="shop:1", at=now - timedelta(minutes=8), **settings)
    service.log("ready", at=now - timedelta(minutes=6))
    return service


def table_of(**settings: Any) -> dict[str, Any]:
    """Return the table of an environment with this service, with further settings of the service."""
    service = {"service": "shop", "image": "shop:1", "logs": [{"expect": "ready"}], **settings}
    return {"cluster": "shop", "log_settle": "0.1s", "services": {"shop": service}}
