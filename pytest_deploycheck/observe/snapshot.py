"""One look at all that the selected services are: side by side where calls are independent, each fact asked once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from pytest_deploycheck.config.settings import EnvironmentSettings, Options, ServiceSettings
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.facts.image import Image, Manifest, Platform, Reference, Registry
from pytest_deploycheck.facts.rollout import Revision, ServiceDeployment
from pytest_deploycheck.facts.service import ContainerDefinition, Service, TaskDefinition
from pytest_deploycheck.facts.snapshot import Identity, Judged, Lookup, Problem, ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.observe import ecr, ecs
from pytest_deploycheck.observe.asking import Once, side_by_side
from pytest_deploycheck.observe.blob_errors import BlobError
from pytest_deploycheck.observe.contents import Contents
from pytest_deploycheck.observe.earlier import with_history
from pytest_deploycheck.observe.meant import Choice, Named, choose
from pytest_deploycheck.observe.problems import DENIED, LOOK_ERRORS, THROTTLED, attempt
from pytest_deploycheck.observe.session import Session
from pytest_deploycheck.observe.target import newest_revision, target_definition
from pytest_deploycheck.oci.manifest import ManifestError

_NOT_THERE = {"ClusterNotFoundException": "cluster", "ServiceNotFoundException": "service"}


class Observer:
    """Looks at the selected services of one environment, as often as it is asked.

    What cannot change within a run (task definitions, service revisions, images and manifests) is asked for once.

    Args:
        session: The way in to AWS.
        identity: Who looks, and where.
        environment: The environment.
        options: What was asked of this run.
        contents: Opens images.
    """

    def __init__(
        self,
        session: Session,
        identity: Identity,
        environment: EnvironmentSettings,
        options: Options,
        contents: Contents,
    ) -> None:
        self._session = session
        self._contents = contents
        self._home = Registry(identity.account, identity.region)
        self._environment = environment
        self._options = options
        self._once = Once()
        self._no_service_deployments: dict[str, Problem] = {}
        self._has_seen = False

    def look(self) -> tuple[ServiceFacts, ...]:
        """One look at every selected service, in the configuration's order.

        Raises:
            EnvironmentUnusableError: The cluster or a service does not exist, or nothing may be looked at.
        """
        selected = [self._environment.services[name] for name in self._options.services]
        if not selected:
            return ()
        services, problem = self._services(selected)
        looked = side_by_side(
            lambda settings: self._look_at(settings, services.get(settings.service), problem), selected
        )
        if not self._has_seen:
            # What breaks later, such as credentials that expire, leaves questions open and ends no run.
            _require_something_seen(looked, self._environment)
        self._has_seen = True
        return tuple(looked)

    def _services(self, selected: Sequence[ServiceSettings]) -> tuple[Mapping[str, Service], Problem | None]:
        cluster = self._environment.cluster
        names = list(dict.fromkeys(settings.service for settings in selected))
        found, problem = attempt("ecs:DescribeServices", lambda: ecs.services(self._session.ecs(), cluster, names))
        if found is None:
            self._raise_if_not_there(problem)
            return {}, problem
        where = f"cluster {cluster!r} (account {self._home.account}, {self._home.region})"
        if found.missing and self._has_seen:
            return found.services, _gone(found.missing[0])
        if found.missing:
            raise EnvironmentUnusableError(
                f"There is no service {_listed(found.missing)} in {where}.",
                f"Check `service`, `cluster` and `region` of [env.{self._environment.name}], and the credentials' "
                f"account; list what there is with: aws ecs list-services --cluster {cluster} "
                f"--region {self._home.region}",
            )
        if found.ambiguous:
            raise EnvironmentUnusableError(
                f"Two services match {_listed(found.ambiguous)} in {where}.", "Give the service's ARN as `service`."
            )
        return found.services, None

    def _look_at(
        self, settings: ServiceSettings, service: Service | None, service_problem: Problem | None
    ) -> ServiceFacts:
        problems: dict[str, Problem] = {}
        if service_problem:
            problems["service"] = service_problem
        with ThreadPoolExecutor(max_workers=2) as pool:
            tasks_to_come = pool.submit(self._tasks, settings.service, problems)
            rollouts_to_come = pool.submit(self._service_deployments, settings.service, problems)
        tasks, rollouts = tasks_to_come.result(), rollouts_to_come.result()
        revisions = self._revisions(rollouts or (), problems)
        target = target_definition(service, rollouts, revisions, tasks)
        running = [task.task_definition for task in tasks or () if task.is_running]
        arns = dict.fromkeys([*([target] if target else []), *running])
        definitions = self._definitions(list(arns), problems)
        definition = definitions.get(target) if target else None
        newest = newest_revision(service, rollouts, revisions)
        judged = tuple(
            self._with_history(one, [revision for revision in revisions if revision != newest])
            for one in self._judged(settings, definition, tasks, newest)
        )
        return ServiceFacts(
            name=settings.name,
            service=service,
            definition=definition,
            definitions=tuple(definitions.values()),
            tasks=tasks,
            service_deployments=rollouts,
            revisions=revisions,
            judged=judged,
            running_images=self._running_images(judged, tasks or ()),
            problems=problems,
        )

    def _tasks(self, service: str, problems: dict[str, Problem]) -> tuple[Task, ...] | None:
        tasks, problem = attempt(
            "ecs:ListTasks", lambda: ecs.tasks(self._session.ecs(), self._environment.cluster, service)
        )
        if problem:
            self._raise_if_not_there(problem)
            problems["tasks"] = problem
        return tasks

    def _service_deployments(self, service: str, problems: dict[str, Problem]) -> tuple[ServiceDeployment, ...] | None:
        problem = self._no_service_deployments.get(service)
        if problem is None:
            rollouts, problem = attempt(
                "ecs:ListServiceDeployments",
                lambda: ecs.service_deployments(self._session.ecs(), self._environment.cluster, service),
            )
            if problem is None:
                return rollouts
        if problem.code not in THROTTLED:
            # A role or an emulator that does not have them will not have them a second later: ask once.
            self._no_service_deployments[service] = problem
        problems["service_deployments"] = problem
        return None

    def _revisions(self, rollouts: Iterable[ServiceDeployment], problems: dict[str, Problem]) -> tuple[Revision, ...]:
        targets = tuple(rollout.target for rollout in rollouts if rollout.target)
        if not targets:
            return ()
        revisions, problem = attempt(
            "ecs:DescribeServiceRevisions",
            lambda: self._once.get(targets, lambda: ecs.revisions(self._session.ecs(), targets)),
        )
        if problem:
            problems["revisions"] = problem
        return revisions or ()

    def _definitions(self, arns: Sequence[str], problems: dict[str, Problem]) -> dict[str, TaskDefinition]:
        def ask(arn: str) -> tuple[TaskDefinition | None, Problem | None]:
            return attempt(
                "ecs:DescribeTaskDefinition",
                lambda: self._once.get(arn, lambda: ecs.task_definition(self._session.ecs(), arn)),
            )

        definitions: dict[str, TaskDefinition] = {}
        for arn, (definition, problem) in zip(arns, side_by_side(ask, arns), strict=True):
            if definition:
                definitions[arn] = definition
            elif problem:
                problems["definition"] = problem
        return definitions

    def _judged(
        self,
        settings: ServiceSettings,
        definition: TaskDefinition | None,
        tasks: Sequence[Task] | None,
        revision: Revision | None,
    ) -> tuple[Judged, ...]:
        containers = definition.containers if definition else _containers_of(tasks or ())
        if not containers:
            return ()
        choices = choose(containers, only=settings.container, named=self._named(settings), home=self._home)

        def judge(choice: Choice) -> Judged:
            pulled = self._lookup_or_recorded(choice, revision, is_named=choice.namer != "task definition")
            return Judged(
                container=choice.container,
                meant=pulled if choice.meant == choice.pulled else self._lookup(choice.meant, is_named=True),
                pulled=pulled,
                namer=choice.namer,
                names_repository=choice.names_repository,
            )

        return tuple(side_by_side(judge, choices))

    def _with_history(self, judged: Judged, revisions: Sequence[Revision]) -> Judged:
        image = judged.meant.image
        if image is None:
            return judged
        described = replace(judged, meant=replace(judged.meant, image=self._contents.describe(image)))
        if image.reference.ecr is None:
            return described
        client = self._session.ecr(image.reference.ecr.region)
        return with_history(described, revisions, client=client, once=self._once, open_image=self._described)

    def _described(self, reference: Reference) -> Image | None:
        image = self._lookup(reference).image
        return self._contents.describe(image) if image else None

    def _named(self, settings: ServiceSettings) -> Named | None:
        if settings.name in self._options.images:
            return Named(self._options.images[settings.name], "option")
        return Named(settings.image, "configuration") if settings.image else None

    def _lookup(self, reference: Reference, *, is_named: bool = False) -> Lookup:
        """Find an image; outside of ECR only where it was named, is on this machine, or there are credentials for it.

        Nobody asked for a registry out there to be contacted because some sidecar comes from it.
        """
        if reference.ecr is None:
            if not is_named and not self._contents.is_at_hand(reference):
                return Lookup(reference)
            lookup = self._once.get(reference, lambda: self._contents.look_up(reference), keep=_is_found)
            return replace(lookup, image=self._opened(lookup.image)) if lookup.image else lookup
        client = self._session.ecr(reference.ecr.region)
        # The image meant is the one found first, even if its tag moves while the rollout is waited for.
        lookup = self._once.get(reference, lambda: ecr.look_up(client, reference), keep=_is_found)
        return replace(lookup, image=self._opened(lookup.image)) if lookup.image else lookup

    def _lookup_or_recorded(self, choice: Choice, revision: Revision | None, *, is_named: bool) -> Lookup:
        """What the task definition's reference points to; where its tag is gone, what ECS resolved it to."""
        lookup = self._lookup(choice.pulled, is_named=is_named)
        if lookup.absent != "tag" or lookup.image or revision is None:
            return lookup
        recorded = next((one for one in revision.images if one.container == choice.container), None)
        if recorded is None or recorded.digest is None:
            return lookup
        image = self._lookup(replace(choice.pulled, tag=None, digest=recorded.digest)).image
        return replace(lookup, image=image, recorded=image is not None)

    def _opened(self, image: Image) -> Image:
        """The image with its manifest, and for an index those of its platforms that Linux tasks run on."""
        manifest = self._manifest(image.reference, image.digest)
        if manifest is None or not manifest.is_index:
            return replace(image, manifest=manifest)
        wanted = [child.digest for child in manifest.children if _is_common(child.platform)]
        platforms = side_by_side(lambda digest: self._manifest(image.reference, digest), wanted)
        return replace(image, manifest=manifest, platforms=tuple(one for one in platforms if one))

    def _manifest(self, reference: Reference, digest: str) -> Manifest | None:
        def ask() -> Manifest:
            if reference.ecr is None:
                return self._contents.manifest(reference, digest)
            return ecr.manifest(self._session.ecr(reference.ecr.region), reference, digest)

        try:
            return self._once.get((reference.place, digest), ask)
        except (*LOOK_ERRORS, BlobError, ManifestError, LookupError):
            # Without it the digest is still known; the judge says what that leaves open.
            return None

    def _running_images(self, judged: Sequence[Judged], tasks: Sequence[Task]) -> tuple[Image, ...]:
        """What the registry says of the other digests that run: when they were pushed, under which tags."""
        others: dict[Reference, None] = {}
        for one in judged:
            for task in tasks:
                container = task.container(one.container) if task.is_running else None
                if container and container.digest and container.digest != one.meant.digest:
                    others[replace(one.pulled.reference, tag=None, digest=container.digest)] = None
        lookups = side_by_side(self._lookup, list(others))
        return tuple(lookup.image for lookup in lookups if lookup.image)

    def _raise_if_not_there(self, problem: Problem | None) -> None:
        if problem and problem.code in _NOT_THERE and not self._has_seen:
            raise EnvironmentUnusableError(
                f"There is no {_NOT_THERE[problem.code]} to look at: {problem.message}",
                f"Check `cluster` ({self._environment.cluster!r}) and `region` ({self._home.region}) of "
                f"[env.{self._environment.name}], and the credentials' account ({self._home.account}).",
            )


