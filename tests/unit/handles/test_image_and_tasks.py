from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.worlds import (
    FOR_AMD64,
    INDEX_CHILDREN,
    LATER,
    NEW,
    OLD,
    PUSHED,
    STARTED,
    completed,
    container,
    denied,
    digest,
    draining,
    found,
    gone,
    image,
    judged,
    never_restarted,
    old_task,
    reference,
    task,
)

from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.image import Layer
from pytest_deploycheck.facts.snapshot import Lookup, ServiceFacts
from pytest_deploycheck.facts.task import DefinedContainer, DefinedTask
from pytest_deploycheck.handles.image import KnownDigests, deployed_image
from pytest_deploycheck.handles.tasks import running_tasks


def test_the_expected_image() -> None:
    """The image tells its place, tag, digest, push time, tags and layers; its uri is one that nothing can move."""
    expected = deployed_image(completed())
    assert expected.uri == f"123456789012.dkr.ecr.us-east-1.amazonaws.com/shop@{NEW}"
    assert (expected.repository, expected.tag, expected.digest, expected.pushed_at) == ("shop", "v2", NEW, PUSHED)
    assert list(expected.tags) == ["v2"]
    assert list(expected.layers) == [Layer(digest("f"), 100)]
    assert "shop:v2" in repr(expected)
    assert NEW[:19] in repr(expected)


def test_an_image_that_is_not_there_fails_the_test() -> None:
    """A tag that is not in the registry fails what uses it, by name: that is known, so it is not unproven."""
    with pytest.raises(AssertionError) as caught:
        deployed_image(completed(judged=[judged(gone("tag"))]))
    assert not isinstance(caught.value, UnprovenError)
    assert "v2" in str(caught.value)


def test_a_tag_that_is_gone_leaves_its_image() -> None:
    """The tag is gone and its digest still there: the image is the one that ECS recorded."""
    lookup = Lookup(reference(), image=image(), absent="tag", recorded=True)
    assert deployed_image(completed(judged=[judged(lookup)])).digest == NEW


def test_a_denied_registry_is_unproven() -> None:
    """If the registry may not be asked the image is unproven, with the action to allow."""
    lookup = Lookup(reference(), problem=denied("ecr:DescribeImages"))
    with pytest.raises(UnprovenError, match="ecr:DescribeImages"):
        deployed_image(completed(judged=[judged(lookup)]))


def test_pull_rights_alone_give_the_image_without_its_time() -> None:
    """If only pulling is allowed the image is there, and when it was pushed is not known."""
    lookup = Lookup(reference(), image=image(pushed_at=None), problem=denied("ecr:DescribeImages"))
    expected = deployed_image(completed(judged=[judged(lookup)]))
    assert (expected.digest, expected.pushed_at) == (NEW, None)


def two_containers() -> ServiceFacts:
    """Both containers of the tasks are judged, and none was named."""
    both = [container(), container("worker", LATER)]
    worker = judged(found(LATER, named=reference(repository="worker")), container="worker")
    return completed(judged=[judged(), worker], tasks=[task("one", containers=both)])


def test_several_containers_ask_for_one_to_be_named() -> None:
    """If several containers are judged it is not known whose image is asked for: both are listed, and the key."""
    for ask in (deployed_image, running_tasks):
        with pytest.raises(UnprovenError) as caught:
            ask(two_containers())
        for word in ("app", "worker", "container ="):
            assert word in str(caught.value)


def test_no_container_is_unproven() -> None:
    """If no container with a known image was found the image is unproven."""
    with pytest.raises(UnprovenError):
        deployed_image(completed(judged=[]))


def test_running_tasks_are_a_sequence() -> None:
    """The running tasks come with id, digest, start, health and containers; draining ones are not among them."""
    tasks = running_tasks(completed(tasks=[task("one", health="HEALTHY"), old_task("two"), draining("three")]))
    assert len(tasks) == 2
    assert [one.id for one in tasks] == ["one", "two"]
    first = tasks[0]
    assert (first.image_digest, first.started_at, first.health) == (NEW, STARTED, "HEALTHY")
    assert list(first.containers) == ["app"]
    assert first.containers["app"].digest == NEW
    assert tasks[-1].id == "two"
    assert [one.id for one in tasks[:1]] == ["one"]
    assert set(tasks.digests) == {NEW, OLD}
    assert repr(tasks).startswith("<2 running tasks: ")
    assert "one" in repr(tasks)


