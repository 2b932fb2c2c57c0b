from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from pytest_deploycheck.facts.image import ImageConfig, Layer, Manifest, Platform, Step
from pytest_deploycheck.oci.config import described, parse_config
from pytest_deploycheck.oci.manifest import OCI_MANIFEST, ManifestError, digest_of

BUILT: dict[str, Any] = {
    "architecture": "arm64",
    "os": "linux",
    "variant": "v8",
    "created": "2025-11-26T11:05:00.123456789Z",
    "config": {
        "User": "app",
        "Env": ["PATH=/usr/bin:/bin", "TOKEN=s3cret=", "BARE"],
        "Entrypoint": ["python", "-m"],
        "Cmd": ["app"],
        "WorkingDir": "/app",
        "Labels": {"org.opencontainers.image.revision": "0123abc"},
        "ExposedPorts": {"80/tcp": {}},
    },
    "history": [
        {"created": "2025-11-20T00:00:00Z", "created_by": "# debian.sh --arch 'arm64' out/ 'trixie'"},
        {"created": "2025-11-26T11:05:00Z", "created_by": "WORKDIR /app", "empty_layer": True},
        {"created": "2025-11-26T11:05:00Z", "created_by": "COPY app/ ./ # buildkit", "comment": "buildkit"},
    ],
    "rootfs": {"type": "layers", "diff_ids": ["sha256:d1", "sha256:d2"]},
}


def config_of(document: Any) -> ImageConfig:
    """The configuration that this document is."""
    return parse_config(json.dumps(document).encode())


def manifest_of(count: int) -> Manifest:
    """A manifest with so many layers."""
    layers = tuple(Layer(f"sha256:l{number}", number, "a tar") for number in range(1, count + 1))
    return Manifest("sha256:m", OCI_MANIFEST, config="sha256:c", layers=layers)


def test_the_version_of_windows_is_read() -> None:
    """A configuration for Windows names the version of the operating system."""
    content = json.dumps(BUILT | {"os": "windows", "os.version": "10.0.20348.2762"}).encode()
    assert parse_config(content).platform == Platform("windows", "arm64", "v8", "10.0.20348.2762")


def test_all_members_are_read() -> None:
    """Platform, time, labels, command, user, folder, history and diff ids come from their members."""
    content = json.dumps(BUILT).encode()
    config = parse_config(content, digest=digest_of(content))
    assert config.digest == digest_of(content)
    assert config.platform == Platform("linux", "arm64", "v8")
    assert config.created_at == datetime(2025, 11, 26, 11, 5, 0, 123456, tzinfo=UTC)
    assert config.revision == "0123abc"
    assert (config.entrypoint, config.command) == (("python", "-m"), ("app",))
    assert (config.user, config.working_dir) == ("app", "/app")
    assert config.steps[1:] == (Step("WORKDIR /app", is_empty=True), Step("COPY app/ ./ # buildkit"))
    assert config.diff_ids == ("sha256:d1", "sha256:d2")


def test_values_of_the_environment_are_not_kept() -> None:
    """Of the environment only names are kept: values may be secret."""
    config = config_of(BUILT)
    assert config.env == ("PATH", "TOKEN", "BARE")
    assert "s3cret" not in repr(config)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"config": None, "history": None, "rootfs": None, "created": None},
        {"config": {"Labels": None, "Env": None, "Entrypoint": None, "Cmd": None}, "rootfs": {"diff_ids": None}},
        {"os": "linux", "history": [], "rootfs": {"type": "layers"}},
        {"os": "", "architecture": "", "config": {}},
    ],
)
def test_whatever_is_left_out_stays_empty(document: dict[str, Any]) -> None:
    """Builders leave out what they do not know, or write `null`: the configuration is read all the same."""
    config = config_of(document)
    assert config == ImageConfig(config.digest)


@pytest.mark.parametrize(
    ("created", "moment"),
    [
        ("2025-11-26T11:05:00Z", datetime(2025, 11, 26, 11, 5, tzinfo=UTC)),
        ("2025-11-26T12:05:00.5+01:00", datetime(2025, 11, 26, 11, 5, 0, 500_000, tzinfo=UTC)),
        ("2025-11-26T11:05:00.123456789-00:30", datetime(2025, 11, 26, 11, 35, 0, 123456, tzinfo=UTC)),
        ("2025-11-26T11:05:00", datetime(2025, 11, 26, 11, 5, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("", None),
        ("yesterday", None),
    ],
)
def test_the_time_of_the_build(created: str, moment: datetime | None) -> None:
    """Any RFC 3339 time is read, in UTC; Go's zero time and what is no time stand for none."""
    assert config_of(BUILT | {"created": created}).created_at == moment


def test_a_command_may_be_one_text() -> None:
    """Old builders wrote a command as one text."""
    assert config_of({"config": {"Cmd": "run me"}}).command == ("run me",)


def test_the_digest_must_be_that_of_the_bytes() -> None:
    """Bytes that are not those of their digest are refused, with both digests."""
    content = json.dumps(BUILT).encode()
    with pytest.raises(ManifestError) as caught:
        parse_config(content + b"\n", digest=digest_of(content))
    assert digest_of(content) in str(caught.value)
    assert digest_of(content + b"\n") in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x1f\x8b\x08",
        b"[]",
        b"null",
        b"3",
        b'{"config": []}',
        b'{"config": {"Env": "PATH=secret"}}'.replace(b'"PATH=secret"', b'{"PATH": "secret"}'),
        b'{"config": {"Labels": {"a": ["secret"]}}}',
        b'{"config": {"Env": [["secret"]]}}',
        b'{"history": ["RUN secret"]}',
        b'{"rootfs": {"diff_ids": [1]}}',
        b"[" * 100_000,
    ],
)
def test_nonsense_is_refused(content: bytes) -> None:
    """Other content is refused with a message that shows none of its values, which can be secret."""
    with pytest.raises(ManifestError, match=f"configuration {digest_of(content)} cannot be read") as caught:
        parse_config(content)
    assert "secret" not in str(caught.value)


def test_layers_are_described_by_the_history() -> None:
    """Steps that made a layer belong to the layers one to one, and so do the diff ids."""
    one, two = described(manifest_of(2), config_of(BUILT))
    assert one == Layer("sha256:l1", 1, "a tar", "sha256:d1", "# debian.sh --arch 'arm64' out/ 'trixie'")
    assert two == Layer("sha256:l2", 2, "a tar", "sha256:d2", "COPY app/ ./ # buildkit")


def test_no_step_is_guessed() -> None:
    """If a history does not have every layer, no layer has a step; its diff id still counts."""
    config = config_of(BUILT | {"history": BUILT["history"][2:]})
    assert [layer.created_by for layer in described(manifest_of(2), config)] == ["", ""]
    assert [layer.diff_id for layer in described(manifest_of(2), config)] == ["sha256:d1", "sha256:d2"]


def test_no_diff_id_is_guessed() -> None:
    """If the numbers of diff ids and layers differ, no layer has one."""
    layers = described(manifest_of(3), config_of(BUILT))
    assert [(layer.diff_id, layer.created_by) for layer in layers] == [(None, "")] * 3
