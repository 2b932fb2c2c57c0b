"""The CI examples are valid for the CI they are for, and use options that exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_groovy
from check_jsonschema.cli import main as check_jsonschema
from click.testing import CliRunner
from ruamel.yaml import YAML

from pytest_deploycheck.cli.init.jobs import jobs_of
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

LINTERS = Path(sys.executable).parent


def with_linter(name: str) -> pytest.MarkDecorator:
    """Skip a test where a linter is not installed that the suite itself does not need."""
    return pytest.mark.skipif(not (LINTERS / name).exists(), reason=f"{name} is not installed: nox -s ci")


def linted(name: str, *files: Path) -> None:
    """Run a linter over files; it must find nothing."""
    ended = subprocess.run([LINTERS / name, *files], capture_output=True, text=True, check=False, timeout=100)
    assert ended.returncode == 0, ended.stdout + ended.stderr


FILES = sorted([*CI.iterdir(), ROOT / "action.yml"])


@pytest.mark.filterwarnings("ignore")  # of the checker itself
@pytest.mark.parametrize("schema", SCHEMAS)
def test_examples_are_valid(schema: str) -> None:
    """Each example fits the schema of its CI."""
    transform = ["--data-transform", "gitlab-ci"] if schema == "gitlab-ci" else []
    files = [str(ROOT / name) for name in SCHEMAS[schema]]
    ended = CliRunner().invoke(check_jsonschema, ["--builtin-schema", f"vendor.{schema}", *transform, *files])
    assert ended.exit_code == 0, ended.output


def test_the_buildspec_has_the_parts_of_one() -> None:
    """No registry has a schema of buildspecs: its keys are those of version 0.2, and its commands are shell."""
    spec = YAML(typ="safe").load((CI / "buildspec.yml").read_text(encoding="utf-8"))
    assert spec["version"] == 0.2
    assert spec.keys() <= {"version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"}
    assert spec["env"].keys() <= {"shell", "variables", "parameter-store", "secrets-manager", "exported-variables"}
    assert spec["phases"].keys() <= {"install", "pre_build", "build", "post_build"}
    for phase in spec["phases"].values():
        assert phase.keys() <= {"run-as", "on-failure", "runtime-versions", "commands", "finally"}
        for command in phase["commands"]:
            subprocess.run(["bash", "-n", "-c", command], check=True, timeout=10)  # noqa: S607
    for report in spec["reports"].values():
        assert report.keys() <= {"files", "file-format", "base-directory", "discard-paths"}


def test_the_jenkinsfile_is_groovy() -> None:
    """It is parsed without an error; Jenkins's own linter is a part of its server."""
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_groovy.language()))
    text = (CI / "Jenkinsfile").read_bytes()
    assert not parser.parse(text).root_node.has_error
    assert parser.parse(text.replace(b"stages {", b"stages ", 1)).root_node.has_error
    assert re.findall(rb"^    (\w+)", text, re.MULTILINE) == [b"agent", b"triggers", b"environment", b"stages", b"post"]


COMPLETING = """
  VerifyRole:
    Type: AWS::IAM::Role
    Properties: { AssumeRolePolicyDocument: { Version: "2012-10-17", Statement: [] } }
  PipelineRole:
    Type: AWS::IAM::Role
    Properties: { AssumeRolePolicyDocument: { Version: "2012-10-17", Statement: [] } }
  ArtifactBucket: { Type: AWS::S3::Bucket }
"""
SOURCE = """- Name: Source
          Actions:
            - Name: source
              ActionTypeId: { Category: Source, Owner: AWS, Provider: S3, Version: "1" }
              OutputArtifacts: [{ Name: SourceOutput }]
              Configuration: { S3Bucket: !Ref ArtifactBucket, S3ObjectKey: source.zip }
"""


@with_linter("cfn-lint")
def test_the_stage_of_the_pipeline_is_valid(tmp_path: Path) -> None:
    """With the other resources of the template, and a stage before it, CloudFormation's linter finds nothing."""
    text = (CI / "codepipeline.yml").read_text(encoding="utf-8")
    whole = text.replace("# Source, Build and Deploy stand here.", SOURCE) + COMPLETING
    (tmp_path / "template.yml").write_text(whole, encoding="utf-8")
    linted("cfn-lint", tmp_path / "template.yml")


@with_linter("actionlint")
def test_actionlint_finds_nothing(tmp_path: Path) -> None:
    """Expressions, permissions and inputs are right in the examples, and in what `deploycheck init` writes."""
    (tmp_path / ".github").mkdir()
    (job,) = jobs_of(tmp_path)
    (tmp_path / "init.yml").write_text(job.text("dev", "us-east-1"), encoding="utf-8")
    linted("actionlint", *sorted(CI.glob("github*.yml")), tmp_path / "init.yml")


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
