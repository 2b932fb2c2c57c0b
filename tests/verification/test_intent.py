"""The expected image over HTTP: images found by the commit, and what is newer in a repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.sandbox import SandboxContainer

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox import SandboxService
    from verification.conftest import Room

COMMIT = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
EARLIER = "9f8e7d6"
NO_LOGS = {"require": ["image", "rollout", "tasks"]}


@pytest.fixture(autouse=True)
def _at_the_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run outside of any checkout, in a CI that names the commit."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_SHA", "CI_COMMIT_SHA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CI_COMMIT_SHA", COMMIT)


def running(room: Room, tag: str = EARLIER) -> SandboxService:
    """Run an image for a week."""
    room.aws.push_image(f"shop:{tag}", {"app": "earlier"}, at=room.ago(10080))
    return room.aws.create_service("shop", cluster="shop", image=f"shop:{tag}", at=room.ago(10070))


@pytest.mark.parametrize(
    ("own", "tag"),
    [
        (EARLIER, COMMIT[:7]),
        (EARLIER, COMMIT),
        ("latest", f"sha-{COMMIT[:12]}"),
        ("latest", f"v1.2-{COMMIT[:8]}"),
        ("main-9f8e7d6-arm64", f"main-{COMMIT[:7]}-arm64"),
    ],
)
def test_the_image_of_the_commit_is_expected(room: Room, own: str, tag: str) -> None:
    """An image tagged with the commit was pushed and never rolled out: NOT_STARTED, though no image was named."""
    running(room, own)
    room.aws.push_image(f"shop:{tag}", {"app": "new"}, at=room.ago(5))
    seen = room.verify(image=None, environment=NO_LOGS)
    assert (str(seen.report.verdict), seen.report.broken_link, seen.outcome) == ("REFUTED", "rollout", "NOT_STARTED")
    assert seen.statuses["image-intended"] == "pass"
    assert seen.statuses["tasks-run-image"] == "fail"


def test_the_image_of_the_commit_that_runs_is_verified(room: Room) -> None:
    """The commit's image was rolled out: nothing needs to be named."""
    service = running(room)
    room.aws.push_image(f"shop:{COMMIT[:7]}", {"app": "new"}, at=room.ago(5))
    service.roll_out(f"shop:{COMMIT[:7]}", at=room.ago(4))
    seen = room.verify(image=None, environment=NO_LOGS)
    assert str(seen.report.verdict) == "VERIFIED"
    assert seen.finding("image-intended").evidence["by"] == "commit"


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ([], "no tag holds the commit"),
        ([f"debug-{COMMIT[:7]}"], "a build for another purpose"),
        ([COMMIT[:7], f"sha-{COMMIT[:7]}"], "two images fit"),
    ],
)
def test_without_one_image_of_the_commit_the_intent_is_open(room: Room, tags: list[str], why: str) -> None:
    """Nothing ties what the task definition names: unproven, whatever else holds."""
    running(room)
    for number, tag in enumerate(tags):
        room.aws.push_image(f"shop:{tag}", {"app": f"new {number}"}, at=room.ago(5))
    seen = room.verify(image=None, environment=NO_LOGS)
    assert (str(seen.report.verdict), seen.report.broken_link) == ("UNPROVEN", "image"), why
    assert seen.statuses["image-intended"] == "unproven"
    assert seen.outcome == "COMPLETED"


def test_several_tags_of_one_image_are_one(room: Room) -> None:
    """The same image tagged in two ways with the commit is the expected one."""
    running(room)
    room.aws.push_image(f"shop:{COMMIT[:7]}", {"app": "new"}, tags=[f"sha-{COMMIT}"], at=room.ago(5))
    assert room.verify(image=None, environment=NO_LOGS).outcome == "NOT_STARTED"


