from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
import urllib.error
import urllib.request
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

from pytest_deploycheck.sandbox import sandbox_layer

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox import Sandbox
    from sandbox.conftest import Clients

FILES: dict[str, str | bytes] = {"app/main.py": "print('hello')\n", "app/data.bin": b"\x00\xff"}


def digest_of(data: bytes) -> str:
    """Return the digest of bytes, computed independently."""
    return f"sha256:{sha256(data).hexdigest()}"


def manifest(client: Clients, repository: str, **image_id: str) -> dict[str, Any]:
    """Return a manifest after making sure that it hashes to its digest."""
    answer = client("ecr").batch_get_image(repositoryName=repository, imageIds=[image_id])
    assert not answer["failures"]
    text = answer["images"][0]["imageManifest"]
    assert digest_of(text.encode()) == answer["images"][0]["imageId"]["imageDigest"]
    document: dict[str, Any] = json.loads(text)
    assert document["mediaType"] == answer["images"][0]["imageManifestMediaType"]
    return document


def download(client: Clients, repository: str, digest: str) -> bytes:
    """Return a blob after making sure that it hashes to its digest."""
    answer = client("ecr").get_download_url_for_layer(repositoryName=repository, layerDigest=digest)
    with urllib.request.urlopen(answer["downloadUrl"], timeout=10) as response:  # noqa: S310
        data: bytes = response.read()
    assert digest_of(data) == digest
    return data


