"""The running tasks, as a test holds them."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import overload

from msgspec import Struct

from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.facts.task import Container, Task
from pytest_deploycheck.handles.image import KnownDigests, only_judged
from pytest_deploycheck.judge.wording import at, pushed, short


class RunningTask(Struct, frozen=True):
    """A task that runs and is to go on running.

    Attributes:
        id: The last part of its ARN.
        image_digest: The digest that its judged container runs, or None where ECS does not say.
        started_at: When it began to run (UTC), or None where ECS does not say.
        health: HEALTHY, UNHEALTHY or UNKNOWN; UNKNOWN too where no health check is defined.
        containers: Its containers.
    """

    id: str
    image_digest: str | None
    started_at: datetime | None
    health: str
    containers: tuple[Container, ...]

    def __repr__(self) -> str:
        return f"<task {self.id} runs {short(self.image_digest)} since {at(self.started_at)}>"


class RunningTasks(Sequence[RunningTask]):
    """The running tasks of a service, old ones that a rollout has not replaced yet included."""

    def __init__(self, tasks: Sequence[RunningTask], digests: KnownDigests) -> None:
        self._tasks = tuple(tasks)
        self._digests = digests

    @property
    def digests(self) -> AbstractSet[str]:
        """The digests that they run.

        Raises:
            UnprovenError: No task runs, or ECS does not tell what one of them runs; an assertion on the others would
                pass for one on all.
        """
        untold = [task.id for task in self._tasks if task.image_digest is None]
        if untold or not self._tasks:
            why = f"ECS does not tell what {', '.join(untold)} run" if untold else "no task runs"
            raise UnprovenError(f"The digests that run are not known: {why}.")
        return self._digests

    @overload
    def __getitem__(self, index: int) -> RunningTask: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[RunningTask]: ...

    def __getitem__(self, index: int | slice) -> RunningTask | Sequence[RunningTask]:
        return self._tasks[index]

    def __len__(self) -> int:
        return len(self._tasks)

    def __repr__(self) -> str:
        return f"<{len(self)} running tasks: {', '.join(map(repr, self))}>"


def running_tasks(facts: ServiceFacts) -> RunningTasks:
    """The running tasks of a service.

    Raises:
        UnprovenError: They could not be looked at, or several containers are judged and none was named.
    """
    if facts.tasks is None:
        problem = facts.problems["tasks"]
        raise UnprovenError(f"The tasks of {facts.name!r} could not be looked at: {problem.message} {problem.remedy}")
    if not facts.running:
        return RunningTasks((), KnownDigests((), owner="running_tasks"))
    judged = only_judged(facts)
    tasks = [_task(task, judged.container) for task in facts.running]
    digests = {task.image_digest for task in tasks if task.image_digest}
    images = [image for digest in digests if (image := facts.image_of(digest) or judged.expected.image)]
    known = {image.digest: pushed(image) for image in images}
    return RunningTasks(tasks, KnownDigests(digests, owner="running_tasks", known=known))


def _task(task: Task, container: str) -> RunningTask:
    judged = task.container(container)
    return RunningTask(
        id=task.id,
        image_digest=judged.digest if judged else None,
        started_at=task.started_at,
        health=task.health,
        containers=task.containers,
    )
