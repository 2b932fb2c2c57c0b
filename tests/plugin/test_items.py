from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy, World

BEFORE_LOGS = [
    *("image-exists", "image-intended", "image-tag", "image-repository", "image-pushed", "image-content"),
    "image-layers",
    *("rollout-complete", "tasks-running", "tasks-run-image"),
]
AFTER_LOGS = ["targets-healthy", "containers-healthy", "alarms-ok", "error-rate"]
FIXED = [*BEFORE_LOGS, *AFTER_LOGS]
CHECKS = [*BEFORE_LOGS, *(f"logs-{number}" for number in range(1, 8)), *AFTER_LOGS]


def ids(text: str) -> list[str]:
    """Return the node ids among the lines of `--collect-only -q`."""
    return [line for line in text.splitlines() if "::" in line and " " not in line]


def test_node_ids(collect: Collect) -> None:
    """Each check is an item `deploycheck::SERVICE::CHECK`, in the order of the chain, without a test file."""
    outcome = collect("--deploy-env=sandbox", "-q")
    assert ids(outcome.output) == [f"deploycheck::backend::{check}" for check in CHECKS]


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("-k", "tasks"), ["deploycheck::backend::tasks-running", "deploycheck::backend::tasks-run-image"]),
        (("-k", "image-exists or test_one"), ["deploycheck::backend::image-exists", "test_a.py::test_one"]),
        (("-k", "test_"), ["test_a.py::test_one"]),
        (("-m", "deploycheck"), [f"deploycheck::backend::{check}" for check in FIXED]),
        (("test_a.py", "-k", "running or one"), ["deploycheck::backend::tasks-running", "test_a.py::test_one"]),
        (("deploycheck::backend::image-exists",), ["deploycheck::backend::image-exists"]),
        (("deploycheck::backend",), [f"deploycheck::backend::{check}" for check in FIXED]),
        (("deploycheck",), [f"deploycheck::backend::{check}" for check in FIXED]),
        (
            ("deploycheck::backend::tasks-running", "test_a.py::test_one"),
            ["deploycheck::backend::tasks-running", "test_a.py::test_one"],
        ),
        (
            ("--deselect=deploycheck::backend::image-exists", "-k", "image-exists or tasks-running"),
            ["deploycheck::backend::tasks-running"],
        ),
    ],
)
@pytest.mark.usefixtures("configured")
def test_selection(collect: Collect, pytester: pytest.Pytester, args: tuple[str, ...], expected: list[str]) -> None:
    """Checks are selected and left out as tests are: by name, marker, id and path; a path still adds them all."""
    (pytester.path / "test_selection.py").rename(pytester.path / "test_a.py")
    outcome = collect("--deploy-env=dev", "-q", *args)
    assert outcome.status == 0
    assert sorted(ids(outcome.output)) == sorted(expected)


@pytest.mark.usefixtures("configured")
def test_an_id_that_is_not_there_is_refused(collect: Collect) -> None:
    """A misspelt id of a check is pytest's usage error, as that of a test is, and never an empty green run."""
    for wrong, told in (
        ("deploycheck::backend::image-exist", "did you mean 'image-exists'?"),
        ("deploycheck::backnd::image-exists", "did you mean 'backend'?"),
        ("deploycheck::nobody", "unknown service 'nobody'"),
        ("deploycheck::backend::logs-1", "There are: image-exists, "),
    ):
        outcome = collect("--deploy-env=dev", wrong)
        assert outcome.status == 4, outcome.output
        assert wrong in outcome.output
        assert told in outcome.output


