"""The documentation shows what the software does."""

from __future__ import annotations

import importlib
import json
import re
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_deploycheck import schemas
from pytest_deploycheck.config.options import OPTIONS
from pytest_deploycheck.config.settings import Expectation, Pattern
from pytest_deploycheck.judge.analysis.stop_reasons import REASONS
from pytest_deploycheck.judge.checks.logs import log_check
from pytest_deploycheck.judge.finding import FIXED_CHECKS, HEALTH_CHECKS
from pytest_deploycheck.observe.read_only import READS, iam_action
from pytest_deploycheck.run.catalogue.pages import PAGES
from pytest_deploycheck.run.catalogue.rendering import as_markdown
from pytest_deploycheck.run.policy.actions import ACTIONS, Trigger
from pytest_deploycheck.sandbox.scenarios import SCENARIOS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "pytest_deploycheck"
ROW = re.compile(
    r"^\| `(?P<name>[a-z-]+)` \|.*\| (?P<verdict>[A-Z]+) \| (?P<link>[a-z]*) ?\| (?P<outcome>[A-Z_]+) \|$", re.MULTILINE
)


def undescribed(node: Any, path: str) -> list[str]:
    """Return the properties of a schema that have no description of their own."""
    if isinstance(node, list):
        return [found for one in node for found in undescribed(one, path)]
    if not isinstance(node, dict):
        return []
    properties = node.get("properties", {}) if node.get("type") == "object" else {}
    missing = [f"{path}.{name}" for name, one in properties.items() if "description" not in one]
    return [*missing, *(found for name, one in node.items() for found in undescribed(one, f"{path}.{name}"))]


def test_every_property_of_the_report_is_described() -> None:
    """A reader of the JSON report finds in its schema what each property is."""
    assert undescribed(schemas.load("report"), "report") == []


def test_the_fields_of_the_report_are_those_of_its_schema() -> None:
    """The page on the JSON report lists each field of the schema with its description: python docs/make_fields.py."""
    page = runpy.run_path(str(ROOT / "docs/make_fields.py"))["page"]()

    assert (ROOT / "docs/json-report.md").read_text(encoding="utf-8") == page


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_the_programs_for_jq_run() -> None:
    """The programs for jq in the recipes read a real report, and what they make of it is JSON or names the service."""
    pages = "".join((ROOT / f"docs/{name}.md").read_text(encoding="utf-8") for name in ("json-report", "sharing"))
    programs = re.findall(r"jq (-r )?'([^']*)' report\.json", pages)
    assert len(programs) == 4
    for raw, program in programs:
        command = ["jq", *raw.split(), program, str(ROOT / "docs/reports/not-restarted.json")]
        written = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert "backend" in written or "rollout-complete" in written
        assert raw or json.loads(written)


def told() -> dict[str, tuple[str, str | None, str]]:
    """Return verdict, broken link and outcome of each scenario, as the page on the sandbox lists them."""
    page = (ROOT / "docs/sandbox.md").read_text(encoding="utf-8")
    return {row["name"]: (row["verdict"], row["link"] or None, row["outcome"]) for row in ROW.finditer(page)}


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_each_scenario_has_a_whole_report(scenario: str) -> None:
    """The reports shown are valid, and say what the page on the sandbox says of the scenario."""
    report = json.loads((ROOT / f"docs/reports/{scenario}.json").read_text(encoding="utf-8"))

    Draft202012Validator(schemas.load("report")).validate(report)
    outcome = report["services"][0]["rollout"]["outcome"]
    assert (report["verdict"], report["broken_link"], outcome) == told()[scenario]


def test_every_reason_for_which_tasks_stop_is_reported() -> None:
    """A reader finds each class of reasons on the page on rollouts."""
    page = (ROOT / "docs/rollouts.md").read_text(encoding="utf-8")

    assert [reason.name for reason in REASONS if f"`{reason.name}`" not in page] == []


