"""What happens to the targets and the requests of a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.world.ecs.servicebase import ServiceBase
from pytest_deploycheck.sandbox.world.metrics import Sample, metric_name

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.ecs.rollouts import SandboxRollout

_NAMESPACE = "AWS/ApplicationELB"
_REQUESTS = "RequestCount"
_ERRORS = "HTTPCode_Target_5XX_Count"
_HALF = 50


class ServiceTraffic(ServiceBase):
    """The part of a service that is about load balancers."""

    __slots__ = ()

    @property
    def production(self) -> SandboxRollout:
        """The rollout whose tasks serve users.

        It is the PRIMARY task set, or the newest rollout that has completed or has most of the traffic.
        """
        if self.controller != "ECS":
            serving = [rollout for rollout in self.rollouts if rollout.status == "PRIMARY"]
        else:
            serving = [rollout for rollout in self.rollouts if rollout.weight > _HALF]
        return (serving or self.rollouts)[-1]

    def next_is_alternate(self) -> bool:
        """Whether the tasks of a rollout that begins now register with the alternate target groups."""
        if not self.rollouts:
            return False
        turns = self.deploying.takes_turns and bool(self.alternate_target_groups)
        return self.production.is_alternate is not turns

    def shift_targets(self) -> None:
        """Let the tasks of the newest rollout register with the target groups that those before are not in.

        With a strategy other than ROLLING and with CODE_DEPLOY this happens by itself. The tasks before stay
        where they are. Shifted once, it stays so: when the rollout completes, its tasks
        are in the alternate target groups, and the next shift leads back to the first ones.

        Raises:
            ValueError: If the service has no alternate target groups, or there was no rollout before.
        """
        with self.world.lock:
            *earlier, newest = self.rollouts
            if not self.alternate_target_groups or not earlier:
                raise ValueError(f"{self.name} has no alternate target groups, or nothing is in the first ones")
            done = [rollout for rollout in earlier if rollout.state == "COMPLETED"]
            newest.is_alternate = not (done or earlier)[-1].is_alternate

    def serve(self, requests: int, *, errors: int = 0, target_group: str = "", at: datetime | None = None) -> None:
        """Let users' requests come through the load balancer, as CloudWatch counts them.

        They count in `RequestCount`, and where some failed in `HTTPCode_Target_5XX_Count`, of the namespace
        `AWS/ApplicationELB`: with the dimensions `TargetGroup` and `LoadBalancer`, and with `LoadBalancer`
        alone. As with real load balancers there is no value where there was nothing to count.

        Args:
            requests: How many came.
            errors: How many of them were answered with a 5xx code by the tasks.
            target_group: The ARN of the target group they went to; default: each of those in which the tasks
                are that serve users.
            at: When; default: now.

        Raises:
            ValueError: If no such target group belongs to an Application Load Balancer.
        """
        with self.world.lock:
            when = self.world.moment(at)
            known = self.world.target_groups.by_arn
            groups = [known[arn] for arn in ((target_group,) if target_group else self.production.target_groups)]
            balanced = [group for group in groups if group.load_balancer_dimension.startswith("app/")]
            if not balanced:
                raise ValueError(f"{self.name} has no target group that belongs to an Application Load Balancer")
            for group in balanced:
                balancer = {"LoadBalancer": group.load_balancer_dimension}
                for dimensions in ({"TargetGroup": group.dimension, **balancer}, balancer):
                    for metric, number in ((_REQUESTS, requests), (_ERRORS, errors)):
                        if number:
                            sample = Sample(when, number, number, 1, 1, "Count")
                            self.world.metrics.put(metric_name(self.region, _NAMESPACE, metric, dimensions), sample)
