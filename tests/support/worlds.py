"""Facts written by hand: a service that was rolled out at 11:05 to an image pushed at 11:00, and what may go wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from msgspec.structs import replace

from pytest_deploycheck.facts.baseline import Previous
from pytest_deploycheck.facts.health import Health
from pytest_deploycheck.facts.image import Child, Image, Layer, Manifest, Platform, Reference, Registry
from pytest_deploycheck.facts.log import LogEvent, LogScope, LogSight, LogStream, StreamState
from pytest_deploycheck.facts.rollout import Deployment, Revision, RevisionImage, ServiceDeployment
from pytest_deploycheck.facts.service import ContainerDefinition, Service, ServiceEvent, TaskDefinition
from pytest_deploycheck.facts.snapshot import Absence, Judged, Lookup, Namer, Problem, ServiceFacts
from pytest_deploycheck.facts.task import Container, Task
from pytest_deploycheck.oci.manifest import OCI_INDEX, OCI_MANIFEST

Way = Literal["service deployments", "deployments alone"]
WAYS: tuple[Way, ...] = ("service deployments", "deployments alone")
"""ECS tells of a rollout in two ways; the newer one is denied, or unknown, in some places."""

HOME = Registry("123456789012", "us-east-1")


def digest(letter: str) -> str:
    """A digest that is easy to tell by eye."""
    return f"sha256:{letter * 64}"


OLD, NEW, LATER = digest("a"), digest("b"), digest("c")
SIDECAR = digest("d")


def clock(text: str) -> datetime:
    """A time of the day of the deployment, `11:05` or `11:05:30`."""
    return datetime.fromisoformat(f"2025-11-26T{text}+00:00").astimezone(UTC)


OLD_PUSHED, OLD_ROLLOUT, OLD_STARTED = clock("08:00"), clock("08:05"), clock("08:06")
PUSHED, ROLLOUT, STARTED = clock("11:00"), clock("11:05"), clock("11:06")
LATER_PUSHED, LATER_ROLLOUT, LATER_STARTED = clock("11:20"), clock("11:25"), clock("11:26")
NOW = clock("11:40")

OLD_DEFINITION = "arn:aws:ecs:us-east-1:123456789012:task-definition/shop:7"
DEFINITION = "arn:aws:ecs:us-east-1:123456789012:task-definition/shop:8"
LATER_DEFINITION = "arn:aws:ecs:us-east-1:123456789012:task-definition/shop:9"
SERVICE_ARN = "arn:aws:ecs:us-east-1:123456789012:service/shop-cluster/shop"
RECORD = "arn:aws:ecs:us-east-1:123456789012:service-deployment/shop-cluster/shop"
REVISION = "arn:aws:ecs:us-east-1:123456789012:service-revision/shop-cluster/shop"


def denied(action: str) -> Problem:
    """The result of a call that the role may not make."""
    return Problem(
        action, "AccessDeniedException", f"{action} is denied to the caller.", f"Allow the action {action}, run again."
    )


def reference(
    tag: str | None = "v2",
    *,
    repository: str = "shop",
    pinned: str | None = None,
    account: str = HOME.account,
    region: str = HOME.region,
) -> Reference:
    """A reference to an image in ECR; `pinned` is a digest."""
    return Reference(
        host=f"{account}.dkr.ecr.{region}.amazonaws.com",
        repository=repository,
        tag=tag,
        digest=pinned,
        ecr=Registry(account, region),
    )


def image(
    of: str = NEW,
    *,
    pushed_at: datetime | None = PUSHED,
    named: Reference | None = None,
    tags: Sequence[str] = ("v2",),
    children: Sequence[Child] = (),
) -> Image:
    """An image as ECR tells of it; with `children` an index."""
    if children:
        manifest = Manifest(of, OCI_INDEX, children=tuple(children))
    else:
        manifest = Manifest(of, OCI_MANIFEST, config=digest("e"), layers=(Layer(digest("f"), 100),))
    return Image(
        reference=named or reference(),
        digest=of,
        media_type=manifest.media_type,
        pushed_at=pushed_at,
        tags=tuple(tags),
        manifest=manifest,
    )


def found(of: str = NEW, *, named: Reference | None = None, pushed_at: datetime | None = PUSHED, **more: Any) -> Lookup:
    """The registry has what was looked for."""
    wanted = named or reference()
    return Lookup(wanted, image=image(of, named=wanted, pushed_at=pushed_at, **more))


def gone(what: Absence, *, named: Reference | None = None, still: Image | None = None) -> Lookup:
    """The registry does not have what was looked for; `still` is what it has of it all the same."""
    return Lookup(named or reference(), image=still, absent=what)


def judged(
    expected: Lookup | None = None,
    *,
    pulled: Lookup | None = None,
    container: str = "app",
    namer: Namer | None = None,
    names_repository: bool = False,
) -> Judged:
    """A container to judge: by default what its task definition names is what was expected."""
    expected = expected or found()
    if namer is None:
        namer = "option" if pulled else "task definition"
    return Judged(container, expected, pulled or expected, namer, names_repository)


def container(name: str = "app", of: str | None = NEW, **more: Any) -> Container:
    """A container that runs a digest."""
    return Container(name, image=f"{reference()}", digest=of, runtime_id=f"runtime-{name}", **more)


def task(
    name: str = "one",
    of: str | None = NEW,
    *,
    started_at: datetime | None = STARTED,
    by: str = "ecs-svc/2",
    definition: str = DEFINITION,
    containers: Sequence[Container] | None = None,
    **more: Any,
) -> Task:
    """A running task whose container `app` runs a digest."""
    return Task(
        arn=f"arn:aws:ecs:us-east-1:123456789012:task/shop-cluster/{name}",
        task_definition=definition,
        status=more.pop("status", "RUNNING"),
        desired_status=more.pop("desired_status", "RUNNING"),
        containers=tuple(containers) if containers is not None else (container(of=of),),
        started_by=by,
        created_at=started_at,
        started_at=started_at,
        **more,
    )


def draining(name: str, of: str | None = OLD, **more: Any) -> Task:
    """An old task that was told to stop and still serves."""
    return old_task(name, of, desired_status="STOPPED", **more)


def old_task(name: str = "old-one", of: str | None = OLD, **more: Any) -> Task:
    """A task from the rollout before."""
    return task(name, of, **{"started_at": OLD_STARTED, "by": "ecs-svc/1", "definition": OLD_DEFINITION, **more})


def crashed(name: str = "crashed", *, by: str = "ecs-svc/2", **more: Any) -> Task:
    """A new task that ran, and whose application ended with an error."""
    return task(
        name,
        by=by,
        status="STOPPED",
        desired_status="STOPPED",
        stopped_at=clock("11:07"),
        stop_code="EssentialContainerExited",
        stopped_reason="Essential container in task exited",
        containers=[container(status="STOPPED", exit_code=137, reason="OutOfMemoryError: Container killed")],
        **more,
    )


PULL_ERROR = "CannotPullContainerError: pull image manifest has been retried 5 time(s): not found"


def never_pulled(name: str = "never-pulled", *, by: str = "ecs-svc/2") -> Task:
    """A new task whose image could not be pulled, so that it never ran."""
    return task(
        name,
        by=by,
        started_at=None,
        status="STOPPED",
        desired_status="STOPPED",
        stopped_at=clock("11:07"),
        stop_code="TaskFailedToStart",
        stopped_reason=PULL_ERROR,
        containers=[container(of=None, status="STOPPED")],
    )


def definition(arn: str = DEFINITION, *, named: str | None = None, **options: Any) -> TaskDefinition:
    """A task definition with one container that logs through awslogs."""
    logs = {"awslogs-group": "/ecs/shop", "awslogs-stream-prefix": "ecs", "awslogs-region": "us-east-1"}
    return TaskDefinition(
        arn,
        (
            ContainerDefinition(
                "app",
                named or str(reference()),
                log_driver=options.pop("log_driver", "awslogs"),
                log_options=options.pop("log_options", logs),
            ),
            *options.pop("others", ()),
        ),
        **options,
    )


def deployment(
    name: str = "ecs-svc/2",
    *,
    status: str = "PRIMARY",
    state: str | None = "COMPLETED",
    began: datetime = ROLLOUT,
    reason: str | None = None,
    brings: str = DEFINITION,
    **more: Any,
) -> Deployment:
    """An entry of a service's `deployments`."""
    if reason is None:
        words = {"COMPLETED": "completed.", "IN_PROGRESS": "in progress.", "FAILED": "failed: tasks failed to start."}
        reason = f"ECS deployment {name} {words.get(state or '', '')}"
    return Deployment(name, status, brings, began, rollout_state=state, rollout_reason=reason, **more)


