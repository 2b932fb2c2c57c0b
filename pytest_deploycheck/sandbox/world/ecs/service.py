"""A service of the sandbox's world, and what can happen to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from pytest_deploycheck.sandbox.world.ecs.rollouts import SETTLING, Rollback, RolloutState, SandboxRollout
from pytest_deploycheck.sandbox.world.ecs.traffic import ServiceTraffic
from pytest_deploycheck.sandbox.world.ecs.upkeep import ServiceUpkeep

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.ecs.task_definitions import SandboxContainer, TaskDefinition

_DELETED = "Task set deleted"


class SandboxService(ServiceTraffic, ServiceUpkeep):
    """A service; what it is made of is told by [ServiceBase][]."""

    __slots__ = ()

    def configuration(self) -> dict[str, Any]:
        """Return its deployment configuration, as the model has it."""
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
        """Begin a rollout. Tags are resolved to digests now, once for all its tasks.

        Args:
            image: The image of the first container; default: the reference it has.
            containers: All containers, where more than the image changes.
            at: When it begins; default: now. Its tasks run 15 s later and a completed rollout has settled
                45 s later, but nothing lies in the future.
            status: How far it gets: `COMPLETED` (the old tasks are stopped), `IN_PROGRESS` (old and new
                tasks run side by side) or `FAILED` (the new tasks crashed, the old ones run). With another
                controller than ECS a new task set is ACTIVE while it is in progress, and the old one PRIMARY.
            new_running: How many new tasks run, where it is in progress.
            new_pending: How many new tasks are pending, where it is in progress.

        Raises:
            LookupError: If the image of a rollout that is to succeed is not there.
        """
        world = self.world
        with world.lock:
            began = world.moment(at)
            definition = self._definition_for(image, containers, began)
            digests = definition.digests(world)
            if status != "FAILED":
                definition.require_images(world)
            self.definition = definition
            rollout = SandboxRollout(self, definition, digests, began)
            rollout.is_alternate = self.next_is_alternate()
            if self.controller == "ECS":
                for earlier in self.rollouts:
                    earlier.status = "ACTIVE" if earlier.status == "PRIMARY" else earlier.status
            elif self.rollouts:
                rollout.status = "ACTIVE"
            self.rollouts.append(rollout)
            if status == "COMPLETED":
                rollout.start_tasks(self.desired, at=began)
                rollout.complete(at=world.soon(began, SETTLING))
            elif status == "FAILED":
                rollout.fail(at=world.soon(began, SETTLING))
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
    ) -> SandboxRollout:
        """Let ECS roll the newest rollout back to the last one that had completed.

        With another controller than ECS the newest task set goes, and the one before serves users again.

        Args:
            at: When the way back begins; default: now.
            reason: What made ECS do it.
            alarms: The names of the alarms that did.
            status: Whether the earlier tasks are all back.

        Returns:
            The rollout that goes back: a new PRIMARY deployment of the earlier task definition and digests,
            or the earlier task set.

        Raises:
            ValueError: If the newest rollout has completed, or there is nothing to go back to.
        """
        world = self.world
        with world.lock:
            began = world.moment(at)
            failed = self.rollout
            good = next((each for each in reversed(self.rollouts) if each.state == "COMPLETED"), None)
            if good is None or good is failed:
                raise ValueError(f"{self.name} has no unfinished rollout, or none to go back to")
            if failed.state == "IN_PROGRESS":
                self._give_up(failed, reason, began)
            if self.controller != "ECS":
                return good
            cause = "circuit breaker" if reason == "circuit breaker" else "alarms"
            words = f"ECS deployment {cause}: rolling back to deploymentId {good.id}."
            is_over = status == "COMPLETED"
            failed.rollback = Rollback(_why(reason, alarms), began, good.revision_arn, is_over, tuple(alarms))
            failed.status = "ACTIVE"
            back = SandboxRollout(self, good.definition, good.digests, began, good.revision_arn, is_rollback=True)
            back.is_alternate = good.is_alternate
            self.definition = good.definition
            self.rollouts.append(back)
            self.say(f"rolling back to deployment {good.id}.", began)
            if is_over:
                back.complete(at=world.soon(began, SETTLING))
            back.reason = words
            return back

    def recreate(
        self, image: str | None = None, *, desired: int | None = None, at: datetime | None = None
    ) -> SandboxService:
        """Delete the service and make it anew under its name: the ARN stays, all else is new.

        Args:
            image: The image of the first container; default: the reference it has.
            desired: How many tasks are wanted; default: as many as before, or one where they have stopped
                already.
            at: When; default: now.

        Returns:
            The new service with a completed rollout. The old one is INACTIVE; its stopped tasks can be seen for
            an hour.

        Raises:
            LookupError: If the image is not there.
        """
        world = self.world
        with world.lock:
            when = world.moment(at)
            wanted = (self.desired or len(self.tasks) or 1) if desired is None else desired
            self.vanish(at=when)
            new = replace(self, desired=wanted, created_at=when, status="ACTIVE", rollouts=[], all_tasks=[], events=[])
            world.succeed(self, new)
            new.roll_out(image, at=when)
            return new

    def log(
        self, message: str, *, at: datetime | None = None, arrives_in: float = 0.0, container: str | None = None
    ) -> None:
        """Let each running task say a line; see [SandboxTask.log][]."""
        for task in self.running_tasks:
            task.log(message, at=at, arrives_in=arrives_in, container=container)

    def log_lines(
        self,
        messages: Iterable[str],
        *,
        at: datetime,
        every: timedelta = timedelta(milliseconds=1),
        container: str | None = None,
    ) -> None:
        """Let each running task say many lines; see [SandboxTask.log_lines][]."""
        lines = list(messages)
        for task in self.running_tasks:
            task.log_lines(lines, at=at, every=every, container=container)

    def _give_up(self, rollout: SandboxRollout, reason: str, at: datetime) -> None:
        if reason == "circuit breaker" and self.controller == "ECS":
            rollout.fail(at=at)
            return
        rollout.end("ECS deployment failed: alarm detected.", "alarm detected", at)
        if self.controller != "ECS":
            self.retire([task for task in rollout.tasks if task.stopped_at is None], at, _DELETED)

    def retire_others(self, rollout: SandboxRollout, at: datetime) -> None:
        """Stop the tasks of every other rollout, and let those rollouts go."""
        old = [task for task in self.tasks if task.started_by != rollout.id]
        by_ecs = self.controller == "ECS"
        self.retire(old, at, f"Scaling activity initiated by (deployment {rollout.id})" if by_ecs else _DELETED)
        for other in self.rollouts:
            if other is not rollout:
                other.status = "INACTIVE"

    def _definition_for(
        self, image: str | None, containers: Sequence[SandboxContainer] | None, at: datetime
    ) -> TaskDefinition:
        now = self.definition
        wanted = tuple(containers) if containers else now.containers
        if image is not None:
            wanted = (replace(wanted[0], image=self.world.reference(image, self.region).uri), *wanted[1:])
        if wanted == now.containers:
            return now
        return self.world.register(
            now.family,
            wanted,
            region=self.region,
            architecture=now.architecture,
            at=at,
            network_mode=now.network_mode,
        )


def _why(reason: str, alarms: Sequence[str]) -> str:
    if reason == "alarm":
        return f"Service deployment rolled back because of CloudWatch alarm(s): {', '.join(alarms)}."
    return "Service deployment rolled back because the circuit breaker threshold was exceeded."
