from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.judging import judge_run_image
from support.worlds import completed, image, judged, reference, task

from pytest_deploycheck.facts.image import Child, Layer, Platform
from pytest_deploycheck.facts.snapshot import Lookup
from pytest_deploycheck.judge.finding import Status
from pytest_deploycheck.oci.manifest import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    MEDIA_TYPES,
    OCI_INDEX,
    OCI_MANIFEST,
    ManifestError,
    digest_of,
    parse,
)

CONFIG, ONE, TWO, SEAL = (f"sha256:{letter * 64}" for letter in "1234")


def single(media_type: str | None) -> bytes:
    """A manifest of one platform, as bytes."""
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "config": {"digest": CONFIG, "size": 7},
        "layers": [{"digest": ONE, "size": 10}, {"digest": TWO, "size": 20}],
    }
    return json.dumps(document | ({"mediaType": media_type} if media_type else {})).encode()


def index(media_type: str | None, *more: dict[str, Any]) -> bytes:
    """An index of two platforms, as bytes."""
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "manifests": [
            {"digest": ONE, "size": 1, "platform": {"os": "linux", "architecture": "amd64"}},
            {"digest": TWO, "size": 1, "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
            *more,
        ],
    }
    return json.dumps(document | ({"mediaType": media_type} if media_type else {})).encode()


