"""The operations of ECR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.api.responses import Json, Operation, invalid, page
from pytest_deploycheck.sandbox.world.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.sandbox.world.registry import Repository
    from pytest_deploycheck.sandbox.world.world import World


def describe_repositories(world: World, region: str, request: Json) -> Json:
    """Operation DescribeRepositories."""
    if request.get("repositoryNames"):
        found = [_repository(world, region, request, name) for name in request["repositoryNames"]]
    else:
        account = request.get("registryId", world.account.id)
        found = [
            each for each in world.registries.repositories.values() if (each.account, each.region) == (account, region)
        ]
    repositories, more = page(found, request, largest=1000, default=100)
    return {
        "repositories": [
            {
                "repositoryArn": f"arn:aws:ecr:{each.region}:{each.account}:repository/{each.name}",
                "registryId": each.account,
                "repositoryName": each.name,
                "repositoryUri": f"{each.account}.dkr.ecr.{each.region}.amazonaws.com/{each.name}",
                "createdAt": each.created_at,
                "imageTagMutability": each.mutability,
                "imageTagMutabilityExclusionFilters": [
                    {"filterType": "WILDCARD", "filter": pattern} for pattern in each.excluded_tags
                ],
            }
            for each in repositories
        ],
        **more,
    }


def describe_images(world: World, region: str, request: Json) -> Json:
    """Operation DescribeImages."""
    repository = _repository(world, region, request)
    wanted = request.get("imageIds")
    if not wanted:
        digests, more = page(_filtered(repository, request), request, largest=1000, default=100)
        return {"imageDetails": [_details(repository, digest) for digest in digests], **more}
    if "maxResults" in request or "nextToken" in request:
        raise invalid("maxResults and nextToken cannot be used with imageIds")
    _check_number(wanted)
    found = dict.fromkeys(_required(repository, image) for image in wanted)
    return {"imageDetails": [_details(repository, digest) for digest in found]}


def batch_get_image(world: World, region: str, request: Json) -> Json:
    """Operation BatchGetImage. It never converts: a manifest is returned as it was pushed."""
    repository = _repository(world, region, request)
    _check_number(request["imageIds"])
    images, failures = [], []
    for wanted in request["imageIds"]:
        failure = _failure(repository, wanted)
        if failure:
            failures.append({"imageId": wanted, **failure})
            continue
        digest = _digest(repository, wanted)
        manifest = repository.images[digest].manifest
        tag = {"imageTag": wanted["imageTag"]} if wanted.get("imageTag") else {}
        images.append(
            {
                "registryId": repository.account,
                "repositoryName": repository.name,
                "imageId": {"imageDigest": digest, **tag},
                "imageManifest": manifest.data.decode(),
                "imageManifestMediaType": manifest.media_type,
            }
        )
    return {"images": images, "failures": failures}


def get_download_url_for_layer(world: World, region: str, request: Json) -> Json:
    """Operation GetDownloadUrlForLayer, for layers and configs alike."""
    repository = _repository(world, region, request)
    digest = request["layerDigest"]
    if digest not in repository.blobs:
        raise AwsError(
            "LayersNotFoundException",
            f"The layer with digest '{digest}' does not exist within the {_where(repository)}",
        )
    return {"downloadUrl": world.blob_url(repository, digest), "layerDigest": digest}


OPERATIONS: Mapping[str, Operation] = {
    "BatchGetImage": batch_get_image,
    "DescribeImages": describe_images,
    "DescribeRepositories": describe_repositories,
    "GetDownloadUrlForLayer": get_download_url_for_layer,
}
"""The operations, by name."""


def _repository(world: World, region: str, request: Json, name: str = "") -> Repository:
    account, name = request.get("registryId", world.account.id), name or request["repositoryName"]
    repository = world.registries.find(account, region, name)
    if repository is None:
        raise AwsError(
            "RepositoryNotFoundException",
            f"The repository with name '{name}' does not exist in the registry with id '{account}'",
        )
    return repository


def _where(repository: Repository) -> str:
    return f"repository with name '{repository.name}' in the registry with id '{repository.account}'"


def _check_number(ids: list[Json]) -> None:
    if len(ids) > 100:  # noqa: PLR2004 - ECR's limit
        raise invalid("Invalid parameter at 'imageIds': member must have length less than or equal to 100")


def _filtered(repository: Repository, request: Json) -> list[str]:
    status = request.get("filter", {}).get("tagStatus", "ANY")
    tagged = set(repository.tags.values())
    return [digest for digest in repository.images if status == "ANY" or (digest in tagged) == (status == "TAGGED")]


def _digest(repository: Repository, wanted: Json) -> str:
    return repository.digest(tag=wanted.get("imageTag", ""), digest=wanted.get("imageDigest", "")) or ""


def _failure(repository: Repository, wanted: Json) -> Json | None:
    tag, digest = wanted.get("imageTag"), wanted.get("imageDigest")
    if not tag and not digest:
        return {"failureCode": "MissingDigestAndTag", "failureReason": "Missing image digest and tag"}
    if not _digest(repository, wanted):
        return {"failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
    if tag and digest and repository.tags.get(tag) != digest:
        return {"failureCode": "ImageTagDoesNotMatchDigest", "failureReason": "Tag does not match digest"}
    return None


def _required(repository: Repository, wanted: Json) -> str:
    if _failure(repository, wanted):
        digest, tag = wanted.get("imageDigest", "null"), wanted.get("imageTag", "null")
        raise AwsError(
            "ImageNotFoundException",
            f"The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not exist "
            f"within the {_where(repository)}",
        )
    return _digest(repository, wanted)


def _details(repository: Repository, digest: str) -> Json:
    stored = repository.images[digest]
    tags = repository.tags_of(digest)
    return {
        "registryId": repository.account,
        "repositoryName": repository.name,
        "imageDigest": digest,
        **({"imageTags": tags} if tags else {}),
        "imageSizeInBytes": stored.manifest.size,
        "imagePushedAt": stored.pushed_at,
        "imageManifestMediaType": stored.manifest.media_type,
        **({"artifactMediaType": stored.manifest.artifact_type} if stored.manifest.artifact_type else {}),
        "imageStatus": "ACTIVE",
    }
