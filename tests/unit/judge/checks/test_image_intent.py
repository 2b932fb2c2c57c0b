from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from support.worlds import (
    FOR_AMD64,
    INDEX_CHILDREN,
    LATER,
    NEW,
    OLD,
    PUSHED,
    ROLLOUT,
    completed,
    denied,
    facts,
    found,
    image,
    judged,
    later_image,
    never_restarted,
    reference,
)

from pytest_deploycheck.facts.baseline import Previous
from pytest_deploycheck.facts.commit import Commit
from pytest_deploycheck.facts.image import Image, ImageConfig, Reference
from pytest_deploycheck.facts.snapshot import Judged, ServiceFacts
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.checks.image_intent import KnownRelease, judge_intended
from pytest_deploycheck.judge.finding import IMAGE_CONTENT, IMAGE_PUSHED, Finding, Status

COMMIT = Commit("1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d", "HEAD")
RELEASE = KnownRelease("dev", "us-east-1")
AT_COMMIT = KnownRelease("dev", "us-east-1", commit=COMMIT)
SKIPPED = IMAGE_PUSHED.skips("not asked for")
PUSHED_AFTER = IMAGE_PUSHED.passes("pushed 11:00, after 10:00")
SAME_CONTENT = IMAGE_CONTENT.passes("3 files of app are the same")


def intended(
    world: ServiceFacts | Judged,
    release: KnownRelease = RELEASE,
    *,
    pushed: Finding = SKIPPED,
    content: Finding = SKIPPED,
) -> Finding:
    """Return the finding on a service, or on the service of one judged container."""
    seen = completed(judged=[world]) if isinstance(world, Judged) else world
    return judge_intended(ServiceAnalysis(seen), release, pushed, lambda: content)


def named(tag: str | None = "latest", *, newer: tuple[Image, ...] | None = (), **changes: Any) -> Judged:
    """Return a container whose task definition names its image by a tag, with what is newer in the repository."""
    lookup = found(named=reference(tag, pinned=changes.pop("pinned", None)), tags=changes.pop("tags", ("latest",)))
    return replace(judged(lookup), newer=newer, **changes)


def with_labels(one: Judged, *labels: dict[str, str]) -> Judged:
    """Return the container with an expected image whose configurations have labels."""
    assert one.expected.image is not None
    configs = tuple(ImageConfig(f"sha256:{number}", labels=label) for number, label in enumerate(labels))
    return replace(one, expected=replace(one.expected, image=replace(one.expected.image, configs=configs)))


def before(*ran: str, at: Any = ROLLOUT - timedelta(hours=1)) -> Previous:
    """Return a baseline in which the container `app` ran some digests."""
    return Previous("the baseline", ran[0], running=ran, by_container={"app": ran}, seen_at=at)


TIED: dict[str, Callable[[], Finding]] = {
    "named by a tag of its own": lambda: intended(named("v2.0", namer="option")),
    "named by a digest": lambda: intended(named(None, pinned=NEW, namer="configuration")),
    "named where tags are fixed": lambda: intended(named("stable", namer="option", expected_tag_can_move=False)),
    "a tag holds the commit": lambda: intended(named(tags=("latest", "main-1a2b3c4")), AT_COMMIT),
    "the tag it was found by holds the commit": lambda: intended(named("1a2b3c4", tags=()), AT_COMMIT),
    "the label is the commit": lambda: intended(
        with_labels(named(), {"org.opencontainers.image.revision": COMMIT.sha.upper()}), AT_COMMIT
    ),
    "pushed after": lambda: intended(named(), pushed=PUSHED_AFTER),
    "same content": lambda: intended(named(), content=SAME_CONTENT),
    "rolled out after the baseline": lambda: intended(completed(judged=[named()], baseline=before(OLD))),
}
"""The ties that prove the intent."""