@pytest.mark.usefixtures("configured")
def test_an_id_is_taken_as_pytest_prints_it_in_a_folder_below(
    collect: Collect, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder below the root of the tests pytest prints the way to there before the id of a check."""
    pytester.makeini("[pytest]")
    monkeypatch.chdir(pytester.mkdir("below"))
    outcome = collect("--deploy-env=dev", "-q", "../deploycheck::backend::image-exists")
    assert ids(outcome.output) == ["deploycheck::backend::image-exists"]


@pytest.mark.usefixtures("world")
def test_deselected_checks_are_absent_from_the_report(deploy: Deploy) -> None:
    """The report tells only of the checks that were asked for, and no verdict comes from the others."""
    outcome = deploy("-k", "image-exists or tasks", env="shop")
    assert outcome.checks == {"image-exists": "pass", "tasks-running": "pass", "tasks-run-image": "pass"}
    assert outcome.verdict[0] == "UNPROVEN"
    assert outcome.status == 7


@pytest.mark.parametrize("args", [("-k", "nothing_has_this_name"), ("-k", "test_"), ("--deselect=deploycheck",)])
@pytest.mark.usefixtures("world")
def test_everything_deselected_is_never_green(deploy: Deploy, args: tuple[str, ...]) -> None:
    """A run that verified nothing is UNPROVEN, exit status 7, with its report."""
    outcome = deploy(*args, env="shop")
    assert outcome.status == 7
    assert outcome.verdict == ("UNPROVEN", "image")
    assert outcome.report["services"][0]["checks"] == []


@pytest.mark.usefixtures("world")
def test_other_tests_alone_are_never_green(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """Tests that have nothing to do with the deployment do not verify it."""
    pytester.makepyfile("def test_one(): pass")
    outcome = deploy("-k", "test_", env="shop")
    assert outcome.status == 7
    assert outcome.report["tests"] == []


def test_a_failed_check_shows_words_and_no_traceback(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A failure is explained in sentences, with cause, remedy and next command; the package's own code is not shown.

    With `-v` each check's line has its status, and JUnit XML names checks and failures for CI. `--lf` then runs what
    did not pass.
    """
    outcome = deploy("-v", "--junitxml=junit.xml", scenario="not-restarted")
    failures = outcome.output.partition("= FAILURES =")[2].partition("= deployment =")[0]
    assert "backend: rollout-complete" in failures
    assert "NOT_STARTED" in failures
    assert "--force-new-deployment" in failures
    assert ".py" not in failures
    assert "Error" not in failures
    assert "Traceback" not in outcome.output
    for line in ("image-exists PASSED", "image-pushed SKIPPED", "rollout-complete FAILED", "logs-1 UNPROVEN"):
        assert f"deploycheck::backend::{line}" in outcome.output
    text = (pytester.path / "junit.xml").read_text(encoding="utf-8")
    assert 'name="rollout-complete"' in text
    assert "NOT_STARTED" in text
    failed = {check for check, status in outcome.checks.items() if status not in {"pass", "skip"}}
    again = deploy("--lf", "--tb=no", scenario="not-restarted")
    assert set(again.checks) == failed
    assert again.status == 1


@pytest.mark.parametrize("style", ["long", "native"])
def test_no_traceback_in_any_style(deploy: Deploy, style: str) -> None:
    """`--tb` does not bring the package's own code back."""
    outcome = deploy(f"--tb={style}", "-k", "rollout", scenario="not-restarted")
    assert "CheckFailed" not in outcome.output
    assert "Traceback" not in outcome.output
    assert "NOT_STARTED" in outcome.output


def test_stop_at_the_first_failure(deploy: Deploy) -> None:
    """After `-x` the report holds what was done so far, and the verdict is of what failed."""
    outcome = deploy("-x", scenario="not-restarted")
    assert list(outcome.checks)[-1] == "rollout-complete"
    assert outcome.checks["rollout-complete"] == "fail"
    assert "tasks-run-image" not in outcome.checks
    assert outcome.verdict == ("REFUTED", "rollout")
    assert outcome.status == 1


def test_stop_at_the_first_that_is_unproven(deploy: Deploy) -> None:
    """`-x` stops at what is unproven too, and the run is not green."""
    outcome = deploy("-x", scenario="silent")
    assert outcome.status == 7
    assert outcome.verdict == ("UNPROVEN", "logs")
    assert list(outcome.checks)[-1] == "logs-1"


@pytest.mark.parametrize("mark", ["skip(reason='not today')", "xfail(run=False, reason='not today')"])
def test_a_check_that_a_conftest_skips(deploy: Deploy, pytester: pytest.Pytester, world: World, mark: str) -> None:
    """A mark that skips a check skips it, and what it would prove is not proven."""
    world.backend.log("hello")
    pytester.makeconftest(
        f"""
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items:
                if item.name == "tasks-running":
                    item.add_marker(pytest.mark.{mark})
        """
    )
    outcome = deploy("-rsx", env="shop")
    assert "INTERNALERROR" not in outcome.output
    assert outcome.checks["tasks-running"] == "skip"
    assert outcome.report["verdict"] == "UNPROVEN"
    assert outcome.report["broken_link"] == "tasks"
    assert "not today" in outcome.output


@pytest.mark.usefixtures("world")
def test_a_check_that_exceeds_a_time_limit(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A check that a time limit ends is in error: its question stays open."""
    pytester.makeconftest(
        """
        import time
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items:
                if item.name == "tasks-running":
                    item.add_marker(pytest.mark.timeout(0.05, method="signal"))
                    item._carry_out = lambda item: time.sleep(5)
        """
    )
    outcome = deploy("-k", "tasks-running", "--tb=no", env="shop")
    assert outcome.checks == {"tasks-running": "error"}
    assert (outcome.status, outcome.report["verdict"]) == (7, "UNPROVEN")


SUITE = """
import unittest
import pytest

def test_unit(): pass
def test_env(deploy_env): pass
def test_log(build_log): pass

class TestCase(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _own(self, running_tasks): pass
    def test_case(self): pass
"""


@pytest.mark.parametrize("env", ["--deploy-env=dev", ""])
@pytest.mark.usefixtures("configured")
def test_the_marker_selects_all_there_is_about_the_deployment(
    collect: Collect, pytester: pytest.Pytester, env: str
) -> None:
    """`-m deploycheck` selects the checks and the tests that use any fixture of the plugin, and no unit test."""
    pytester.makepyfile(test_suite=SUITE)
    outcome = collect(*([env] if env else []), "-q", "-m", "deploycheck", "test_suite.py")
    found = ids(outcome.output)
    assert {one.rpartition("::")[2] for one in found if one.startswith("test_")} == {
        "test_env",
        "test_log",
        "test_case",
    }
    assert len(found) == 3 + (len(FIXED) if env else 0)


def test_node_ids_of_checks_select_services(deploy: Deploy, world: World) -> None:
    """The services that node ids of checks do not name are no part of the run: not observed and not judged."""
    world.add("worker")
    world.configure("backend", "worker")
    outcome = deploy("deploycheck::worker::image-exists", env="shop")
    assert [service["name"] for service in outcome.report["services"]] == ["worker"]
    assert not any("shop-backend" in str(call) for call in world.aws.calls)
    assert "services worker (from the node ids)" in outcome.header
