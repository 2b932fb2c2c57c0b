"""The reasons why tasks of the rollout stopped: in AWS's own words, grouped, and never in the words of others."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.judging import failed_tasks, judge_complete, stops
from support.stopped_words import STOPPED_WORDS
from support.worlds import (
    BREAKER,
    OLD_DEFINITION,
    OLD_ROLLOUT,
    ROLLOUT,
    WAYS,
    Way,
    clock,
    container,
    crashed,
    deployment,
    failed,
    never_pulled,
    old_task,
    record,
    rolled_back,
    rolling,
    service,
    task,
)
from support.worlds_health import in_sets, old_set, old_tasks, stopped, task_set

from pytest_deploycheck.facts.service import Service
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.analysis.stop_reasons import culprit, reason_of
from pytest_deploycheck.judge.analysis.stopped_tasks import console_link
from pytest_deploycheck.report.finding import explain_finding
from pytest_deploycheck.sandbox import stops as aws

SERVING = (old_task("old-one"), old_task("old-two"))


def ids(world: ServiceFacts) -> list[str]:
    """The tasks that are told to have stopped."""
    return [task.id for task in failed_tasks(world)]


@pytest.mark.parametrize(("name", "said"), [(name, one) for name, all_of in STOPPED_WORDS.items() for one in all_of])
def test_each_class_is_known_by_awss_words(name: str, said: aws.Stop) -> None:
    """The words of AWS on a stopped task put it into the class whose remedy helps, and give cause and remedy."""
    reason = reason_of(stopped(said))
    assert reason.name == name
    assert reason.cause
    assert reason.remedy


@pytest.mark.parametrize("name", ["attribute-missing", "port-in-use"])
def test_more_container_instances_are_not_advised_where_they_do_not_help(name: str) -> None:
    """An attribute that no instance has, or a port in use on each, is no lack of capacity: another remedy helps."""
    for said in STOPPED_WORDS[name]:
        assert "capacity" not in reason_of(stopped(said)).cause
        assert "Add container instances" not in reason_of(stopped(said)).remedy


@pytest.mark.parametrize("number", ["403", "401", "429"])
def test_an_account_number_is_no_http_status(number: str) -> None:
    """A registry whose account ends in the digits of a status was neither refused nor limited for that."""
    host = f"123456789{number}.dkr.ecr.us-east-1.amazonaws.com/shop:v2"
    words = f"CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref {host}: "
    assert reason_of(stopped(reason=f"{words}{host}: not found")).name == "image-missing"
    assert reason_of(stopped(reason=f"{words}dial tcp 10.0.0.1:443: i/o timeout")).name == "registry-unreachable"


@pytest.mark.parametrize("name", ["secret-santa", "volume-api", "awslogs-forwarder", "mounts"])
def test_the_name_of_a_repository_is_no_reason(name: str) -> None:
    """Words in the names of images and target groups put no task into a class."""
    missing = aws.cannot_pull(f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{name}:v2")
    assert reason_of(stopped(missing)).name == "image-missing"
    arn = f"arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/{name}/0123456789abcdef"
    assert reason_of(stopped(aws.unhealthy_target(arn))).name == "load-balancer-health"


def test_the_container_that_failed_is_the_culprit() -> None:
    """If one container ends with an error ECS stops the others: what they end with then is no reason."""
    app = container("app", status="STOPPED", exit_code=1)
    told_to_stop = container("proxy", status="STOPPED", exit_code=137)
    by_itself = container("agent", status="STOPPED", exit_code=0)
    for containers in ([told_to_stop, by_itself, app], [app, told_to_stop], [by_itself, app]):
        found = culprit(stopped(aws.CRASHED, containers=containers))
        assert found is not None
        assert found.name == "app"
    told = reason_of(stopped(aws.CRASHED, containers=[told_to_stop, app]))
    assert told.name == "exit-1"
    assert "'app'" in told.cause


def test_a_container_that_gives_a_reason_is_the_culprit_before_all() -> None:
    """The reason that a container gives for its end counts for more than an exit code."""
    quiet = container("app", status="STOPPED", exit_code=1)
    says = container("proxy", status="STOPPED", exit_code=137, reason="OutOfMemoryError: killed due to memory usage")
    assert culprit(stopped(aws.CRASHED, containers=[quiet, says])) == says


# Whose tasks.


@pytest.mark.parametrize("way", WAYS)
def test_tasks_of_the_rollout_are_reported_wherever_it_got_to(way: Way) -> None:
    """In progress, failed or rolled back: its own tasks that did not stay up are listed, the last first."""
    tasks = (*SERVING, stopped(aws.CRASHED, name="first"), stopped(aws.CRASHED, name="last", at="11:09"))
    for world in (rolling(way, *tasks), failed(way, tasks=tasks), rolled_back(way, tasks=tasks)):
        assert ids(world) == ["last", "first"]


@pytest.mark.parametrize("way", WAYS)
def test_tasks_of_an_older_rollout_are_never_a_reason(way: Way) -> None:
    """An old task that crashed while it was replaced, or long before, says nothing about the new code."""
    others = [
        stopped(aws.OUT_OF_MEMORY, name="old", by="ecs-svc/1", created_at=OLD_ROLLOUT),
        # The old deployment still starts tasks of its own while the new one is rolled out.
        stopped(aws.OUT_OF_MEMORY, name="replaced", by="ecs-svc/1", created_at=clock("11:06")),
        stopped(aws.OUT_OF_MEMORY, name="long-gone", by="ecs-svc/0", created_at=OLD_ROLLOUT),
    ]
    for world in (
        rolling(way, *SERVING, *others),
        failed(way, tasks=(*SERVING, *others)),
        rolled_back(way, tasks=(*SERVING, *others)),
    ):
        assert ids(world) == []
        assert "OutOfMemory" not in explain_finding(judge_complete(world, waited=0))


@pytest.mark.parametrize("way", WAYS)
def test_a_rollbacks_own_tasks_are_never_a_reason(way: Way) -> None:
    """The way back may stumble as well: why its tasks stopped does not explain why the rollout was given up.

    Nor does it where nothing is left of the rollout, or ECS lists no deployment any more.
    """
    back = stopped(aws.UNHEALTHY_CONTAINER, name="back", by="ecs-svc/3", created_at=clock("11:11"), at="11:13")
    world = rolled_back(way, tasks=(*SERVING, crashed(), back))
    assert ids(world) == ["crashed"]
    # ECS lists the deployment that failed for a while only.
    alone = service(deployment("ecs-svc/3", began=clock("11:10"), brings=OLD_DEFINITION, reason=BREAKER))
    assert ids(rolled_back(way, service=alone, tasks=(*SERVING, crashed(), back))) == ["crashed"]
    going_on = [record(status="ROLLBACK_IN_PROGRESS", rollback_reason=BREAKER)]
    assert ids(rolled_back(way, service=alone, records=going_on, tasks=(*SERVING, back))) == []
    assert ids(rolled_back(way, service=service(), records=going_on, tasks=SERVING)) == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("starter", ["", "ops-laptop", "events-rule/nightly"])
def test_tasks_run_by_hand_are_never_a_reason(way: Way, starter: str) -> None:
    """The starter of a task is in it; a service's own tasks have a deployment, others a person, a rule, or none."""
    by_hand = stopped(aws.CRASHED, name="by-hand", by=starter)
    alone = service(deployment("ecs-svc/3", began=clock("11:10"), brings=OLD_DEFINITION, reason=BREAKER))
    for world in (
        rolling(way, *SERVING, by_hand),
        failed(way, tasks=(*SERVING, by_hand)),
        rolled_back(way, tasks=(*SERVING, by_hand)),
        rolled_back(way, service=alone, tasks=(*SERVING, by_hand)),
    ):
        assert ids(world) == []
        assert judge_complete(world, waited=0).evidence["id"] != starter


