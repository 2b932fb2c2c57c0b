"""Controls of target groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox.world.target_groups import SandboxTargetGroup, TargetType
    from pytest_deploycheck.sandbox.world.world import World


class TargetControls:
    """The part of the sandbox that is about load balancers."""

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
        """Make a target group, for services to be made that register their tasks with it.

        Args:
            name: Its name.
            load_balancer: The name or ARN of the load balancer it belongs to; empty for none, by default one
                that is called as the group is. A name means an Application Load Balancer.
            target_type: What its targets are called by: `ip`, or `instance` for tasks in the network mode
                `bridge` or `host`.
            protocol: The protocol of its targets.
            port: The port that its targets have where none is named.
            health_check_path: Where its health checks ask.
            region: Where; default: the sandbox's region.

        Raises:
            ValueError: If there is such a target group already.
        """
        world = self._world
        with world.account.lock:
            where = region or world.account.region
            if world.target_groups.find(where, name):
                raise ValueError(f"There is a target group {name} in {where} already")
            group = world.target_groups.open(where, name, name if load_balancer is None else load_balancer, target_type)
            group.protocol, group.port, group.health_check_path = protocol, port, health_check_path
            return group

    def target_group(self, name_or_arn: str, *, region: str = "") -> SandboxTargetGroup:
        """Return a target group by its name or ARN, also one that was made together with a service.

        Raises:
            LookupError: If it is not there.
        """
        world = self._world
        with world.account.lock:
            group = world.target_groups.find(region or world.account.region, name_or_arn)
            if group is None:
                raise LookupError(f"There is no target group {name_or_arn} in {region or world.account.region}")
            return group
