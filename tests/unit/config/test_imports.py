from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["building", "loading", "suggestions", "placeholders", "settings", "validation", "values"]
)
def test_import_is_light(module: str) -> None:
    """Importing the package loads neither jsonschema nor boto3 nor pytest."""
    code = (
        f"import sys, pytest_deploycheck.config.{module}\n"
        "print([name for name in ('jsonschema', 'boto3', 'botocore', 'pytest') if name in sys.modules])"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert finished.stdout.strip() == "[]"