def service(
    *deployments: Deployment, desired: int = 2, running: int = 2, events: Sequence[ServiceEvent] = (), **more: Any
) -> Service:
    """The ECS service."""
    primary = next((one.task_definition for one in deployments if one.status == "PRIMARY"), DEFINITION)
    return Service(
        arn=SERVICE_ARN,
        name="shop",
        cluster="shop-cluster",
        status="ACTIVE",
        desired=desired,
        running=running,
        pending=0,
        task_definition=primary,
        deployments=deployments,
        events=tuple(events),
        **more,
    )


def record(number: int = 2, *, status: str = "SUCCESSFUL", began: datetime = ROLLOUT, **more: Any) -> ServiceDeployment:
    """A service deployment: ECS's own record of one rollout."""
    return ServiceDeployment(
        arn=f"{RECORD}/{number}",
        status=status,
        created_at=began,
        started_at=began,
        target=f"{REVISION}/{number}",
        **more,
    )


def revision(number: int = 2, of: str | None = NEW, *, brings: str = DEFINITION) -> Revision:
    """The service revision that a record names."""
    return Revision(f"{REVISION}/{number}", brings, (RevisionImage("app", str(reference()), of),))


NO_RECORDS = denied("ecs:ListServiceDeployments")


def facts(
    *,
    way: Way = "service deployments",
    service: Service | None,
    records: Sequence[ServiceDeployment] = (),
    revisions: Iterable[Revision] = (),
    tasks: Sequence[Task] | None = (),
    judged: Sequence[Judged] = (),
    running_images: Sequence[Image] = (),
    definitions: Sequence[TaskDefinition] | None = None,
    health: Health | None = None,
    baseline: Previous | None = None,
    problems: Mapping[str, Problem] | None = None,
    counted: int | None = None,
) -> ServiceFacts:
    """All facts of the service `backend`, reported in one of the two ways.

    The service counts the running tasks that it lists, unless `counted` tells otherwise.
    """
    if counted is None and tasks is not None:
        counted = sum(one.is_running for one in tasks)
    if service is not None and counted is not None:
        service = replace(service, running=counted)
    seen = tuple(definitions) if definitions is not None else (definition(), definition(OLD_DEFINITION))
    by_records = way == "service deployments"
    return ServiceFacts(
        name="backend",
        service=service,
        definition=seen[0] if seen else None,
        definitions=seen,
        tasks=tuple(tasks) if tasks is not None else None,
        service_deployments=tuple(records) if by_records else None,
        revisions=tuple(revisions) if by_records else (),
        judged=tuple(judged),
        running_images=tuple(running_images),
        health=health or Health(),
        baseline=baseline,
        problems={**({} if by_records else {"service_deployments": NO_RECORDS}), **(problems or {})},
    )