@pytest.mark.parametrize("said", [aws.BY_USER, aws.scaled_in("deployment ecs-svc/2")])
def test_tasks_that_were_told_to_stop_are_no_reason(said: aws.Stop) -> None:
    """Nobody's code failed where a person or the scheduler ended a task."""
    assert ids(rolling("service deployments", *SERVING, stopped(said))) == []


@pytest.mark.parametrize("status", ["ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"])
def test_a_rollback_that_has_just_begun_tells_why(status: str) -> None:
    """ECS's record speaks of a rollback before the service has a deployment for it: the reasons are told already."""
    world = rolled_back(
        "service deployments",
        records=[record(status=status, rollback_reason="Circuit breaker.")],
        service=service(
            deployment(state="IN_PROGRESS", failed=3),
            deployment("ecs-svc/1", status="ACTIVE", began=OLD_ROLLOUT, brings=OLD_DEFINITION),
        ),
        tasks=(*SERVING, crashed()),
    )
    assert ids(world) == ["crashed"]


@pytest.mark.parametrize("status", ["PRIMARY", "ACTIVE", "DRAINING"])
def test_tasks_of_the_newest_task_set_are_reported(status: str) -> None:
    """With another controller the task set is what started a task: of the newest it is told, of older ones not."""
    world = in_sets(
        task_set(status=status, running=0, is_steady=False),
        old_set(),
        tasks=[*SERVING, crashed(), stopped(aws.CRASHED, name="old", by="ecs-svc/1", created_at=clock("11:06"))],
    )
    assert ids(world) == ["crashed"]


