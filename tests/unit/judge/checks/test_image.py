from __future__ import annotations

from datetime import timedelta

import pytest
from support.judging import judge_complete, judge_exists, judge_pushed, judge_repository, judge_run_image
from support.worlds import (
    LATER,
    NEW,
    OLD,
    PUSHED,
    WAYS,
    Way,
    clock,
    completed,
    definition,
    denied,
    facts,
    found,
    gone,
    image,
    judged,
    reference,
    revision,
    task,
)

from pytest_deploycheck.facts.image import Reference
from pytest_deploycheck.facts.service import ContainerDefinition
from pytest_deploycheck.facts.snapshot import Lookup
from pytest_deploycheck.judge.finding import Finding, Status

BEFORE, AFTER = PUSHED - timedelta(hours=1), PUSHED + timedelta(hours=1)
HUB = Reference("docker.io", "library/nginx", "1.27")


def words(finding: Finding) -> str:
    """All that a finding says."""
    return "\n".join([finding.summary, finding.cause, finding.remedy, finding.command, *finding.notes])


def test_an_image_that_is_there_exists() -> None:
    """The expected tag is in the registry: image-exists passes, and shows the digest that the tag stands for."""
    finding = judge_exists(completed())
    assert (finding.id, finding.link, finding.status) == ("image-exists", "image", Status.PASS)
    assert NEW[:19] in finding.summary
    assert finding.evidence["digest"] == NEW


@pytest.mark.parametrize(
    ("lookup", "name"),
    [
        (gone("tag"), "v2"),
        (gone("digest", named=reference(None, pinned=NEW)), NEW[:19]),
        (gone("repository", named=reference(repository="shpo")), "shpo"),
    ],
)
def test_what_is_not_in_the_registry_does_not_exist(lookup: Lookup, name: str) -> None:
    """A tag, a digest or a whole repository that is missing fails image-exists, by name and with a remedy."""
    finding = judge_exists(completed(judged=[judged(lookup)]))
    assert finding.status is Status.FAIL
    assert name in finding.summary
    assert finding.remedy


@pytest.mark.parametrize(
    ("lookup", "command"),
    [
        (gone("tag"), "aws ecr describe-images --repository-name shop --registry-id 123456789012 --region us-east-1"),
        (gone("repository"), "aws ecr describe-repositories --registry-id 123456789012 --region us-east-1"),
        (gone("tag", named=HUB), "docker buildx imagetools inspect docker.io/library/nginx:1.27"),
        (gone("repository", named=HUB), "docker buildx imagetools inspect docker.io/library/nginx:1.27"),
    ],
)
def test_the_command_asks_the_registry_in_its_own_way(lookup: Lookup, command: str) -> None:
    """A missing image is looked up with the AWS CLI in ECR, and with docker in another registry."""
    assert judge_exists(completed(judged=[judged(lookup)])).command == command


def test_an_image_deleted_while_it_runs_fails_and_warns() -> None:
    """A lifecycle policy deleted the tag while tasks run it: image-exists fails, and warns that none can restart."""
    finding = judge_exists(completed(judged=[judged(gone("tag"))]))
    assert finding.status is Status.FAIL
    assert "lifecycle policy" in words(finding)
    assert "cannot start another task" in words(finding) or "cannot restart" in words(finding)


@pytest.mark.parametrize(
    "lookup",
    [
        gone("tag", named=reference(pinned=NEW), still=image()),
        Lookup(reference(), image=image(), absent="tag", recorded=True),
    ],
    ids=["named by the task definition", "recorded by the rollout"],
)
def test_a_tag_that_is_gone_fails_and_the_digest_is_judged(lookup: Lookup) -> None:
    """The tag is gone and its digest is still there: the tag fails, the tasks and the rollout go by the digest."""
    world = completed(judged=[judged(lookup)])
    assert judge_exists(world).status is Status.FAIL
    assert NEW[:19] in judge_exists(world).summary
    assert judge_run_image(world).status is Status.PASS
    assert judge_complete(world, waited=0).status is Status.PASS


