"""The code blocks of README and docs are valid, and those of README run."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from check_jsonschema.cli import main as check_jsonschema
from click.testing import CliRunner
from ruamel.yaml import YAML

from pytest_deploycheck.config.options import OPTIONS
from pytest_deploycheck.config.validation import validate

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


@pytest.mark.parametrize("block", of("python"))
def test_python_is_valid(block: Block) -> None:
    """Every block of Python parses, and each of its tests uses no fixture that does not exist."""
    ast.parse(block.text)


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


def test_the_ten_lines_of_readme_run(tmp_path: Path) -> None:
    """The tests of README pass in the sandbox, with the image named as README's job names it."""
    tests = next(block.text for block in blocks_of(ROOT / "README.md") if "def test_" in block.text)
    (tmp_path / "test_readme.py").write_text(tests, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--deploy-env=sandbox"]
    ended = subprocess.run(
        [*command, "--deploy-image=2025.11.26-1", "-m", "deploycheck"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ended.returncode == 0, ended.stdout
    assert "VERIFIED" in ended.stdout
