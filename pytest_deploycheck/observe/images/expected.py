"""The containers of a service whose images are judged, each with its expected image and the images before it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from pytest_deploycheck.config.settings import Options, ServiceSettings
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.facts.baseline import Previous
from pytest_deploycheck.facts.commit import Commit
from pytest_deploycheck.facts.image import Image, Registry
from pytest_deploycheck.facts.rollout import Revision
from pytest_deploycheck.facts.service import ContainerDefinition, TaskDefinition
from pytest_deploycheck.facts.snapshot import Judged, Problem
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.observe.calls import Once, side_by_side
from pytest_deploycheck.observe.first_observation import FirstObservation
from pytest_deploycheck.observe.images.by_commit import choose_by_commit
from pytest_deploycheck.observe.images.choice import Choice, Named, choose, expected_references, holders, parse_pulled
from pytest_deploycheck.observe.images.contents import Contents
from pytest_deploycheck.observe.images.finder import ImageFinder
from pytest_deploycheck.observe.images.history import with_history, with_others, with_replaced
from pytest_deploycheck.observe.images.repositories import Repositories
from pytest_deploycheck.observe.session import Session


class ExpectedImages:
    """Finds the expected images of services.

    Args:
        session: The clients.
        contents: Opens images.
        options: The options of the run.
        home: The registry of the environment's own account and region.
        first: The first observation of the run, whose expected images hold for all of it.
        once: Keeps what cannot change within a run.
        commit: The commit whose image is expected where none was named, or None.
    """

    def __init__(
        self,
        session: Session,
        contents: Contents,
        options: Options,
        *,
        home: Registry,
        first: FirstObservation,
        once: Once,
        commit: Commit | None = None,
    ) -> None:
        self._session = session
        self._contents = contents
        self._options = options
        self._commit = commit
        self._home = home
        self._hosts = session.registry_hosts(home)
        self._first = first
        self._once = once
        self._repositories = Repositories(session, once)
        self._finder = ImageFinder(self._repositories, contents, once)

    def judged(
        self,
        settings: ServiceSettings,
        definition: TaskDefinition | None,
        tasks: Sequence[Task],
        revisions: Sequence[Revision],
        *,
        newest: Revision | None,
        baseline: Previous | None,
        targeted: Collection[str] = (),
        has_history: bool = True,
    ) -> tuple[tuple[Judged, ...], Problem | None]:
        """Return the containers to judge, and the problem where the configured container is not there any more.

        Args:
            settings: The settings of the service.
            definition: The task definition of the newest rollout, or None where it cannot be read.
            tasks: The tasks of the service.
            revisions: The service revisions of the newest rollouts, the newest first.
            newest: The service revision of the newest rollout, if ECS has it.
            baseline: What ran before.
            targeted: The names of the containers to which load balancers send traffic.
            has_history: Whether the images before the expected one are read as well.

        Raises:
            EnvironmentUnusableError: In the first observation, the task definition lacks the configured container, or
                the repositories of several containers hold the named image.
        """
        containers = definition.containers if definition else _containers_of(tasks)
        if not containers:
            return (), None
        try:
            choices = choose(
                containers,
                only=settings.container,
                named=self._named(settings),
                home=self._home,
                hosts=self._hosts,
                targeted=targeted,
                by_commit=self._commit is not None,
            )
            if self._commit and self._named(settings) is None:
                choices = choose_by_commit(choices, self._commit, self._session, self._repositories, self._once)
            self._repositories.expect(one for choice in choices for one in (choice.expected, choice.pulled))
            judged = holders(
                side_by_side(lambda choice: self._judged(settings.name, choice, newest), choices),
                [choice.container for choice in choices if choice.is_spare],
            )
        except EnvironmentUnusableError as error:
            if not self._first.is_complete:
                raise
            # A later rollout may have renamed the container.
            return (), Problem("ecs:DescribeTaskDefinition", "ContainerGone", error.message, error.remedy)
        described = tuple(map(self._described, judged))
        if not has_history:
            return tuple(with_replaced(one, revisions, self._repositories) for one in described), None
        return tuple(self._with_history(one, revisions, baseline) for one in described), None

    def expect(self, settings: ServiceSettings, tasks: Sequence[Task]) -> None:
        """Note the images that are going to be asked for with a service, by what its tasks run."""
        named = self._named(settings)
        texts = {one.image for task in tasks if task.is_running for one in task.containers if one.image}
        pulled = [parse_pulled(text, self._hosts) for text in texts]
        self._repositories.expect([*pulled, *expected_references(named, pulled, self._home, self._hosts)])

    def running(self, judged: Sequence[Judged], tasks: Sequence[Task]) -> tuple[Image, ...]:
        """Return the images other than the expected ones that the tasks run, as far as the registry has them."""
        return self._finder.running(judged, tasks)

    def _judged(self, service: str, choice: Choice, newest: Revision | None) -> Judged:
        pulled = self._finder.find_or_recorded(choice, newest, is_named=choice.namer != "task definition")
        found = pulled if choice.expected == choice.pulled else self._finder.find(choice.expected, is_named=True)
        # The expected image is the one found first, even if the task definition names another one later in the run.
        expected = self._first.expected.get((service, choice.container), found)
        if found.image:
            self._first.expected.setdefault((service, choice.container), found)
        # By name, as an emulator's host may turn out to be a plain registry when the image is found there.
        is_as_named = str(choice.expected) == str(expected.reference)
        return Judged(
            container=choice.container,
            expected=expected,
            pulled=pulled,
            namer=choice.namer if is_as_named else "first observation",
            names_repository=choice.names_repository,
        )

    def _described(self, judged: Judged) -> Judged:
        image = judged.expected.image
        if image is None:
            return judged
        described = replace(judged, expected=replace(judged.expected, image=self._contents.describe(image)))
        return with_others(described, self._repositories)

    def _with_history(self, judged: Judged, revisions: Sequence[Revision], baseline: Previous | None) -> Judged:
        verified = [baseline.digest] if baseline and baseline.is_verified and baseline.digest else []
        return with_history(
            judged, revisions, verified, repositories=self._repositories, open_image=self._finder.described
        )

    def _named(self, settings: ServiceSettings) -> Named | None:
        if settings.name in self._options.images:
            return Named(self._options.images[settings.name], "option")
        return Named(settings.image, "configuration") if settings.image else None


def _containers_of(tasks: Sequence[Task]) -> tuple[ContainerDefinition, ...]:
    """Return the containers of a running task, for when the task definition cannot be read."""
    task = next((task for task in tasks if task.is_running), None)
    if task is None:
        return ()
    return tuple(ContainerDefinition(one.name, one.image) for one in task.containers if one.image)