def test_a_role_that_may_only_pull_finds_the_image_too(room: Room) -> None:
    """If the tags cannot be listed, the usual ones are requested by name."""
    running(room)
    room.aws.push_image(f"shop:git-{COMMIT[:7]}", {"app": "new"}, at=room.ago(5))
    room.aws.deny("ecr:DescribeImages")
    seen = room.verify(image=None, environment=NO_LOGS)
    assert seen.statuses["image-intended"] == "pass"
    assert seen.statuses["tasks-run-image"] == "fail"
    asked = [one for call in seen.parameters("ecr:BatchGetImage") for one in call["imageIds"]]
    assert {"imageTag": f"git-{COMMIT[:7]}"} in asked


def test_the_commit_does_not_count_where_the_task_definition_is_the_intent(room: Room) -> None:
    """With `intent = "task-definition"` only drift from it is found, and the check is skipped."""
    running(room)
    room.aws.push_image(f"shop:{COMMIT[:7]}", {"app": "new"}, at=room.ago(5))
    seen = room.verify(image=None, environment={**NO_LOGS, "intent": "task-definition"})
    assert str(seen.report.verdict) == "VERIFIED"
    assert str(seen.finding("image-intended").status) == "skip"


def test_an_image_that_was_named_counts_before_the_commit(room: Room) -> None:
    """The configuration names another image than that of the commit: that is the expected one."""
    running(room)
    room.aws.push_image(f"shop:{COMMIT[:7]}", {"app": "new"}, at=room.ago(5))
    seen = room.verify(image=f"shop:{EARLIER}", environment=NO_LOGS)
    assert str(seen.report.verdict) == "VERIFIED"
    assert seen.finding("image-intended").evidence["by"] == "name"


def sidecar(room: Room, *, tagged: str, is_essential: bool = True, app: str = COMMIT[:7]) -> None:
    """Run an image, that of the commit, beside a proxy of the same account, whose repository holds some tag."""
    room.aws.push_image("proxy:1.27", {"proxy": "1"}, tags=[tagged], at=room.ago(90))
    room.aws.push_image(f"shop:{app}", {"app": "new"}, at=room.ago(70))
    containers = [
        SandboxContainer(name="app", image=f"shop:{app}"),
        SandboxContainer(name="proxy", image="proxy:1.27", essential=is_essential),
    ]
    room.aws.create_service("shop", cluster="shop", containers=containers, at=room.ago(60))


def test_only_containers_whose_repository_holds_the_commit_are_judged(room: Room) -> None:
    """A proxy from the same account has no image of the commit, and is not judged."""
    sidecar(room, tagged="stable")
    seen = room.verify(image=None, environment=NO_LOGS)
    assert [one.container for one in seen.service.facts.judged] == ["app"]
    assert str(seen.report.verdict) == "VERIFIED"


def test_a_container_whose_repository_is_ambiguous_stays_judged(room: Room) -> None:
    """Two images of the proxy fit the commit: which was to be shipped is open, and is not passed over."""
    sidecar(room, tagged=COMMIT)
    room.aws.push_image(f"proxy:{COMMIT[:7]}", {"proxy": "2"}, at=room.ago(5))
    seen = room.verify(image=None, environment=NO_LOGS)
    assert [one.container for one in seen.service.facts.judged] == ["app", "proxy"]


def test_what_was_pushed_later_withholds_a_tie_by_time(room: Room) -> None:
    """`--deploy-pushed-after` ties the newest image of the repository, and no other."""
    running(room)
    room.aws.push_image("shop:5e6f708", {"app": "later"}, at=room.ago(60))
    seen = room.verify(image=None, environment=NO_LOGS, pushed_after="30d")
    assert seen.statuses["image-pushed"] == "pass"
    finding = seen.finding("image-intended")
    assert str(finding.status) == "unproven"
    assert "5e6f708" in finding.summary
    room.aws.delete_image("shop:5e6f708")
    assert str(room.verify(image=None, environment=NO_LOGS, pushed_after="30d").report.verdict) == "VERIFIED"


