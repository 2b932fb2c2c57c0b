"""The running tasks, as a test holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import overload

from msgspec import Struct

from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.facts.task import Container, DefinedContainer, DefinedTask, Task
from pytest_deploycheck.handles.image import KnownDigests, only_judged
from pytest_deploycheck.judge.wording import at, plural, pushed, short
from pytest_deploycheck.redaction.handed import HANDED

Definitions = Callable[[str], DefinedTask]
"""Looks up a task definition by its ARN; raises UnprovenError where it cannot be read."""


class Variables(Mapping[str, str]):
    """Environment variables or secrets of a container, by name; no representation shows a value."""

    def __init__(self, kind: str, values: Mapping[str, str], files: Sequence[str] = ()) -> None:
        self._kind = kind
        self._values = values
        self._files = files

    def __getitem__(self, name: str) -> str:
        if name in self._values:
            HANDED.note(f"{name}={self._values[name]!r}")
            return self._values[name]
        if self._files:
            raise UnprovenError(
                f"Whether the variable {name!r} is set is not known: further variables come from "
                f"{', '.join(self._files)}, which is not read."
            )
        raise KeyError(f"no {self._kind} {name!r}{did_you_mean(name, self._values)}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<{len(self)} {self._kind}s: {', '.join(self._values)}>"


class TaskContainer(Struct, frozen=True):
    """A container of a running task.

    Attributes:
        name: Its name.
        image: The image used, as ECS writes it.
        digest: The digest that it runs, or None where ECS does not say.
        status: Its last status, such as RUNNING.
        health: HEALTHY, UNHEALTHY or UNKNOWN; UNKNOWN too where no health check is defined.
    """

    name: str
    image: str
    digest: str | None
    status: str
    health: str
    _settings: Callable[[], DefinedContainer]

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables that the task definition sets, by name.

        Raises:
            UnprovenError: The task definition could not be read, or does not have the container. A variable that is
                missing is not known to be where the definition names files with further variables.
        """
        settings = self._settings()
        return Variables("environment variable", settings.environment, settings.files)

    @property
    def secrets(self) -> Mapping[str, str]:
        """The ARN or name from which ECS takes the value of each secret, by the variable's name.

        Raises:
            UnprovenError: The task definition could not be read, or does not have the container.
        """
        return Variables("secret", self._settings().secrets)

    def __repr__(self) -> str:
        return f"<container {self.name} ({self.status}) runs {short(self.digest)}>"


class Containers(Mapping[str, TaskContainer]):
    """The containers of a task by their names."""

    def __init__(self, containers: Sequence[TaskContainer]) -> None:
        self._containers = {one.name: one for one in containers}

    def __getitem__(self, name: str) -> TaskContainer:
        if name not in self._containers:
            raise KeyError(f"the task has no container {name!r}{did_you_mean(name, self._containers)}")
        return self._containers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._containers)

    def __len__(self) -> int:
        return len(self._containers)

    def __repr__(self) -> str:
        return f"<{len(self)} containers: {', '.join(map(repr, self.values()))}>"


class RunningTask(Struct, frozen=True):
    """A task that runs and is to go on running.

    Attributes:
        id: The last part of its ARN.
        image_digest: The digest that its judged container runs, or None where ECS does not say.
        started_at: When it began to run (UTC), or None where ECS does not say.
        health: HEALTHY, UNHEALTHY or UNKNOWN; UNKNOWN too where no health check is defined.
        containers: Its containers, by name.
    """

    id: str
    image_digest: str | None
    started_at: datetime | None
    health: str
    containers: Containers
    _definition: Callable[[], DefinedTask]

    @property
    def definition(self) -> DefinedTask:
        """Its task definition: `arn`, `family`, `revision`, `cpu`, `memory`; looked up when it is first asked for.

        Raises:
            UnprovenError: It could not be read.
        """
        return self._definition()

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
        return f"<{plural(len(self), 'running task')}: {', '.join(map(repr, self))}>"


def _unread(arn: str) -> DefinedTask:
    raise UnprovenError(f"The task definition {arn} was not read.")


def running_tasks(facts: ServiceFacts, definitions: Definitions = _unread) -> RunningTasks:
    """The running tasks of a service.

    Args:
        facts: The facts of the service.
        definitions: Looks up task definitions.

    Raises:
        UnprovenError: They could not be looked at, or several containers are judged and none was named.
    """
    if facts.tasks is None:
        problem = facts.problems["tasks"]
        raise UnprovenError(f"The tasks of {facts.name!r} could not be looked at: {problem.message} {problem.remedy}")
    if not facts.running:
        return RunningTasks((), KnownDigests((), owner="running_tasks"))
    judged = only_judged(facts)
    tasks = [_task(task, judged.container, definitions) for task in facts.running]
    digests = {task.image_digest for task in tasks if task.image_digest}
    images = [image for digest in digests if (image := facts.image_of(digest) or judged.expected.image)]
    known = {image.digest: pushed(image) for image in images}
    return RunningTasks(tasks, KnownDigests(digests, owner="running_tasks", known=known))


def _task(task: Task, container: str, definitions: Definitions) -> RunningTask:
    containers = [_container(one, task, definitions) for one in task.containers]
    return RunningTask(
        id=task.id,
        image_digest=task.digest_of(container),
        started_at=task.started_at,
        health=task.health,
        containers=Containers(containers),
        _definition=lambda: definitions(task.task_definition),
    )


def _container(container: Container, task: Task, definitions: Definitions) -> TaskContainer:
    def settings() -> DefinedContainer:
        definition = definitions(task.task_definition)
        if container.name not in definition.containers:
            raise UnprovenError(
                f"The task definition {definition.family}:{definition.revision} has no container {container.name!r}: "
                "ECS adds some itself, whose settings are not known."
            )
        return definition.containers[container.name]

    return TaskContainer(
        name=container.name,
        image=container.image,
        digest=container.image_digest,
        status=container.status,
        health=container.health,
        _settings=settings,
    )