NOT_TIED: dict[str, Callable[[], Finding]] = {
    "nothing but the task definition": lambda: intended(named("v2.0")),
    "named by a tag that moves": lambda: intended(named("latest", namer="option", expected_tag_can_move=True)),
    "named by a major version": lambda: intended(named("v1", namer="configuration")),
    "named by the environment": lambda: intended(
        named("dev2-amd64", namer="option"), KnownRelease("dev2", "us-east-1")
    ),
    "another image than was named at first": lambda: intended(named("v2.0", namer="first observation")),
    "six digits of the commit": lambda: intended(named(tags=("1a2b3c",)), AT_COMMIT),
    "another commit": lambda: intended(named(tags=("9f8e7d6",)), AT_COMMIT),
    "no commit is known": lambda: intended(named(tags=("1a2b3c4",))),
    "the tag of a pinned digest": lambda: intended(named("1a2b3c4", pinned=NEW, tags=()), AT_COMMIT),
    "the label is another commit": lambda: intended(
        with_labels(named(), {"org.opencontainers.image.revision": "9" * 40}), AT_COMMIT
    ),
    "the label is on one platform only": lambda: intended(
        with_labels(named(), {"org.opencontainers.image.revision": COMMIT.sha}, {}), AT_COMMIT
    ),
    "pushed after, and a newer one": lambda: intended(named(newer=(later_image(),)), pushed=PUSHED_AFTER),
    "pushed after, and what is newer is unknown": lambda: intended(named(newer=None), pushed=PUSHED_AFTER),
    "pushed before": lambda: intended(named(), pushed=IMAGE_PUSHED.fails("pushed before", remedy="push")),
    "same content, and a newer one": lambda: intended(named(newer=(later_image(),)), content=SAME_CONTENT),
    "other content": lambda: intended(named(), content=IMAGE_CONTENT.fails("differs", remedy="build")),
    "baseline, and a newer one": lambda: intended(
        completed(judged=[named(newer=(later_image(),))], baseline=before(OLD))
    ),
    "the baseline ran it already": lambda: intended(completed(judged=[named()], baseline=before(OLD, NEW))),
    "a platform of it ran already": lambda: intended(
        completed(
            judged=[replace(judged(found(children=INDEX_CHILDREN, tags=("latest",))), newer=())],
            baseline=before(FOR_AMD64),
        )
    ),
    "no rollout since the baseline": lambda: intended(
        completed(judged=[named()], baseline=before(OLD, at=ROLLOUT + timedelta(minutes=1)))
    ),
    "what a container ran is not in the baseline": lambda: intended(
        completed(judged=[replace(named(), container="web")], baseline=before(OLD))
    ),
}
"""Near misses of the ties: each lacks what makes the tie count."""


@pytest.mark.parametrize("case", TIED)
def test_what_ties_an_image_to_the_release_proves_the_intent(case: str) -> None:
    """The check passes, and its evidence names the tie."""
    finding = TIED[case]()
    assert (finding.id, finding.link, finding.status) == ("image-intended", "image", Status.PASS)
    assert finding.evidence["by"]


@pytest.mark.parametrize("case", NOT_TIED)
def test_what_does_not_tie_it_leaves_the_intent_unproven(case: str) -> None:
    """The check never fails: it is unproven, and gives the command that would prove it."""
    finding = NOT_TIED[case]()
    assert finding.status is Status.UNPROVEN
    assert finding.evidence["by"] is None
    assert "--deploy-image" in finding.remedy
    assert finding.command.startswith("pytest --deploy-env=dev")


def test_each_judged_container_must_be_tied() -> None:
    """One container that is tied does not prove the intent of the other."""
    tied, loose = named("v2.0", namer="option"), replace(named(), container="worker")
    assert intended(completed(judged=[tied, replace(tied, container="worker")])).status is Status.PASS
    finding = intended(completed(judged=[tied, loose]))
    assert finding.status is Status.UNPROVEN
    assert "worker" in finding.summary
    assert "app:" not in finding.summary


def test_the_message_tells_what_runs_since_when_and_what_is_newer() -> None:
    """It shows when the image was pushed and rolled out, the newer images with their times, and what to type."""
    newer = replace(later_image(), tags=("1a2b3c4",))
    release = replace(RELEASE, copied={"backend/app": "/app/app"})
    finding = intended(named("9f8e7d6", newer=(newer,), tags=("9f8e7d6",)), release)
    assert "shop:9f8e7d6" in finding.summary
    assert "pushed 2025-11-26 11:00:00 UTC" in finding.summary
    assert "rolled out 2025-11-26 11:05:00 UTC" in finding.summary
    assert "1a2b3c4 (pushed 2025-11-26 11:20:00 UTC)" in finding.summary
    assert '--deploy-image "${GITHUB_SHA::7}"' in finding.remedy
    assert 'source = { "backend/app" = "/app/app" }' in finding.remedy
    assert "--deploy-pushed-after" in finding.remedy
    assert finding.command == "pytest --deploy-env=dev --deploy-image 1a2b3c4"


