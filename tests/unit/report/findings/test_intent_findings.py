"""Whole findings: image-intended.

Their texts and their evidence, as the JSON report has them, are in `__snapshots__`, to be read. After a change
`pytest tests/unit/report/findings --snapshot-update` writes them again, to be read once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from support.worlds import (
    NEW,
    OLD,
    ROLLOUT,
    completed,
    denied,
    digest,
    facts,
    found,
    image,
    judged,
    later_image,
    never_restarted,
    reference,
)
from syrupy.assertion import SnapshotAssertion

from pytest_deploycheck.facts.baseline import Previous
from pytest_deploycheck.facts.commit import Commit
from pytest_deploycheck.facts.image import ImageConfig, Reference
from pytest_deploycheck.facts.snapshot import Judged, ServiceFacts
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.checks.image_intent import KnownRelease, judge_intended
from pytest_deploycheck.judge.finding import IMAGE_CONTENT, IMAGE_PUSHED, Finding

Case = Callable[[], Finding]
HUB = Reference("docker.io", "library/nginx", "1.27")
COMMIT = Commit("1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d", "HEAD")
RELEASE = KnownRelease("dev", "us-east-1")
AT_COMMIT = KnownRelease("dev", "us-east-1", commit=COMMIT)
SKIPPED = IMAGE_PUSHED.skips("not asked for")
REVISION = "org.opencontainers.image.revision"


def named(tag: str | None = "latest", *, newer: Any = (), pinned: str | None = None, **changes: Any) -> Judged:
    """Return a container whose task definition names its image by a tag, with what is newer in the repository."""
    tags = changes.pop("tags", ("latest",))
    return replace(judged(found(named=reference(tag, pinned=pinned), tags=tags)), newer=newer, **changes)


def labelled(revision_label: str) -> Judged:
    """Return a container whose expected image has a label for its revision."""
    plain = named()
    assert plain.expected.image is not None
    configs = (ImageConfig(digest("9"), labels={REVISION: revision_label}),)
    return replace(plain, expected=replace(plain.expected, image=replace(plain.expected.image, configs=configs)))


def intended(world: ServiceFacts | Judged, release: KnownRelease = RELEASE, **more: Finding) -> Finding:
    """Return the finding on the intent of a service, or of the service of one judged container."""
    seen = completed(judged=[world]) if isinstance(world, Judged) else world
    content = more.get("content", SKIPPED)
    return judge_intended(ServiceAnalysis(seen), release, more.get("pushed", SKIPPED), lambda: content)


def before(*ran: str, at: Any = ROLLOUT - timedelta(hours=1)) -> Previous:
    """Return a baseline in which the container `app` ran some digests."""
    return Previous("the baseline", ran[0], running=ran, by_container={"app": ran}, seen_at=at)


NEWER = (replace(later_image(), tags=("1a2b3c4",)), replace(later_image(), tags=(), digest=digest("8")))

INTENT: Mapping[str, Case] = {
    "by option": lambda: intended(named("v2.0", namer="option")),
    "by a digest": lambda: intended(named(None, pinned=NEW, namer="configuration")),
    "by a fixed tag": lambda: intended(named("stable", namer="option", expected_tag_can_move=False)),
    "by the commit in a tag": lambda: intended(named(tags=("latest", "main-1a2b3c4")), AT_COMMIT),
    "by the commit in a label": lambda: intended(labelled(COMMIT.sha), AT_COMMIT),
    "by its push": lambda: intended(named(), pushed=IMAGE_PUSHED.passes("pushed 11:00, after 10:00")),
    "by its content": lambda: intended(named(), content=IMAGE_CONTENT.passes("3 files of app are the same")),
    "by the baseline": lambda: intended(completed(judged=[named()], baseline=before(OLD))),
    "by the task definition": lambda: intended(named(), replace(RELEASE, intent="task-definition")),
    "by nothing": lambda: intended(named("v2.0")),
    "by nothing, at a commit": lambda: intended(
        named("9f8e7d6", newer=NEWER, tags=("9f8e7d6",)), replace(AT_COMMIT, copied={"backend/app": "/app/app"})
    ),
    "by nothing, with many newer": lambda: intended(
        named(newer=tuple(image(digest(letter), tags=(f"v{letter}",)) for letter in "56789"))
    ),
    "by nothing, in a CI": lambda: intended(
        named("9" * 39 + "a", tags=("9" * 39 + "a",)),
        replace(RELEASE, commit=replace(COMMIT, source="CI_COMMIT_SHA"), ci_variable="CI_COMMIT_SHA"),
    ),
    "by nothing, elsewhere": lambda: intended(judged(found(named=HUB))),
    "by another commit in the label": lambda: intended(labelled("9" * 40), AT_COMMIT),
    "by its push, and a newer one": lambda: intended(
        named(newer=(later_image(),)), pushed=IMAGE_PUSHED.passes("pushed 11:00, after 10:00")
    ),
    "by its push, and newer ones are unknown": lambda: intended(
        named(newer=None), pushed=IMAGE_PUSHED.passes("pushed 11:00, after 10:00")
    ),
    "by other content": lambda: intended(named(), content=IMAGE_CONTENT.fails("differs", remedy="build")),
    "by a tag that moves": lambda: intended(named("latest", namer="option", expected_tag_can_move=True)),
    "never restarted": lambda: intended(never_restarted()),
    "one of two containers": lambda: intended(
        completed(judged=[named("v2.0", namer="option"), replace(named(), container="worker")])
    ),
    "two containers": lambda: intended(
        completed(
            judged=[named("v2.0", namer="option"), replace(named("v3.0", namer="configuration"), container="worker")]
        )
    ),
    "the definition is denied": lambda: intended(
        facts(service=None, definitions=(), problems={"definition": denied("ecs:DescribeTaskDefinition")})
    ),
    "the service is denied": lambda: intended(
        facts(service=None, definitions=(), problems={"service": denied("ecs:DescribeServices")})
    ),
    "the tasks are denied": lambda: intended(
        facts(service=None, definitions=(), problems={"tasks": denied("ecs:ListTasks")})
    ),
    "nothing to judge": lambda: intended(facts(service=None, definitions=())),
}

CASES = INTENT


@pytest.mark.parametrize("name", list(CASES))
def test_findings(name: str, whole: SnapshotAssertion) -> None:
    """A finding has the texts that were read and found good, and the evidence that reports rely on."""
    assert CASES[name]() == whole
