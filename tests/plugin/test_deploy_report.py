from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.replays import REPORTS

from pytest_deploycheck.run.report_files import write

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy, Ini, World

NOTHING = ("-k", "image-exists")


def test_each_way_to_say_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ini: Ini, ini_file: str
) -> None:
    """Ini file, then variable, then command line: the nearest to this run says which files are written."""
    recorded = pytester.mkdir("earlier") / "recorded.json"
    shutil.copy(REPORTS / "healthy.json", recorded)

    def written(*args: str) -> set[str]:
        for path in pytester.path.glob("*.json"):
            path.unlink()
        pytester.runpytest_inprocess(f"--deploy-replay={recorded}", *NOTHING, *args)
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


@pytest.mark.parametrize("value", ["report.txt", "report", ".json/"])
@pytest.mark.usefixtures("configured")
def test_a_kind_that_is_not_known_is_refused(collect: Collect, value: str) -> None:
    """A path that cannot be written is refused before the run, with the option, the value and what is allowed."""
    message = collect("--deploy-env=dev", f"--deploy-report={value}").refused()
    assert "--deploy-report" in message
    assert repr(value) in message
    assert ".json" in message


def test_several_formats_at_once(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A run writes a report in each format that is asked for, and an earlier one in Markdown is replaced, too."""
    (pytester.path / "r.md").write_text("<!-- pytest-deploycheck report -->\n## VERIFIED", encoding="utf-8")
    outcome = deploy(*NOTHING, "--deploy-report=r.md", scenario="stale")
    assert outcome.has_report
    assert "UNPROVEN: `backend` in `sandbox`" in (pytester.path / "r.md").read_text(encoding="utf-8")


def test_the_summary_of_a_step_keeps_what_others_wrote(
    deploy: Deploy, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`github` adds the report to the summary of the step, and annotates each check that did not hold."""
    path = pytester.path / "summary.md"
    path.write_text("# Built", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    outcome = deploy(*NOTHING, "-k", "image-exists or image-intended", "--deploy-report=github", scenario="stale")
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Built\n")
    assert text.count("UNPROVEN: `backend` in `sandbox`") == 1
    (line,) = [line for line in outcome.output.splitlines() if line.startswith("::")]
    assert line.startswith("::warning title=backend image-intended%3A unproven::")


@pytest.mark.usefixtures("configured")
def test_outside_of_github_its_report_is_refused(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable of GitHub Actions there is no file to write to, and the message names it."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    assert "GITHUB_STEP_SUMMARY" in deploy("--deploy-report=github", env="dev").refused()


def test_folders_are_made(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A report in a folder that is not there yet is written all the same, and the terminal says where."""
    outcome = deploy(*NOTHING, "--deploy-report=out/deep/r.json", scenario="healthy")
    assert (pytester.path / "out" / "deep" / "r.json").is_file()
    assert "r.json" in outcome.output


def test_a_report_that_cannot_be_written_is_refused(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A path that cannot be written is a usage error before anything is verified, with the option and the path."""
    (pytester.path / "taken").touch()
    message = deploy("--deploy-report=taken/r.json", scenario="healthy").refused()
    assert "--deploy-report" in message
    assert "r.json" in message
    assert "cannot be written" in message


def test_a_report_that_can_no_longer_be_written_is_noted(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A report that could not be written in the end is no success, and no crash either."""
    pytester.makepyfile(
        """
        from pathlib import Path

        def test_one(deploy_env):
            Path("out").rmdir()
            Path("out").touch()
        """
    )
    outcome = deploy("--deploy-report=out/r.json", "--deploy-log-wait=1s", scenario="healthy")
    assert outcome.verdict == ("VERIFIED", None)
    assert outcome.status == 1
    told = " ".join(outcome.output.partition("= deployment =")[2].split())
    assert "r.json could not be written (File exists), so the run fails all the same." in told
    assert "Traceback" not in outcome.output


def test_a_report_is_written_in_one_piece(tmp_path: Path) -> None:
    """Runs that write the same file at once leave the whole report of one of them, and nothing else."""
    path, texts = tmp_path / "report.json", [letter * 1_000_000 for letter in "abcd"]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda text: write(path, text), texts))
    assert path.read_text(encoding="utf-8") in texts
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    """A text that cannot be written leaves what was there before, and no part of itself."""
    path = tmp_path / "report.json"
    write(path, "first")
    with pytest.raises(UnicodeEncodeError):
        write(path, "second \ud800")
    assert path.read_text(encoding="utf-8") == "first"
    assert list(tmp_path.iterdir()) == [path]


EARLIER = '{"schema_version": 1, "verdict": "VERIFIED", "environment": "dev", "services": []}'


@pytest.mark.parametrize("content", [EARLIER, ""])
@pytest.mark.usefixtures("configured")
def test_a_run_that_does_not_start_leaves_no_earlier_report(
    deploy: Deploy, pytester: pytest.Pytester, content: str
) -> None:
    """An earlier report is removed before settings are validated: no old verdict is taken for that of this run."""
    (pytester.path / "report.json").write_text(content, encoding="utf-8")
    assert "soon" in deploy("--deploy-wait=soon", env="dev").refused()


@pytest.mark.usefixtures("configured")
def test_an_empty_option_leaves_no_earlier_report(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """An option with an empty value is refused after the earlier report was removed."""
    (pytester.path / "report.json").write_text(EARLIER, encoding="utf-8")
    assert "--deploy-service: found an empty value" in deploy("--deploy-service=", env="dev").refused()


@pytest.mark.usefixtures("configured")
def test_a_baseline_that_cannot_be_used_leaves_no_earlier_report(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """The file of the baseline is read before, and what is wrong with it does not keep an old report."""
    (pytester.path / "report.json").write_text(EARLIER, encoding="utf-8")
    assert "gone.json" in deploy("--deploy-baseline=gone.json", env="dev").refused()


@pytest.mark.parametrize("content", ['{"name": "package"}', "[1, 2]", "text", "\ud800"])
@pytest.mark.usefixtures("configured")
def test_another_file_is_not_overwritten(deploy: Deploy, pytester: pytest.Pytester, content: str) -> None:
    """A file at the path of a report that is not one of ours stays, and the run is refused."""
    path = pytester.path / "own.json"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    message = deploy("--deploy-report=own.json", env="dev").refused()
    assert "own.json" in message
    assert "not a report" in message
    assert path.exists()


@pytest.mark.usefixtures("configured")
def test_a_folder_in_the_place_of_a_report_is_refused(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A report cannot be written where a folder is, and the run says so before it starts."""
    (pytester.path / "own.json").mkdir()
    assert "own.json" in deploy("--deploy-report=own.json", env="dev").refused()


@pytest.mark.usefixtures("configured")
def test_an_earlier_report_stays_where_nothing_is_verified(
    collect: Collect, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an environment, and where tests are only listed, the report of an earlier run is left alone."""
    path = pytester.path / "report.json"
    path.write_text(EARLIER, encoding="utf-8")
    monkeypatch.setenv("DEPLOYCHECK_REPORT", "report.json")
    collect("--deploy-env=dev")
    pytester.runpytest_inprocess()
    assert path.read_text(encoding="utf-8") == EARLIER


def test_a_report_may_be_the_baseline_of_the_run_that_replaces_it(deploy: Deploy) -> None:
    """The baseline is read before the earlier report is removed, and workers get it from the controller."""
    deploy(*NOTHING, scenario="healthy")
    for workers in ((), ("-n1",)):
        outcome = deploy(*NOTHING, *workers, "--deploy-baseline=report.json", scenario="healthy")
        assert outcome.status == 7, outcome.output
        assert outcome.has_report


def test_a_credential_in_a_log_line_is_masked(deploy: Deploy, world: World) -> None:
    """A text that looks like a credential never reaches a report."""
    world.configure("backend", logs='[[env.shop.services.backend.logs]]\nforbid = "login"\n')
    world.backend.log("login password=hunter2222 with AKIAIOSFODNN7EXAMPLE")
    outcome = deploy("-k", "logs-1", env="shop")
    assert outcome.checks == {"logs-1": "fail"}
    text = json.dumps(outcome.report)
    assert "login" in text
    assert "hunter2222" not in text
    assert "AKIAIOSFODNN7EXAMPLE" not in text
