from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import jsonschema
import pytest
from support.replays import REPORTS

from pytest_deploycheck import schemas

if TYPE_CHECKING:
    from plugin.conftest import Deploy, Outcome

CHECKS = ("-k", "tasks-run-image or logs-1 or test_")


@pytest.fixture
def replay(deploy: Deploy, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """Return what replays a report of the documentation where AWS cannot be reached."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    def run(*args: str, scenario: str | None = None, env: str | None = None) -> Outcome:
        shutil.copy(REPORTS / f"{scenario}.json", pytester.path / "old.json")
        return deploy(*CHECKS, "--deploy-replay=old.json", *args, env=env)

    return run


def test_a_refuted_run_is_refuted_again(replay: Deploy, pytester: pytest.Pytester) -> None:
    """Without an environment and without AWS a replay judges by the checks, and every output names what it replays."""
    outcome = replay("--deploy-report=r.md", scenario="not-restarted")
    assert outcome.status == 1, outcome.output
    assert outcome.report["verdict"] == "REFUTED"
    assert outcome.checks["tasks-run-image"] == "fail"
    assert outcome.report["replay_of"].endswith("old.json")
    jsonschema.validate(outcome.report, schemas.load("report"))
    assert "replay old.json (from --deploy-replay), env sandbox as recorded" in outcome.header
    assert "Replay of" in outcome.output.partition("= deployment =")[2]
    assert "Replay" in (pytester.path / "r.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_a_verified_run_is_never_green_again(
    replay: Deploy, pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    """Tests hold the recorded facts, in workers too; where all holds, the exit status is 7."""
    pytester.makepyfile(
        """
        import pytest

        def test_facts(deployed_image, running_tasks, deploy_logs, deployment):
            assert running_tasks.digests <= deployed_image.digests
            assert deployment.outcome == "COMPLETED"
            assert "Found 3 platform sections" in deploy_logs

        def test_not_recorded(deployed_image):
            deployed_image.read_text("/app/app/main.py")
        """
    )
    outcome = replay(*workers, scenario="healthy")
    assert outcome.status == 7, outcome.output
    assert outcome.report["verdict"] == "UNPROVEN"
    assert outcome.checks == {"tasks-run-image": "pass", "logs-1": "pass"}
    assert {name.partition("[")[0]: one for name, one in outcome.tests.items()} == {
        "test_facts": "passed",
        "test_not_recorded": "unproven",
    }


def test_what_a_test_asked_of_the_logs_is_recorded(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A line that only a test looked for is there again in the replay, and one that it missed is missing again."""
    pytester.makepyfile(
        """
        def test_there(deploy_logs):
            assert "Uvicorn running on" in deploy_logs

        def test_missing(deploy_logs):
            assert "never logged" in deploy_logs

        def test_absent(deploy_logs):
            assert deploy_logs.absent("Traceback")
        """
    )
    # The second task has no log stream at first.
    selected = ("-k", "test_", "--deploy-report=old.json", "--deploy-log-wait=2s")
    expected = {"test_there[backend]": "passed", "test_missing[backend]": "failed", "test_absent[backend]": "passed"}
    first = deploy(*selected, scenario="healthy")
    assert first.tests == expected, first.output
    again = deploy("-k", "test_", "--deploy-replay=old.json")
    assert again.tests == expected, again.output
    assert again.status == 1


def test_annotations_are_written_without_a_summary(
    replay: Deploy, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub Actions gets its annotations, and a person who wants no summary has none."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "summary.md"))
    outcome = replay("--deploy-report=github", "--no-summary", scenario="not-restarted")
    assert "::error title=backend tasks-run-image" in outcome.output
    assert "= deployment =" not in outcome.output


def test_a_report_that_cannot_be_read_is_refused(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A report that cannot be replayed is a usage error with the reason, and no report is written."""
    (pytester.path / "old.json").write_text(json.dumps({"schema_version": 7}), encoding="utf-8")
    assert "schema_version 7" in deploy("--deploy-replay=old.json").refused()


def test_a_report_may_be_replaced_by_its_replay(replay: Deploy) -> None:
    """The report is read before an earlier report at the path of the new one is removed."""
    assert replay("--deploy-report=old.json", scenario="stale").status == 7


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--deploy-image=v1",), "--deploy-image does not apply to a replay"),
        (("--deploy-env=prod",), "is of sandbox"),
        (("--deploy-service=other",), "--deploy-service"),
    ],
)
def test_options_that_the_record_cannot_answer_are_refused(
    replay: Deploy, arguments: tuple[str, ...], word: str
) -> None:
    """An option that names something else than what was recorded is refused, and not ignored."""
    assert word in replay(*arguments, scenario="stale").refused()