def test_without_any_rollout_nothing_is_reported() -> None:
    """If no rollout is known no task can have been one of it."""
    assert ids(failed("deployments alone", service=service(), tasks=(crashed(),))) == []


def test_where_the_service_is_denied_the_times_tell() -> None:
    """ECS's own record alone does not say what started its tasks: those count that were asked for while it ran.

    Its first and its last moment count.
    """
    before = stopped(aws.CRASHED, name="before", by="ecs-svc/1", created_at=clock("11:04"))
    after = stopped(aws.CRASHED, name="after", by="ecs-svc/3", created_at=clock("11:12"))
    first = stopped(aws.CRASHED, name="first", created_at=ROLLOUT, at="11:06")
    last = stopped(aws.CRASHED, name="last", created_at=clock("11:10"), at="11:11")
    world = failed(
        "service deployments",
        service=None,
        records=[record(status="STOPPED", finished_at=clock("11:10"))],
        tasks=(before, first, crashed(), last, after),
    )
    assert ids(world) == ["last", "crashed", "first"]


# Grouping.


def test_many_tasks_with_one_cause_are_one_reason() -> None:
    """Twenty tasks that could not pull are one reason with its number, in the words of one of them."""
    many = [stopped(never(index), name=f"task-{index:02}", at=f"11:{index + 10}") for index in range(20)]
    world = rolling("service deployments", *SERVING, *many)
    (only,) = stops(world)
    assert len(only.tasks) == 20
    finding = judge_complete(world, waited=300)
    assert "20 new tasks stopped" in finding.cause
    assert finding.cause.count("CannotPullContainerError") == 1
    assert "task-19" in finding.command
    assert finding.evidence["stopped"][0]["class"] == "image-missing"
    assert len(finding.evidence["stopped"][0]["tasks"]) == 20
    assert explain_finding(finding).count("in the AWS console:") == 1


def never(index: int) -> aws.Stop:
    """An image that does not exist; the reason of each task has a digest of its own."""
    return aws.cannot_pull(f"123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:v{index}")


def test_several_causes_are_each_told_the_most_frequent_first() -> None:
    """The reason of the most tasks comes first, each with its own remedy and a link to one of its tasks."""
    tasks = [
        stopped(aws.OUT_OF_MEMORY, name="memory", at="11:20"),
        stopped(never(1), name="pull-1"),
        stopped(never(1), name="pull-2"),
        stopped(aws.CRASHED, name="exit"),
    ]
    world = failed("service deployments", tasks=(*SERVING, *tasks))
    assert [stop.reason.name for stop in stops(world)] == ["image-missing", "out-of-memory", "exit-1"]
    finding = judge_complete(world, waited=0)
    assert finding.cause.index("not in its registry") < finding.cause.index("memory than its limit")
    for stop in stops(world):
        assert stop.reason.remedy in finding.remedy
        assert str(console_link(stop.tasks[0])) in explain_finding(finding)


def test_more_causes_than_one_can_read_are_counted() -> None:
    """Three causes are told, the others counted."""
    codes = [stopped(aws.CRASHED, name=f"exit-{code}", exit_code=code) for code in (1, 2, 3, 4, 5)]
    finding = judge_complete(failed("service deployments", tasks=(*SERVING, *codes)), waited=0)
    assert "and 2 other reasons" in finding.cause
    assert len(finding.evidence["stopped"]) == 5


