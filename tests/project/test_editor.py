"""The schema of the configuration works in editors: with taplo and tombi, which extensions of VS Code bring along."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.language_server import LanguageServer

from pytest_deploycheck import schemas

TAPLO, TOMBI = (shutil.which(name, path=str(Path(sys.executable).parent)) or name for name in ("taplo", "tombi"))
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


def test_the_comment_line_makes_an_editor_complete_keys_and_values(folder: Path) -> None:
    """In the table of an environment its keys are offered, in that of a service the service's, and allowed values."""
    file = folder / "deploycheck.toml"
    file.write_text(f"{COMMENT}[env.dev]\n\nintent = \n[env.dev.services.backend]\n\n", encoding="utf-8")
    environ = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "HOME": str(folder)}
    with LanguageServer([TOMBI, "lsp", "--offline"], folder, environ) as server:
        server.open(file)
        in_environment, value, in_service = (
            server.completions(file, *place) for place in ((2,), (3, len("intent = ")), (5,))
        )
    schema = schemas.load("config")["$defs"]
    assert set(in_environment) == schema["environment"]["properties"].keys() - {"intent"}
    assert '"task-definition"' in value
    assert set(in_service) == schema["service"]["properties"].keys()
