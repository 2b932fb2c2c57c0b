"""The deployment settings of a service."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Strategy = Literal["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"]
"""The deployment strategies of ECS."""

Stage = Literal[
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
]
"""The lifecycle stages of a rollout that is not ROLLING, in their order."""

_LINEAR = {"stepPercent": 10.0, "stepBakeTimeInMinutes": 6}
_CANARY = {"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10}
_FEWEST_FAILURES = 3
_MOST_FAILURES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSettings:
    """The deployment settings of a service.

    Attributes:
        controller: The deployment controller: `ECS`, `CODE_DEPLOY` or `EXTERNAL`.
        strategy: The deployment strategy.
        bake_minutes: How long old and new tasks run side by side after traffic has shifted.
        alarms: The names of the alarms by which a rollout fails.
        circuit_breaker: Whether a rollout fails when its tasks fail.
        hooks: What happens at stages of the lifecycle: a stage at which rollouts pause, or a hook as the model
            has it.
    """

    controller: str = "ECS"
    strategy: Strategy = "ROLLING"
    bake_minutes: int = 0
    alarms: tuple[str, ...] = ()
    circuit_breaker: bool = True
    hooks: tuple[Stage | Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if self.strategy != "ROLLING" and self.controller != "ECS":
            raise ValueError(f"Only ECS rolls out with the strategy {self.strategy}, not {self.controller}")
        if self.hooks and self.strategy == "ROLLING":
            raise ValueError("A ROLLING deployment has no lifecycle stages, so it has no hooks")

    @property
    def takes_turns(self) -> bool:
        """True if the tasks of each rollout register with the other target groups than those before."""
        return self.strategy != "ROLLING" or self.controller == "CODE_DEPLOY"

    def threshold(self, desired: int) -> int:
        """Return how many tasks must fail for the circuit breaker to trip: half of those wanted, within bounds."""
        return max(_FEWEST_FAILURES, min(_MOST_FAILURES, math.ceil(desired / 2)))

    def configuration(self, pauses: Iterable[Stage] = ()) -> dict[str, Any]:
        """Return the model's DeploymentConfiguration, with a hook for each stage at which a rollout pauses."""
        on = self.circuit_breaker and self.controller == "ECS"
        answer: dict[str, Any] = {
            "deploymentCircuitBreaker": {"enable": on, "rollback": on},
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
        }
        if self.controller != "ECS":
            return answer
        answer |= {"strategy": self.strategy, "bakeTimeInMinutes": self.bake_minutes}
        if self.alarms:
            answer["alarms"] = {"alarmNames": list(self.alarms), "enable": True, "rollback": True}
        hooks = [*self.hooks, *(stage for stage in pauses if stage not in self.hooks)]
        if hooks:
            answer["lifecycleHooks"] = [_hook(hook) for hook in hooks]
        if self.strategy == "LINEAR":
            answer["linearConfiguration"] = dict(_LINEAR)
        if self.strategy == "CANARY":
            answer["canaryConfiguration"] = dict(_CANARY)
        return answer


def _hook(hook: Stage | Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(hook, str):
        return hook
    timeout = {"timeoutInMinutes": 1440, "action": "ROLLBACK"}
    return {"targetType": "PAUSE", "lifecycleStages": [hook], "timeoutConfiguration": timeout}