def test_an_image_is_described_as_it_was_pushed(aws: Sandbox, client: Clients) -> None:
    """Digest, tags, media type and push time are what was pushed."""
    pushed_at = aws.now() - timedelta(hours=3)
    image = aws.push_image("described:1.0", FILES, tags=("latest",), at=pushed_at)
    (found,) = client("ecr").describe_images(repositoryName="described")["imageDetails"]
    assert found["imageDigest"] == image.digest
    assert found["imageTags"] == ["1.0", "latest"]
    assert abs(found["imagePushedAt"] - pushed_at) < timedelta(milliseconds=2)
    assert found["imageManifestMediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert image.uri == "123456789012.dkr.ecr.us-east-1.amazonaws.com/described:1.0"
    assert image.uri_by_digest.endswith(f"/described@{image.digest}")


@pytest.mark.parametrize("image_format", ["oci", "docker"])
@pytest.mark.parametrize("compress", [True, False])
def test_layers_unpack_to_the_files_given(
    aws: Sandbox,
    client: Clients,
    image_format: Any,
    compress: bool,  # noqa: FBT001
) -> None:
    """Config and layers can be downloaded, fit together, and hold the files."""
    name = f"unpacked-{image_format}-{compress}".lower()
    aws.push_image(name, FILES, labels={"a": "b"}, image_format=image_format, compress=compress)
    document = manifest(client, name, imageTag="latest")
    config = json.loads(download(client, name, document["config"]["digest"]))
    layers = [download(client, name, layer["digest"]) for layer in document["layers"]]
    tars = [gzip.decompress(layer) if compress else layer for layer in layers]
    assert [digest_of(tar) for tar in tars] == config["rootfs"]["diff_ids"]
    steps = [step["created_by"] for step in config["history"] if not step.get("empty_layer")]
    assert len(steps) == len(layers)
    assert steps[-1] == "COPY app/ ./app/ # buildkit"
    assert config["config"]["Labels"] == {"a": "b"}
    with tarfile.open(fileobj=io.BytesIO(tars[-1])) as archive:
        unpacked = {entry.name: file.read() for entry in archive if (file := archive.extractfile(entry)) is not None}
    assert unpacked == {"app/main.py": b"print('hello')\n", "app/data.bin": b"\x00\xff"}


def test_several_platforms_make_an_index_with_attestations(aws: Sandbox, client: Clients) -> None:
    """An index names a manifest and an attestation per platform; each is available by digest."""
    image = aws.push_image("multi:1", FILES, platforms=("linux/amd64", "linux/arm64"))
    index = manifest(client, "multi", imageTag="1")
    assert index["mediaType"] == "application/vnd.oci.image.index.v1+json"
    platforms = [f"{entry['platform']['os']}/{entry['platform']['architecture']}" for entry in index["manifests"]]
    assert platforms == ["linux/amd64", "linux/arm64", "unknown/unknown", "unknown/unknown"]
    assert index["manifests"][2]["annotations"] == {
        "vnd.docker.reference.digest": image.children["linux/amd64"],
        "vnd.docker.reference.type": "attestation-manifest",
    }
    assert len({entry["digest"] for entry in index["manifests"]}) == 4
    for entry in index["manifests"]:
        manifest(client, "multi", imageDigest=entry["digest"])
    child = manifest(client, "multi", imageDigest=image.children["linux/arm64"])
    config = json.loads(download(client, "multi", child["config"]["digest"]))
    assert config["architecture"] == "arm64"


WINDOWS = "windows(10.0.20348.2762)/amd64"


def index_of(client: Clients, repository: str, tag: str = "1") -> list[dict[str, Any]]:
    """Return the entries of the index that a tag names."""
    entries: list[dict[str, Any]] = manifest(client, repository, imageTag=tag)["manifests"]
    return entries


def test_each_platform_has_files_of_its_own(aws: Sandbox, client: Clients) -> None:
    """Platforms of other operating systems, versions and variants have their own files, configs and digests."""
    files = {"linux/amd64": {"app/a": "new"}, WINDOWS: {"Files/app/a": "old"}, "linux/arm/v7": {"app/a": "arm"}}
    image = aws.push_image("mixed:1", platforms=files)
    platforms = [entry["platform"] for entry in index_of(client, "mixed")[:3]]
    assert platforms == [
        {"os": "linux", "architecture": "amd64"},
        {"os": "windows", "architecture": "amd64", "os.version": "10.0.20348.2762"},
        {"os": "linux", "architecture": "arm", "variant": "v7"},
    ]
    assert list(image.children) == list(files)
    assert len({image.digest, *image.children.values()}) == 4
    children = {}
    for platform, each in files.items():
        ((path, text),) = each.items()
        child = manifest(client, "mixed", imageDigest=image.children[platform])
        layer = gzip.decompress(download(client, "mixed", child["layers"][-1]["digest"]))
        with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
            found = archive.extractfile(path)
            assert found is not None
            assert found.read() == text.encode()
        children[platform] = child
    config = json.loads(download(client, "mixed", children["linux/arm/v7"]["config"]["digest"]))
    assert (config["architecture"], config["variant"]) == ("arm", "v7")


def test_an_index_may_name_one_platform_twice(aws: Sandbox, client: Clients) -> None:
    """Pairs of platform and content are written one after another, even where the platform is the same."""
    aws.push_image("twice:1", platforms=[("linux/amd64", {"a": "1"}), ("linux/amd64", {"a": "2"})], attested=False)
    entries = index_of(client, "twice")
    assert [entry["platform"] for entry in entries] == [{"os": "linux", "architecture": "amd64"}] * 2
    assert entries[0]["digest"] != entries[1]["digest"]


def test_attestations_are_written_as_buildkit_writes_them(aws: Sandbox, client: Clients) -> None:
    """A single platform with an attestation is an index, whose attestation names its subject and holds a statement."""
    image = aws.push_image("proven:1", FILES, attested=True)
    entry, seal = index_of(client, "proven")
    assert entry["digest"] == image.children["linux/amd64"]
    assert seal["platform"] == {"os": "unknown", "architecture": "unknown"}
    assert seal["annotations"]["vnd.docker.reference.digest"] == entry["digest"]
    layers = manifest(client, "proven", imageDigest=seal["digest"])["layers"]
    assert [layer["annotations"] for layer in layers] == [
        {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"}
    ]
    statement = json.loads(download(client, "proven", layers[0]["digest"]))
    assert statement["subject"][0]["digest"] == {"sha256": entry["digest"].removeprefix("sha256:")}


@pytest.mark.parametrize("platform", ["linux", "linux/", "windows(10.0/amd64", "linux/arm/v7/x"])
def test_malformed_platforms_are_refused(aws: Sandbox, platform: str) -> None:
    """A text that is not a platform is refused with the form that is expected."""
    with pytest.raises(ValueError, match="expected os"):
        aws.push_image("malformed:1", FILES, platforms=[platform])


def test_an_image_with_a_cached_layer_has_a_new_digest(aws: Sandbox) -> None:
    """A build with a cached COPY has the old application layer in a new image."""
    earlier = aws.push_image("cached:1", {"app/main.py": "old"}, at=aws.now() - timedelta(days=1))
    new = aws.push_image("cached:2", {"app/main.py": "new"}, cached_from=earlier)
    assert new.digest != earlier.digest
    assert new.layers[-1].diff_id == earlier.layers[-1].diff_id


def test_the_same_build_pushed_again_changes_nothing(aws: Sandbox) -> None:
    """A reproducible rebuild has the same digest and keeps its push time."""
    created = aws.now() - timedelta(days=2)
    first = aws.push_image("same:1", FILES, created=created, at=aws.now() - timedelta(days=1))
    again = aws.push_image("same:1", FILES, created=created)
    assert again.digest == first.digest
    assert again.pushed_at == first.pushed_at


def test_tags_move_and_are_deleted(aws: Sandbox, client: Clients) -> None:
    """A pushed tag moves from the earlier image; a retag, a deleted tag and a deleted image are visible."""
    first = aws.push_image("moving:1", {"a": "1"}, tags=("latest",))
    second = aws.push_image("moving:2", {"a": "2"}, tags=("latest",))

    def tags() -> dict[str, list[str]]:
        details = client("ecr").describe_images(repositoryName="moving")["imageDetails"]
        return {detail["imageDigest"]: detail.get("imageTags", []) for detail in details}

    assert tags() == {first.digest: ["1"], second.digest: ["latest", "2"]} or tags() == {
        first.digest: ["1"],
        second.digest: ["2", "latest"],
    }
    aws.tag_image("moving:1", "latest")
    assert tags()[first.digest] == ["1", "latest"]
    aws.delete_tag("moving:2")
    assert tags()[second.digest] == []
    untagged = client("ecr").describe_images(repositoryName="moving", filter={"tagStatus": "UNTAGGED"})
    assert [detail["imageDigest"] for detail in untagged["imageDetails"]] == [second.digest]
    aws.delete_image(f"moving@{second.digest}")
    assert list(tags()) == [first.digest]
    with pytest.raises(LookupError, match="moving:9 is not there"):
        aws.delete_tag("moving:9")


def test_images_are_listed_in_pages(aws: Sandbox, client: Clients) -> None:
    """DescribeImages returns maxResults images in a page, with a token for the next."""
    for number in range(5):
        aws.push_image(f"paged:{number}", {"a": str(number)})
    pages = list(
        client("ecr")
        .get_paginator("describe_images")
        .paginate(repositoryName="paged", PaginationConfig={"PageSize": 2})
    )
    assert [len(page["imageDetails"]) for page in pages] == [2, 2, 1]


def test_unknown_images_are_reported_as_in_ecr(aws: Sandbox, client: Clients) -> None:
    """DescribeImages raises; BatchGetImage returns failures; an unknown layer raises."""
    ecr = client("ecr")
    image = aws.push_image("there:1", FILES)
    with pytest.raises(ecr.exceptions.RepositoryNotFoundException, match="with id '123456789012'"):
        ecr.describe_images(repositoryName="nowhere")
    with pytest.raises(ecr.exceptions.ImageNotFoundException, match="imageTag:'2'"):
        ecr.describe_images(repositoryName="there", imageIds=[{"imageTag": "1"}, {"imageTag": "2"}])
    answer = ecr.batch_get_image(repositoryName="there", imageIds=[{"imageTag": "2"}, {"imageDigest": image.digest}])
    assert [failure["failureCode"] for failure in answer["failures"]] == ["ImageNotFound"]
    assert [found["imageId"]["imageDigest"] for found in answer["images"]] == [image.digest]
    with pytest.raises(ecr.exceptions.LayersNotFoundException):
        ecr.get_download_url_for_layer(repositoryName="there", layerDigest="sha256:" + "0" * 64)


def test_what_names_no_image_is_reported_as_in_ecr(aws: Sandbox, client: Clients) -> None:
    """An id without tag and digest, and a tag of another digest, are failures with the codes of ECR."""
    ecr = client("ecr")
    first = aws.push_image("mixed:1", FILES)
    aws.push_image("mixed:2", {"other": "file"})
    asked: list[Any] = [{}, {"imageTag": "2", "imageDigest": first.digest}]
    answer = ecr.batch_get_image(repositoryName="mixed", imageIds=asked)
    codes = ["MissingDigestAndTag", "ImageTagDoesNotMatchDigest"]
    assert [failure["failureCode"] for failure in answer["failures"]] == codes
    assert answer["images"] == []


NO_OBJECT = base64.urlsafe_b64encode(b"[]").decode()
"""A token in which the sandbox finds no position."""


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"imageIds": [{"imageTag": "1"}], "maxResults": 10}, "cannot be used with imageIds"),
        ({"imageIds": [{"imageTag": str(number)} for number in range(101)]}, "less than or equal to 100"),
        ({"maxResults": 1001}, "between 1 and 1000"),
        ({"nextToken": "?"}, "nextToken is invalid"),
        ({"nextToken": NO_OBJECT}, "nextToken is invalid"),
    ],
    ids=["pages of named images", "too many images", "too large a page", "no token", "a token of something else"],
)
def test_invalid_parameters_are_refused(aws: Sandbox, client: Clients, asked: dict[str, Any], message: str) -> None:
    """A caller who asks wrongly is refused as by ECR, and not answered in the sandbox only."""
    aws.push_image("asked:1", FILES)
    ecr = client("ecr")
    with pytest.raises(ecr.exceptions.InvalidParameterException, match=message):
        ecr.describe_images(repositoryName="asked", **asked)


