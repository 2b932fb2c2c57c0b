"""The examples run as they stand, as the documentation says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Return what runs pytest in a copy of an example's folder, as a reader would."""

    def run(example: str, *arguments: str) -> pytest.RunResult:
        shutil.copytree(EXAMPLES / example, pytester.path, dirs_exist_ok=True)
        return pytester.runpytest_inprocess(*arguments)

    return run


@pytest.mark.parametrize("example", ["quickstart", "incident"])
def test_a_healthy_deployment_is_verified(example: str, run: Run) -> None:
    """The first command a reader tries ends green, with one line of verdict."""
    ended = run(example, "--deploy-env=sandbox")

    assert ended.ret == 0
    assert "VERIFIED: backend in sandbox" in str(ended.stdout)


@pytest.mark.parametrize(
    ("example", "scenario", "broken_link"),
    [("quickstart", "not-restarted", "rollout"), ("incident", "cached-layer", "logs")],
)
def test_a_bad_deployment_is_refuted(example: str, scenario: str, broken_link: str, run: Run, tmp_path: Path) -> None:
    """The same tests and expectations fail where the deployment is not as expected."""
    report = tmp_path / "report.json"

    options = ["--deploy-log-wait=0.5s", f"--deploy-sandbox={scenario}", f"--deploy-report={report}"]
    ended = run(example, "--deploy-env=sandbox", *options)

    assert ended.ret == 1
    written = json.loads(report.read_text(encoding="utf-8"))
    assert (written["verdict"], written["broken_link"]) == ("REFUTED", broken_link)
    assert any(test["outcome"] != "passed" for test in written["tests"])


@pytest.mark.parametrize(
    ("example", "stage", "passed"),
    [
        ("offline", (), 4),
        ("http", ("offline_shop.py",), 2),
        ("websocket", ("offline_swarm.py",), 2),
        ("monorepo", ("offline_monorepo.py",), 2),
        ("json-logs", ("offline_json_logs.py",), 2),
    ],
)
def test_what_fills_its_own_world_runs_offline(example: str, stage: tuple[str, ...], passed: int, run: Run) -> None:
    """The examples that fill their own world pass without any environment, what is to be refuted in them included."""
    ended = run(example, *stage)

    assert ended.ret == 0
    assert f"{passed} passed" in str(ended.stdout)
