"""The link `image`: the expected image is in its registry, and in the repository that the service pulls from."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from pytest_deploycheck.facts.image import Reference, Registry
from pytest_deploycheck.facts.snapshot import Judged, Lookup, ServiceFacts
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.commands import copy_image, on_registry
from pytest_deploycheck.judge.finding import (
    IMAGE_EXISTS,
    IMAGE_PUSHED,
    IMAGE_REPOSITORY,
    IMAGE_TAG,
    Check,
    Finding,
)
from pytest_deploycheck.judge.wording import at, expected, short
from pytest_deploycheck.oci.reference import parse, same_place

_MOVING_TAGS = frozenset({"latest", "dev", "develop", "main", "master", "stable", "staging", "prod", "production"})
"""Tags that by their names are moved with each build."""


def judge_exists(analysis: ServiceAnalysis) -> Finding:
    """`image-exists`: the expected tag or digest is in its registry."""
    facts = analysis.facts
    finding = _for_each(IMAGE_EXISTS, facts, lambda judged: _exists(judged.expected))
    moving = [_advice_on(text) for one in facts.judged if _moves_by_name(one) and (text := _movable_tag(one))]
    # Most repositories let tags be moved: that is no news for everybody who is verified.
    movable = [_advice_on(text) for one in facts.judged if not _moves_by_name(one) and (text := _movable_tag(one))]
    nothing_left = [analysis.no_rollback_target] if analysis.no_rollback_target else []
    return replace(
        finding,
        notes=(*finding.notes, *(f"advice: {text}" for text in dict.fromkeys(movable))),
        advice=tuple(dict.fromkeys([*moving, *nothing_left, *_left_out(facts)])),
    )


def _advice_on(movable: str) -> str:
    return f"{movable}; name it by a tag of its own or by its digest"


def judge_tag(analysis: ServiceAnalysis, *, strict_tags: bool) -> Finding:
    """`image-tag`: the service does not name its image by a tag that can be moved.

    Args:
        analysis: The analysis of the service.
        strict_tags: Whether the environment asks for that.
    """
    if not strict_tags:
        return IMAGE_TAG.skips("strict_tags is not set")
    return _for_each(IMAGE_TAG, analysis.facts, _tag)


def judge_repository(analysis: ServiceAnalysis) -> Finding:
    """`image-repository`: the service pulls from the repository, account and region of the expected image."""
    facts = analysis.facts
    if facts.judged and not any(judged.names_repository for judged in facts.judged):
        return IMAGE_REPOSITORY.skips("no image was named with its repository")
    return _for_each(IMAGE_REPOSITORY, facts, _repository)


def judge_pushed(analysis: ServiceAnalysis, after: datetime | None) -> Finding:
    """`image-pushed`: the expected image was pushed after a given moment."""
    facts = analysis.facts
    if after is None:
        return IMAGE_PUSHED.skips("no --deploy-pushed-after was given")
    return _for_each(IMAGE_PUSHED, facts, lambda judged: _pushed(judged.expected, after))


def _for_each(check: Check, facts: ServiceFacts, judge: Callable[[Judged], Finding]) -> Finding:
    if facts.judged:
        finding = check.of_all({judged.container: judge(judged) for judged in facts.judged})
        return replace(finding, notes=(*finding.notes, *_degraded(facts)))
    if facts.why_unjudged:
        return check.errs(facts.why_unjudged)
    return check.unproven(
        "No task definition of the service was found, so it is not known which image is expected.",
        remedy="Name the image with --deploy-image, or look at the service in the AWS console.",
    )


def _left_out(facts: ServiceFacts) -> list[str]:
    """The essential containers that are not judged, as no image was named and theirs are in no ECR registry."""
    judged = {one.container for one in facts.judged if one.namer == "task definition"}
    if facts.definition is None or not judged:
        return []
    return [
        f"container {container.name!r} ({container.image}) is not judged, as its image is in no ECR registry"
        for container in facts.definition.containers
        if container.essential and not container.serves_others
        if container.name not in judged and not _is_in_ecr(container.image)
    ]


def _is_in_ecr(image: str) -> bool:
    try:
        return parse(image).ecr is not None
    except ValueError:
        return False


def _degraded(facts: ServiceFacts) -> list[str]:
    """A note on images that are not known from the task definition."""
    problem = facts.problems.get("definition")
    if facts.definition or problem is None:
        return []
    return [
        f"the image of the service is known from its running tasks alone, as {problem.operation} failed with "
        f"{problem.code}"
    ]


def _exists(lookup: Lookup) -> Finding:
    reference = lookup.reference
    evidence: dict[str, Any] = {
        "reference": str(reference),
        "digest": lookup.digest,
        "pushed_at": lookup.pushed_at.isoformat() if lookup.pushed_at else None,
        "tags": list(lookup.image.tags) if lookup.image else [],
    }
    if lookup.absent:
        return _absent(lookup, evidence)
    if lookup.image:
        return IMAGE_EXISTS.passes(expected(lookup), notes=_notes(lookup), evidence=evidence)
    if lookup.problem:
        return IMAGE_EXISTS.errs(lookup.problem, evidence=evidence)
    return IMAGE_EXISTS.unproven(
        f"{reference} is not in a private ECR registry, and docker has no credentials here for its registry",
        remedy="Name it as the expected image, or log in to its registry (docker login), so that it can be read.",
        evidence=evidence,
    )


def _tag(judged: Judged) -> Finding:
    evidence: dict[str, Any] = {"reference": str(judged.pulled.reference), "tags_can_move": judged.tags_can_move}
    movable = _movable_tag(judged)
    if movable:
        return IMAGE_TAG.fails(
            f"{movable}, which strict_tags forbids",
            cause="A tag that can be moved may name another image tomorrow: tasks that start then may pull an image "
            "that was not verified, and the old one may be lost for a rollback.",
            remedy="Name the image by a tag of its own or by its digest in the task definition, and make the tags of "
            "the repository immutable.",
            evidence=evidence,
        )
    if judged.tags_can_move is None and not judged.pulled.reference.digest:
        return IMAGE_TAG.unproven(
            f"it is not known whether the repository lets its tag {judged.pulled.reference.tag!r} be moved",
            remedy="Allow ecr:DescribeRepositories to the caller, or name the image by its digest in the task "
            "definition.",
            evidence=evidence,
        )
    how = "its digest" if judged.pulled.reference.digest else "a tag that cannot be moved"
    return IMAGE_TAG.passes(f"the service names its image by {how}", evidence=evidence)


def _moves_by_name(judged: Judged) -> bool:
    """Return True if the tag by which the service names its image is one that is moved with each build."""
    return (judged.pulled.reference.tag or "latest") in _MOVING_TAGS


def _movable_tag(judged: Judged) -> str:
    """A remark on the tag by which the service names its image, where it can be moved; else an empty text."""
    reference = judged.pulled.reference
    if reference.digest or judged.tags_can_move is False:
        return ""
    if _moves_by_name(judged):
        return f"the service names its image by the tag {reference.tag or 'latest'!r}, which moves with each build"
    if judged.tags_can_move:
        return f"the service names its image by the tag {reference.tag!r}, and the repository allows tags to be moved"
    return ""


def _absent(lookup: Lookup, evidence: dict[str, Any]) -> Finding:
    reference = lookup.reference
    where = f"{reference.repository} in {_registry(reference.ecr)}"
    if lookup.absent == "repository":
        return IMAGE_EXISTS.fails(
            f"unknown repository: {where}",
            cause="The name, account or region of the repository is misspelt, or the image was never pushed there.",
            remedy="Compare the name with the one that the build pushes to, and with the image of the task definition.",
            command=on_registry(reference.ecr, "describe-repositories") if reference.ecr else _inspect(reference),
            evidence=evidence,
        )
    name = f"tag {reference.tag}" if lookup.absent == "tag" else f"digest {short(reference.digest)}"
    near = f"; the most similar tag there is {lookup.near}" if lookup.near else ""
    still = f"; the image that it last named, {short(lookup.digest)}, is still there" if lookup.image else ""
    return IMAGE_EXISTS.fails(
        f"{name} is not in {where}{still}{near}",
        cause="The image was never pushed, was pushed to another repository, or a lifecycle policy deleted it.",
        remedy="Push the image. Until it is there, ECS cannot start another task that needs it.",
        command=on_registry(reference.ecr, "describe-images", "--repository-name", reference.repository)
        if reference.ecr
        else _inspect(reference),
        evidence=evidence,
    )


def _inspect(reference: Reference) -> str:
    return shlex.join(["docker", "buildx", "imagetools", "inspect", str(reference)])


def _notes(lookup: Lookup) -> list[str]:
    notes = []
    reference, image = lookup.reference, lookup.image
    if image and reference.digest and reference.tag and image.tags and reference.tag not in image.tags:
        notes.append(f"the tag {reference.tag} names another image now; the digest is what counts")
    if lookup.problem:
        notes.append(f"its push time is not known, as {lookup.problem.operation} is denied; its manifest was read")
    return notes


def _repository(judged: Judged) -> Finding:
    wanted, pulled = judged.expected.reference, judged.pulled.reference
    evidence: dict[str, Any] = {"expected": wanted.place, "pulled": pulled.place}
    if same_place(wanted, pulled):
        return IMAGE_REPOSITORY.passes(f"the service pulls from {pulled.place}", evidence=evidence)
    notes = []
    if judged.expected.digest and judged.expected.digest == judged.pulled.digest:
        notes.append(f"both hold the same digest, {short(judged.expected.digest)}")
    return IMAGE_REPOSITORY.fails(
        f"the service pulls from {pulled.place}, but the expected image is in {wanted.place}",
        cause=f"{_difference(judged)}: an image that is pushed there never reaches the service.",
        remedy=(
            f"Push to {pulled.place} and start a rollout, or change the image of container {judged.container!r} in the "
            "task definition."
        ),
        command=copy_image(wanted, pulled),
        notes=notes,
        evidence=evidence,
    )


def _difference(judged: Judged) -> str:
    wanted, pulled = judged.expected.reference, judged.pulled.reference
    parts = ["the repository"] if wanted.repository != pulled.repository else []
    if wanted.ecr and pulled.ecr:
        parts += ["the account"] if wanted.ecr.account != pulled.ecr.account else []
        parts += ["the region"] if wanted.ecr.region != pulled.ecr.region else []
    elif wanted.host != pulled.host:
        parts.append("the registry")
    text = " and ".join(parts)
    return f"{text[0].upper()}{text[1:]} {'differs' if len(parts) == 1 else 'differ'}"


def _pushed(lookup: Lookup, after: datetime) -> Finding:
    evidence: dict[str, Any] = {"after": after.isoformat()}
    if lookup.pushed_at:
        evidence["pushed_at"] = lookup.pushed_at.isoformat()
        if lookup.pushed_at >= after:
            return IMAGE_PUSHED.passes(f"pushed {at(lookup.pushed_at)}, after {at(after)}", evidence=evidence)
        return IMAGE_PUSHED.fails(
            f"{lookup.reference.repository} {short(lookup.digest)} was pushed {at(lookup.pushed_at)}, "
            f"before {at(after)}",
            cause="Nothing new was pushed, or the build produced the same image as before: pushing an image again "
            "changes nothing, not even its push time.",
            remedy="Build and push the image; if the code really is unchanged, omit --deploy-pushed-after.",
            evidence=evidence,
        )
    if lookup.problem:
        return IMAGE_PUSHED.errs(lookup.problem, evidence=evidence)
    return IMAGE_PUSHED.unproven(
        f"the push time of {lookup.reference} is not known: {_why_unknown(lookup.absent)}",
        remedy="See image-exists.",
        evidence=evidence,
    )


def _why_unknown(absent: str | None) -> str:
    return f"the {absent} is not in the registry" if absent else "its registry cannot be read"


def _registry(registry: Registry | None) -> str:
    return f"account {registry.account}, {registry.region}" if registry else "its registry"
