"""Whole findings: image-exists, image-tag, image-repository and image-pushed.

Their texts and their evidence, as the JSON report has them, are in `__snapshots__`, to be read. After a change
`pytest tests/unit/report/findings --snapshot-update` writes them again, to be read once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace
from support.judging import (
    judge_exists,
    judge_pushed,
    judge_repository,
    judge_tag,
)
from support.worlds import (
    LATER,
    NEW,
    OLD,
    OLD_PUSHED,
    PUSHED,
    completed,
    denied,
    facts,
    found,
    gone,
    image,
    judged,
    reference,
)
from syrupy.assertion import SnapshotAssertion

from pytest_deploycheck.facts.image import Reference
from pytest_deploycheck.facts.snapshot import Lookup, ServiceFacts
from pytest_deploycheck.judge.finding import Finding

Case = Callable[[], Finding]
HUB = Reference("docker.io", "library/nginx", "1.27")
LATEST = reference("latest")
PULL_ONLY = Lookup(reference(), image=image(pushed_at=None, tags=()), problem=denied("ecr:DescribeImages"))
UNREAD_DEFINITION = facts(
    service=None, tasks=(), definitions=(), problems={"definition": denied("ecs:DescribeTaskDefinition")}
)
FIRST_V1 = found(OLD, named=reference("v1"), pushed_at=OLD_PUSHED, tags=("v1",))


def one(lookup: Lookup, *, pulled: Lookup | None = None, **more: Any) -> ServiceFacts:
    """Return a completed rollout whose judged container has an expected image."""
    return completed(judged=[replace(judged(lookup, pulled=pulled), **more)])


EXISTS: Mapping[str, Case] = {
    "there": lambda: judge_exists(completed()),
    "by a tag that moves": lambda: judge_exists(
        one(found(named=LATEST, tags=("latest", "v2")), expected_tag_can_move=True, tags_can_move=True)
    ),
    "two containers": lambda: judge_exists(
        completed(judged=[judged(), judged(gone("tag", named=reference("v9")), container="worker")])
    ),
    "no such tag": lambda: judge_exists(one(gone("tag"), pulled=FIRST_V1)),
    "no such tag, with one like it": lambda: judge_exists(
        one(replace(gone("tag", named=reference("v22")), near="v21"))
    ),
    "no such digest": lambda: judge_exists(one(gone("digest", named=reference(None, pinned=NEW)))),
    "no such repository": lambda: judge_exists(one(gone("repository", named=reference(repository="shpo")))),
    "no such repository elsewhere": lambda: judge_exists(
        one(gone("repository", named=Reference("registry.example.com", "shop", "v2")))
    ),
    "the tag is gone, the digest is there": lambda: judge_exists(
        one(gone("tag", named=reference(pinned=NEW), still=image()))
    ),
    "the tag is gone, the rollout recorded the digest": lambda: judge_exists(
        one(Lookup(reference(), image=image(), absent="tag", recorded=True))
    ),
    "the tag moved on": lambda: judge_exists(one(found(named=reference("v2", pinned=NEW), tags=("v2.0.1",)))),
    "denied": lambda: judge_exists(one(Lookup(reference(), problem=denied("ecr:DescribeImages")))),
    "pull rights alone": lambda: judge_exists(one(PULL_ONLY)),
    "another registry": lambda: judge_exists(one(Lookup(HUB))),
    "nothing to judge": lambda: judge_exists(completed(judged=[])),
    "the definition is denied": lambda: judge_exists(UNREAD_DEFINITION),
}

TAG: Mapping[str, Case] = {
    "not asked for": lambda: judge_tag(completed(), strict_tags=False),
    "a tag that moves": lambda: judge_tag(one(found(named=LATEST), expected_tag_can_move=True, tags_can_move=True)),
    "a tag that can be moved": lambda: judge_tag(completed()),
    "a fixed tag": lambda: judge_tag(one(found(), expected_tag_can_move=False, tags_can_move=False)),
    "a digest": lambda: judge_tag(one(found(named=reference(None, pinned=NEW)))),
}

ELSEWHERE: Mapping[str, Reference] = {
    "repository": reference(repository="shop-backend"),
    "account": reference(account="999999999999"),
    "region": reference(region="eu-west-1"),
    "account and region": reference(account="999999999999", region="eu-west-1"),
    "registry": Reference("ghcr.io", "shop", "v2"),
}


def pulled_elsewhere(named: Reference, of: str = LATER) -> ServiceFacts:
    """Return a service that pulls from another place than the one that was named."""
    return completed(judged=[judged(found(of, named=named), pulled=found(NEW), names_repository=True)])


def repository(named: Reference) -> Finding:
    """Return the finding on an image that was named in another place."""
    return judge_repository(pulled_elsewhere(named))


REPOSITORY: Mapping[str, Case] = {
    "the same": lambda: judge_repository(one(found(), pulled=FIRST_V1, names_repository=True)),
    "not named": lambda: judge_repository(completed()),
    **{f"another {name}": partial(repository, at) for name, at in ELSEWHERE.items()},
    "an equal digest elsewhere": lambda: judge_repository(pulled_elsewhere(ELSEWHERE["account"], NEW)),
    "the definition is denied": lambda: judge_repository(UNREAD_DEFINITION),
}

BEFORE, AFTER = PUSHED - timedelta(hours=1), PUSHED + timedelta(hours=1)

PUSHES: Mapping[str, Case] = {
    "after": lambda: judge_pushed(completed(), BEFORE),
    "before": lambda: judge_pushed(completed(), AFTER),
    "not asked for": lambda: judge_pushed(completed(), None),
    "denied": lambda: judge_pushed(one(PULL_ONLY), BEFORE),
    "not there": lambda: judge_pushed(one(gone("tag")), BEFORE),
    "another registry": lambda: judge_pushed(one(Lookup(HUB)), BEFORE),
    "no time": lambda: judge_pushed(one(found(pushed_at=None)), BEFORE),
}

CASES = {
    **{f"exists: {name}": case for name, case in EXISTS.items()},
    **{f"tag: {name}": case for name, case in TAG.items()},
    **{f"repository: {name}": case for name, case in REPOSITORY.items()},
    **{f"pushes: {name}": case for name, case in PUSHES.items()},
}


@pytest.mark.parametrize("name", list(CASES))
def test_findings(name: str, whole: SnapshotAssertion) -> None:
    """A finding has the texts that were read and found good, and the evidence that reports rely on."""
    assert CASES[name]() == whole
