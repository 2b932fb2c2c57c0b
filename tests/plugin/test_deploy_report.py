from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy, Ini, World

SCHEMA: dict[str, Any] = json.loads((files("pytest_deploycheck") / "schemas" / "report.schema.json").read_text("utf-8"))
NOTHING = ("-k", "image-exists")


def test_each_way_to_say_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ini: Ini, ini_file: str
) -> None:
    """Ini file, then variable, then command line: the nearest to this run says which files are written."""

    def written(*args: str) -> set[str]:
        for path in pytester.path.glob("*.json"):
            path.unlink()
        pytester.runpytest_inprocess("--deploy-env=sandbox", "-p", "no:hypothesispytest", *NOTHING, *args)
        return {path.name for path in pytester.path.glob("*.json")}

    ini(ini_file, deploy_report="ini1.json,ini2.json")
    assert written() == {"ini1.json", "ini2.json"}
    monkeypatch.setenv("DEPLOYCHECK_REPORT", "one.json, two.json")
    assert written() == {"one.json", "two.json"}
    assert written("--deploy-report=a.json", "--deploy-report=b.json") == {"a.json", "b.json"}


@pytest.mark.usefixtures("configured")
def test_the_header_says_where_it_came_from(
    collect: Collect, monkeypatch: pytest.MonkeyPatch, ini: Ini, ini_file: str
) -> None:
    """The files to write stand in the header with the source of the choice; an empty variable counts as unset."""
    ini(ini_file, deploy_report="a.json")
    monkeypatch.setenv("DEPLOYCHECK_REPORT", "")
    assert "a.json (from ini deploy_report)" in collect("--deploy-env=dev").header
    monkeypatch.setenv("DEPLOYCHECK_REPORT", "b.json")
    assert "b.json (from DEPLOYCHECK_REPORT)" in collect("--deploy-env=dev").header
    assert "c.json (from --deploy-report)" in collect("--deploy-env=dev", "--deploy-report=c.json").header


@pytest.mark.parametrize("value", ["report.txt", "report", "report.md", "report.html", "github", ".json/", ""])
@pytest.mark.usefixtures("configured")
def test_a_kind_that_is_not_known_is_refused(collect: Collect, value: str) -> None:
    """What cannot be written is refused before the run, with the option, the value and what is allowed."""
    message = collect("--deploy-env=dev", f"--deploy-report={value}").refused()
    assert "--deploy-report" in message
    assert repr(value) in message
    assert ".json" in message


def test_folders_are_made(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A report in a folder that is not there yet is written all the same, and the terminal says where."""
    outcome = deploy(*NOTHING, "--deploy-report=out/deep/r.json", scenario="healthy")
    assert (pytester.path / "out" / "deep" / "r.json").is_file()
    assert "r.json" in outcome.output


def test_a_report_that_cannot_be_written_is_said(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A report that could not be written is no success, and no crash either."""
    (pytester.path / "taken.json").mkdir()
    outcome = deploy("--deploy-report=taken.json", "--deploy-log-wait=1s", scenario="healthy")
    assert outcome.verdict == ("VERIFIED", None)
    assert outcome.status != 0
    assert "taken.json" in outcome.output
    assert "Traceback" not in outcome.output


def test_an_interrupted_run_writes_its_report(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """An interrupted run keeps status 2 and reports what it saw so far, UNPROVEN at best."""
    pytester.makepyfile(
        """
        def test_one(deploy_env):
            pass

        def test_two(deploy_env):
            raise KeyboardInterrupt
        """
    )
    outcome = deploy("--deploy-log-wait=1s", scenario="healthy")
    assert outcome.status == 2
    assert outcome.report["verdict"] == "UNPROVEN"
    assert outcome.tests["test_one"] == "passed"
    jsonschema.validate(outcome.report, SCHEMA)


def test_a_credential_in_a_log_line_is_masked(deploy: Deploy, world: World) -> None:
    """What looks like a credential never reaches a report."""
    world.configure("backend", logs='[[env.shop.services.backend.logs]]\nforbid = "login"\n')
    world.backend.log("login password=hunter2222 with AKIAIOSFODNN7EXAMPLE")
    outcome = deploy("-k", "logs-1", env="shop")
    assert outcome.checks == {"logs-1": "fail"}
    text = json.dumps(outcome.report)
    assert "login" in text
    assert "hunter2222" not in text
    assert "AKIAIOSFODNN7EXAMPLE" not in text