def test_every_option_is_listed_with_its_other_names() -> None:
    """A reader finds each option, variable and ini name in the table of options."""
    page = (ROOT / "docs/options.md").read_text(encoding="utf-8")

    for option in OPTIONS:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{option.flag} "))
        assert all(name in row for name in (option.variable, option.ini))


def test_the_policy_to_copy_allows_every_read_and_nothing_else() -> None:
    """The documented policy grants exactly the actions that the verifier calls."""
    page = (ROOT / "docs/permissions.md").read_text(encoding="utf-8")
    block = re.search(r"```json\n(.*?)```", page, re.DOTALL)
    assert block is not None
    statements = json.loads(block[1])["Statement"]
    actions = {
        action
        for statement in statements
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }

    assert actions == {
        iam_action(service, name) for service, names in READS.items() for name in names if service != "sts"
    }


def test_the_policies_to_copy_are_json_with_statements() -> None:
    """The policies for a role, and who may assume it, can be pasted as they are."""
    page = (ROOT / "docs/permissions.md").read_text(encoding="utf-8")
    policies = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    assert len(policies) == 4
    assert all(one["Effect"] == "Allow" for policy in policies for one in policy["Statement"])
    assert all(one["Condition"] for policy in policies[1:] for one in policy["Statement"])


def test_the_page_on_permissions_has_the_table_of_actions() -> None:
    """The page has the table from which the policy is made, with the consequences of each denial."""
    lines = (ROOT / "docs/permissions.md").read_text(encoding="utf-8").splitlines()
    when = [f"| `{one.name}` | {one.trigger} |" for one in ACTIONS if one.trigger is not Trigger.ALWAYS]
    denied = [f"| `{one.name}` | {one.without} |" for one in ACTIONS if one.without]
    shown = [line for line in lines if line.startswith("| `")]

    assert shown == [*when, *denied]


def test_the_page_on_checks_is_written_from_its_source() -> None:
    """The page has what `deploycheck explain` prints; python docs/make_checks.py writes it."""
    assert (ROOT / "docs/checks.md").read_text(encoding="utf-8") == as_markdown() + "\n"


def test_every_check_has_a_page() -> None:
    """The pages are those of the built-in checks, in the order of the chain, each under its link."""
    checks = [*FIXED_CHECKS, log_check(1, Expectation("expect", (Pattern("x"),))), *HEALTH_CHECKS]
    assert [(one.id, one.link) for one in PAGES] == [(one.id.replace("-1", "-N"), one.link) for one in checks]
    known = {one.id for one in PAGES}
    assert all(set(action.checks) <= known for action in ACTIONS)
    # Services are discovered before there are checks.
    assert [action.name for action in ACTIONS if not action.checks] == ["ecs:ListServices"]


def resolved(name: str) -> bool:
    """Tell if a dotted name below the package exists: a module, or an attribute of one."""
    parts = name.split(".")
    for length in range(len(parts), -1, -1):
        try:
            found = importlib.import_module(".".join(["pytest_deploycheck", *parts[:length]]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def test_the_architecture_names_what_exists() -> None:
    """Each dotted name on the page on the architecture is a module, a class or a function of the package."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    names = re.findall(r"`([a-z_]+(?:\.\w+)+)(?:\(\))?`", page)
    ours = [name.removeprefix("pytest_deploycheck.") for name in names if not name.endswith((".json", ".toml"))]

    assert len(ours) > 20
    assert [name for name in ours if not resolved(name)] == []
    assert not resolved("judge.checks.tasks.no_such_function")


def test_the_guide_for_contributors_names_files_that_exist() -> None:
    """Each path in CONTRIBUTING.md is one of the project or of the package."""
    paths = re.findall(r"`(\w[\w.]*/[\w./]*)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))

    assert len(paths) > 10
    assert [path for path in paths if not any((top / path).exists() for top in (ROOT, PACKAGE))] == []


def test_every_room_is_described() -> None:
    """The page on the architecture has a row for each room of the package."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rooms = [path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()]

    assert [room for room in rooms if room != "schemas" and f"`{room}`" not in page] == []
