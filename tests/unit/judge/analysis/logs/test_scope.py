from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace
from support.worlds import (
    DEFINITION,
    NEW,
    NOW,
    OLD,
    OLD_STARTED,
    ROLLOUT,
    SIDECAR,
    STARTED,
    WAYS,
    Way,
    clock,
    completed,
    container,
    crashed,
    definition,
    denied,
    deployment,
    draining,
    judged,
    never_restarted,
    old_task,
    reference,
    rolled_back,
    rolling,
    service,
    task,
)

from pytest_deploycheck.facts.log import LogScope
from pytest_deploycheck.facts.service import ContainerDefinition, ServiceEvent
from pytest_deploycheck.facts.snapshot import Lookup, ServiceFacts
from pytest_deploycheck.judge.analysis.logs.scope import LogSettings, log_scope
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis


def scope_of(world: ServiceFacts, **changes: Any) -> LogScope:
    """The logs to look at, in an environment in us-east-1."""
    settings = LogSettings(**{"region": "us-east-1", **changes.pop("settings", {})})
    return log_scope(ServiceAnalysis(world), settings, **{"since": None, "now": NOW, **changes})


@pytest.mark.parametrize("way", WAYS)
def test_the_window_begins_with_the_rollout(way: Way) -> None:
    """Lines from before the rollout are not counted: the window starts with it."""
    assert scope_of(completed(way)).since == ROLLOUT


@pytest.mark.parametrize(("started", "since"), [(STARTED, STARTED), (None, NOW)])
def test_the_window_of_a_rollout_that_may_not_be_read(started: datetime | None, since: datetime) -> None:
    """If nothing tells of the rollout, the window begins with the first start of a new task, or else now."""
    tasks = [task("one", started_at=clock("11:30") if started else None), task("two", started_at=started)]
    world = completed("deployments alone", service=None, tasks=tasks)
    assert scope_of(world).since == since


def test_the_window_that_was_asked_for() -> None:
    """`--deploy-since` moves the start of the window, earlier or later."""
    for since in (clock("08:00"), clock("11:30")):
        assert scope_of(completed(), since=since).since == since


