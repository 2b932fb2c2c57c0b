"""Registries other than ECR (Docker Hub, GHCR, one on this machine), by the V2 API that all of them have."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import quote

from msgspec.structs import replace

from pytest_deploycheck.facts.image import Image, Manifest, Reference
from pytest_deploycheck.facts.snapshot import Absence, Lookup
from pytest_deploycheck.observe.registry import credentials as docker_config
from pytest_deploycheck.observe.registry.auth import Authorizer, Place, is_local
from pytest_deploycheck.observe.registry.credentials import HUB_HOSTS, Found
from pytest_deploycheck.observe.registry.download import download
from pytest_deploycheck.observe.registry.errors import BlobError, RequestSubject, failed, of_another_digest
from pytest_deploycheck.observe.registry.http import Reply, Request
from pytest_deploycheck.observe.registry.retry import Retries, persist
from pytest_deploycheck.observe.registry.streams import check_digest, readable, verified
from pytest_deploycheck.observe.registry.web import Web
from pytest_deploycheck.oci import manifest as oci
from pytest_deploycheck.oci.reference import is_digest, is_tag
from pytest_deploycheck.polling import Overtime, SystemClock

_HUB = "registry-1.docker.io"
_LARGEST_MANIFEST = 4 * 1024 * 1024
"""Bytes; the largest manifest that the distribution specification requires registries to accept."""

_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::\d{1,5})?")
_ACCEPT = ", ".join(oci.MEDIA_TYPES)


class RegistryClient:
    """Asks registries for manifests and blobs; safe to share between threads.

    It asks anonymously first, and with the credentials of docker's configuration where a registry requires
    them.

    Args:
        web: The connections.
        retries: The retries.
        credentials: Finds the credentials for a host.
        monotonic: Seconds since some fixed moment; tokens expire by it.
        overtime: The time that requests may take; default: that of a run.
    """

    def __init__(
        self,
        *,
        web: Web | None = None,
        retries: Retries | None = None,
        credentials: Callable[[str], Found] = docker_config.find,
        monotonic: Callable[[], float] = time.monotonic,
        overtime: Overtime | None = None,
    ) -> None:
        self._overtime = overtime or Overtime(SystemClock())
        self._web = web or Web(overtime=self._overtime)
        self._retries = retries or Retries()
        self._authorizer = Authorizer(self._web, credentials, monotonic=monotonic)

    def look_up(self, reference: Reference) -> Lookup:
        """Find the image of a reference; only ECR knows the time of the push and the other tags.

        A reference with both tag and digest is found by its digest, as that is what ECS pulls; the tag is looked at
        too.
        """
        try:
            manifest = self.manifest(reference, reference.digest or reference.tag or "latest")
        except BlobError as error:
            if error.absent:
                return Lookup(reference, absent=error.absent)
            return Lookup(reference, problem=error.problem)
        image = Image(reference, manifest.digest, manifest.media_type, manifest=manifest)
        tag_is_gone = bool(reference.digest and reference.tag) and not self._has(reference, reference.tag or "")
        return Lookup(reference, image=image, absent="tag" if tag_is_gone else None)

    @contextmanager
    def open_blob(self, reference: Reference, digest: str, size: int | None = None) -> Iterator[BinaryIO]:
        """As `BlobStore.open`."""
        subject = self._subject("GetBlob", f"The blob {digest} of {reference.place}", "digest", reference)
        check_digest(digest, subject)
        ask = partial(self._get, reference, f"blobs/{digest}", subject)
        chunks = download(ask, subject=subject, size=size, retries=self._retries, overtime=self._overtime)
        with readable(verified(chunks, digest, size=size, subject=subject)) as file:
            yield file

    def manifest(self, reference: Reference, wanted: str) -> Manifest:
        """Return a manifest or an index.

        Args:
            reference: An image in the repository.
            wanted: A tag or a digest.

        Raises:
            BlobError: It cannot be fetched or does not match its digest; `absent` is set if it does not exist.
        """
        absent: Absence = "digest" if is_digest(wanted) else "tag"
        name = f"{reference.place}{'@' if absent == 'digest' else ':'}{wanted}"
        subject = self._subject("GetManifest", f"The manifest of {name}", absent, reference)
        if not is_digest(wanted) and not is_tag(wanted):
            raise BlobError(
                failed(subject, "InvalidReference", f"{wanted!r} is neither a tag nor a digest", _CHECK_REFERENCE)
            )
        return persist(lambda: self._pull(reference, wanted, subject), self._retries, self._overtime.time_left)

    def _pull(self, reference: Reference, wanted: str, subject: RequestSubject) -> Manifest:
        with self._get(reference, f"manifests/{wanted}", subject, accept=_ACCEPT) as reply:
            content = reply.content(_LARGEST_MANIFEST)
            promised = wanted if is_digest(wanted) else reply.header("Docker-Content-Digest")
        actual = oci.digest_of(content)
        if promised and actual != promised:
            raise of_another_digest(subject, promised, actual)
        try:
            # An answer that is not a manifest, such as a login page, must not pass for an image.
            return oci.parse(content)
        except (oci.ManifestError, RecursionError) as error:
            failure = failed(subject, "NotAManifest", f"{subject.thing} cannot be used: {error}", _NOT_UNDERSTOOD)
        raise BlobError(failure)

    def _has(self, reference: Reference, tag: str) -> bool:
        try:
            self.manifest(reference, tag)
        except BlobError as error:
            # The digest was found, which counts; a tag that could not be queried is not taken for missing.
            return error.absent is None
        return True

    @contextmanager
    def _get(
        self, reference: Reference, path: str, subject: RequestSubject, offset: int = 0, *, accept: str | None = None
    ) -> Iterator[Reply]:
        place = _place(reference, subject)
        scheme = "http" if is_local(place.host) else "https"
        url = f"{scheme}://{place.host}/v2/{quote(place.repository)}/{path}"
        request = Request(url).having(Accept=accept).ranged(offset)
        with self._web.ask(request.having(Authorization=self._authorizer.known(place)), subject) as reply:
            # A challenge of another host is not answered: it would get the credentials of the registry.
            if reply.status != HTTPStatus.UNAUTHORIZED or reply.is_elsewhere:
                reply.check(offset)
                yield reply
                return
            challenges = reply.headers("WWW-Authenticate")
        subject = replace(subject, if_denied=self._if_denied(place))
        header = self._authorizer.answer(challenges, place, subject)
        with self._web.ask(request.having(Authorization=header), subject) as reply:
            reply.check(offset)
            yield reply

    def _if_denied(self, place: Place) -> str:
        host = "docker.io" if place.host == _HUB else place.host
        return (
            f"It was requested {self._authorizer.found(place.host).note}. Log in where the tests run (docker login "
            f"{host}) as a user who may pull it; registries also deny access to images that do not exist."
        )

    @staticmethod
    def _subject(call: str, thing: str, absent: Absence, reference: Reference) -> RequestSubject:
        if_denied = f"Log in where the tests run (docker login {reference.host}) as a user who may pull it."
        return RequestSubject(f"registry:{call}", thing, absent, if_denied)


_CHECK_REFERENCE = "Check the reference of the image."
_NOT_UNDERSTOOD = "Check which server answers under the name of the registry; images of schema 1 must be pushed again."


def _place(reference: Reference, subject: RequestSubject) -> Place:
    """Return the address of a registry's API, and its name for a repository.

    Raises:
        BlobError: The reference names no host.
    """
    if not _HOST.fullmatch(reference.host):
        message = f"{subject.thing} cannot be requested: {reference.host!r} is not a registry"
        raise BlobError(failed(subject, "InvalidReference", message, _CHECK_REFERENCE))
    if reference.host in HUB_HOSTS:
        # Docker's own images are in a folder that references leave out.
        name = reference.repository if "/" in reference.repository else f"library/{reference.repository}"
        return Place(_HUB, name)
    return Place(reference.host, reference.repository)
