"""Tasks: how they start and stop, and the lines they log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.world.ecs.task_state import ContainerState, TaskState
from pytest_deploycheck.sandbox.world.logs.groups import milliseconds
from pytest_deploycheck.sandbox.world.target_groups import CONTAINER_PORT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pytest_deploycheck.sandbox.stops import StopCode
    from pytest_deploycheck.sandbox.world.ecs.instances import Instances
    from pytest_deploycheck.sandbox.world.logs.groups import LogGroup

START_UP = timedelta(seconds=15)
"""The time that a task takes from PENDING to RUNNING."""


@dataclass(slots=True, eq=False)
class SandboxTask(TaskState):
    """A task. [TaskState][] lists its attributes."""

    def set_container(self, name: str, last_status: str, *, exit_code: int | None = None, reason: str = "") -> None:
        """Set the state of one container while the task and its other containers stay as they are.

        Args:
            name: The name of the container.
            last_status: Its status, such as `STOPPED` or `PENDING`.
            exit_code: Its exit code, if it has stopped.
            reason: The reason that it stopped.

        Raises:
            LookupError: If the container is unknown.
        """
        with self._account.lock:
            self.container_states[self.definition.container(name).name] = ContainerState(last_status, exit_code, reason)

    def place(self, instances: Instances, at: datetime) -> None:
        """Put the task on a container instance of its cluster, the one with the fewest tasks."""
        alone = self.definition.settings.network_mode == "host"
        self.instance = instances.place(self.id, self.region, self.cluster, at, alone=alone)
        if not self.has_address:
            self.host_port = CONTAINER_PORT if alone else self.instance.next_port()

    def start(self, at: datetime) -> None:
        """Start a pending task."""
        with self._account.lock:
            self.started_at = at
            self.last_status = "RUNNING"

    def drain(self) -> None:
        """Begin to stop the task: ListTasks no longer lists it as running, but it still logs."""
        with self._account.lock:
            self.desired_status = "STOPPED"
            self.last_status = "DEACTIVATING"

    def stop(
        self,
        code: StopCode = "UserInitiated",
        reason: str = "Task stopped by user",
        *,
        exit_code: int | None = 0,
        container_reason: str = "",
        at: datetime | None = None,
    ) -> None:
        """Stop the task. No other task replaces it.

        Args:
            code: The stop code.
            reason: The stopped reason.
            exit_code: The exit code of the application's container; None if it never started.
            container_reason: The reason that the application's container stopped.
            at: When; default: now.
        """
        with self._account.lock:
            self.stopped_at = self._account.moment(at)
            if self.instance:
                self.instance.task_ids.discard(self.id)
            self.desired_status = self.last_status = "STOPPED"
            self.stop_code = code
            self.stopped_reason = reason
            self.exit_code = exit_code
            self.container_reason = container_reason

    def log(
        self,
        message: str,
        *,
        at: datetime | None = None,
        arrives_in: float = 0.0,
        container: str | None = None,
        router: bool = False,
    ) -> None:
        """Log a line.

        Args:
            message: The line.
            at: When it is logged; default: now.
            arrives_in: Seconds of real time until CloudWatch shows it; its timestamp stays `at`.
            container: The container that logs it; default: the first.
            router: Whether a log router (FireLens without `log_key`) wraps it in JSON.

        Raises:
            LookupError: If the container is unknown, or its log group was deleted.
        """
        with self._account.lock:
            group, stream = self._log_of(container)
            if router:
                message = self._wrapped(message, container)
            logged = self._account.moment(at)
            self._logs.add(group, stream, message, logged, self._account.arrival(logged, arrives_in))

    def log_lines(
        self,
        messages: Iterable[str],
        *,
        at: datetime,
        every: timedelta = timedelta(milliseconds=1),
        container: str | None = None,
    ) -> None:
        """Log many lines, all of which have arrived. 500,000 lines take about a second.

        Args:
            messages: The lines.
            at: The time of the first line.
            every: The time between two lines.
            container: The container that logs them; default: the first.

        Raises:
            LookupError: If the container is unknown, or its log group was deleted.
        """
        with self._account.lock:
            group, stream = self._log_of(container)
            first = milliseconds(self._account.moment(at))
            now = milliseconds(self._account.now())
            step = every // timedelta(microseconds=1)
            times = (first + step * index // 1000 for index in count())
            events = ((time, min(time, now), message) for time, message in zip(times, messages, strict=False))
            self._logs.add_all(group, stream, events)

    def _wrapped(self, message: str, container: str | None) -> str:
        source = self.definition.container(container)
        return json.dumps(
            {
                "container_id": self.runtime_id(source),
                "container_name": source.name,
                "ecs_cluster": self.cluster,
                "ecs_task_arn": self.arn,
                "ecs_task_definition": f"{self.definition.family}:{self.definition.revision}",
                "log": message,
                "source": "stdout",
            }
        )

    def _log_of(self, container: str | None) -> tuple[LogGroup, str]:
        source = self.definition.container(container)
        logs = self._logs
        if source.log_driver == "awsfirelens":
            # Unlike the awslogs driver, a log router creates its log group.
            logs.open(source.log_region, source.log_group)
        group = logs.groups.get((source.log_region, source.log_group))
        if group is None:
            raise LookupError(f"Unknown log group {source.log_group} in {source.log_region}")
        return group, source.stream(self.id, self.runtime_id(source))