UNKNOWN = {"digest": SEAL, "size": 1, "platform": {"os": "unknown", "architecture": "unknown"}}
ANNOTATED = {
    "digest": SEAL,
    "size": 1,
    "platform": {"os": "linux", "architecture": "amd64"},
    "annotations": {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": ONE},
}
PLATFORMS = (Child(ONE, Platform("linux", "amd64")), Child(TWO, Platform("linux", "arm64", "v8")))


@pytest.mark.parametrize("media_type", [DOCKER_MANIFEST, OCI_MANIFEST])
def test_a_manifest_of_one_platform(media_type: str) -> None:
    """Docker's and OCI's manifests give the digest of their bytes, the configuration and the layers in order."""
    content = single(media_type)
    manifest = parse(content)
    assert manifest.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert (manifest.media_type, manifest.config) == (media_type, CONFIG)
    assert manifest.layers == (Layer(ONE, 10), Layer(TWO, 20))
    assert not manifest.is_index


@pytest.mark.parametrize("media_type", [DOCKER_LIST, OCI_INDEX])
def test_an_index_of_platforms(media_type: str) -> None:
    """Docker's manifest list and OCI's index give the manifest of each platform."""
    manifest = parse(index(media_type))
    assert manifest.is_index
    assert manifest.media_type == media_type
    assert manifest.children == PLATFORMS


def test_all_four_kinds_are_asked_for() -> None:
    """A registry is asked for both kinds of manifest and both kinds of index: it never has to convert."""
    assert set(MEDIA_TYPES) == {DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX}
    assert len(MEDIA_TYPES) == 4


@pytest.mark.parametrize(("content", "is_index"), [(single(None), False), (index(None), True)])
def test_oci_may_leave_its_media_type_out(content: bytes, is_index: bool) -> None:  # noqa: FBT001 - a case
    """A manifest without a media type is recognized by its shape."""
    assert parse(content).is_index is is_index


@pytest.mark.parametrize("seal", [UNKNOWN, ANNOTATED], ids=["unknown platform", "annotated"])
def test_attestations_are_not_platforms(seal: dict[str, Any]) -> None:
    """BuildKit's attestations are in the index and nothing runs them: they are dropped."""
    assert parse(index(OCI_INDEX, seal)).children == PLATFORMS


def test_a_task_cannot_run_an_attestation() -> None:
    """An attestation's digest is not among those that a task may show for the expected image."""
    manifest = parse(index(OCI_INDEX, UNKNOWN))
    expected = Lookup(reference(), image=image(manifest.digest, children=manifest.children))

    def run(of: str) -> Status:
        return judge_run_image(
            completed(judged=[judged(expected)], tasks=[task("one", of, architecture="x86_64")])
        ).status

    assert run(ONE) is Status.PASS
    assert run(manifest.digest) is Status.PASS
    assert run(SEAL) is Status.FAIL


def test_a_child_without_a_platform_stays() -> None:
    """An entry that does not say its platform may be the one that runs: it is kept."""
    assert parse(index(OCI_INDEX, {"digest": SEAL, "size": 1})).children[-1] == Child(SEAL, None)


@pytest.mark.parametrize(("version", "expected"), [("10.0.20348.2762", "10.0.20348.2762"), (10, None)])
def test_an_entry_for_windows_has_its_version(version: object, expected: str | None) -> None:
    """The version of the operating system is read; a value of another type is not."""
    platform = {"os": "windows", "architecture": "amd64", "os.version": version}
    child = parse(index(OCI_INDEX, {"digest": SEAL, "size": 1, "platform": platform})).children[-1]
    assert child.platform == Platform("windows", "amd64", os_version=expected)


def test_the_digest_must_be_that_of_the_bytes() -> None:
    """Bytes that are not those of their digest are refused, with both digests; a newline more is enough."""
    content = single(OCI_MANIFEST)
    assert parse(content, digest=digest_of(content)).digest == digest_of(content)
    with pytest.raises(ManifestError) as caught:
        parse(content + b"\n", digest=digest_of(content))
    assert digest_of(content) in str(caught.value)
    assert digest_of(content + b"\n") in str(caught.value)


@pytest.mark.parametrize(
    "document",
    [
        {"schemaVersion": 1, "name": "app", "fsLayers": [{"blobSum": ONE}]},
        {
            "schemaVersion": 1,
            "mediaType": "application/vnd.docker.distribution.manifest.v1+prettyjws",
            "fsLayers": [],
        },
        {"schemaVersion": 2, "mediaType": "application/vnd.example.artifact+json", "layers": []},
    ],
    ids=["schema 1", "signed schema 1", "an artifact"],
)
def test_kinds_that_are_not_supported(document: dict[str, Any]) -> None:
    """Schema 1 and anything else than an image are refused in words, not read as an empty image."""
    with pytest.raises(ManifestError, match="not supported"):
        parse(json.dumps(document).encode())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"3",
        b'"text"',
        b"{}",
        b"\xff\xfe\x00",
        json.dumps({"mediaType": OCI_MANIFEST}).encode(),
        json.dumps({"mediaType": OCI_MANIFEST, "config": None, "layers": None}).encode(),
        json.dumps({"mediaType": OCI_INDEX}).encode(),
        json.dumps({"mediaType": OCI_INDEX, "manifests": [{}]}).encode(),
        json.dumps({"mediaType": OCI_INDEX, "manifests": {"a": 1}}).encode(),
        json.dumps({"mediaType": OCI_INDEX, "manifests": [{"digest": ONE, "platform": {"os": "linux"}}]}).encode(),
        json.dumps({"mediaType": ["a"]}).encode(),
    ],
)
def test_garbage_is_refused(content: bytes) -> None:
    """A manifest that was cut short, or is something else altogether, is refused as one error."""
    with pytest.raises(ManifestError):
        parse(content)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_manifest_or_refused(content: bytes) -> None:
    """Whatever a registry sends, it is a manifest with the digest of its bytes, or a ManifestError."""
    try:
        manifest = parse(content)
    except ManifestError:
        return
    assert manifest.digest == digest_of(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["mediaType", "manifests", "layers", "config", "digest", "size", "platform", "annotations", "os"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from([*MEDIA_TYPES, None]))
def test_any_json_is_a_manifest_or_refused(document: Any, media_type: str | None) -> None:
    """Whatever JSON a registry sends, reading it gives a manifest or a ManifestError, never another exception."""
    if media_type and isinstance(document, dict):
        document["mediaType"] = media_type
    try:
        parse(json.dumps(document).encode())
    except ManifestError:
        return


@given(st.binary())
def test_a_digest_is_a_sha256(content: bytes) -> None:
    """The digest of bytes is their sha256, in the form that registries write."""
    assert digest_of(content) == f"sha256:{hashlib.sha256(content).hexdigest()}"