def _containers_of(tasks: Sequence[Task]) -> tuple[ContainerDefinition, ...]:
    """What running tasks tell of their containers, where the task definition may not be read."""
    task = next((task for task in tasks if task.is_running), None)
    if task is None:
        return ()
    return tuple(ContainerDefinition(one.name, one.image) for one in task.containers if one.image)


def _gone(name: str) -> Problem:
    return Problem(
        "ecs:DescribeServices",
        "ServiceGone",
        f"The service {name!r} was there at first, and is no more.",
        "See who deletes or replaces it; verify again when it stands.",
    )


def _is_found(lookup: Lookup) -> bool:
    return lookup.image is not None and lookup.problem is None


def _is_common(platform: Platform | None) -> bool:
    return platform is None or platform.architecture in {"amd64", "arm64"}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _require_something_seen(looked: Sequence[ServiceFacts], environment: EnvironmentSettings) -> None:
    if any(facts.service or facts.tasks is not None or facts.service_deployments for facts in looked):
        return
    problems = {problem.operation: problem for facts in looked for problem in facts.problems.values()}
    first = next(iter(problems.values()))
    if all(problem.code in DENIED for problem in problems.values()):
        raise EnvironmentUnusableError(
            f"The credentials may look at nothing in the environment {environment.name!r}: "
            f"{', '.join(sorted(problems))} are denied. {first.message}",
            "Allow these actions to the caller, or use the credentials of another role.",
        )
    raise EnvironmentUnusableError(
        f"Nothing of the environment {environment.name!r} can be looked at: {first.message}", first.remedy
    )