def test_what_was_given_and_did_not_suffice_is_no_way() -> None:
    """A source that differs and a time that the push is before are not proposed again."""
    release = replace(RELEASE, copied={"app": "/app"})
    content = IMAGE_CONTENT.fails("differs", remedy="build")
    assert "source =" not in intended(named(), release, content=content).remedy
    pushed = IMAGE_PUSHED.fails("pushed before", remedy="push")
    assert "--deploy-pushed-after" not in intended(named(), release, pushed=pushed).remedy
    both = intended(named(tags=("latest", "2.0")), release, content=content, pushed=pushed)
    assert both.remedy == "Say what was to be shipped: --deploy-image 2.0."


def test_the_ways_are_those_of_the_project() -> None:
    """The CI's own variable, whole commits, the commit time where there is a checkout, and tags that are no commits."""
    whole = named("9" * 39 + "a", tags=("9" * 39 + "a",))
    in_gitlab = replace(RELEASE, commit=replace(COMMIT, source="CI_COMMIT_SHA"), ci_variable="CI_COMMIT_SHA")
    assert '--deploy-image "$CI_COMMIT_SHA"' in intended(whole, in_gitlab).remedy
    assert "--deploy-pushed-after commit" not in intended(whole, in_gitlab).remedy
    assert "--deploy-pushed-after commit" in intended(whole, AT_COMMIT).remedy
    versions = intended(named("latest", tags=("latest", "2025.11.26-1")))
    assert "$" not in versions.remedy
    assert versions.command.endswith("--deploy-image 2025.11.26-1")
    untagged = intended(named(newer=(replace(later_image(), tags=("latest",)),), tags=("1.0",)))
    assert untagged.command.endswith(f"--deploy-image {LATER}")
    in_sandbox = intended(named(), replace(RELEASE, command="pytest --deploy-env=sandbox --deploy-sandbox=stale"))
    assert in_sandbox.command == "pytest --deploy-env=sandbox --deploy-sandbox=stale --deploy-image sha256:…"


def test_a_conditional_tie_is_explained_where_it_does_not_count() -> None:
    """The note names the newer image and --deploy-image, or that it is not known whether there is one."""
    finding = intended(named(newer=(later_image(),)), pushed=PUSHED_AFTER)
    assert any("v3" in note and "--deploy-image" in note for note in finding.notes)
    unknown = intended(named(newer=None), pushed=PUSHED_AFTER)
    assert any("not known" in note for note in unknown.notes)
    assert "not known" in unknown.summary


def test_many_newer_images_are_counted() -> None:
    """Three are shown, the newest first, and the others are counted."""
    newer = tuple(
        image(LATER, pushed_at=PUSHED + timedelta(hours=5 - number), tags=(f"v{5 - number}.0",)) for number in range(5)
    )
    summary = intended(named(newer=newer)).summary
    assert "v5.0" in summary
    assert "v3.0" in summary
    assert "v2.0" not in summary
    assert "2 more images" in summary


def test_the_task_definition_as_intent_skips_the_check() -> None:
    """A run that only watches for drift needs no more."""
    drift = replace(RELEASE, intent="task-definition")
    assert intended(named(), drift).status is Status.SKIP
    assert intended(named(), RELEASE).status is Status.UNPROVEN


def test_an_image_outside_of_ecr_is_not_tied_by_what_only_a_repository_tells() -> None:
    """Of another registry it is not known what is newer; a name ties it all the same."""
    hub = Reference("docker.io", "library/nginx", "1.27")
    outside = judged(found(named=hub))
    assert intended(outside, pushed=PUSHED_AFTER).status is Status.UNPROVEN
    assert intended(replace(outside, namer="configuration")).status is Status.PASS


def test_without_an_expected_image_nothing_is_intended() -> None:
    """If the task definition may not be read the check is an error; if there is none it is unproven."""
    unread = facts(service=None, definitions=(), problems={"definition": denied("ecs:DescribeTaskDefinition")})
    assert intended(unread).status is Status.ERROR
    assert intended(facts(service=None, definitions=())).status is Status.UNPROVEN


def test_a_tag_that_was_moved_and_never_rolled_out_is_unproven() -> None:
    """The tag `latest` of the task definition names the new image, and nothing says that it was to be shipped."""
    assert intended(never_restarted()).status is Status.UNPROVEN