def test_a_tag_that_moved_on_leaves_its_digest_standing() -> None:
    """`repo:tag@digest` with the tag on another image by now: the digest exists, and the tag's move is noted."""
    named = reference("v2", pinned=NEW)
    finding = judge_exists(completed(judged=[judged(found(named=named, tags=("v2.0.1",)))]))
    assert finding.status is Status.PASS
    assert any("v2" in note for note in finding.notes)
    for same in (named, reference(None, pinned=NEW)):
        assert judge_exists(completed(judged=[judged(found(named=same))])).notes == ()


def test_a_denied_registry_is_an_error() -> None:
    """If the registry may not be asked, image-exists is an error that names the action, never a fail."""
    finding = judge_exists(completed(judged=[judged(Lookup(reference(), problem=denied("ecr:DescribeImages")))]))
    assert finding.status is Status.ERROR
    assert "ecr:DescribeImages" in finding.summary
    assert finding.remedy


def test_pull_rights_alone_prove_existence_and_say_so() -> None:
    """If only the pull actions are granted the manifest proves the image; the answer says that it is degraded."""
    lookup = Lookup(reference(), image=image(pushed_at=None, tags=()), problem=denied("ecr:DescribeImages"))
    finding = judge_exists(completed(judged=[judged(lookup)]))
    assert finding.status is Status.PASS
    assert any("ecr:DescribeImages" in note for note in finding.notes)


def test_another_kind_of_registry_is_unproven() -> None:
    """An image on Docker Hub cannot be looked at: image-exists says so instead of guessing."""
    finding = judge_exists(completed(judged=[judged(Lookup(HUB))]))
    assert finding.status is Status.UNPROVEN
    assert "docker.io/library/nginx" in finding.summary


def test_one_missing_image_of_two_fails() -> None:
    """Of several judged containers the worst counts, and the finding says whose it is."""
    world = completed(judged=[judged(), judged(gone("tag", named=reference("v9")), container="worker")])
    finding = judge_exists(world)
    assert finding.status is Status.FAIL
    assert "worker" in finding.summary
    assert "app:" not in finding.summary


@pytest.mark.parametrize(
    ("what", "action"),
    [
        ("definition", "ecs:DescribeTaskDefinition"),
        ("service", "ecs:DescribeServices"),
        ("tasks", "ecs:ListTasks"),
    ],
)
def test_what_may_not_be_read_is_an_error_of_the_image(what: str, action: str) -> None:
    """If nothing tells the image, as an action is denied, the error names that action."""
    world = facts(service=None, tasks=(), definitions=(), problems={what: denied(action)})
    for finding in (judge_exists(world), judge_repository(world), judge_pushed(world, BEFORE)):
        assert finding.status is Status.ERROR, finding.id
        assert action in finding.summary


def test_the_repository_that_was_named_is_pulled_from() -> None:
    """The service pulls from the repository that was named: image-repository passes."""
    finding = judge_repository(
        completed(judged=[judged(pulled=found(OLD, named=reference("v1")), names_repository=True)])
    )
    assert (finding.id, finding.status) == ("image-repository", Status.PASS)


def test_without_a_named_repository_there_is_nothing_to_compare() -> None:
    """image-repository is skipped where no image was named, and where only a bare tag or digest was."""
    assert judge_repository(completed()).status is Status.SKIP
    bare = judged(pulled=found(OLD, named=reference("v1")))
    assert judge_repository(completed(judged=[bare])).status is Status.SKIP


