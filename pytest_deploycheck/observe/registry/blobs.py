"""Blobs of images, the configurations and the layers: from ECR, from any other registry, or from the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Protocol

from botocore.exceptions import ClientError

from pytest_deploycheck.facts.image import Reference, Registry
from pytest_deploycheck.observe.calls import member
from pytest_deploycheck.observe.problems import CALL_ERRORS, code_of, problem_of
from pytest_deploycheck.observe.registry.blob_cache import BlobCache
from pytest_deploycheck.observe.registry.client import RegistryClient
from pytest_deploycheck.observe.registry.download import download
from pytest_deploycheck.observe.registry.errors import BlobError, RequestSubject, gone
from pytest_deploycheck.observe.registry.http import Reply, Request
from pytest_deploycheck.observe.registry.retry import Retries
from pytest_deploycheck.observe.registry.secrets import masked_logs
from pytest_deploycheck.observe.registry.streams import check_digest, readable, verified
from pytest_deploycheck.observe.registry.web import Web
from pytest_deploycheck.polling import Overtime, SystemClock

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

_ACTION = "ecr:GetDownloadUrlForLayer"
_GONE = {"LayersNotFoundException": "digest", "RepositoryNotFoundException": "repository"}
_IF_DENIED = (
    "S3 refused the address that ECR gave. Allow s3:GetObject on ECR's bucket of layers "
    "(prod-REGION-starport-layer-bucket) in the policy of the VPC endpoint or proxy, and check this machine's clock."
)


class BlobStore(Protocol):
    """A source of blobs."""

    def open(self, reference: Reference, digest: str, size: int | None = None) -> AbstractContextManager[BinaryIO]:
        """Open a blob to read while it arrives, from its beginning to its end, without seeking.

        Its last bytes are returned only after its digest was verified: a reader who stops earlier has no proof.

        Args:
            reference: An image in the repository that has the blob; tag and digest do not matter.
            digest: The digest of the blob's bytes as stored.
            size: Bytes as stored, by the manifest, or None where they are not known.

        Raises:
            BlobError: It cannot be fetched or does not match its digest; while opening as well as while reading.
        """
        ...


class EcrBlobs:
    """Blobs in private ECR registries.

    Args:
        client: The ECR client of a region.
        web: The connections to ECR's storage.
        retries: The retries.
        overtime: The time that downloads may take; default: that of a run.
    """

    def __init__(
        self,
        client: Callable[[str], ECRClient],
        *,
        web: Web | None = None,
        retries: Retries | None = None,
        overtime: Overtime | None = None,
    ) -> None:
        self._client = client
        self._overtime = overtime or Overtime(SystemClock())
        self._web = web or Web(overtime=self._overtime)
        self._retries = retries or Retries()

    @contextmanager
    def open(self, reference: Reference, digest: str, size: int | None = None) -> Iterator[BinaryIO]:
        """As `BlobStore.open`."""
        if reference.ecr is None:
            raise ValueError(f"{reference} is not in an ECR registry")
        subject = RequestSubject(_ACTION, f"The blob {digest} of {reference.place}", "digest", _IF_DENIED)
        check_digest(digest, subject)
        ask = partial(self._ask, reference, reference.ecr, digest, subject)
        chunks = download(ask, subject=subject, size=size, retries=self._retries, overtime=self._overtime)
        with readable(verified(chunks, digest, size=size, subject=subject)) as file:
            yield file

    @contextmanager
    def _ask(
        self, reference: Reference, registry: Registry, digest: str, subject: RequestSubject, offset: int
    ) -> Iterator[Reply]:
        # Each attempt gets a new address, so that none expires, however long the blob takes.
        request = self._presigned(reference, registry, digest, subject).ranged(offset)
        with self._web.ask(request, subject) as reply:
            reply.check(offset)
            yield reply

    def _presigned(self, reference: Reference, registry: Registry, digest: str, subject: RequestSubject) -> Request:
        try:
            with masked_logs():
                answer = self._client(registry.region).get_download_url_for_layer(
                    registryId=registry.account, repositoryName=reference.repository, layerDigest=digest
                )
            return Request(member(answer, "downloadUrl", _ACTION))
        except ClientError as error:
            absent = _GONE.get(code_of(error))
            if absent is None:
                failure = BlobError(problem_of(error, _ACTION))
            else:
                message = str(error.response.get("Error", {}).get("Message", ""))
                failure = gone(subject, code_of(error), message, "repository" if absent == "repository" else "digest")
        except CALL_ERRORS as error:
            failure = BlobError(problem_of(error, _ACTION))
        raise failure


class Blobs:
    """Blobs of the registry that a reference names.

    Args:
        ecr: Private ECR registries.
        registry: Every other registry.
        cache: The cache of blobs, or None to fetch each time.
    """

    def __init__(self, ecr: BlobStore, registry: RegistryClient, cache: BlobCache | None = None) -> None:
        self._ecr = ecr
        self._registry = registry
        self._cache = cache

    def open(self, reference: Reference, digest: str, size: int | None = None) -> AbstractContextManager[BinaryIO]:
        """As `BlobStore.open`."""
        source = self._ecr.open if reference.ecr else self._registry.open_blob
        fetch = partial(source, reference, digest, size)
        return self._cache.open(digest, size, fetch) if self._cache else fetch()
