"""The code blocks of README and docs are valid, and those of README and of the page on the sandbox run."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from check_jsonschema.cli import main as check_jsonschema
from click.testing import CliRunner
from ruamel.yaml import YAML

from pytest_deploycheck.cli.main import _parser
from pytest_deploycheck.config.options import OPTIONS
from pytest_deploycheck.config.validation import validate
from pytest_deploycheck.facts.build import BuildLog
from pytest_deploycheck.handles.environment import DeployEnvironment
from pytest_deploycheck.handles.health import Alarms, TargetHealth
from pytest_deploycheck.handles.image import DeployedImage
from pytest_deploycheck.handles.logs.tail import LogTail
from pytest_deploycheck.handles.release import Release
from pytest_deploycheck.handles.tasks import RunningTasks
from pytest_deploycheck.judge.analysis.service import Rollout
from pytest_deploycheck.plugin.state import FIXTURES
from pytest_deploycheck.sandbox import Sandbox
from pytest_deploycheck.sandbox.scenarios import build

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


class Block(NamedTuple):
    """A code block of a page: its language, its text, and the page with the line of the block."""

    language: str
    text: str
    place: str


def blocks_of(path: Path) -> list[Block]:
    """Return the code blocks of a page."""
    text = path.read_text(encoding="utf-8")
    return [
        Block(one[1], one[2], f"{path.name}:{text.count(chr(10), 0, one.start()) + 1}")
        for one in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    ]


BLOCKS = [block for path in PAGES for block in blocks_of(path)]


def of(language: str) -> list[Any]:
    """Return the blocks of a language as parameters of a test."""
    return [pytest.param(block, id=block.place) for block in BLOCKS if block.language == language]


def test_readme_is_short() -> None:
    """README is read to its end: its tables are in docs."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


OUTPUT = {"architecture.md", "fleets.md", "rollouts.md"}
"""The pages with blocks that show a drawing, or what a run prints."""


def test_every_block_is_of_a_language_that_is_checked() -> None:
    """No block is left out of the tests below."""
    checked = {"console", "json", "python", "sh", "toml", "yaml"}
    assert [one.place for one in BLOCKS if one.language not in checked and one.place.split(":")[0] not in OUTPUT] == []


HELD: dict[str, type] = {
    "alarms": Alarms,
    "build_log": BuildLog,
    "deploy_env": DeployEnvironment,
    "deploy_logs": LogTail,
    "deployed_image": DeployedImage,
    "deployment": Rollout,
    "release": Release,
    "running_tasks": RunningTasks,
    "target_health": TargetHealth,
}
"""What a test holds, by the fixture."""


@pytest.mark.parametrize("block", of("python"))
def test_python_is_valid(block: Block) -> None:
    """Every block of Python parses, its tests use fixtures that exist, and what they ask of ours is there."""
    assert HELD.keys() == {name for name in FIXTURES if not name.startswith("_")}
    for test in ast.walk(ast.parse(block.text)):
        if not isinstance(test, ast.FunctionDef) or not test.name.startswith("test_"):
            continue
        requested = {one.arg for one in test.args.args}
        assert requested <= {*HELD, "base_url"}
        for node in ast.walk(test):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in requested:
                assert hasattr(HELD[node.value.id], node.attr), f"{node.value.id}.{node.attr}"


@pytest.mark.parametrize("block", of("toml"))
def test_toml_is_valid(block: Block) -> None:
    """Every block of TOML parses, and every environment in one is a valid configuration."""
    content = tomllib.loads(block.text)
    if set(content) <= {"env", "defaults"}:
        validate(content, file=block.place)


@pytest.mark.parametrize("block", of("json"))
def test_json_is_valid(block: Block) -> None:
    """Every block of JSON parses."""
    json.loads(block.text)