def completed(way: Way = "service deployments", **changes: Any) -> ServiceFacts:
    """All went well: two tasks run the new image, through a rollout that began after the push and completed."""
    good: dict[str, Any] = {
        "way": way,
        "service": service(deployment()),
        "records": [record(), record(1, began=OLD_ROLLOUT)],
        "revisions": [revision(), revision(1, OLD, brings=OLD_DEFINITION)],
        "tasks": [task("one"), task("two")],
        "judged": [judged()],
    }
    return facts(**{**good, **changes})


def never_restarted(way: Way = "service deployments", **changes: Any) -> ServiceFacts:
    """The tag was pushed again after the tasks started, and nobody began a rollout."""
    latest = reference("latest")
    stale: dict[str, Any] = {
        "way": way,
        "service": service(deployment("ecs-svc/1", began=OLD_ROLLOUT, brings=OLD_DEFINITION)),
        "records": [record(1, began=OLD_ROLLOUT)],
        "revisions": [revision(1, OLD, brings=OLD_DEFINITION)],
        "tasks": [old_task("one"), old_task("two")],
        "judged": [judged(found(named=latest, tags=("latest",)))],
        "running_images": [old_image()],
        "definitions": [definition(OLD_DEFINITION, named=str(latest))],
    }
    return facts(**{**stale, **changes})


def old_image(*, tags: Sequence[str] = ("v1",)) -> Image:
    """The image from before."""
    return image(OLD, pushed_at=OLD_PUSHED, named=reference(None, pinned=OLD), tags=tags)


def later_image() -> Image:
    """An image that was pushed after the expected one."""
    return image(LATER, pushed_at=LATER_PUSHED, named=reference(None, pinned=LATER), tags=("v3",))


def rolling(way: Way, *tasks: Task, **changes: Any) -> ServiceFacts:
    """The rollout is still going on."""
    going: dict[str, Any] = {
        "service": service(
            deployment(state="IN_PROGRESS"),
            deployment("ecs-svc/1", status="ACTIVE", began=OLD_ROLLOUT, brings=OLD_DEFINITION),
        ),
        "records": [record(status="IN_PROGRESS"), record(1, began=OLD_ROLLOUT)],
        "tasks": tasks,
        "running_images": [old_image()],
    }
    return completed(way, **{**going, **changes})


def unread() -> ServiceFacts:
    """Nothing of the service may be read."""
    problems = {"service": denied("ecs:DescribeServices"), "tasks": denied("ecs:ListTasks")}
    return completed(
        "deployments alone", service=None, tasks=None, judged=[], definitions=[], problems=problems, running_images=[]
    )


BREAKER = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1."


