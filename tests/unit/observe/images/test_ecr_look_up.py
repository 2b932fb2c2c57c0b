"""An image looked up by its reference, with the answers of ECR that botocore's own model allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from msgspec.structs import replace

from pytest_deploycheck.facts.image import Reference, Registry
from pytest_deploycheck.observe.images.ecr import look_up

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

DIGEST = "sha256:" + "1" * 64
PLACE = Reference("123456789012.dkr.ecr.us-east-1.amazonaws.com", "shop", ecr=Registry("123456789012", "us-east-1"))
TAGGED = replace(PLACE, tag="1")
PINNED = replace(PLACE, tag="1", digest=DIGEST)
DENIED = "AccessDeniedException"


class Ecr:
    """ECR with answers that are given one after the other."""

    def __init__(self) -> None:
        self.client: ECRClient = boto3.client(
            "ecr", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
        )
        self.stub = Stubber(self.client)

    def describes(self, *details: dict[str, Any]) -> None:
        """DescribeImages answers with these."""
        self.stub.add_response("describe_images", {"imageDetails": list(details)})

    def refuses(self, code: str, operation: str = "describe_images") -> None:
        """An operation fails with this error."""
        self.stub.add_client_error(operation, code)

    def pulls(self, *images: dict[str, Any], failure: str | None = None) -> None:
        """BatchGetImage answers with these, or with the reason why not."""
        failures = [{"failureCode": failure, "imageId": {"imageTag": "1"}}] if failure else []
        self.stub.add_response("batch_get_image", {"images": list(images), "failures": failures})


@pytest.fixture
def ecr() -> Iterator[Ecr]:
    """Return ECR, all of whose answers a test has to use up."""
    registry = Ecr()
    with registry.stub:
        yield registry
        registry.stub.assert_no_pending_responses()


def test_a_digest_whose_tag_is_gone(ecr: Ecr) -> None:
    """The image of a pinned reference is found by its digest, and that its tag is gone is told."""
    ecr.describes({"imageDigest": DIGEST})
    ecr.refuses("ImageNotFoundException")
    found = look_up(ecr.client, PINNED)
    assert found.image is not None
    assert found.image.digest == DIGEST
    assert found.absent == "tag"


@pytest.mark.parametrize("code", [DENIED, "ServerException"])
def test_a_tag_that_cannot_be_looked_up_is_not_called_absent(ecr: Ecr, code: str) -> None:
    """The digest is what ECS pulls: nothing is reported about a tag that could not be looked up."""
    ecr.describes({"imageDigest": DIGEST})
    ecr.refuses(code)
    assert look_up(ecr.client, PINNED).absent is None


def test_a_tag_beside_its_digest(ecr: Ecr) -> None:
    """The tag of a pinned reference is there, whatever image it names by now."""
    ecr.describes({"imageDigest": DIGEST})
    ecr.describes({"imageDigest": "sha256:" + "2" * 64})
    found = look_up(ecr.client, PINNED)
    assert found.image is not None
    assert found.image.digest == DIGEST
    assert found.absent is None


def test_a_description_of_a_tag_that_was_cut_short_proves_no_absence(ecr: Ecr) -> None:
    """An empty list is none of ECR's answers, and takes nothing from the image that was found by its digest."""
    ecr.describes({"imageDigest": DIGEST})
    ecr.describes()
    found = look_up(ecr.client, PINNED)
    assert found.image is not None
    assert (found.absent, found.problem) == (None, None)


def test_a_description_without_images_is_a_problem(ecr: Ecr) -> None:
    """ECR answers with an error where there is no such image, so an empty list was cut short."""
    ecr.describes()
    found = look_up(ecr.client, TAGGED)
    assert (found.image, found.absent) == (None, None)
    assert found.problem is not None
    assert found.problem.operation == "ecr:DescribeImages"


@pytest.mark.parametrize(
    ("code", "absent"), [("RepositoryNotFoundException", "repository"), ("ImageNotFoundException", "tag")]
)
def test_what_is_missing_is_named(ecr: Ecr, code: str, absent: str) -> None:
    """A missing repository and a missing tag are told apart."""
    ecr.refuses(code)
    assert look_up(ecr.client, TAGGED).absent == absent


def test_where_images_may_not_be_described_the_manifest_tells_the_digest(ecr: Ecr) -> None:
    """The pull actions are enough for the digest; that images may not be described stays a problem."""
    ecr.refuses(DENIED)
    ecr.pulls({"imageId": {"imageDigest": DIGEST}, "imageManifest": "{}"})
    found = look_up(ecr.client, TAGGED)
    assert found.image is not None
    assert found.image.digest == DIGEST
    assert found.problem is not None


@pytest.mark.parametrize(("reference", "absent"), [(TAGGED, "tag"), (PINNED, "digest")])
def test_an_image_that_cannot_be_pulled_as_it_is_not_there(ecr: Ecr, reference: Reference, absent: str) -> None:
    """BatchGetImage tells by a failure that there is no such image."""
    ecr.refuses(DENIED)
    ecr.pulls(failure="ImageNotFound")
    found = look_up(ecr.client, reference)
    assert (found.image, found.absent, found.problem) == (None, absent, None)


def test_where_nothing_may_be_read_the_first_denial_stands(ecr: Ecr) -> None:
    """Nothing is known of the image, least of all that it is missing."""
    ecr.refuses(DENIED)
    ecr.refuses(DENIED, "batch_get_image")
    found = look_up(ecr.client, TAGGED)
    assert (found.image, found.absent) == (None, None)
    assert found.problem is not None
    assert found.problem.operation == "ecr:DescribeImages"


@pytest.mark.parametrize("failure", [None, "KmsError"])
def test_an_answer_without_the_image_and_without_the_reason_proves_no_absence(ecr: Ecr, failure: str | None) -> None:
    """An answer that was cut short, or that names another failure, leaves the image unknown."""
    ecr.refuses(DENIED)
    ecr.pulls(failure=failure)
    found = look_up(ecr.client, TAGGED)
    assert (found.image, found.absent) == (None, None)
    assert found.problem is not None