def test_account_and_region_are_distinguished(aws: Sandbox, client: Clients) -> None:
    """A repository belongs to one account and one region."""
    aws.push_image("210987654321.dkr.ecr.eu-west-1.amazonaws.com/elsewhere:1", FILES)
    ecr = client("ecr", "eu-west-1")
    assert ecr.describe_images(repositoryName="elsewhere", registryId="210987654321")["imageDetails"]
    with pytest.raises(ecr.exceptions.RepositoryNotFoundException):
        ecr.describe_images(repositoryName="elsewhere")
    here = client("ecr")
    with pytest.raises(here.exceptions.RepositoryNotFoundException):
        here.describe_images(repositoryName="elsewhere", registryId="210987654321")


def test_a_layer_needs_a_presigned_address(aws: Sandbox, client: Clients) -> None:
    """Without the signature, and while denied, a layer cannot be downloaded."""
    image = aws.push_image("signed:1", FILES)
    answer = client("ecr").get_download_url_for_layer(repositoryName="signed", layerDigest=image.layers[0].digest)
    with pytest.raises(urllib.error.HTTPError) as unsigned:
        urllib.request.urlopen(answer["downloadUrl"].partition("?")[0], timeout=10)  # noqa: S310
    unsigned.value.close()
    assert unsigned.value.code == 403
    aws.fail("s3:GetObject", code="SlowDown", status=503, times=1)
    with pytest.raises(urllib.error.HTTPError) as slow:
        urllib.request.urlopen(answer["downloadUrl"], timeout=10)  # noqa: S310
    slow.value.close()
    assert slow.value.code == 503