@pytest.mark.parametrize(
    ("elsewhere", "difference"),
    [
        (reference(repository="shop-backend"), "repository"),
        (reference(account="999999999999"), "account"),
        (reference(region="eu-west-1"), "region"),
        (Reference("ghcr.io", "shop", "v2"), "registry"),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_an_image_pushed_elsewhere_never_reaches_the_service(way: Way, elsewhere: Reference, difference: str) -> None:
    """Pushed to another repository, account, region or registry: image-repository fails and says which differs."""
    world = completed(way, judged=[judged(found(LATER, named=elsewhere), pulled=found(NEW), names_repository=True)])
    finding = judge_repository(world)
    assert finding.status is Status.FAIL
    assert difference in words(finding)
    assert elsewhere.place in finding.summary
    assert reference().place in finding.summary
    assert finding.remedy


def test_an_equal_digest_in_another_account_is_noted() -> None:
    """The same digest in another account is still another repository: it fails, and the equality is noted."""
    other = reference(account="999999999999")
    finding = judge_repository(
        completed(judged=[judged(found(NEW, named=other), pulled=found(), names_repository=True)])
    )
    assert finding.status is Status.FAIL
    assert any("same digest" in note for note in finding.notes)


def test_another_digest_in_another_account_is_not_called_equal() -> None:
    """No equality is noted where the digests differ, or are not known."""
    other = reference(account="999999999999")
    for lookup in (found(LATER, named=other), gone("tag", named=other)):
        finding = judge_repository(completed(judged=[judged(lookup, pulled=found(), names_repository=True)]))
        assert finding.notes == ()


def test_a_later_push_is_what_was_asked_for() -> None:
    """Pushed after the moment that was asked for: image-pushed passes; a push at that very moment is not before it."""
    assert judge_pushed(completed(), BEFORE).status is Status.PASS
    assert judge_pushed(completed(), PUSHED).status is Status.PASS


def test_an_earlier_push_fails_with_both_times() -> None:
    """Pushed before the moment that was asked for: image-pushed fails and shows the two times side by side."""
    finding = judge_pushed(completed(), AFTER)
    assert (finding.id, finding.status) == ("image-pushed", Status.FAIL)
    assert "11:00:00" in finding.summary
    assert "12:00:00" in finding.summary
    assert finding.remedy


def test_without_a_moment_image_pushed_is_skipped() -> None:
    """Nobody asked when the image was pushed: image-pushed is skipped, however old it is."""
    assert judge_pushed(completed(), None).status is Status.SKIP


def test_a_denied_push_time_is_an_error() -> None:
    """Only ecr:DescribeImages tells the push time: where it is denied image-pushed is an error that names it."""
    pulled_only = Lookup(reference(), image=image(pushed_at=None), problem=denied("ecr:DescribeImages"))
    not_seen = Lookup(reference(), problem=denied("ecr:DescribeImages"))
    for lookup in (not_seen, pulled_only):
        finding = judge_pushed(completed(judged=[judged(lookup)]), BEFORE)
        assert finding.status is Status.ERROR
        assert "ecr:DescribeImages" in finding.summary


@pytest.mark.parametrize("lookup", [gone("tag"), Lookup(HUB)], ids=["absent", "Docker Hub"])
def test_an_unknown_push_time_is_unproven(lookup: Lookup) -> None:
    """A missing image, or one in a registry that cannot be read, has no push time: unproven, not too old."""
    assert judge_pushed(completed(judged=[judged(lookup)]), BEFORE).status is Status.UNPROVEN


@pytest.mark.parametrize("way", WAYS)
def test_a_retag_to_an_older_image_passes(way: Way) -> None:
    """The tag was moved back to an older image and the tasks run it: all is well, its old push time is no fault."""
    old = judged(found(OLD, pushed_at=clock("01:00"), named=reference("latest"), tags=("latest", "v1")))
    world = completed(way, judged=[old], tasks=[task("one", OLD), task("two", OLD)], revisions=[revision(of=OLD)])
    assert judge_exists(world).status is Status.PASS
    assert judge_complete(world, waited=0).status is Status.PASS
    assert judge_run_image(world).status is Status.PASS


def test_an_image_that_cannot_be_read_as_a_reference_is_not_judged() -> None:
    """A task definition may hold any text: an essential container with it is left out, and the advice says so."""
    other = ContainerDefinition("proxy", "Not:A:Reference")
    finding = judge_exists(completed(definitions=[definition(others=(other,))]))
    assert finding.status is Status.PASS
    assert any("container 'proxy' (Not:A:Reference) is not judged" in note for note in finding.advice)


def test_two_repositories_of_one_registry_differ_in_the_repository_alone() -> None:
    """Outside of ECR the registry is the host: where that is the same, it is not said to differ."""
    one = judged(Lookup(HUB), pulled=Lookup(Reference("docker.io", "library/httpd", "2")), names_repository=True)
    finding = judge_repository(completed(judged=[one]))
    assert finding.status is Status.FAIL
    assert finding.cause.startswith("The repository differs: ")
