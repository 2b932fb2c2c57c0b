"""Images and their manifests, as ECR tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from pytest_deploycheck.facts.image import Image, Manifest, Reference, Registry
from pytest_deploycheck.facts.snapshot import Absence, Lookup, Problem
from pytest_deploycheck.observe.calls import member, utc, utc_or_none
from pytest_deploycheck.observe.problems import LOOK_ERRORS, IncompleteAnswerError, code_of, problem_of
from pytest_deploycheck.oci import manifest as oci

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

_CONFIGS = (
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.oci.image.config.v1+json",
    None,
)
"""The kinds of configuration that images have; ECR tells them as the kind of artifact."""

_NOT_THERE = frozenset({"ImageNotFound", "ImageTagDoesNotMatchDigest"})


def look_up(client: ECRClient, reference: Reference) -> Lookup:
    """Find the image that an ECR reference names.

    A reference with both tag and digest is found by its digest, as that is what ECS pulls; the tag is looked at too.
    Owners of other accounts' repositories often grant the pull actions only: then the manifest, which pulling needs,
    gives the digest, and when it was pushed stays unknown.
    """
    wanted = {"imageDigest": reference.digest} if reference.digest else {"imageTag": reference.tag or "latest"}
    try:
        detail = _describe(client, reference, wanted)
    except ClientError as error:
        absent = _absence(error, reference)
        if absent:
            return Lookup(reference, absent=absent)
        return _look_up_by_pulling(client, reference, wanted, problem_of(error, "ecr:DescribeImages"))
    except LOOK_ERRORS as error:
        return Lookup(reference, problem=problem_of(error, "ecr:DescribeImages"))
    image = Image(
        reference=reference,
        digest=detail["imageDigest"],
        media_type=detail.get("imageManifestMediaType"),
        pushed_at=utc_or_none(detail.get("imagePushedAt")),
        tags=tuple(sorted(detail.get("imageTags", ()))),
    )
    tag_is_gone = bool(reference.digest and reference.tag) and not _tag_exists(client, reference)
    return Lookup(reference, image=image, absent="tag" if tag_is_gone else None)


def pushed_before(client: ECRClient, image: Image) -> str | None:
    """The digest of the image that was pushed to the same repository before this one, the latest of them.

    Raises:
        botocore.exceptions.ClientError: It could not be looked at.
    """
    reference, moment = image.reference, image.pushed_at
    known = {image.digest, *(child.digest for child in (image.manifest.children if image.manifest else ()))}
    earlier = [
        (detail["imagePushedAt"], detail["imageDigest"])
        for page in client.get_paginator("describe_images").paginate(
            registryId=_registry(reference).account,
            repositoryName=reference.repository,
            PaginationConfig={"PageSize": 1000},
        )
        for detail in member(page, "imageDetails", "ecr:DescribeImages")
        if moment
        and detail.get("imagePushedAt")
        and utc(detail["imagePushedAt"]) < moment
        # Attestations and the platforms of an index are no images that one could roll back to.
        and detail["imageDigest"] not in known
        and detail.get("artifactMediaType", _CONFIGS[0]) in _CONFIGS
    ]
    return max(earlier)[1] if earlier else None


def tags_can_move(client: ECRClient, reference: Reference) -> bool:
    """Return True if the repository lets its tags be moved from image to image.

    Raises:
        botocore.exceptions.ClientError: It could not be looked at.
    """
    answer = client.describe_repositories(
        registryId=_registry(reference).account, repositoryNames=[reference.repository]
    )
    (repository,) = member(answer, "repositories", "ecr:DescribeRepositories")
    return bool(repository.get("imageTagMutability", "MUTABLE") == "MUTABLE")


def manifest(client: ECRClient, reference: Reference, digest: str) -> Manifest:
    """The manifest or index of `digest` in the repository of `reference`.

    Raises:
        oci.ManifestError: It is not what its digest promises, or of no supported kind.
        LookupError: The registry has no such manifest.
        botocore.exceptions.ClientError: It could not be looked at.
    """
    content = _pull(client, reference, {"imageDigest": digest})["imageManifest"]
    return oci.parse(content.encode(), digest=digest)


def _describe(client: ECRClient, reference: Reference, wanted: Mapping[str, str]) -> Mapping[str, Any]:
    answer = client.describe_images(
        registryId=_registry(reference).account,
        repositoryName=reference.repository,
        imageIds=[wanted],  # type: ignore[list-item]  # a plain mapping in the TypedDict's shape
    )
    details = member(answer, "imageDetails", "ecr:DescribeImages")
    if not details:
        # Where there is no such image ECR answers with an exception, so an empty list was cut short.
        raise IncompleteAnswerError(operation="ecr:DescribeImages", member="imageDetails[0]")
    return details[0]  # type: ignore[no-any-return]


def _tag_exists(client: ECRClient, reference: Reference) -> bool:
    try:
        _describe(client, reference, {"imageTag": reference.tag or ""})
    except ClientError as error:
        return _absence(error, reference) is None
    except LOOK_ERRORS:
        # The digest was found, and is what counts; nothing is said against a tag that could not be looked at.
        return True
    return True


def _absence(error: ClientError, reference: Reference) -> Absence | None:
    """Return the thing that the error names as missing, or None if it does not name one."""
    code = code_of(error)
    if code == "RepositoryNotFoundException":
        return "repository"
    if code == "ImageNotFoundException":
        return "digest" if reference.digest else "tag"
    return None


def _look_up_by_pulling(client: ECRClient, reference: Reference, wanted: Mapping[str, str], denied: Problem) -> Lookup:
    """The degraded look: the manifest tells the digest. Where it may not be read either, the first denial stands."""
    try:
        pulled = _pull(client, reference, wanted)
    except LookupError:
        return Lookup(reference, absent="digest" if reference.digest else "tag")
    except ClientError as error:
        absent = _absence(error, reference)
        return Lookup(reference, absent=absent, problem=None if absent else denied)
    except LOOK_ERRORS:
        return Lookup(reference, problem=denied)
    image = Image(reference, digest=pulled["imageId"]["imageDigest"], media_type=pulled.get("imageManifestMediaType"))
    return Lookup(reference, image=image, problem=denied)


def _pull(client: ECRClient, reference: Reference, wanted: Mapping[str, str]) -> Mapping[str, Any]:
    """One image of BatchGetImage.

    Raises:
        LookupError: The registry has no such image.
        IncompleteAnswerError: The answer has neither the image nor the reason why not.
    """
    answer = client.batch_get_image(
        registryId=_registry(reference).account,
        repositoryName=reference.repository,
        imageIds=[wanted],  # type: ignore[list-item]  # a plain mapping in the TypedDict's shape
        acceptedMediaTypes=list(oci.MEDIA_TYPES),
    )
    for failure in answer.get("failures", []):
        if failure.get("failureCode") in _NOT_THERE:
            raise LookupError(failure.get("failureReason", ""))
    images = member(answer, "images", "ecr:BatchGetImage")
    if not images:
        raise IncompleteAnswerError(operation="ecr:BatchGetImage", member="images[0]")
    return images[0]  # type: ignore[no-any-return]


def _registry(reference: Reference) -> Registry:
    if reference.ecr is None:
        raise ValueError(f"{reference} is in no ECR registry")
    return reference.ecr