DEFINITION = DefinedTask(
    "arn:aws:ecs:us-east-1:123456789012:task-definition/shop:7",
    family="shop",
    revision=7,
    cpu=256,
    memory=512,
    containers={"app": DefinedContainer({"MODE": "prod"}, {"DB_PASSWORD": "arn:aws:ssm:us-east-1:1:parameter/db"})},
)


def test_the_containers_of_a_task() -> None:
    """A container has image, digest, environment and where its secrets come from; no representation shows a value."""
    tasks = running_tasks(completed(tasks=[task("one")]), lambda _: DEFINITION)
    assert repr(tasks).startswith("<1 running task: ")
    (one,) = tasks
    app = one.containers["app"]
    assert (app.name, app.digest, app.status) == ("app", NEW, "RUNNING")
    assert app.environment["MODE"] == "prod"
    assert dict(app.secrets) == {"DB_PASSWORD": "arn:aws:ssm:us-east-1:1:parameter/db"}
    assert "DEBUG" not in app.environment
    assert (one.definition.family, one.definition.revision) == ("shop", 7)
    assert (one.definition.cpu, one.definition.memory) == (256, 512)
    shown = f"{one!r} {app!r} {app.environment!r} {one.definition!r} {one.definition.containers!r}"
    assert repr(one.containers) == f"<1 containers: {app!r}>"
    assert "prod" not in shown
    assert "MODE" in shown


def test_names_like_the_missing_one_are_shown() -> None:
    """A container or variable that does not exist is an error with the nearest name."""
    (one,) = running_tasks(completed(tasks=[task("one")]), lambda _: DEFINITION)
    with pytest.raises(KeyError, match="did you mean 'app'"):
        _ = one.containers["apps"]
    with pytest.raises(KeyError, match="did you mean 'MODE'"):
        _ = one.containers["app"].environment["MODES"]


def test_a_variable_may_come_from_a_file() -> None:
    """With environment files in S3 a variable that the definition does not set is not known to be missing."""
    files = ("arn:aws:s3:::shop/prod.env",)
    definition = replace(DEFINITION, containers={"app": DefinedContainer({"MODE": "prod"}, files=files)})
    (one,) = running_tasks(completed(tasks=[task("one")]), lambda _: definition)
    assert one.containers["app"].environment["MODE"] == "prod"
    with pytest.raises(UnprovenError, match=r"shop/prod\.env"):
        assert "DEBUG" not in one.containers["app"].environment


def test_the_settings_of_a_managed_sidecar_are_not_known() -> None:
    """A container that ECS adds is not in the task definition, so its environment is unproven, not empty."""
    both = [container(), container("guard", LATER)]
    (one,) = running_tasks(completed(tasks=[task("one", containers=both)]), lambda _: DEFINITION)
    with pytest.raises(UnprovenError, match="shop:7 has no container 'guard'"):
        _ = one.containers["guard"].environment


def test_no_running_task_is_an_empty_sequence() -> None:
    """With nothing running the sequence is empty, and no comparison of its digests can come out true by that."""
    tasks = running_tasks(completed(tasks=[]))
    assert len(tasks) == 0
    with pytest.raises(UnprovenError, match="no task runs"):
        _ = tasks.digests


def test_denied_tasks_are_unproven() -> None:
    """Tasks that may not be listed are unproven, with the action to allow, and not simply none."""
    with pytest.raises(UnprovenError, match="ecs:ListTasks"):
        running_tasks(completed(tasks=None, problems={"tasks": denied("ecs:ListTasks")}))


def test_a_task_without_a_digest_leaves_the_set_unknown() -> None:
    """A digest that ECS does not tell is None on the task; the set of all digests is not known then."""
    tasks = running_tasks(completed(tasks=[task("one"), task("two", None)]))
    assert tasks[1].image_digest is None
    with pytest.raises(UnprovenError, match="two"):
        _ = tasks.digests


