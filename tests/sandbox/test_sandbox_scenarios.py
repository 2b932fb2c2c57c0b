from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from pytest_deploycheck.sandbox import Sandbox
from pytest_deploycheck.sandbox.scenarios import SCENARIOS, build

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP = "/ecs/content-marketing-swarm-dev-backend"
NEW = "2025.11.26-1"

_SESSION = boto3.Session(aws_access_key_id="key", aws_secret_access_key="secret", region_name="us-east-1")


class World:
    """A scenario, read with boto3."""

    def __init__(self, name: str, aws: Sandbox) -> None:
        self.name = name
        self.config = build(name, aws)
        self.backend = self.config["services"]["backend"]
        self.ecs = _SESSION.client("ecs", endpoint_url=aws.endpoint_url)
        self.ecr = _SESSION.client("ecr", endpoint_url=aws.endpoint_url)
        self.logs = _SESSION.client("logs", endpoint_url=aws.endpoint_url)

    def service(self) -> Any:
        """Return the service as described."""
        answer = self.ecs.describe_services(cluster=self.config["cluster"], services=[self.backend["service"]])
        return answer["services"][0]

    def tasks(self) -> list[Any]:
        """Return the running tasks as described."""
        arns = self.ecs.list_tasks(cluster=self.config["cluster"], serviceName=self.backend["service"])
        return self.ecs.describe_tasks(cluster=self.config["cluster"], tasks=arns["taskArns"])["tasks"]

    def digests(self) -> list[str]:
        """Return the digest of each running task, sorted."""
        return sorted(task["containers"][0]["imageDigest"] for task in self.tasks())

    def image(self, tag: str, repository: str = "content-marketing-swarm-dev-backend") -> str:
        """Return the digest of a tag."""
        found = self.ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
        return found["imageDetails"][0]["imageDigest"]

    def events(self, task: Any) -> list[Any]:
        """Return the log events of a task."""
        prefix = f"ecs/app/{task['taskArn'].rpartition('/')[2]}"
        return self.logs.filter_log_events(logGroupName=GROUP, logStreamNamePrefix=prefix)["events"]

    def lines(self, task: Any) -> list[str]:
        """Return the messages that a task has logged."""
        return [event["message"] for event in self.events(task)]


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Return the scenario the test is parametrized with."""
    with Sandbox() as aws:
        yield World(request.param, aws)


def of(*names: str) -> pytest.MarkDecorator:
    """Parametrize a test with scenarios."""
    return pytest.mark.parametrize("world", names, indirect=True)


def has_old_format(lines: list[str]) -> bool:
    """Return True if a line has the old format."""
    return any("platform='linkedin'" in line for line in lines)


def has_new_format(lines: list[str]) -> bool:
    """Return True if a line has the new format."""
    return any("Found 3 platform sections" in line for line in lines)


@of(*SCENARIOS)
def test_every_scenario_has_the_configuration_of_an_environment(world: World) -> None:
    """Cluster, service and container of the table exist, and it has the seven expectations."""
    assert set(world.config) == {"region", "cluster", "log_settle", "services"}
    assert set(world.backend) - {"alarms", "error_rate", "image"} == {"service", "container", "logs"}
    assert len(world.backend["logs"]) == 7
    assert world.service()["desiredCount"] == 2
    assert world.name == "stale" or world.backend["image"].endswith(f":{NEW}")
    (task, *_) = world.tasks()
    assert task["containers"][0]["name"] == world.backend["container"]
    tag = "9f8e7d6" if world.name == "stale" else "latest"
    assert task["containers"][0]["image"].endswith(f"/content-marketing-swarm-dev-backend:{tag}")
    assert SCENARIOS[world.name].description.endswith(".")


@of("stale")
def test_stale(world: World) -> None:
    """No image is named; both tasks run the image of the task definition, and a newer one was pushed."""
    assert "image" not in world.backend
    assert world.digests() == [world.image("9f8e7d6")] * 2
    assert world.image("1a2b3c4") not in world.digests()


@of("healthy")
def test_healthy(world: World) -> None:
    """Both tasks run the image; their lines meet every expectation once the late ones have arrived."""
    assert world.digests() == [world.image(NEW)] * 2
    assert world.service()["deployments"][0]["rolloutState"] == "COMPLETED"
    tasks = world.tasks()
    while len({len(world.lines(task)) for task in tasks}) > 1 or not world.lines(tasks[0]):
        time.sleep(0.05)
    delayed = [any(event["ingestionTime"] > event["timestamp"] for event in world.events(task)) for task in tasks]
    assert sorted(delayed) == [False, True]
    for task in tasks:
        text = "\n".join(world.lines(task))
        for expectation in world.backend["logs"]:
            if "expect" in expectation:
                assert expectation["expect"] in text
            elif "expect_regex" in expectation:
                assert len(re.findall(expectation["expect_regex"], text)) == expectation["count"]
            elif "forbid" in expectation:
                assert expectation["forbid"] not in text
            else:
                first, second = expectation["sequence"]
                assert -1 < text.index(first) < text.index(second)


@of("nothing-deployed")
def test_nothing_deployed(world: World) -> None:
    """The tag does not exist; yesterday's tasks log the old format."""
    with pytest.raises(world.ecr.exceptions.ImageNotFoundException):
        world.image(NEW)
    assert world.digests() == [world.image("latest")] * 2
    assert all(has_old_format(world.lines(task)) for task in world.tasks())


