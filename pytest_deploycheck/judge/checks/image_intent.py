"""`image-intended`: what ties the expected image to what was to be shipped."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

from msgspec import Struct, field

from pytest_deploycheck.config.settings import Intent
from pytest_deploycheck.facts.commit import Commit
from pytest_deploycheck.facts.image import Image
from pytest_deploycheck.facts.snapshot import Judged
from pytest_deploycheck.judge.analysis.matching import is_related
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.finding import IMAGE_INTENDED, Finding, Status
from pytest_deploycheck.judge.wording import at, name_of, plural, short
from pytest_deploycheck.oci.tags import WHOLE_COMMIT, commit_in, holds_commit, moves

_CI_EXAMPLE = "GITHUB_SHA"
"""The variable to show where the run is not in a CI that is known."""

_SHOWN_IMAGES = 3
_NAMERS = {"option": "--deploy-image", "configuration": "the configuration"}
"""What may name the expected image from outside the cluster."""
_TIES = {
    "pushed-after": "image-pushed passes",
    "content": "image-content passes",
    "baseline": "the baseline shows a rollout",
}
"""The ties that count only where nothing newer is in the repository."""


class KnownRelease(Struct, frozen=True):
    """The release, as it is known from outside the cluster.

    Attributes:
        environment: The name of the environment.
        region: Its region.
        intent: What says which image was to be shipped.
        commit: The commit of the checkout or of the CI's build, or None.
        ci_variable: The CI's variable that holds the commit, or an empty string.
        copied: The folders that the Dockerfile of the checkout copies, by their local path the place in the image.
        command: The command that starts such a run, or an empty string.
    """

    environment: str
    region: str
    intent: Intent = "release"
    commit: Commit | None = None
    ci_variable: str = ""
    copied: Mapping[str, str] = field(default_factory=dict)
    command: str = ""


class _Tie(Struct, frozen=True):
    """The tie between an image and the release: its name for programs, and a sentence."""

    by: str
    detail: str


def judge_intended(
    analysis: ServiceAnalysis, release: KnownRelease, pushed: Finding, content: Callable[[], Finding]
) -> Finding:
    """Return the finding of `image-intended`.

    Args:
        analysis: The service.
        release: What is known of the release.
        pushed: The finding of `image-pushed`.
        content: Compares the image with the checkout, for the finding of `image-content`.
    """
    facts = analysis.facts
    if release.intent == "task-definition":
        return IMAGE_INTENDED.skips("`intent` is the task definition: only what differs from it is found")
    if not facts.judged:
        if facts.why_unjudged:
            return IMAGE_INTENDED.errs(facts.why_unjudged)
        return IMAGE_INTENDED.unproven(
            "the expected image is not known, as no task definition of the service was found",
            remedy="Name the image with --deploy-image.",
        )
    return IMAGE_INTENDED.of_all(
        {judged.container: _judge(judged, analysis, release, pushed, content) for judged in facts.judged}
    )


def _judge(
    judged: Judged, analysis: ServiceAnalysis, release: KnownRelease, pushed: Finding, content: Callable[[], Finding]
) -> Finding:
    tie = _by_name(judged, release) or _by_commit(judged, release.commit)
    if tie:
        return IMAGE_INTENDED.passes(tie.detail, evidence=_evidence(judged, release, tie.by))
    # These show that something new was shipped, which is what was to be shipped only where nothing newer is there.
    tie = _by_push(pushed) or _by_baseline(judged, analysis) or _by_content(content())
    if tie and judged.newer == ():
        return IMAGE_INTENDED.passes(tie.detail, evidence=_evidence(judged, release, tie.by))
    ways = _ways(
        judged, release, has_time=pushed.status is not Status.SKIP, has_source=content().status is not Status.SKIP
    )
    return _unproven(judged, analysis, release, tie, ways)


def _by_name(judged: Judged, release: KnownRelease) -> _Tie | None:
    namer = _NAMERS.get(judged.namer)
    if namer is None:
        return None
    reference = judged.expected.reference
    if reference.digest:
        return _Tie("name", f"{namer} names the image by its digest, {short(reference.digest)}")
    tag = reference.tag or "latest"
    if judged.expected_tag_can_move is False:
        return _Tie("name", f"{namer} names the image by the tag {tag}, in a repository with immutable tags")
    if not moves(tag, (release.environment, release.region)):
        return _Tie("name", f"{namer} names the image by the tag {tag}, which is its own")
    return None


def _by_commit(judged: Judged, commit: Commit | None) -> _Tie | None:
    image = judged.expected.image
    if image is None or commit is None:
        return None
    reference = judged.expected.reference
    # The tag by which it was found is known even where the registry may not be asked for all tags.
    found_by = [reference.tag] if reference.tag and not reference.digest else []
    tag = next((tag for tag in (*image.tags, *found_by) if holds_commit(tag, commit.sha)), None)
    if tag:
        return _Tie("commit", f"the tag {tag} holds the commit {_named(commit)}")
    revisions = [config.revision for config in image.configs]
    if revisions and all(revision and revision.lower() == commit.sha for revision in revisions):
        return _Tie("commit", f"the label org.opencontainers.image.revision is the commit {_named(commit)}")
    return None


def _named(commit: Commit) -> str:
    return f"{commit.sha[:7]} ({'HEAD of the checkout' if commit.source == 'HEAD' else commit.source})"


def _by_push(pushed: Finding) -> _Tie | None:
    if pushed.status is not Status.PASS:
        return None
    return _Tie("pushed-after", f"image-pushed holds ({pushed.summary}), and nothing in the repository is newer")


def _by_content(content: Finding) -> _Tie | None:
    if content.status is not Status.PASS:
        return None
    return _Tie("content", "image-content holds: the image has the code of the checkout, and nothing newer was pushed")


def _by_baseline(judged: Judged, analysis: ServiceAnalysis) -> _Tie | None:
    before, newest, digest = analysis.facts.baseline, analysis.newest, judged.expected.digest
    if before is None or before.seen_at is None or newest is None or digest is None:
        return None
    ran = before.by_container.get(judged.container)
    if not ran or newest.started_at <= before.seen_at or any(is_related(judged, one, analysis.facts) for one in ran):
        return None
    return _Tie(
        "baseline",
        f"the rollout began {at(newest.started_at)}, after the baseline of {at(before.seen_at)}, and brought another "
        "image than ran then; nothing newer was pushed",
    )


def _unproven(
    judged: Judged, analysis: ServiceAnalysis, release: KnownRelease, tie: _Tie | None, ways: list[str]
) -> Finding:
    pushed_at, newest = judged.expected.pushed_at, analysis.newest
    history = [f"pushed {at(pushed_at)}"] if pushed_at else []
    history += [f"rolled out {at(newest.started_at)}"] if newest else []
    summary = f"nothing shows that {name_of(judged.expected.reference)} is what was to be shipped"
    parts = [f"{summary} ({', '.join(history)})" if history else summary, _newer(judged)]
    return IMAGE_INTENDED.unproven(
        "; ".join(part for part in parts if part),
        notes=[*_why_name_is_not_enough(judged), *([_why_tie_is_not_enough(judged, tie)] if tie else [])],
        remedy=f"Say what was to be shipped{', in one of these ways' if len(ways) > 1 else ''}: {'; or '.join(ways)}.",
        command=f"{release.command or f'pytest --deploy-env={release.environment}'} --deploy-image "
        f"{_reference(judged, release)}",
        evidence=_evidence(judged, release, None),
    )


def _why_name_is_not_enough(judged: Judged) -> list[str]:
    namer = _NAMERS.get(judged.namer)
    if namer is None:
        return []
    tag = judged.expected.reference.tag or "latest"
    return [
        f"{namer} names the image by the tag {tag}, which may move from image to image: it does not tell which of them "
        "was to be shipped"
    ]


def _newer(judged: Judged) -> str:
    repository = judged.expected.reference.repository
    if judged.newer is None:
        return f"whether anything newer is in {repository} is not known"
    if not judged.newer:
        return ""
    shown = ", ".join(f"{_label(image)} (pushed {at(image.pushed_at)})" for image in judged.newer[:_SHOWN_IMAGES])
    more = len(judged.newer) - _SHOWN_IMAGES
    return f"newer in {repository}: {shown}" + (f" and {plural(more, 'more image')}" if more > 0 else "")


def _label(image: Image) -> str:
    return ", ".join(image.tags) or short(image.digest)


def _why_tie_is_not_enough(judged: Judged, tie: _Tie) -> str:
    if judged.newer is None:
        return f"{_TIES[tie.by]}, but whether the repository holds a newer image is not known"
    return (
        f"{_TIES[tie.by]}, but {_label(judged.newer[0])} was pushed later and may be what was to be shipped: name the "
        "image with --deploy-image"
    )


def _ways(judged: Judged, release: KnownRelease, *, has_time: bool, has_source: bool) -> list[str]:
    """Return the easiest ways to say what was to be shipped, as they would be typed in this project.

    A time to be pushed after and a source that were given already are no ways any more: they did not suffice.
    """
    in_ci = _commit_in_ci(judged, release)
    ways = [f"--deploy-image {_reference(judged, release)}" + (f", in CI --deploy-image {in_ci}" if in_ci else "")]
    if release.copied and not has_source:
        local, place = next(iter(release.copied.items()))
        ways.append(f'source = {{ "{local}" = "{place}" }} for the service in the configuration')
    has_head = release.commit is not None and release.commit.source == "HEAD"
    if not has_time:
        ways.append(f"--deploy-pushed-after {'commit' if has_head else '15m'}")
    return ways


def _reference(judged: Judged, release: KnownRelease) -> str:
    """Return a reference to name the image by: of the newest image, by a tag of its own or its digest."""
    names = (release.environment, release.region)
    newest = judged.newer[0] if judged.newer else None
    tags = newest.tags if newest else _tags(judged)
    fixed = [tag for tag in tags if not moves(tag, names)]
    return shlex.quote(fixed[0]) if fixed else newest.digest if newest else "sha256:…"


def _commit_in_ci(judged: Judged, release: KnownRelease) -> str:
    """Return how CI names the image by its commit, where the tags hold commits; else an empty text."""
    match = next(filter(None, map(commit_in, _tags(judged))), None)
    if match is None:
        return ""
    variable = release.ci_variable or _CI_EXAMPLE
    length = len(match["sha"])
    commit = f"${{{variable}::{length}}}" if length < WHOLE_COMMIT else f"${variable}"
    return f'"{match.string[: match.start("sha")]}{commit}{match.string[match.end("sha") :]}"'


def _tags(judged: Judged) -> list[str]:
    """Return the tags of the repository that are known, those of the newest image first."""
    images = [*(judged.newer or ()), *filter(None, [judged.expected.image])]
    return [*(tag for image in images for tag in image.tags), *filter(None, [judged.expected.reference.tag])]


def _evidence(judged: Judged, release: KnownRelease, by: str | None) -> dict[str, object]:
    return {
        "reference": str(judged.expected.reference),
        "digest": judged.expected.digest,
        "named_by": judged.namer,
        "by": by,
        "commit": release.commit.sha if release.commit else None,
        "newer": None if judged.newer is None else [_label(image) for image in judged.newer],
    }
