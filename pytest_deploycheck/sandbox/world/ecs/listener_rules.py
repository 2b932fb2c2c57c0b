"""The rules of load balancers by which users' requests reach one or the other target group of a service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.world.names import last_part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.sandbox.world.ecs.service_rollouts import ServiceRollouts

_ALL = 100


@dataclass(frozen=True, slots=True)
class ProductionRule:
    """The rule for users' requests to a pair of target groups.

    Attributes:
        arn: The ARN of the rule; for a Network Load Balancer, which has no rules, that of the listener.
        listener_arn: The ARN of the listener.
        load_balancer: The ARN of the load balancer.
        weights: The weight of each target group by ARN.
    """

    arn: str
    listener_arn: str
    load_balancer: str
    weights: Mapping[str, int]

    @property
    def is_listener(self) -> bool:
        """True where the listener itself is the rule."""
        return self.arn == self.listener_arn


def production_rules(service: ServiceRollouts) -> dict[str, ProductionRule]:
    """Return the rule for each target group of a service that has an alternate, by the ARN of the target group."""
    pairs = zip(service.target_groups, service.alternate_target_groups, strict=False)
    return {first: _rule(service, first, second) for first, second in pairs}


def _rule(service: ServiceRollouts, first: str, second: str) -> ProductionRule:
    groups = service.resources.target_groups.by_arn
    balancer = groups[first].load_balancer
    listener = f"{balancer.replace(':loadbalancer/', ':listener/')}/{last_part(first)}"
    is_network = ":loadbalancer/net/" in balancer
    rule = f"{listener.replace(':listener/', ':listener-rule/')}/{last_part(second)}"
    usual = _weights(service)
    weights = {
        arn: usual[is_alternate] if groups[arn].weight is None else groups[arn].weight or 0
        for arn, is_alternate in ((first, False), (second, True))
    }
    return ProductionRule(listener if is_network else rule, listener, balancer, weights)


def _weights(service: ServiceRollouts) -> dict[bool, int]:
    """Return the weight of the first and of the alternate target groups, by whether they are the alternate ones."""
    newest = service.rollout
    if service.controller != "ECS" or newest.state != "IN_PROGRESS":
        serving = service.production.is_alternate
        return {serving: _ALL, not serving: 0}
    weight = round(newest.weight)
    shifted = {newest.is_alternate: weight, not newest.is_alternate: 0}
    before = [each for each in service.rollouts[:-1] if each.state == "COMPLETED"]
    if before:
        shifted[before[-1].is_alternate] += _ALL - weight
    return shifted