@pytest.mark.parametrize("block", of("console"))
def test_commands_use_options_that_exist(block: Block) -> None:
    """Every option of the plugin in a command is one of the plugin."""
    options = {option for option in re.findall(r"--deploy-[a-z-]+", block.text) if option != "--deploy-iam-policy"}
    assert options <= {option.flag for option in OPTIONS}


def commands() -> list[Any]:
    """Return each command of the console script in a block, without its comment, as a parameter of a test."""
    lines = [(line.strip(), block.place) for block in BLOCKS for line in block.text.splitlines()]
    return [pytest.param(line, id=f"{place}-{line[:40]}") for line, place in lines if line.startswith("deploycheck ")]


@pytest.mark.parametrize("line", commands())
def test_commands_of_the_console_script_exist(line: str) -> None:
    """The console script takes every command that a page shows, with its options."""
    assert callable(_parser().parse_args(shlex.split(line, comments=True)[1:]).run)


@pytest.mark.parametrize("block", of("sh"))
def test_shell_is_valid(block: Block) -> None:
    """Every block of shell parses."""
    subprocess.run(["bash", "-n", "-c", block.text], check=True, timeout=10)  # noqa: S607


@pytest.mark.parametrize("block", of("yaml"))
def test_yaml_is_valid(block: Block) -> None:
    """Every block of YAML loads."""
    assert YAML(typ="safe").load(block.text)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Every link to a file of the project leads to one, and every link to a heading to one of that page."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        page = path.parent / name if name else path
        if not page.exists() or (anchor and anchor not in anchors(page)):
            broken.append(target)
    assert broken == []


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.filterwarnings("ignore")  # of the checker itself
def test_the_job_of_readme_is_one_of_github_actions(tmp_path: Path) -> None:
    """The job fits GitHub's schema for workflows, beside a job that deploys."""
    (block,) = [block for block in blocks_of(ROOT / "README.md") if block.language == "yaml"]
    deploy = {"runs-on": "ubuntu-latest", "steps": [{"run": "./deploy.sh"}]}
    workflow = tmp_path / "workflow.yml"
    with workflow.open("w", encoding="utf-8") as file:
        YAML().dump({"on": "push", "jobs": {"deploy": deploy, **YAML().load(block.text)}}, file)
    ended = CliRunner().invoke(check_jsonschema, ["--builtin-schema", "vendor.github-workflows", str(workflow)])
    assert ended.exit_code == 0, ended.output


def test_the_ten_lines_of_readme_run(pytester: pytest.Pytester) -> None:
    """The tests of README pass in the sandbox, with the image named as README's job names it."""
    tests = next(block.text for block in blocks_of(ROOT / "README.md") if "def test_" in block.text)
    pytester.makepyfile(test_readme=tests)
    ended = pytester.runpytest_inprocess("--deploy-env=sandbox", "--deploy-image=2025.11.26-1", "-m", "deploycheck")
    assert ended.ret == 0
    assert "VERIFIED" in str(ended.stdout)


def first_block(page: str, language: str, part: str = "") -> str:
    """Return the first block of a language on a page that has a part."""
    return next(one.text for one in blocks_of(ROOT / page) if one.language == language and part in one.text)


def test_the_script_of_readme_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the configuration of README, its script prints the verdict on what runs."""
    (tmp_path / "deploycheck.toml").write_text(first_block("README.md", "toml"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with Sandbox() as aws:
        build("healthy", aws)
        for name, value in aws.environ.items():
            monkeypatch.setenv(name, value)
        exec(first_block("README.md", "python", "verify("), {})  # noqa: S102
    assert capsys.readouterr().out == "VERIFIED None\n"


def test_the_world_of_the_page_on_the_sandbox_is_verified(tmp_path: Path) -> None:
    """The script fills a sandbox and verifies it, with the configuration that the page shows."""
    (tmp_path / "deploycheck.toml").write_text(first_block("docs/sandbox.md", "toml"), encoding="utf-8")
    script = first_block("docs/sandbox.md", "python")
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert "VERIFIED: shop" in ended.stdout, ended.stdout + ended.stderr