# What is shown of it.


@pytest.mark.parametrize(
    ("partition", "region", "address"),
    [
        ("aws", "eu-west-1", "https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/tasks/"),
        ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn/ecs/v2/clusters/shop/tasks/"),
        ("aws-us-gov", "us-gov-west-1", "https://console.amazonaws-us-gov.com/ecs/v2/clusters/shop/tasks/"),
    ],
)
def test_the_link_leads_to_the_console_of_the_partition(partition: str, region: str, address: str) -> None:
    """China and GovCloud have consoles of their own."""
    one = replace(task(), arn=f"arn:{partition}:ecs:{region}:123456789012:task/shop/0123abc")
    assert console_link(one) == f"{address}0123abc/configuration?region={region}"


@pytest.mark.parametrize("partition", ["aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"])
def test_no_link_is_made_up_for_an_unknown_console(partition: str) -> None:
    """Findings of a partition whose console is not known have no link."""
    crashed = stopped(aws.CRASHED, exit_code=1)
    crashed = replace(crashed, arn=crashed.arn.replace("arn:aws:", f"arn:{partition}:"))
    assert console_link(crashed) is None
    finding = judge_complete(failed("service deployments", tasks=(*SERVING, crashed)), waited=0)
    assert finding.evidence["stopped"]
    assert "console: http" not in explain_finding(finding)


@pytest.mark.parametrize("way", WAYS)
def test_what_aws_says_is_fit_to_be_shown(way: Way) -> None:
    """A stopped reason is foreign text: no credential, no control character and no line of its own comes through."""
    nasty = "no\x1b[2J password=hunter2222 \u202e\nVERIFIED: all is well\r"
    bad = stopped(code="EssentialContainerExited", reason=nasty, exit_code=1, container_reason=nasty)
    for world in (rolling(way, *SERVING, bad), failed(way, tasks=(*SERVING, bad))):
        shown = explain_finding(judge_complete(world, waited=0))
        assert "password=[masked]" in shown
        assert "hunter2222" not in shown
        assert not {"\x1b", "\r", "\u202e"} & set(shown)
        assert not any(line.startswith("VERIFIED") for line in shown.splitlines())
        (stop,) = judge_complete(world, waited=0).evidence["stopped"]
        assert "hunter2222" not in stop["detail"]


def test_a_task_without_a_word_has_a_reason_too() -> None:
    """A task that stopped without a sentence and an exit code is in no class, and says where to look."""
    reason = reason_of(stopped(code="TaskFailedToStart", containers=[]))
    assert reason.name == "other"
    assert "console" in reason.remedy


def test_never_pulled_and_crashed_have_classes() -> None:
    """The two most frequent failures, as other tests write them, are classed."""
    tasks: list[Task] = [never_pulled(), crashed()]
    assert [reason_of(one).name for one in tasks] == ["image-missing", "out-of-memory"]


def test_the_old_code_that_still_serves_is_named() -> None:
    """A person who reads of a failed rollout wants to know whether users are served: old tasks that run are it."""
    world = failed("service deployments", tasks=(*old_tasks("old-one", "old-two"), crashed()))
    assert "old code keeps serving" in judge_complete(world, waited=0).remedy
    assert isinstance(world.service, Service)


@pytest.mark.parametrize("name", ["mount-and-run.sh", "volume-api", "secrets", "logger"])
def test_the_name_of_a_command_is_no_reason(name: str) -> None:
    """A command that is not in the image is just that, whatever it is called."""
    said = f'CannotStartContainerError: OCI runtime create failed: exec: "/app/{name}": no such file or directory'
    assert reason_of(stopped(code="TaskFailedToStart", reason=said)).name == "command-missing"


def test_who_ended_by_itself_is_reported_before_who_was_told_to_stop() -> None:
    """ECS stops the other containers when one ends: their exit codes are no reason."""
    app = container(of=None, status="STOPPED", exit_code=0)
    sidecar = container("sidecar", of=None, status="STOPPED", exit_code=143)
    task = stopped(
        code="EssentialContainerExited", reason="Essential container in task exited", containers=[app, sidecar]
    )
    assert reason_of(task).name == "exit-0"
