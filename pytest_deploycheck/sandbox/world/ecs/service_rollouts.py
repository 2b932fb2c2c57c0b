"""The rollouts of a service: roll out, roll back, and which of them serves users."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from pytest_deploycheck.sandbox.world.ecs.rollout_record import Rollback, RolloutState
from pytest_deploycheck.sandbox.world.ecs.rollouts import SETTLING, TASK_SET_DELETED, SandboxRollout
from pytest_deploycheck.sandbox.world.ecs.service_state import ServiceState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.ecs.task_definitions import SandboxContainer, SandboxTaskDefinition

_HALF = 50


@dataclass(slots=True, eq=False)
class ServiceRollouts(ServiceState):
    """A service with its rollouts.

    Attributes:
        rollouts: Every rollout of the service, oldest first.
    """

    rollouts: list[SandboxRollout] = field(default_factory=list)

    @property
    def rollout(self) -> SandboxRollout:
        """Its newest rollout: the newest deployment or task set."""
        return self.rollouts[-1]

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

    @property
    def service_deployments(self) -> list[SandboxRollout]:
        """The rollouts of which ECS keeps a service deployment, oldest first: all that it carried out itself.

        A rollback belongs to the service deployment of the rollout that failed.
        """
        if self.controller != "ECS":
            return []
        return [rollout for rollout in self.rollouts if not rollout.is_rollback]

    def configuration(self) -> dict[str, Any]:
        """Return its deployment configuration, as the service model has it."""
        return self.deploying.configuration(each.paused_at for each in self.rollouts if each.paused_at)

    def roll_out(
        self,
        image: str | None = None,
        *,
        containers: Sequence[SandboxContainer] | None = None,
        at: datetime | None = None,
        status: RolloutState = "COMPLETED",
        new_running: int = 1,
        new_pending: int = 0,
    ) -> SandboxRollout:
        """Start a rollout. Tags are resolved to digests now, once for all its tasks.

        Args:
            image: The image of the first container; default: the reference it has.
            containers: All containers, where more than the image changes.
            at: When it begins; default: now. Its tasks run 15 s later and a completed rollout has settled 45 s
                later, but never in the future.
            status: How far it proceeds: `COMPLETED` (the old tasks are stopped), `IN_PROGRESS` (old and new tasks
                run side by side) or `FAILED` (the new tasks crashed, the old ones run). With a controller other
                than ECS a new task set is ACTIVE while it is in progress, and the old one PRIMARY.
            new_running: The number of new tasks that run, where it is in progress.
            new_pending: The number of new tasks that are pending, where it is in progress.

        Raises:
            LookupError: If the image does not exist and the rollout is to succeed.
        """
        account, registries = self.account, self.resources.registries
        with account.lock:
            began = account.moment(at)
            definition = self._definition_for(image, containers, began)
            digests = definition.digests(registries)
            if status != "FAILED":
                definition.require_images(registries)
            self.definition = definition
            rollout = SandboxRollout(self, definition, digests, began, siblings=self.rollouts)
            rollout.is_alternate = self._next_is_alternate()
            if self.controller == "ECS":
                for earlier in self.rollouts:
                    earlier.status = "ACTIVE" if earlier.status == "PRIMARY" else earlier.status
            elif self.rollouts:
                rollout.status = "ACTIVE"
            self.rollouts.append(rollout)
            if status == "COMPLETED":
                rollout.start_tasks(self.desired, at=began)
                rollout.complete(at=account.soon(began, SETTLING))
            elif status == "FAILED":
                rollout.fail(at=account.soon(began, SETTLING))
            else:
                rollout.start_tasks(new_running, at=began)
                rollout.start_tasks(new_pending, at=began, pending=True)
            return rollout

    def roll_back(
        self,
        *,
        at: datetime | None = None,
        reason: Literal["circuit breaker", "alarm"] = "circuit breaker",
        alarms: Sequence[str] = (),
        status: Literal["IN_PROGRESS", "COMPLETED"] = "COMPLETED",
        same_deployment: bool = False,
    ) -> SandboxRollout:
        """Roll the newest rollout back to the last one that had completed.

        With a controller other than ECS the newest task set is deleted, and the previous one serves users again.

        Args:
            at: When the rollback begins; default: now.
            reason: The cause of the rollback.
            alarms: The names of the alarms that caused it.
            status: Whether the earlier tasks all run again.
            same_deployment: Whether the earlier deployment itself becomes PRIMARY again, as in simple emulators: then
                no new one is created, and the failed one stays with its stopped tasks.

        Returns:
            The rollback: a new PRIMARY deployment of the earlier task definition and digests, or the earlier
            task set.

        Raises:
            ValueError: If the newest rollout has completed, or no earlier one has.
        """
        account = self.account
        with account.lock:
            began = account.moment(at)
            failed = self.rollout
            good = next((each for each in reversed(self.rollouts) if each.state == "COMPLETED"), None)
            if good is None or good is failed:
                raise ValueError(f"{self.name} has no unfinished rollout, or no completed one to return to")
            if failed.state == "IN_PROGRESS":
                self._give_up(failed, reason, began)
            if self.controller != "ECS":
                return good
            if same_deployment:
                return self._return_to(good, failed, began)
            is_over = status == "COMPLETED"
            why = _rollback_reason(reason, alarms)
            failed.rollback = Rollback(why, began, good.revision_arn, is_over, tuple(alarms))
            failed.status = "ACTIVE"
            back = self._bring_back(good, began)
            if is_over:
                back.complete(at=account.soon(began, SETTLING))
            cause = "circuit breaker" if reason == "circuit breaker" else "alarms"
            back.reason = f"ECS deployment {cause}: rolling back to deploymentId {good.id}."
            return back

    def shift_targets(self) -> None:
        """Register the tasks of the newest rollout in the target groups in which the earlier ones are not.

        With a strategy other than ROLLING and with CODE_DEPLOY this happens by itself. The earlier tasks stay where
        they are, and so does the newest rollout when it completes; the next call shifts to the first target groups.

        Raises:
            ValueError: If the service has no alternate target groups, or no earlier rollout.
        """
        with self.account.lock:
            *earlier, newest = self.rollouts
            if not self.alternate_target_groups or not earlier:
                raise ValueError(f"{self.name} has no alternate target groups, or no earlier rollout")
            done = [rollout for rollout in earlier if rollout.state == "COMPLETED"]
            newest.is_alternate = not (done or earlier)[-1].is_alternate

    def _next_is_alternate(self) -> bool:
        if not self.rollouts:
            return False
        takes_turns = self.deploying.takes_turns and bool(self.alternate_target_groups)
        return self.production.is_alternate is not takes_turns

    def _give_up(self, rollout: SandboxRollout, reason: str, at: datetime) -> None:
        if reason == "circuit breaker" and self.controller == "ECS":
            rollout.fail(at=at)
            return
        rollout.end("ECS deployment failed: alarm detected.", "alarm detected", at)
        if self.controller != "ECS":
            self.retire([task for task in rollout.tasks if task.stopped_at is None], at, TASK_SET_DELETED)

    def _bring_back(self, good: SandboxRollout, at: datetime) -> SandboxRollout:
        """Begin a rollout of the task definition and the digests of an earlier one."""
        back = SandboxRollout(
            self,
            good.definition,
            good.digests,
            at,
            good.revision_arn,
            is_rollback=True,
            is_alternate=good.is_alternate,
            siblings=self.rollouts,
        )
        self.definition = good.definition
        self.rollouts.append(back)
        self.add_event(f"rolling back to deployment {good.id}.", at)
        return back

    def _return_to(self, good: SandboxRollout, failed: SandboxRollout, at: datetime) -> SandboxRollout:
        failed.status, good.status = "ACTIVE", "PRIMARY"
        self.definition = good.definition
        good.start_tasks(max(0, self.desired - len(good.running_tasks)), at=at)
        good.updated_at = at
        return good

    def _definition_for(
        self, image: str | None, containers: Sequence[SandboxContainer] | None, at: datetime
    ) -> SandboxTaskDefinition:
        current = self.definition
        wanted = tuple(containers) if containers else current.containers
        if image is not None:
            wanted = (replace(wanted[0], image=self.account.reference(image, self.region).uri), *wanted[1:])
        if wanted == current.containers:
            return current
        return self.resources.register(
            current.family,
            wanted,
            region=self.region,
            settings=current.settings,
            at=at,
        )


def _rollback_reason(reason: str, alarms: Sequence[str]) -> str:
    if reason == "alarm":
        return f"Service deployment rolled back because of CloudWatch alarm(s): {', '.join(alarms)}."
    return "Service deployment rolled back because the circuit breaker threshold was exceeded."
