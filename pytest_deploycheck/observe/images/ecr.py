"""Images and their manifests, as ECR tells them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from botocore.exceptions import ClientError
from msgspec.structs import replace

from pytest_deploycheck.facts.image import Image, Reference, Registry
from pytest_deploycheck.facts.snapshot import Absence, Lookup, Problem
from pytest_deploycheck.observe.calls import batches, member, utc_or_none
from pytest_deploycheck.observe.problems import CALL_ERRORS, IncompleteAnswerError, code_of, problem_of
from pytest_deploycheck.oci import manifest as oci

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

_IMAGES = (
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.oci.image.config.v1+json",
    None,
    # Emulators repeat the kind of the manifest.
    *oci.MEDIA_TYPES,
)
"""The kinds of artifact that are images: ECR tells the kind of their configuration."""

_ATTACHED = re.compile(r"sha256-[0-9a-f]{64}(?:\.\w+)?")
"""The tags by which tools attach signatures and attestations to an image: its digest, and what they are."""

_MOST_PAGES = 100
"""Pages that are read of the list of a repository, of a thousand images each."""

T = TypeVar("T")

IMAGES_PER_CALL = 100
"""Images that BatchGetImage takes."""

REPOSITORIES_PER_CALL = 100
"""Repositories that DescribeRepositories takes."""

_NOT_THERE = frozenset({"ImageNotFound", "ImageTagDoesNotMatchDigest"})


class ImageId(NamedTuple):
    """An image of a repository, by its `imageDigest` or its `imageTag`."""

    by: str
    name: str

    @classmethod
    def of(cls, reference: Reference) -> ImageId:
        """Return the image that ECS pulls by a reference: by its digest, else by its tag."""
        return cls("imageDigest", reference.digest) if reference.digest else cls("imageTag", reference.tag or "latest")


class Pulled(NamedTuple):
    """An image as it is pulled: its digest, and its manifest as text."""

    digest: str
    manifest: str


def look_up(client: ECRClient, reference: Reference) -> Lookup:
    """Find the image that an ECR reference names.

    A reference with both tag and digest is found by its digest, as that is what ECS pulls; the tag is looked at too.
    Owners of other accounts' repositories often grant the pull actions only: then the manifest, which pulling needs,
    gives the digest, and when it was pushed stays unknown.
    """
    wanted = ImageId.of(reference)
    try:
        image = _image(reference, _describe(client, reference, wanted))
    except ClientError as error:
        absent = _absence(error, reference)
        if absent:
            return Lookup(reference, absent=absent)
        return _look_up_by_pulling(client, reference, wanted, problem_of(error, "ecr:DescribeImages"))
    except CALL_ERRORS as error:
        return Lookup(reference, problem=problem_of(error, "ecr:DescribeImages"))
    tag_is_gone = bool(reference.digest and reference.tag) and not _tag_exists(client, reference)
    return Lookup(reference, image=image, absent="tag" if tag_is_gone else None)


def images(client: ECRClient, reference: Reference) -> tuple[Image, ...]:
    """Return all images of a repository with their tags, without what cannot run, such as a signature.

    The manifests of an index for its platforms, which have no tags, are among them.

    Raises:
        botocore.exceptions.ClientError: The repository could not be read.
        IncompleteAnswerError: It holds more images than are read.
    """
    pages = client.get_paginator("describe_images").paginate(
        registryId=registry_of(reference).account,
        repositoryName=reference.repository,
        PaginationConfig={"PageSize": 1000},
    )
    return tuple(
        _image(replace(reference, tag=None, digest=detail["imageDigest"]), detail)
        for page in _bounded(pages)
        for detail in member(page, "imageDetails", "ecr:DescribeImages")
        if detail.get("artifactMediaType") in _IMAGES and not _is_attached(detail.get("imageTags", ()))
    )


def _image(reference: Reference, detail: Mapping[str, Any]) -> Image:
    return Image(
        reference=reference,
        digest=detail["imageDigest"],
        media_type=detail.get("imageManifestMediaType"),
        pushed_at=utc_or_none(detail.get("imagePushedAt")),
        tags=tuple(sorted(detail.get("imageTags", ()))),
    )


def _bounded(pages: Iterable[T]) -> Iterator[T]:
    for number, page in enumerate(pages):
        if number == _MOST_PAGES:
            raise IncompleteAnswerError(operation="ecr:DescribeImages", member=f"images beyond {_MOST_PAGES} pages")
        yield page


def _is_attached(tags: Sequence[str]) -> bool:
    """Return True if these are the tags of something attached to an image, such as a signature."""
    return bool(tags) and all(_ATTACHED.fullmatch(tag) for tag in tags)


def digests_of(client: ECRClient, reference: Reference, tags: Sequence[str]) -> dict[str, str]:
    """Return the digests of those of some tags that the repository has, by tag.

    Raises:
        botocore.exceptions.ClientError: The repository could not be read.
    """
    found: dict[str, str] = {}
    for batch in batches(tags, IMAGES_PER_CALL):
        answer = _batch_get_image(client, reference, [ImageId("imageTag", tag) for tag in batch])
        for image in member(answer, "images", "ecr:BatchGetImage"):
            found[image["imageId"]["imageTag"]] = image["imageId"]["imageDigest"]
    return found


def movable_tags(client: ECRClient, registry: Registry, names: Sequence[str]) -> dict[str, Callable[[str], bool]]:
    """Return for each repository a function that tells whether it lets a tag be moved from image to image.

    Raises:
        botocore.exceptions.ClientError: One of the repositories could not be read.
    """
    answer = client.describe_repositories(registryId=registry.account, repositoryNames=list(names))
    described = member(answer, "repositories", "ecr:DescribeRepositories")
    return {one["repositoryName"]: _movable_tags(one) for one in described}


def _movable_tags(repository: Mapping[str, Any]) -> Callable[[str], bool]:
    mutability = repository.get("imageTagMutability", "MUTABLE")
    usually = mutability.startswith("MUTABLE")
    filters = repository.get("imageTagMutabilityExclusionFilters", ()) if mutability.endswith("_EXCLUSION") else ()
    patterns = [str(one.get("filter", "*")) for one in filters]
    return lambda tag: usually != any(fnmatchcase(tag, pattern) for pattern in patterns)


def pull(client: ECRClient, place: Reference, wanted: Sequence[ImageId]) -> dict[ImageId, Pulled | None]:
    """Return the manifests of some images of a repository; None for one that it does not have.

    Raises:
        botocore.exceptions.ClientError: The repository could not be read.
    """
    answer = _batch_get_image(client, place, wanted)
    found: dict[ImageId, Pulled | None] = {}
    for failure in answer.get("failures", []):
        if failure.get("failureCode") in _NOT_THERE:
            found |= dict.fromkeys(_ids(dict(failure.get("imageId", {}))))
    for image in member(answer, "images", "ecr:BatchGetImage"):
        pulled = Pulled(image["imageId"]["imageDigest"], image["imageManifest"])
        found |= dict.fromkeys(_ids(dict(image["imageId"])), pulled)
    return {one: found[one] for one in wanted if one in found}


def _batch_get_image(client: ECRClient, place: Reference, wanted: Sequence[ImageId]) -> Mapping[str, Any]:
    return client.batch_get_image(
        registryId=registry_of(place).account,
        repositoryName=place.repository,
        imageIds=[{one.by: one.name} for one in wanted],  # type: ignore[misc]  # the stubs know literal keys only
        acceptedMediaTypes=list(oci.MEDIA_TYPES),
    )


def _ids(answered: Mapping[str, Any]) -> list[ImageId]:
    return [ImageId(by, answered[by]) for by in ("imageDigest", "imageTag") if by in answered]


def _describe(client: ECRClient, reference: Reference, wanted: ImageId) -> Mapping[str, Any]:
    answer = client.describe_images(
        registryId=registry_of(reference).account,
        repositoryName=reference.repository,
        imageIds=[{wanted.by: wanted.name}],  # type: ignore[misc]  # the stubs know literal keys only
    )
    details = member(answer, "imageDetails", "ecr:DescribeImages")
    if not details:
        # Where there is no such image ECR answers with an exception, so an empty list was cut short.
        raise IncompleteAnswerError(operation="ecr:DescribeImages", member="imageDetails[0]")
    return details[0]  # type: ignore[no-any-return]


def _tag_exists(client: ECRClient, reference: Reference) -> bool:
    try:
        _describe(client, reference, ImageId("imageTag", reference.tag or ""))
    except ClientError as error:
        return _absence(error, reference) is None
    except CALL_ERRORS:
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


def _look_up_by_pulling(client: ECRClient, reference: Reference, wanted: ImageId, denied: Problem) -> Lookup:
    """The degraded look: the manifest tells the digest. Where it may not be read either, the first denial stands."""
    try:
        pulled = _pull(client, reference, wanted)
    except LookupError:
        return Lookup(reference, absent="digest" if reference.digest else "tag")
    except ClientError as error:
        absent = _absence(error, reference)
        return Lookup(reference, absent=absent, problem=None if absent else denied)
    except CALL_ERRORS:
        return Lookup(reference, problem=denied)
    image = Image(reference, digest=pulled["imageId"]["imageDigest"], media_type=pulled.get("imageManifestMediaType"))
    return Lookup(reference, image=image, problem=denied)


def _pull(client: ECRClient, reference: Reference, wanted: ImageId) -> Mapping[str, Any]:
    """One image of BatchGetImage.

    Raises:
        LookupError: The registry has no such image.
        IncompleteAnswerError: The answer has neither the image nor the reason why not.
    """
    answer = _batch_get_image(client, reference, [wanted])
    for failure in answer.get("failures", []):
        if failure.get("failureCode") in _NOT_THERE:
            raise LookupError(failure.get("failureReason", ""))
    images = member(answer, "images", "ecr:BatchGetImage")
    if not images:
        raise IncompleteAnswerError(operation="ecr:BatchGetImage", member="images[0]")
    return images[0]  # type: ignore[no-any-return]


def registry_of(reference: Reference) -> Registry:
    """Return the ECR registry of a reference that is known to be of one."""
    if reference.ecr is None:
        raise ValueError(f"{reference} is in no ECR registry")
    return reference.ecr