def test_a_repository_may_be_empty(aws: Sandbox, client: Clients) -> None:
    """A repository without images has none in its answer."""
    aws.create_repository("empty")
    assert client("ecr").describe_images(repositoryName="empty")["imageDetails"] == []
    names = [each["repositoryName"] for each in client("ecr").describe_repositories()["repositories"]]
    assert "empty" in names


def test_nothing_is_pushed_to_other_registries(aws: Sandbox) -> None:
    """Only images of ECR can be pushed."""
    with pytest.raises(ValueError, match="not in an ECR registry"):
        aws.push_image("ghcr.io/owner/app:1", FILES)


def test_layers_can_be_packed_one_by_one(aws: Sandbox, client: Clients) -> None:
    """Whiteouts, links, unusual entries and zstd: an image has the layers that were packed for it."""
    device = tarfile.TarInfo("../dev/null")
    device.type = tarfile.CHRTYPE
    layers = [
        sandbox_layer(FILES),
        sandbox_layer({"app/.wh.data.bin": ""}, "RUN rm", links={"code": "app"}, compression="zstd"),
        sandbox_layer(created_by="RUN mknod", entries=[(device, b"")], compression="", media_type="application/x"),
    ]
    aws.push_image("packed", layers=layers, settings={"User": "app"}, empty_steps=["USER app"])
    document = manifest(client, "packed", imageTag="latest")
    assert [layer["mediaType"].rpartition("/")[2] for layer in document["layers"]] == [
        "vnd.oci.image.layer.v1.tar+gzip",
        "vnd.oci.image.layer.v1.tar+zstd",
        "x",
    ]
    blobs = [download(client, "packed", layer["digest"]) for layer in document["layers"]]
    tars = [gzip.decompress(blobs[0]), zstandard.ZstdDecompressor().decompress(blobs[1]), blobs[2]]
    names = []
    for tar in tars:
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            names.append([(entry.name, entry.type, entry.linkname) for entry in archive if not entry.isdir()])
    assert names[1:] == [
        [("app/.wh.data.bin", tarfile.REGTYPE, ""), ("code", tarfile.SYMTYPE, "app")],
        [("../dev/null", tarfile.CHRTYPE, "")],
    ]
    config = json.loads(download(client, "packed", document["config"]["digest"]))
    assert config["rootfs"]["diff_ids"] == [digest_of(tar) for tar in tars] == [layer.diff_id for layer in layers]
    assert config["history"][-1]["created_by"] == "USER app"
    assert sum(not step.get("empty_layer") for step in config["history"]) == 3
    assert config["config"]["User"] == "app"


