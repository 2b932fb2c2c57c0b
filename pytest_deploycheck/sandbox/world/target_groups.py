"""The target groups of load balancers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox.world.account import Account

TargetType = Literal["ip", "instance"]
"""The types of targets."""

CONTAINER_PORT = 8080
"""The port every application listens on."""


@dataclass(slots=True, eq=False)
class SandboxTargetGroup:
    """A target group. Its attributes can be set at any time.

    Attributes:
        arn: Its ARN.
        load_balancer: The ARN of the load balancer it belongs to; empty for none, then its targets are `unused`.
        target_type: Whether its targets are addresses or instances.
        protocol: The protocol of its targets.
        port: The port that its targets have where none is named.
        health_check_path: The path of its health checks.
        health_check_enabled: Whether it has health checks.
        weight: Its weight in the rule for users' requests, where it has an alternate; default: by the rollout.
    """

    arn: str
    load_balancer: str = ""
    target_type: TargetType = "ip"
    protocol: str = "HTTP"
    port: int = 80
    health_check_path: str = "/"
    health_check_enabled: bool = True
    weight: int | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.arn.split("/")[1]

    @property
    def region(self) -> str:
        """The region it is in."""
        return self.arn.split(":")[3]

    @property
    def dimension(self) -> str:
        """Its name in CloudWatch: `targetgroup/NAME/ID`."""
        return self.arn.rpartition(":")[2]

    @property
    def load_balancer_dimension(self) -> str:
        """The name of its load balancer in CloudWatch, such as `app/NAME/ID`; empty for none."""
        return self.load_balancer.partition(":loadbalancer/")[2]


@dataclass(slots=True)
class TargetGroups:
    """All target groups.

    Attributes:
        account: The account they are in.
        by_arn: The target groups, by ARN.
    """

    account: Account
    by_arn: dict[str, SandboxTargetGroup] = field(default_factory=dict)

    def find(self, region: str, name_or_arn: str) -> SandboxTargetGroup | None:
        """Return a target group of a region by name or ARN; None if it is unknown."""
        here = (group for group in self.by_arn.values() if group.region == region)
        return next((group for group in here if name_or_arn in {group.arn, group.name}), None)

    def open(self, region: str, name_or_arn: str, load_balancer: str, target_type: TargetType) -> SandboxTargetGroup:
        """Return a target group; it is created if it does not exist.

        Args:
            region: Where.
            name_or_arn: Its name or its ARN.
            load_balancer: The name or ARN of the load balancer a new one belongs to; empty for none.
            target_type: What a new one calls its targets by.
        """
        group = self.find(region, name_or_arn)
        if group is None:
            arn = name_or_arn
            if not arn.startswith("arn:"):
                arn = self._arn(region, f"targetgroup/{name_or_arn}/{uuid4().hex[:16]}")
            group = SandboxTargetGroup(arn, self.load_balancer(region, load_balancer), target_type)
            self.by_arn[arn] = group
        return group

    def load_balancer(self, region: str, name_or_arn: str) -> str:
        """Return the ARN of a load balancer, the same for the same name; an ARN is returned as it is."""
        if not name_or_arn or name_or_arn.startswith("arn:"):
            return name_or_arn
        known = (group.load_balancer for group in self.by_arn.values() if group.region == region)
        same = (arn for arn in known if f"/{name_or_arn}/" in arn)
        return next(same, self._arn(region, f"loadbalancer/app/{name_or_arn}/{uuid4().hex[:16]}"))

    def _arn(self, region: str, path: str) -> str:
        return self.account.arn("elasticloadbalancing", region, path)