@pytest.mark.parametrize("way", WAYS)
def test_only_new_tasks_are_read(way: Way) -> None:
    """The running tasks that run the expected image are read; old and draining ones never, only to explain."""
    seen = scope_of(rolling(way, task("one"), old_task("two"), draining("three")))
    assert seen.tasks == ("one",)
    assert [stream.name for stream in seen.streams] == ["ecs/app/one"]
    assert {stream.task for stream in seen.old_streams} == {"two", "three"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("world", [never_restarted, rolled_back])
def test_no_new_task_is_no_stream(way: Way, world: Any) -> None:
    """If no task runs the image, by a rollback or as nothing was rolled out, there are no logs to read."""
    seen = scope_of(world(way))
    assert seen.tasks == ()
    assert seen.streams == ()


def test_a_draining_task_that_runs_the_image_is_not_read() -> None:
    """A task on its way out is no running task, whatever it runs; the one that replaced it is looked at."""
    seen = scope_of(completed(tasks=[draining("one", NEW), task("replacement")]))
    assert seen.tasks == ("replacement",)


@pytest.mark.parametrize("way", WAYS)
def test_a_task_that_ran_the_image_and_has_stopped_is_read(way: Way) -> None:
    """A task that logged a forbidden line, crashed and was replaced ran the same code; those from before did not."""
    before = crashed("before", by="ecs-svc/1", started_at=OLD_STARTED)
    seen = scope_of(completed(way, tasks=[task("one"), crashed("two"), before, draining("three")]))
    assert seen.tasks == ("one",)
    assert {stream.task for stream in seen.streams} == {"one", "two"}
    assert {stream.task for stream in seen.current_streams} == {"one"}
    assert {stream.task for stream in seen.of_old.streams} == {"two", "before", "three"}
    assert scope_of(completed(way, tasks=[crashed("two")])).streams == ()


def test_a_task_whose_digest_is_not_known_counts_by_its_rollout() -> None:
    """Without a digest the tasks that the newest rollout started are read, those of an earlier one not."""
    seen = scope_of(completed(tasks=[task("one", None), task("two", None, by="ecs-svc/1")]))
    assert seen.tasks == ("one",)


def test_an_image_that_is_not_known_is_run_by_nobody() -> None:
    """The image named could not be looked up, so no task can be said to run it: none is new."""
    lookup = Lookup(reference("v9"), problem=denied("ecr:DescribeImages"))
    world = completed(judged=[judged(lookup, pulled=Lookup(reference("v1")))], tasks=[task("one", OLD)])
    assert scope_of(world).tasks == ()


def test_group_region_and_prefix_come_from_the_task_definition() -> None:
    """Awslogs may write to another region than the service's: the task definition tells where to read."""
    options = {"awslogs-group": "/prod/shop", "awslogs-stream-prefix": "api", "awslogs-region": "eu-west-1"}
    (stream,) = scope_of(completed(tasks=[task("one")], definitions=[definition(log_options=options)])).streams
    assert (stream.group, stream.region, stream.name) == ("/prod/shop", "eu-west-1", "api/app/one")


def test_without_a_prefix_the_stream_is_the_runtime_id() -> None:
    """On EC2 without a stream prefix the stream is named by the container's runtime id; the region is the service's."""
    options = {"awslogs-group": "/prod/shop"}
    (stream,) = scope_of(completed(tasks=[task("one")], definitions=[definition(log_options=options)])).streams
    assert (stream.name, stream.region) == ("runtime-app", "us-east-1")


@pytest.mark.parametrize(("mode", "drops"), [("non-blocking", True), ("blocking", False), (None, True)])
def test_a_driver_that_may_drop_lines_is_reported(mode: str | None, drops: bool) -> None:  # noqa: FBT001 - a case
    """Non-blocking drivers drop lines when they fall behind, and that is the default where no mode is set."""
    options = {"awslogs-group": "/g", "awslogs-stream-prefix": "ecs", **({"mode": mode} if mode else {})}
    assert scope_of(completed(definitions=[definition(log_options=options)])).may_drop is drops


@pytest.mark.parametrize(("driver", "word"), [("awsfirelens", "awsfirelens"), (None, "no log driver")])
def test_a_driver_that_cannot_be_read_is_noted(driver: str | None, word: str) -> None:
    """A container whose logs go elsewhere is named with its driver: nothing is guessed."""
    seen = scope_of(completed(definitions=[definition(log_driver=driver)]))
    assert seen.streams == ()
    assert word in seen.blind[0]
    assert "app" in seen.blind[0]


def test_only_judged_containers_are_read() -> None:
    """A sidecar's lines are not the app's."""
    world = completed(
        tasks=[task("one", containers=[container(), container("proxy", SIDECAR)])],
        definitions=[
            definition(
                others=(
                    ContainerDefinition(
                        "proxy",
                        "proxy:1",
                        log_driver="awslogs",
                        log_options={"awslogs-group": "/ecs/proxy", "awslogs-stream-prefix": "ecs"},
                    ),
                )
            )
        ],
    )
    assert [stream.container for stream in scope_of(world).streams] == ["app"]


def test_denied_tasks_are_a_problem_of_the_logs() -> None:
    """If the tasks may not be listed it is not known which to read: the problem is passed on."""
    problem = denied("ecs:ListTasks")
    assert scope_of(completed(tasks=None, problems={"tasks": problem})).problems == (problem,)


def test_a_denied_task_definition_is_a_problem_of_the_logs() -> None:
    """If the task definition may not be read it is not known where the tasks log: the problem names the action."""
    problem = denied("ecs:DescribeTaskDefinition")
    seen = scope_of(completed(definitions=[], problems={"definition": problem}))
    assert seen.problems == (problem,)
    assert seen.tasks == ("one", "two")


def test_each_new_task_has_its_own_stream() -> None:
    """Two new tasks of one definition write to two streams of one group."""
    world = completed(tasks=[task("one", definition=DEFINITION), task("two", definition=DEFINITION)])
    assert [stream.name for stream in scope_of(world).streams] == ["ecs/app/one", "ecs/app/two"]


def routed(world: ServiceFacts, group: str = "/ecs/routed", stream: str | None = None) -> LogScope:
    """The logs to look at where a log router writes to a group."""
    return scope_of(world, settings={"group": group, "stream": stream})


def test_a_log_router_writes_where_the_configuration_says() -> None:
    """FireLens' group is not in the task definition; its streams are named by a pattern."""
    world = completed(tasks=[task("one")], definitions=[definition(log_driver="awsfirelens")])
    (stream,) = routed(world, stream="{container}-firelens-{task}").streams
    assert (stream.group, stream.region, stream.name) == ("/ecs/routed", "us-east-1", "app-firelens-one")
    assert not stream.is_part
    assert stream.is_named("app-firelens-one")
    assert not stream.is_named("app-firelens-one-more")


def test_a_log_router_without_a_pattern_names_streams_by_the_task() -> None:
    """Without a pattern every stream with the task's id in its name is the task's."""
    world = completed(tasks=[task("one")], definitions=[definition(log_driver="awsfirelens")])
    (stream,) = routed(world).streams
    assert stream.is_named("app-firelens-one")
    assert not stream.is_named("app-firelens-two")


def test_what_the_task_definition_tells_comes_first() -> None:
    """A container with awslogs writes where its task definition says, whatever the configuration has for others."""
    assert {stream.group for stream in routed(completed()).streams} == {"/ecs/shop"}


def test_the_end_of_the_rollout_is_reported() -> None:
    """An absence counts where it reaches beyond the end of the rollout; without one, the start of the youngest task."""
    assert scope_of(completed()).rolled_out_at is not None
    running = scope_of(rolling("deployments alone", task("one"), task("two", started_at=None)))
    assert running.rolled_out_at == STARTED


def test_the_end_of_a_rollout_is_known_from_events() -> None:
    """If ECS has no record of the rollout, its event gives the end: a task that started later does not move it."""
    completed_at = ServiceEvent(clock("11:07"), "(service shop) (deployment ecs-svc/2) deployment completed.")
    young = task("two", started_at=clock("11:30"))
    tasks = [task("one"), young]

    told = service(deployment(), events=[completed_at])
    assert scope_of(completed("deployments alone", service=told, tasks=tasks)).rolled_out_at == completed_at.at
    assert scope_of(completed("deployments alone", tasks=tasks)).rolled_out_at == young.started_at
    going_on = service(deployment(state="IN_PROGRESS"), events=[completed_at])
    assert scope_of(completed("deployments alone", service=going_on, tasks=tasks)).rolled_out_at == young.started_at


@pytest.mark.parametrize(
    ("options", "settle"),
    [
        ({}, 20.0),
        ({"awslogs-datetime-as-event-time": "true"}, 120.0),
        ({"awslogs-datetime-as-event-time": "false"}, 20.0),
    ],
)
def test_the_settling_time_follows_the_driver(options: dict[str, str], settle: float) -> None:
    """Events of awslogs come in order, unless their times are read from the lines."""
    named = {"awslogs-group": "/g", "awslogs-stream-prefix": "ecs", **options}
    (stream, *_) = scope_of(completed(definitions=[definition(log_options=named)])).streams
    assert stream.settle == settle


def test_the_settling_time_of_a_log_router() -> None:
    """A log router may send events out of order; an environment that knows better says so."""
    world = completed(tasks=[task("one")], definitions=[definition(log_driver="awsfirelens")])
    (stream,) = routed(world).streams
    assert (stream.settle, stream.is_routed) == (120.0, True)
    (quick,) = scope_of(world, settings={"group": "/g", "settle": 3.0}).streams
    assert quick.settle == 3.0


FIRELENS = {"Name": "cloudwatch_logs", "region": "eu-west-1", "log_group_name": "/fire", "log_stream_prefix": "p-"}


@pytest.mark.parametrize(
    ("changes", "stream"),
    [
        ({}, ("/fire", "eu-west-1", "p-app-firelens-one", False)),
        ({"Name": "cloudwatch"}, ("/fire", "eu-west-1", "p-app-firelens-one", False)),
        ({"log_stream_prefix": "$(ecs_cluster)-"}, ("/fire", "eu-west-1", "app-firelens-one", True)),
        ({"Name": "datadog"}, None),
        ({"log_group_name": "/fire/$(ecs_cluster)"}, None),
        ({"region": "$(region)"}, None),
    ],
)
def test_the_options_of_firelens_tell_where_it_writes(
    changes: dict[str, str], stream: tuple[str, str, str, bool] | None
) -> None:
    """Group, region and stream are read from the container's options, unless they hold a variable of the router."""
    options = {**FIRELENS, **changes}
    world = completed(tasks=[task("one")], definitions=[definition(log_driver="awsfirelens", log_options=options)])
    streams = scope_of(world).streams
    assert [(one.group, one.region, one.name, one.is_part) for one in streams] == ([stream] if stream else [])


def test_the_streams_of_a_sidecar_are_not_the_apps() -> None:
    """In a group that a task's containers share, the streams that others have by default are left out."""
    others = (
        ContainerDefinition("my-app", "proxy:1", log_driver="awsfirelens"),
        ContainerDefinition("router", "router:1", log_driver="awslogs", log_options={"awslogs-stream-prefix": "fire"}),
    )
    world = completed(tasks=[task("one")], definitions=[definition(log_driver="awsfirelens", others=others)])
    (stream,) = routed(world).streams
    assert stream.is_named("app-firelens-one")
    assert stream.is_named("prefix-app-firelens-one")
    assert stream.is_named("anything/one/at-all")
    assert not stream.is_named("my-app-firelens-one")
    assert not stream.is_named("fire/router/one")


def test_what_a_replaced_task_logged_still_counts() -> None:
    """After another poll the window stays, new tasks are read, and those they replaced are no old ones."""
    before = scope_of(completed(tasks=[task("one"), task("two")]))
    later = scope_of(completed(tasks=[task("two"), task("three"), draining("one")]), since=clock("11:50"))
    seen = before.followed_by(later)
    assert seen.since == before.since
    assert seen.tasks == ("two", "three")
    assert {stream.task for stream in seen.streams} == {"one", "two", "three"}
    assert {stream.task for stream in seen.current_streams} == {"two", "three"}
    assert seen.old_streams == ()


def test_a_stream_that_is_named_by_a_runtime_id_needs_one() -> None:
    """Without a prefix, ECS has to tell the id of the container: before it does, the logs cannot be found."""
    unnamed = task("one", containers=[replace(container(), runtime_id=None)])
    world = completed(tasks=[unnamed], definitions=[definition(log_options={"awslogs-group": "/prod/shop"})])
    seen = scope_of(world)
    assert seen.streams == ()
    assert seen.blind == ("the log stream of container 'app' is not known",)


def test_one_stream_for_all_tasks_does_not_tell_them_apart() -> None:
    """FireLens with a fixed stream mixes the lines of old and new tasks, so that none of them is read."""
    options = {"Name": "cloudwatch_logs", "log_group_name": "/ecs/shop", "log_stream_name": "all"}
    routed = definition(log_driver="awsfirelens", log_options=options)
    seen = scope_of(completed(tasks=[task("one")], definitions=[routed]))
    assert seen.streams == ()
    assert seen.blind == ("container 'app' logs through awsfirelens, not awslogs",)
    prefixed = definition(log_driver="awsfirelens", log_options={**options, "log_stream_prefix": "shop-"})
    (stream,) = scope_of(completed(tasks=[task("one")], definitions=[prefixed])).streams
    assert stream.name == "shop-app-firelens-one"
