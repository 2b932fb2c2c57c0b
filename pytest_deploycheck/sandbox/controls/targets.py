"""Controls of target groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox.world.target_groups import SandboxTargetGroup, TargetType
    from pytest_deploycheck.sandbox.world.world import World


class TargetControls:
    """The controls of the sandbox for load balancers."""

    _world: World

    def create_target_group(
        self,
        name: str,
        *,
        load_balancer: str | None = None,
        target_type: TargetType = "ip",
        protocol: str = "HTTP",
        port: int = 80,
        health_check_path: str = "/",
        region: str = "",
    ) -> SandboxTargetGroup:
        """Create a target group, in which services created afterwards can register their tasks.

        Args:
            name: Its name.
            load_balancer: The name or ARN of its load balancer; empty for none; default: one with the name of the
                group. A name stands for an Application Load Balancer.
            target_type: The type of its targets: `ip`, or `instance` for tasks in the network mode `bridge` or `host`.
            protocol: The protocol of its targets.
            port: The default port of its targets.
            health_check_path: The path of its health checks.
            region: The region; default: that of the sandbox.

        Raises:
            ValueError: If the target group exists already.
        """
        world = self._world
        with world.account.lock:
            where = region or world.account.region
            if world.target_groups.find(where, name):
                raise ValueError(f"The target group {name} exists already in {where}")
            group = world.target_groups.open(where, name, name if load_balancer is None else load_balancer, target_type)
            group.protocol, group.port, group.health_check_path = protocol, port, health_check_path
            return group

    def target_group(self, name_or_arn: str, *, region: str = "") -> SandboxTargetGroup:
        """Return a target group by its name or ARN, including one that was created with a service.

        Raises:
            LookupError: If the target group is unknown.
        """
        world = self._world
        with world.account.lock:
            group = world.target_groups.find(region or world.account.region, name_or_arn)
            if group is None:
                raise LookupError(f"Unknown target group {name_or_arn} in {region or world.account.region}")
            return group
