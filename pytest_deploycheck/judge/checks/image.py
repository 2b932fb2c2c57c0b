"""The link `image`: is the expected image in the registry, in the repository the service pulls from?"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from pytest_deploycheck.facts.image import Reference, Registry
from pytest_deploycheck.facts.snapshot import Judged, Lookup, Problem, ServiceFacts
from pytest_deploycheck.judge.analysis.rollback import no_target
from pytest_deploycheck.judge.finding import (
    IMAGE_EXISTS,
    IMAGE_PUSHED,
    IMAGE_REPOSITORY,
    Check,
    Finding,
    Status,
)
from pytest_deploycheck.judge.wording import at, copy_command, ecr_command, expected, short
from pytest_deploycheck.oci.reference import parse, same_place

_MOVING_TAGS = frozenset({"latest", "dev", "develop", "main", "master", "stable", "staging", "prod", "production"})
"""Tags that by their names are moved with each build."""


def judge_exists(facts: ServiceFacts, *, strict_tags: bool = False) -> Finding:
    """`image-exists`: the tag or expected digest is in its registry.

    Args:
        facts: What was seen of the service.
        strict_tags: Whether a service that names its image by a tag which can be moved fails.
    """
    finding = _for_each(IMAGE_EXISTS, facts, lambda judged: _advised(_exists(judged.expected), judged, strict_tags))
    nothing_left = no_target(facts)
    advice = [f"advice: {nothing_left}"] if nothing_left else []
    return replace(finding, notes=(*finding.notes, *advice, *_left_out(facts)))


def judge_repository(facts: ServiceFacts) -> Finding:
    """`image-repository`: the service pulls from the repository, account and region of the expected image."""
    if facts.judged and not any(judged.names_repository for judged in facts.judged):
        return IMAGE_REPOSITORY.skips("no image was named with its repository")
    return _for_each(IMAGE_REPOSITORY, facts, _repository)


def judge_pushed(facts: ServiceFacts, after: datetime | None) -> Finding:
    """`image-pushed`: the expected image was pushed after a given moment."""
    if after is None:
        return IMAGE_PUSHED.skips("no --deploy-pushed-after was given")
    return _for_each(IMAGE_PUSHED, facts, lambda judged: _pushed(judged.expected, after))


def _for_each(check: Check, facts: ServiceFacts, judge: Callable[[Judged], Finding]) -> Finding:
    if facts.judged:
        finding = check.of_all({judged.container: judge(judged) for judged in facts.judged})
        return replace(finding, notes=(*finding.notes, *_degraded(facts)))
    problem = facts.problems.get("definition") or facts.problems.get("service") or facts.problems.get("tasks")
    if problem:
        return check.errs(problem)
    return check.unproven(
        "No task definition of the service was found, so it is not known which image is expected.",
        remedy="Name the image with --deploy-image, or look at the service in the AWS console.",
    )


def _left_out(facts: ServiceFacts) -> list[str]:
    """Essential containers that no image was named for and that are not judged, as no ECR registry has their images."""
    judged = {one.container for one in facts.judged if one.namer == "task definition"}
    if facts.definition is None or not judged:
        return []
    return [
        f"container {container.name!r} ({container.image}) is not judged, as its image is in no ECR registry"
        for container in facts.definition.containers
        if container.essential and container.name not in judged and not _is_in_ecr(container.image)
    ]


def _is_in_ecr(image: str) -> bool:
    try:
        return parse(image).ecr is not None
    except ValueError:
        return False


def _degraded(facts: ServiceFacts) -> list[str]:
    """What to say of an answer that does not come from the task definition."""
    problem = facts.problems.get("definition")
    if facts.definition or problem is None:
        return []
    return [f"what the service pulls is told by its running tasks, as {problem.operation} gave {problem.code}"]


def _exists(lookup: Lookup) -> Finding:
    reference = lookup.reference
    evidence: dict[str, Any] = {
        "reference": str(reference),
        "digest": lookup.digest,
        "pushed_at": lookup.image.pushed_at.isoformat() if lookup.image and lookup.image.pushed_at else None,
        "tags": list(lookup.image.tags) if lookup.image else [],
    }
    if lookup.absent:
        return _absent(lookup, evidence)
    if lookup.image:
        return IMAGE_EXISTS.passes(expected(lookup), notes=_notes(lookup), evidence=evidence)
    if lookup.problem:
        return IMAGE_EXISTS.errs(lookup.problem, evidence=evidence)
    return IMAGE_EXISTS.unproven(
        f"{reference} is in no private ECR registry, and docker has no credentials here for another.",
        remedy="Name it as the expected image, or log in to its registry (docker login), so that it can be read there.",
        evidence=evidence,
    )


def _advised(finding: Finding, judged: Judged, strict_tags: bool) -> Finding:  # noqa: FBT001  # as it was asked for
    """The finding with advice on tags, which is a failure only where it was asked to be one."""
    movable = _movable_tag(judged)
    if movable and strict_tags and finding.status is Status.PASS:
        return IMAGE_EXISTS.fails(
            f"{movable}, which strict_tags forbids",
            cause="A tag that moves names another image tomorrow: what a task pulls when it starts is not what was "
            "verified, and nothing is left to roll back to.",
            remedy="Name the image by a tag of its own or by its digest in the task definition, and make the "
            "repository's tags immutable.",
            evidence=finding.evidence,
        )
    advice = [f"advice: {movable}; name it by a tag of its own or by its digest"] if movable else []
    return replace(finding, notes=(*finding.notes, *advice))


def _movable_tag(judged: Judged) -> str:
    """What to say of the tag by which the service names its image, where that can be moved; else an empty text."""
    reference = judged.pulled.reference
    if reference.digest or judged.tags_can_move is False:
        return ""
    if (reference.tag or "latest") in _MOVING_TAGS:
        return f"the service names its image by the tag {reference.tag or 'latest'!r}, which moves with each build"
    if judged.tags_can_move:
        return f"the service names its image by the tag {reference.tag!r}, and the repository lets its tags be moved"
    return ""


def _absent(lookup: Lookup, evidence: dict[str, Any]) -> Finding:
    reference = lookup.reference
    where = f"{reference.repository} in {_registry(reference.ecr)}"
    if lookup.absent == "repository":
        return IMAGE_EXISTS.fails(
            f"there is no repository {where}",
            cause="The repository's name, account or region is misspelt, or the image was never pushed there.",
            remedy="Compare the name with the one the build pushes to, and with the task definition's image.",
            command=ecr_command(reference.ecr, "describe-repositories") if reference.ecr else _inspect(reference),
            evidence=evidence,
        )
    name = f"tag {reference.tag}" if lookup.absent == "tag" else f"digest {short(reference.digest)}"
    still = f"; the image it last named, {short(lookup.digest)}, is still there" if lookup.image else ""
    return IMAGE_EXISTS.fails(
        f"there is no {name} in {where}{still}",
        cause="The image was never pushed, was pushed to another repository, or a lifecycle policy deleted it.",
        remedy="Push the image. Until it is there, ECS cannot start another task that needs it.",
        command=ecr_command(reference.ecr, "describe-images", "--repository-name", reference.repository)
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
        notes.append(f"the tag {reference.tag} points to another image by now; the digest is what counts")
    if lookup.problem:
        notes.append(f"when it was pushed is not known: {lookup.problem.operation} is denied, the manifest was read")
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
        cause=f"{_difference(judged)} differs: what was pushed there never reaches the service.",
        remedy=(
            f"Push to {pulled.place} and start a rollout, or change the image of container {judged.container!r} in the "
            "task definition."
        ),
        command=copy_command(wanted, pulled),
        notes=notes,
        evidence=evidence,
    )


def _difference(judged: Judged) -> str:
    wanted, pulled = judged.expected.reference, judged.pulled.reference
    parts = ["The repository"] if wanted.repository != pulled.repository else []
    if wanted.ecr and pulled.ecr:
        parts += ["the account"] if wanted.ecr.account != pulled.ecr.account else []
        parts += ["the region"] if wanted.ecr.region != pulled.ecr.region else []
    elif wanted.host != pulled.host:
        parts.append("the registry")
    text = " and ".join(parts)
    return text[0].upper() + text[1:]


def _pushed(lookup: Lookup, after: datetime) -> Finding:
    evidence: dict[str, Any] = {"after": after.isoformat()}
    if lookup.image and lookup.image.pushed_at:
        evidence["pushed_at"] = lookup.image.pushed_at.isoformat()
        if lookup.image.pushed_at >= after:
            return IMAGE_PUSHED.passes(f"pushed {at(lookup.image.pushed_at)}, after {at(after)}", evidence=evidence)
        return IMAGE_PUSHED.fails(
            f"{lookup.reference.repository} {short(lookup.digest)} was pushed {at(lookup.image.pushed_at)}, "
            f"before {at(after)}",
            cause="Nothing new was pushed, or the build came out the same as before: pushing an image that is there "
            "already changes nothing, its time included.",
            remedy="Build and push the image; if the code really is unchanged, leave --deploy-pushed-after out.",
            evidence=evidence,
        )
    if lookup.problem:
        return IMAGE_PUSHED.errs(lookup.problem, evidence=evidence)
    return IMAGE_PUSHED.unproven(
        f"it is not known when {lookup.reference} was pushed: {_why_unknown(lookup.problem, absent=lookup.absent)}",
        remedy="See image-exists.",
        evidence=evidence,
    )


def _why_unknown(problem: Problem | None, *, absent: str | None) -> str:
    if absent:
        return f"the {absent} is not in the registry"
    return f"{problem.operation} is denied" if problem else "its registry cannot be looked at"


def _registry(registry: Registry | None) -> str:
    return f"account {registry.account}, {registry.region}" if registry else "its registry"
