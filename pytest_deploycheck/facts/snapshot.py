"""All that was seen of an environment at one time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct, field

from pytest_deploycheck.facts.baseline import Previous
from pytest_deploycheck.facts.health import Health
from pytest_deploycheck.facts.image import Image, Reference
from pytest_deploycheck.facts.rollout import Revision, ServiceDeployment
from pytest_deploycheck.facts.service import Service, TaskDefinition, newest_record
from pytest_deploycheck.facts.task import Task

SERVICE_GONE, SERVICE_REPLACED = "ServiceGone", "ServiceReplaced"
"""The codes of the problems that a service was deleted, or recreated under its name, while it was observed."""

_COUNTED = frozenset({"RUNNING", "ACTIVATING", "DEACTIVATING"})
"""The states of tasks that may be among the running tasks that a service counts."""

Absence = Literal["repository", "tag", "digest"]
Namer = Literal["option", "configuration", "commit", "task definition", "first observation"]
"""Who named the expected image.

`commit`: a tag holds the commit of the checkout; `first observation`: the task definition did at first, and names
another one by now.
"""


class Problem(Struct, frozen=True):
    """The reason why something could not be observed.

    Attributes:
        operation: The IAM action of the call, for example `ecr:DescribeImages`.
        code: The error's own name, for example `AccessDeniedException`.
        message: One sentence: what happened.
        remedy: What to do about it.
        passing: Whether it may be over a moment later, as throttling is.
    """

    operation: str
    code: str
    message: str
    remedy: str
    passing: bool = False


class Lookup(Struct, frozen=True):
    """The result of looking a reference up in its registry.

    Attributes:
        reference: What was looked for.
        image: What was found, or None.
        absent: What is not there, or None. With an image found by its digest, the tag may still be absent.
        problem: Why it could not be looked at, or None.
        recorded: Whether `image` is what ECS recorded for the newest rollout, its tag being absent now.
        near: The tag of the repository that is most like an absent one, or an empty string.
    """

    reference: Reference
    image: Image | None = None
    absent: Absence | None = None
    problem: Problem | None = None
    recorded: bool = False
    near: str = ""

    @property
    def digest(self) -> str | None:
        """The expected digest: as found, else as the reference itself names it."""
        return self.image.digest if self.image else self.reference.digest

    @property
    def pushed_at(self) -> datetime | None:
        """The time of the first push of the image; None where it was not found, or that may not be read."""
        return self.image.pushed_at if self.image else None


class Judged(Struct, frozen=True):
    """A container whose image is judged.

    Attributes:
        container: Name of the container.
        expected: The image it should run.
        pulled: What the task definition's own reference points to now.
        namer: Who named the expected image.
        names_repository: Whether the expected image was named with its repository, not by a bare tag or digest.
        earlier: The image that an earlier rollout brought, or else the one pushed before; None where none was found.
        ran_before: The images that earlier rollouts brought and that are still in the registry, the newest first.
        has_earlier: Whether there is an image that was pushed before, or None where that was not looked at.
        tags_can_move: Whether the repository lets the tag of the task definition be moved, or None where that may not
            be read.
        expected_tag_can_move: Whether it lets the tag of the expected image be moved, or None.
        newer: The images of the repository that were pushed later than the expected one, the newest first; None
            where that is not known.
    """

    container: str
    expected: Lookup
    pulled: Lookup
    namer: Namer = "task definition"
    names_repository: bool = False
    earlier: Image | None = None
    ran_before: tuple[Image, ...] = ()
    has_earlier: bool | None = None
    tags_can_move: bool | None = None
    expected_tag_can_move: bool | None = None
    newer: tuple[Image, ...] | None = None

    @property
    def is_own_reference(self) -> bool:
        """True if the expected image is the one that the task definition names."""
        return self.namer == "task definition" or self.expected.reference == self.pulled.reference


def unlisted_tasks(service: Service, tasks: Sequence[Task]) -> int:
    """Return how many more running tasks a service counts than were listed."""
    return max(0, service.running - sum(task.status in _COUNTED for task in tasks))


class ServiceFacts(Struct, frozen=True):
    """The facts of one service.

    An attribute that could not be observed is None, and `problems` explains why, by the name of the attribute.

    Attributes:
        name: The name of the service in the configuration.
        service: The ECS service.
        definition: The task definition that the newest rollout was to bring.
        definitions: Every task definition seen, of the tasks as well.
        tasks: Its tasks, the running, the draining and the stopped that are still visible.
        service_deployments: The newest records of its rollouts, the newest first.
        revisions: The service revisions that those name.
        judged: The containers whose images are judged.
        running_images: The images that the tasks run, as the registry describes them.
        health: Its health, as load balancers and alarms report it.
        baseline: The image that ran before, from an earlier report of the same environment; None without one.
        problems: Why an attribute is None or incomplete.
        has_history: Whether the rollouts before the newest one were read, and the images that they brought.
    """

    name: str
    service: Service | None = None
    definition: TaskDefinition | None = None
    definitions: tuple[TaskDefinition, ...] = ()
    tasks: tuple[Task, ...] | None = None
    service_deployments: tuple[ServiceDeployment, ...] | None = None
    revisions: tuple[Revision, ...] = ()
    judged: tuple[Judged, ...] = ()
    running_images: tuple[Image, ...] = ()
    health: Health = field(default_factory=Health)
    baseline: Previous | None = None
    problems: Mapping[str, Problem] = field(default_factory=dict)
    has_history: bool = True

    @property
    def running(self) -> tuple[Task, ...]:
        """The tasks that run and are to go on running."""
        return tuple(task for task in self.tasks or () if task.is_running)

    @property
    def newest_record(self) -> ServiceDeployment | None:
        """ECS's own record of the newest rollout, where there is one that is up to date."""
        return newest_record(self.service, self.service_deployments)

    @property
    def departure(self) -> Problem | None:
        """The problem that the service was deleted or recreated during the observation; None where it was not."""
        problem = self.problems.get("service")
        return problem if problem and problem.code in (SERVICE_GONE, SERVICE_REPLACED) else None

    @property
    def unlisted(self) -> int:
        """The number of running tasks that the service counts and that were not listed; 0 where all are known.

        A task whose state has an unknown word is not counted as listed: it is not known whether it runs.
        """
        if self.service is None or self.tasks is None:
            return 0
        return unlisted_tasks(self.service, self.tasks)

    @property
    def why_unjudged(self) -> Problem | None:
        """The problem because of which no container is judged; None where nothing was denied."""
        return self.problems.get("definition") or self.problems.get("service") or self.problems.get("tasks")

    def definition_of(self, task: Task) -> TaskDefinition | None:
        """The task definition of a task, if it was seen."""
        return next((one for one in self.definitions if one.arn == task.task_definition), None)

    def revision(self, arn: str | None) -> Revision | None:
        """The service revision of this ARN, if it was read."""
        return next((one for one in self.revisions if one.arn == arn), None)

    def image_of(self, digest: str) -> Image | None:
        """The image that runs by this digest, as the registry describes it, or None if it was not read."""
        return next((image for image in self.running_images if image.digest == digest), None)


class Identity(Struct, frozen=True):
    """The caller of AWS, with its account and region.

    Attributes:
        account: AWS account id.
        arn: ARN of the caller.
        region: AWS region.
        clock_offset: Seconds by which the servers' clock is ahead of this machine's.
        endpoint: The address that is set in place of AWS's own; of several, all, separated by commas; None for AWS.
    """

    account: str
    arn: str
    region: str
    clock_offset: float = 0.0
    endpoint: str | None = None


class Observation(Struct, frozen=True):
    """The facts of an environment.

    Attributes:
        identity: The caller.
        observed_at: The time of it by the servers' clock (UTC).
        began_at: The time of the first poll: durations back count from here, however long the rollout was awaited.
        services: The facts of each selected service, in the configuration's order.
        waited: Seconds that the rollout was waited for.
        problem: Why nothing of the environment could be observed, or None.
    """

    identity: Identity
    observed_at: datetime
    began_at: datetime
    services: tuple[ServiceFacts, ...]
    waited: float = 0.0
    problem: Problem | None = None

    def service(self, name: str) -> ServiceFacts:
        """Return the facts of the service of that name; KeyError for one that was not selected."""
        for facts in self.services:
            if facts.name == name:
                return facts
        raise KeyError(name)
