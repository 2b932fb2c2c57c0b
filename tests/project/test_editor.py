"""The schema of the configuration works in editors: taplo is what VS Code's usual TOML extension checks with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_deploycheck import schemas

TAPLO = shutil.which("taplo", path=str(Path(sys.executable).parent)) or "taplo"
COMMENT = "#:schema ./deploycheck.schema.json\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the schema, as the printed command puts it there."""
    (tmp_path / "deploycheck.schema.json").write_text(json.dumps(schemas.load("config")), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[env.dev.services.shop]\nservice = "shop"', ""),
        ("[env.dev.services.shop]\nservice = 3", '3 is not of type "string"'),
        ('[env.dev]\nregoin = "us-east-1"', "'regoin' was unexpected"),
    ],
)
def test_the_comment_line_makes_an_editor_check_the_file(folder: Path, text: str, message: str) -> None:
    """With the comment in its first line the file is checked as it is typed: values and names of keys."""
    (folder / "deploycheck.toml").write_text(COMMENT + text, encoding="utf-8")
    ended = subprocess.run(
        [TAPLO, "lint", "deploycheck.toml"], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert (ended.returncode == 0) == (not message), ended.stderr
    assert message in ended.stderr