def rolled_back(way: Way, **changes: Any) -> ServiceFacts:
    """The circuit breaker gave up on the new image and brought the old task definition back."""
    undone: dict[str, Any] = {
        "service": service(
            deployment("ecs-svc/3", began=clock("11:10"), brings=OLD_DEFINITION, reason=BREAKER),
            deployment(status="ACTIVE", state="FAILED", failed=3),
        ),
        "records": [
            record(status="ROLLBACK_SUCCESSFUL", rollback_reason=BREAKER, breaker_status="TRIGGERED"),
            record(1, began=OLD_ROLLOUT),
        ],
        "tasks": [old_task("one"), old_task("two")],
        "running_images": [old_image()],
    }
    return completed(way, **{**undone, **changes})


def failed(way: Way, **changes: Any) -> ServiceFacts:
    """The circuit breaker gave up on the new image, and is not set to roll back."""
    stopped: dict[str, Any] = {
        "service": service(
            deployment(state="FAILED", failed=3),
            deployment("ecs-svc/1", status="ACTIVE", began=OLD_ROLLOUT, brings=OLD_DEFINITION),
        ),
        "records": [
            record(status="STOPPED", reason="Service deployment circuit breaker triggered.", breaker_status="TRIGGERED")
        ],
        "tasks": [old_task("one"), old_task("two")],
        "running_images": [old_image()],
    }
    return completed(way, **{**stopped, **changes})


def superseded(way: Way, **changes: Any) -> ServiceFacts:
    """v3 was deployed after the expected v2."""
    v3 = reference("v3")
    later: dict[str, Any] = {
        "service": service(deployment("ecs-svc/3", began=LATER_ROLLOUT, brings=LATER_DEFINITION)),
        "records": [record(3, began=LATER_ROLLOUT), record(2, status="STOPPED")],
        "revisions": [revision(3, LATER, brings=LATER_DEFINITION), revision()],
        "tasks": [
            task(name, LATER, started_at=LATER_STARTED, by="ecs-svc/3", definition=LATER_DEFINITION)
            for name in ("one", "two")
        ],
        "judged": [judged(pulled=found(LATER, named=v3, pushed_at=LATER_PUSHED, tags=("v3",)))],
        "running_images": [later_image()],
        "definitions": [definition(LATER_DEFINITION, named=str(v3))],
    }
    return completed(way, **{**later, **changes})


AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64", "v8")
FOR_AMD64, FOR_ARM64 = digest("1"), digest("2")
INDEX_CHILDREN = (Child(FOR_AMD64, AMD64), Child(FOR_ARM64, ARM64))


def child_image(of: str, *, named: Reference | None = None) -> Image:
    """The image of one platform, found by its own digest."""
    return image(of, named=named or reference(None, pinned=of), tags=())


# Logs.


def stream(of: str = "one", *, may_drop: bool = False) -> LogStream:
    """Return the stream to which a task writes."""
    return LogStream(of, "app", "us-east-1", "/ecs/shop", f"ecs/app/{of}", may_drop=may_drop)


def scope(*tasks: str, **changes: Any) -> LogScope:
    """The logs of some new tasks since the rollout began."""
    streams = tuple(stream(name) for name in tasks)
    base = LogScope(since=ROLLOUT, tasks=tasks, streams=streams, rolled_out_at=ROLLOUT)
    return replace(base, **changes)


def event(message: str, of: str = "one", *, at: str = "11:10", ingested: str | None = None) -> LogEvent:
    """A line of a task."""
    return LogEvent(
        id=f"{of}/{at}/{message}",
        timestamp=clock(at),
        ingested_at=clock(ingested or at),
        message=message,
        task=of,
        stream=f"ecs/app/{of}",
    )


def states(seen: LogScope, events: Sequence[LogEvent], now: datetime) -> tuple[StreamState, ...]:
    """The states of the streams that have one of these events."""
    found = []
    for stream in seen.streams:
        own = [one for one in events if one.task == stream.task and stream.is_named(one.stream)]
        limit = now - timedelta(seconds=stream.settle)
        settled = [min(one.timestamp, limit) for one in own if one.ingested_at <= limit]
        if own:
            found.append(StreamState(stream, max(one.timestamp for one in own), max(settled, default=None)))
    return tuple(found)


def sight(
    seen: LogScope, *events: LogEvent, problems: Sequence[Problem] = (), read_at: str = "11:20", **changes: Any
) -> LogSight:
    """The reading of the logs, so long after the last line that no earlier line can still arrive."""
    ordered = tuple(sorted(events, key=lambda one: one.timestamp))
    base = LogSight(
        seen,
        ordered,
        tuple(problems),
        states=states(seen, ordered, clock(read_at)),
        read_at=clock(read_at),
        recent=ordered,
        is_recent_all=True,
    )
    return replace(base, **changes)