@of("cached-layer")
def test_cached_layer(world: World) -> None:
    """Both tasks run the new digest and log the old format."""
    assert world.image(NEW) != world.image("2025.11.25-1")
    assert world.digests() == [world.image(NEW)] * 2
    assert all(has_old_format(lines) and not has_new_format(lines) for lines in map(world.lines, world.tasks()))


@of("not-restarted")
def test_not_restarted(world: World) -> None:
    """The image exists; the tasks and the only rollout are older."""
    assert world.image("latest") == world.image(NEW)
    assert world.digests() == [world.image("2025.11.25-1")] * 2
    pushed = world.ecr.describe_images(
        repositoryName="content-marketing-swarm-dev-backend", imageIds=[{"imageTag": NEW}]
    )["imageDetails"][0]["imagePushedAt"]
    assert all(deployment["createdAt"] < pushed for deployment in world.service()["deployments"])


@of("half-rolled-out")
def test_half_rolled_out(world: World) -> None:
    """One new task runs beside two old ones, while the rollout is in progress."""
    assert world.digests() == sorted([world.image(NEW), *[world.image("2025.11.25-1")] * 2])
    assert world.service()["deployments"][0]["rolloutState"] == "IN_PROGRESS"


@of("rolled-back")
def test_rolled_back(world: World) -> None:
    """The service is stable on yesterday's image, and ECS has the reason."""
    assert world.digests() == [world.image("2025.11.25-1")] * 2
    (deployment,) = world.service()["deployments"]
    assert deployment["rolloutState"] == "COMPLETED"
    assert "circuit breaker: rolling back" in deployment["rolloutStateReason"]
    stopped = world.ecs.list_tasks(cluster=world.config["cluster"], desiredStatus="STOPPED")["taskArns"]
    codes = [
        (task["stopCode"], task["containers"][0]["exitCode"])
        for task in world.ecs.describe_tasks(cluster=world.config["cluster"], tasks=stopped)["tasks"]
    ]
    assert codes.count(("EssentialContainerExited", 1)) == 3


@of("wrong-repository")
def test_wrong_repository(world: World) -> None:
    """The image is in the other repository; a rollout after the push started yesterday's image again."""
    assert world.backend["image"] == f"content-marketing-swarm-backend:{NEW}"
    assert world.image(NEW, "content-marketing-swarm-backend")
    assert world.digests() == [world.image("2025.11.25-1")] * 2
    assert all(has_old_format(world.lines(task)) for task in world.tasks())


@of("silent")
def test_silent(world: World) -> None:
    """Both tasks run the image; neither has a stream; yesterday's lines exist."""
    assert world.digests() == [world.image(NEW)] * 2
    assert [world.lines(task) for task in world.tasks()] == [[], []]
    assert world.logs.filter_log_events(logGroupName=GROUP)["events"]


@of("old-format")
def test_old_format(world: World) -> None:
    """Both tasks run the image and log the expected lines, and the old format as well."""
    assert world.digests() == [world.image(NEW)] * 2
    assert all(has_old_format(lines) and has_new_format(lines) for lines in map(world.lines, world.tasks()))


def test_an_unknown_scenario_is_named() -> None:
    """The message lists the scenarios."""
    with pytest.raises(LookupError, match="The scenarios: healthy, nothing-deployed"):
        build("nope", Sandbox())
