"""The list of images of a repository, and the manifests that are pulled from it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import repeat
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_deploycheck.facts.image import Reference, Registry
from pytest_deploycheck.observe.images import ecr
from pytest_deploycheck.observe.images.ecr import ImageId, Pulled
from pytest_deploycheck.observe.problems import IncompleteAnswerError
from pytest_deploycheck.oci import manifest as oci

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

PLACE = Reference("123456789012.dkr.ecr.us-east-1.amazonaws.com", "shop", ecr=Registry("123456789012", "us-east-1"))
CONFIG = "application/vnd.oci.image.config.v1+json"
SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json"


def listed(*kinds: str | None) -> list[str]:
    """Return the tags of the images that are listed, of those with a kind of artifact each; None tells no kind."""
    details: list[dict[str, Any]] = [
        {
            "imageDigest": f"sha256:{number:064}",
            "imageTags": [str(kind)],
            "imagePushedAt": datetime(2025, 11, 26, tzinfo=UTC),
            **({"artifactMediaType": kind} if kind else {}),
        }
        for number, kind in enumerate(kinds)
    ]
    paginator = SimpleNamespace(paginate=lambda **_: [{"imageDetails": details}])
    client = cast("ECRClient", SimpleNamespace(get_paginator=lambda _: paginator))
    return [tag for image in ecr.images(client, PLACE) for tag in image.tags]


def test_what_cannot_run_is_not_an_image() -> None:
    """A signature is left out, an index, of which no kind is told, is not."""
    assert listed(CONFIG, SIGNATURE, None) == [CONFIG, "None"]


def test_the_kind_of_a_manifest_is_that_of_an_image() -> None:
    """An emulator that tells the manifest's kind in place of the configuration's hides no newer image."""
    assert listed(*oci.MEDIA_TYPES) == list(oci.MEDIA_TYPES)


def test_a_list_without_an_end_is_not_taken_for_whole() -> None:
    """Beyond a hundred pages the newer images may be missing: there is no list, and no wait for its end."""

    def paged(number: int) -> ECRClient:
        paginator = SimpleNamespace(paginate=lambda **_: repeat({"imageDetails": []}, number))
        return cast("ECRClient", SimpleNamespace(get_paginator=lambda _: paginator))

    assert ecr.images(paged(100), PLACE) == ()
    with pytest.raises(IncompleteAnswerError, match="images beyond 100 pages"):
        ecr.images(paged(101), PLACE)


def test_what_was_not_pulled_is_missing_only_if_ecr_says_so() -> None:
    """ECR has no image of one tag, and could not read that of another, of which nothing is known."""
    found, missing, unread = (ImageId("imageTag", tag) for tag in ("1", "2", "3"))
    answer = {
        "images": [{"imageId": {"imageDigest": "sha256:1", "imageTag": "1"}, "imageManifest": "{}"}],
        "failures": [
            {"imageId": {"imageTag": "2"}, "failureCode": "ImageNotFound"},
            {"imageId": {"imageTag": "3"}, "failureCode": "KmsError"},
        ],
    }
    client = cast("ECRClient", SimpleNamespace(batch_get_image=lambda **_: answer))
    pulled = ecr.pull(client, PLACE, [found, missing, unread])
    assert pulled == {found: Pulled("sha256:1", "{}"), missing: None}
