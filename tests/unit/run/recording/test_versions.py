from __future__ import annotations

from importlib.metadata import PackageNotFoundError

import pytest

from pytest_deploycheck.run.recording import versions


def test_a_package_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report names the versions that there are; the absence of one ends no run."""

    def version(name: str) -> str:
        if name == "boto3":
            raise PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(versions, "version", version)
    found = versions.versions()
    assert "boto3" not in found
    assert found["botocore"] == found["pytest-deploycheck"] == "1.0"
    assert found["python"]