def test_a_signature_is_not_a_newer_image(room: Room) -> None:
    """Artifacts that tools attach to an image in its repository are not expected images."""
    image = room.aws.push_image("shop:stable", {"app": "1"}, at=room.ago(90))
    room.aws.create_service("shop", cluster="shop", image="shop:stable", at=room.ago(60))
    room.aws.push_image(f"shop:{image.digest.replace(':', '-')}.sig", {"signature": "x"}, at=room.ago(50))
    seen = room.verify(image=None, environment=NO_LOGS, pushed_after="2h")
    assert seen.statuses["image-intended"] == "pass"


def test_what_is_newer_cannot_be_told_where_the_list_is_denied(room: Room) -> None:
    """Without ecr:DescribeImages a digest that was named is tied, and a tie by content is not."""
    image = room.aws.push_image("shop:stable", {"app/main.py": "1"}, at=room.ago(90))
    room.aws.create_service("shop", cluster="shop", image="shop:stable", at=room.ago(60))
    room.aws.deny("ecr:DescribeImages")
    assert room.verify(image=image.digest, environment=NO_LOGS).statuses["image-intended"] == "pass"
    assert room.verify(image=None, environment=NO_LOGS).statuses["image-intended"] == "unproven"


@pytest.mark.parametrize(("excluded", "status"), [(["stable*"], "unproven"), (["latest"], "pass")])
def test_tags_that_are_excluded_from_immutability_move(room: Room, excluded: list[str], status: str) -> None:
    """A repository with immutable tags may let some of them be moved."""
    room.aws.push_image("shop:stable", {"app": "1"}, at=room.ago(90))
    room.aws.create_service("shop", cluster="shop", image="shop:stable", at=room.ago(60))
    room.aws.set_tag_mutability("shop", "IMMUTABLE_WITH_EXCLUSION", excluded=excluded)
    assert room.verify(image="shop:stable", environment=NO_LOGS).statuses["image-intended"] == status


def test_a_bare_tag_of_a_container_that_is_not_essential(room: Room) -> None:
    """Only the proxy's repository holds the tag: the proxy is judged; where it runs another image it is refuted."""
    sidecar(room, tagged="stable", is_essential=False)
    seen = room.verify(image="1.27", environment=NO_LOGS)
    assert [one.container for one in seen.service.facts.judged] == ["proxy"]
    assert str(seen.report.verdict) == "VERIFIED"
    room.aws.push_image("proxy:1.28", {"proxy": "2"}, at=room.ago(5))
    assert str(room.verify(image="1.28", environment=NO_LOGS).report.verdict) == "REFUTED"


@pytest.mark.parametrize(("own", "verdict"), [(EARLIER, "REFUTED"), (COMMIT[:7], "VERIFIED")])
def test_a_container_that_is_not_essential_with_an_image_of_the_commit(room: Room, own: str, verdict: str) -> None:
    """A worker that pulls from the repository which holds the commit's image has to run it as well."""
    room.aws.push_image(f"shop:{EARLIER}", {"app": "earlier"}, at=room.ago(10080))
    room.aws.push_image(f"shop:{COMMIT[:7]}", {"app": "new"}, at=room.ago(70))
    containers = [
        SandboxContainer(name="app", image=f"shop:{COMMIT[:7]}"),
        SandboxContainer(name="worker", image=f"shop:{own}", essential=False),
    ]
    room.aws.create_service("shop", cluster="shop", containers=containers, at=room.ago(60))
    seen = room.verify(image=None, environment=NO_LOGS)
    assert str(seen.report.verdict) == verdict


def test_a_sidecar_alone_does_not_stand_for_the_commit(room: Room) -> None:
    """Only the repository of a proxy that is not essential holds the commit's image: the application stays judged."""
    sidecar(room, tagged=COMMIT[:7], is_essential=False, app=EARLIER)
    seen = room.verify(image=None, environment=NO_LOGS)
    assert [one.container for one in seen.service.facts.judged] == ["app"]
    assert str(seen.report.verdict) == "UNPROVEN"
