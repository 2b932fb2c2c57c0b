"""The CI examples are valid for the CI they are for, and use options that exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from check_jsonschema.cli import main as check_jsonschema
from click.testing import CliRunner
from ruamel.yaml import YAML

from pytest_deploycheck.config.options import OPTIONS

ROOT = Path(__file__).parents[2]
CI = ROOT / "docs/ci"

SCHEMAS = {
    "github-workflows": ["docs/ci/github.yml", "docs/ci/github-action.yml", "docs/ci/github-drift.yml"],
    "github-actions": ["action.yml"],
    "gitlab-ci": ["docs/ci/gitlab-ci.yml"],
    "circle-ci": ["docs/ci/circleci.yml"],
    "buildkite": ["docs/ci/buildkite.yml"],
}
"""The files, by the schema that check-jsonschema has for them."""

FILES = sorted([*CI.iterdir(), ROOT / "action.yml"])


@pytest.mark.filterwarnings("ignore")  # of the checker itself
@pytest.mark.parametrize("schema", SCHEMAS)
def test_examples_are_valid(schema: str) -> None:
    """Each example fits the schema of its CI."""
    transform = ["--data-transform", "gitlab-ci"] if schema == "gitlab-ci" else []
    files = [str(ROOT / name) for name in SCHEMAS[schema]]
    ended = CliRunner().invoke(check_jsonschema, ["--builtin-schema", f"vendor.{schema}", *transform, *files])
    assert ended.exit_code == 0, ended.output


@pytest.mark.parametrize("name", ["buildspec.yml", "codepipeline.yml"])
def test_other_files_are_yaml(name: str) -> None:
    """Files without a schema are YAML at least."""
    loaded = YAML().load((CI / name).read_text(encoding="utf-8"))
    assert {"phases", "Resources"} & set(loaded)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_options_exist(path: Path) -> None:
    """Every option and variable of the plugin that an example uses is one of the plugin."""
    text = path.read_text(encoding="utf-8")
    options = set(re.findall(r"--deploy-[a-z-]+", text))
    variables = set(re.findall(r"\bDEPLOYCHECK_[A-Z_]+", text))
    assert options <= {option.flag for option in OPTIONS}
    assert variables <= {option.variable for option in OPTIONS}
    assert options | variables or path.name in {"codepipeline.yml", "github-action.yml"}


def test_the_step_of_the_action_verifies(tmp_path: Path) -> None:
    """The action's script runs the checks, hands on pytest's status, and sets the outputs from the report."""
    steps = YAML().load((ROOT / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"]
    (tmp_path / "temp").mkdir()
    (tmp_path / "temp/deploycheck").symlink_to(sys.prefix)
    values = {
        "RUNNER_TEMP": tmp_path / "temp",
        "GITHUB_OUTPUT": tmp_path / "output",
        "GITHUB_STEP_SUMMARY": tmp_path / "summary.md",
        "DEPLOYCHECK_ENV": "sandbox",
        "TESTS": "deploycheck",
        "ARGUMENTS": "--deploy-sandbox not-restarted -p no:cacheprovider",
        "REPORT": "deploycheck",
    }
    ended = subprocess.run(
        ["bash", "-e", "-c", steps[1]["run"]],  # noqa: S607 - the shell that the action names
        cwd=tmp_path,
        env={**os.environ, **{name: str(value) for name, value in values.items()}},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert (tmp_path / "output").read_text(encoding="utf-8").split() == ["verdict=REFUTED", "broken-link=rollout"]
    assert "REFUTED" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert (tmp_path / "deploycheck.xml").exists()


def test_every_example_is_listed() -> None:
    """The page on CI names every file, and every one is checked above."""
    page = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
    assert [path.name for path in CI.iterdir() if f"(ci/{path.name})" not in page] == []