def test_the_digests_of_a_sidecar_are_not_asked_for() -> None:
    """The digest of a task is that of its judged container, not of a sidecar."""
    both = [container("proxy", LATER), container()]
    tasks = running_tasks(completed(tasks=[task("one", containers=both)]))
    assert tasks[0].image_digest == NEW
    assert set(tasks.digests) == {NEW}


@pytest.mark.parametrize("shown", [NEW, FOR_AMD64])
def test_the_digest_of_an_index_or_of_its_platform(shown: str) -> None:
    """Tasks may show the index or its manifest for their platform: both are digests of the expected image."""
    world = completed(judged=[judged(found(children=INDEX_CHILDREN))], tasks=[task("one", shown)])
    assert running_tasks(world).digests <= deployed_image(world).digests


def test_stale_digests_are_not_those_of_the_image() -> None:
    """Tasks that were never restarted show other digests than the image has."""
    world = never_restarted()
    assert not running_tasks(world).digests <= deployed_image(world).digests
    assert running_tasks(world).digests != deployed_image(world).digests


def test_digests_compare_like_any_set() -> None:
    """A set of digests is a frozenset to whoever compares it, and says whose it is to whoever reads it."""
    digests = KnownDigests([NEW, OLD], owner="running_tasks", known={NEW: " (pushed today)"})
    assert digests == frozenset([OLD, NEW])
    assert hash(digests) == hash(frozenset([OLD, NEW]))
    assert {OLD} < digests
    assert "running_tasks" in repr(digests)
    assert NEW[:19] in repr(digests)
    described = digests.describe()
    assert any(NEW in line and "pushed today" in line for line in described)
    assert any(OLD in line for line in described)


def test_digests_say_when_their_image_was_pushed() -> None:
    """Compared images are shown with their push times, for both sides."""
    world = never_restarted()
    for digests, pushed_at in ((deployed_image(world).digests, "11:00:00"), (running_tasks(world).digests, "08:00:00")):
        assert isinstance(digests, KnownDigests)
        assert pushed_at in "\n".join(digests.describe())


COMMIT = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432"


@pytest.mark.parametrize(
    ("revision", "tags", "is_of"),
    [
        (COMMIT, (), True),
        (COMMIT[:7], (), True),
        (COMMIT.upper(), (), True),
        (None, (COMMIT[:8],), True),
        (None, ("latest", f"v1.2-{COMMIT[:12]}-arm64"), True),
        (None, (f"v1.2-3-g{COMMIT[:9]}",), True),
        (None, (COMMIT[:6],), False),
        (None, (f"1{COMMIT[:7]}",), False),
        (None, (f"{COMMIT[:7]}f",), False),
        ("1a2b3c4", ("latest",), False),
        (None, (), False),
    ],
)
def test_the_commit_of_an_image(revision: str | None, tags: tuple[str, ...], is_of: bool) -> None:  # noqa: FBT001 - a case
    """The label and the tags are compared with a commit, by at least its first seven digits."""
    image = replace(deployed_image(completed()), revision=revision, tags=tags, tag=None)
    assert image.is_of_commit(COMMIT) is is_of
    assert image.is_of_commit(COMMIT[:7]) is is_of or not is_of


@pytest.mark.parametrize("commit", ["", "9f8e7d", "main", "v1.2.3"])
def test_a_commit_must_be_one(commit: str) -> None:
    """A branch, a version or too few digits are not compared: the answer would mean nothing."""
    with pytest.raises(ValueError, match="expected a commit of 7 to 64 hexadecimal digits"):
        deployed_image(completed()).is_of_commit(commit)


def test_a_task_definition_that_nobody_read_is_unproven() -> None:
    """The settings of a task are not known where its definition is not looked up."""
    (one,) = running_tasks(completed(tasks=[task("one")]))
    with pytest.raises(UnprovenError, match=r"task-definition/shop:8 was not read"):
        _ = one.containers["app"].environment
    with pytest.raises(UnprovenError, match="was not read"):
        _ = one.definition