def test_blobs_can_be_replaced_or_deleted(aws: Sandbox, client: Clients) -> None:
    """A replaced blob is served with its new bytes; a deleted blob is unknown, and gone from its address."""
    image = aws.push_image("broken:1", FILES)
    ecr = client("ecr")
    digest = image.layers[-1].digest
    aws.replace_blob("broken", digest, b"other")
    answer = ecr.get_download_url_for_layer(repositoryName="broken", layerDigest=digest)
    with urllib.request.urlopen(answer["downloadUrl"], timeout=10) as response:  # noqa: S310
        assert response.read() == b"other"
    aws.replace_blob("broken", digest, None)
    with pytest.raises(urllib.error.HTTPError) as gone:
        urllib.request.urlopen(answer["downloadUrl"], timeout=10)  # noqa: S310
    gone.value.close()
    assert gone.value.code == 404
    with pytest.raises(ecr.exceptions.LayersNotFoundException):
        ecr.get_download_url_for_layer(repositoryName="broken", layerDigest=digest)
    with pytest.raises(LookupError, match="Unknown blob"):
        aws.replace_blob("broken", digest, b"")


def test_any_manifest_can_be_pushed(aws: Sandbox, client: Clients) -> None:
    """A manifest of an old format is returned as it was pushed."""
    kind = "application/vnd.docker.distribution.manifest.v1+prettyjws"
    image = aws.push_manifest("ancient:1", b'{"schemaVersion": 1}', kind)
    (found,) = client("ecr").batch_get_image(repositoryName="ancient", imageIds=[{"imageTag": "1"}])["images"]
    assert found["imageManifest"] == '{"schemaVersion": 1}'
    assert found["imageManifestMediaType"] == kind
    assert found["imageId"]["imageDigest"] == image.digest == digest_of(b'{"schemaVersion": 1}')


def test_the_mutability_of_tags_is_described(aws: Sandbox, client: Clients) -> None:
    """A repository is MUTABLE until it is set to IMMUTABLE."""

    def mutability() -> str:
        (found,) = client("ecr").describe_repositories(repositoryNames=["moved"])["repositories"]
        return str(found["imageTagMutability"])

    aws.push_image("moved:1", FILES)
    assert mutability() == "MUTABLE"
    aws.set_tag_mutability("moved", "IMMUTABLE")
    assert mutability() == "IMMUTABLE"
