"""The configurations of images, which are read as far as they are of the size of one."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace
from support.worlds import image

from pytest_deploycheck.observe.images import contents
from pytest_deploycheck.observe.images.contents import Contents
from pytest_deploycheck.polling import Overtime, SystemClock


@pytest.mark.parametrize(("size", "is_read"), [(1000, True), (1001, False)])
def test_a_configuration_that_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, *, is_read: bool
) -> None:
    """One that is larger than any real one is left out: the image is known by its digests all the same."""
    monkeypatch.setattr(contents, "_LARGEST_CONFIG", 1000)
    blob = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": []}}).encode().ljust(size)
    name = sha256(blob).hexdigest()
    (tmp_path / f"sha256-{name}").write_bytes(blob)
    session = SimpleNamespace(overtime=Overtime(SystemClock()), ecr=None)
    pushed = image()
    assert pushed.manifest
    pushed = replace(pushed, manifest=replace(pushed.manifest, config=f"sha256:{name}"))
    described = Contents(cast("Any", session), tmp_path).describe(pushed)
    assert bool(described.configs) == is_read
    assert described.digest == pushed.digest
