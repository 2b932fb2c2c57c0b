from __future__ import annotations

import json
from typing import Any

import pytest

TESTS = {
    "test_a": """
        def test_said(deploy_logs): assert "Found 3 platform sections" in deploy_logs
        def test_image(deployed_image, running_tasks): assert running_tasks.digests == {deployed_image.digest}
        """,
    "test_b": """
        def test_env(deploy_env): assert deploy_env.name == "sandbox"
        def test_rollout(deployment): assert deployment.outcome == "COMPLETED"
        def test_other(): pass
        """,
}


def run(pytester: pytest.Pytester, *args: str, workers: int = 1) -> tuple[pytest.RunResult, dict[str, Any]]:
    """Run with workers, and return the result and the report, empty where there is none."""
    result = pytester.runpytest_subprocess(
        *(f"-n{workers}", "--deploy-env=sandbox", "--deploy-log-wait=1s", "--deploy-wait=0"),
        "--deploy-report=report.json",
        *args,
    )
    path = pytester.path / "report.json"
    return result, json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    """Return the outcome of each test of the report."""
    return {test["nodeid"].rpartition("::")[2].partition("[")[0]: test["outcome"] for test in report["tests"]}


def test_one_verdict_and_one_report(pytester: pytest.Pytester) -> None:
    """Two workers share checks and tests of two files: the verdict is that of one process, with everything in it."""
    pytester.makepyfile(**TESTS)
    result, report = run(pytester, workers=2)
    assert (result.ret, report["verdict"], report["broken_link"]) == (0, "VERIFIED", None)
    assert outcomes(report) == dict.fromkeys(("test_said", "test_image", "test_env", "test_rollout"), "passed")
    assert [check["id"] for check in report["services"][0]["checks"]] == [
        *("image-exists", "image-intended", "image-tag", "image-repository", "image-pushed", "image-content"),
        "image-layers",
        *("rollout-complete", "tasks-running", "tasks-run-image"),
        *(f"logs-{number}" for number in range(1, 8)),
        *("targets-healthy", "containers-healthy", "alarms-ok", "error-rate"),
    ]
    # The controller observes, the workers read the logs.
    assert {"ecs:DescribeServices", "logs:FilterLogEvents"} <= {one["operation"] for one in report["operations"]}
    assert str(result.stdout).count("VERIFIED: backend") == 1
    assert str(result.stdout).count("report: ") == 1
    assert str(result.stdout).count("deploycheck: env sandbox") == 1


def test_a_refutation_and_what_is_unproven(pytester: pytest.Pytester) -> None:
    """A worker's failed and unproven tests and checks arrive with their reasons."""
    pytester.makepyfile(
        test_a="def test_said(deploy_logs): assert 'Found 3' in deploy_logs",
        test_b="def test_image(deployed_image, running_tasks): assert running_tasks.digests == deployed_image.digests",
    )
    result, report = run(pytester, "--deploy-sandbox=not-restarted", workers=2)
    assert (result.ret, report["verdict"], report["broken_link"]) == (1, "REFUTED", "rollout")
    assert outcomes(report) == {"test_said": "unproven", "test_image": "failed"}
    assert "NOT_STARTED" in str(result.stdout)
    assert "INTERNALERROR" not in str(result.stdout)


def test_all_unproven_is_7(pytester: pytest.Pytester) -> None:
    """Workers in which nothing was refuted and not everything proven: 7."""
    pytester.makepyfile(test_a="def test_said(deploy_logs): assert 'Found 3' in deploy_logs")
    result, report = run(pytester, "--deploy-sandbox=silent", "--deploy-log-wait=0")
    assert (result.ret, report["verdict"], report["broken_link"]) == (7, "UNPROVEN", "logs")
    assert outcomes(report) == {"test_said": "unproven"}


def test_stopped_at_the_first_failure(pytester: pytest.Pytester) -> None:
    """`-x` with workers ends with pytest's own status and a report of what was done, never VERIFIED."""
    pytester.makepyfile(**TESTS)
    result, report = run(pytester, "-x", "--deploy-sandbox=not-restarted", "--deploy-log-wait=0")
    assert result.ret == 2
    assert report["verdict"] == "REFUTED"
    assert "INTERNALERROR" not in str(result.stdout)


@pytest.mark.parametrize("args", [("--deploy-wait=soon",), ("--deploy-image=Bad Image",)])
def test_a_usage_error_is_4(pytester: pytest.Pytester, args: tuple[str, ...]) -> None:
    """A setting that cannot be used is one message and status 4, with workers too."""
    pytester.makepyfile(**TESTS)
    result, report = run(pytester, *args)
    assert result.ret == 4
    assert report == {}
    text = f"{result.stdout}\n{result.stderr}"
    assert text.count("ERROR: ") == 1
    assert "Traceback" not in text
    assert "INTERNALERROR" not in text


def test_a_worker_that_dies_and_is_not_replaced(pytester: pytest.Pytester) -> None:
    """Tests that were left to it do not run: the run does not come to its end, and verifies nothing."""
    pytester.makepyfile(
        test_dies="import os, pytest\n@pytest.mark.parametrize('n', range(9))\ndef test_dies(n): os._exit(1)"
    )
    result, report = run(pytester, "--max-worker-restart=0", "-k", "test_dies")
    assert result.ret not in (0, 7)
    assert (report["verdict"], report["complete"]) == ("UNPROVEN", False)
