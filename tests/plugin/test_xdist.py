from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from support.truths import TRUTHS

from plugin.asking import not_passed
from pytest_deploycheck.run import rollout_wait

if TYPE_CHECKING:
    from plugin.conftest import Deploy, Ini, World

URL, INI_URL = "https://dev.example", "https://ini.example"

TESTS = {
    "test_a": """
        def test_said(deploy_logs): assert "hello" in deploy_logs
        def test_image(deployed_image, running_tasks): assert running_tasks.digests == {deployed_image.digest}
        def test_read(deployed_image): assert deployed_image.read_text("/app/main.py") == "new web"
        def test_compare(deployed_image): assert deployed_image.compare("backend/app", "/app")
        def test_other(): pass
        """,
    "test_b": f"""
        import pytest

        def test_env(deploy_env): assert deploy_env.name == "shop"
        def test_rollout(deployment): assert deployment.outcome == "COMPLETED"
        def test_alarms(alarms): assert alarms["5xx"].is_quiet

        def test_targets(target_health):
            assert target_health.states == {{"healthy"}}
            assert target_health.dns_name.endswith(".us-east-1.elb.amazonaws.com")

        @pytest.mark.parametrize("number", range(4))
        def test_url(base_url, deploy_env, pytestconfig, worker_id, number):
            assert worker_id in ("gw0", "gw1", "master")
            assert base_url == deploy_env.base_url == pytestconfig.getoption("base_url") == "{URL}"
        """,
}

OF_WORKERS = ("logs:", "s3:", "ecr:GetDownloadUrlForLayer")
"""The beginnings of what workers ask AWS themselves: for logs, and for the contents of images."""


@pytest.fixture
def web(world: World, pytester: pytest.Pytester, ini: Ini, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world whose service has all that a run can verify; what was seen is old at once."""
    monkeypatch.setattr(rollout_wait, "FRESH", 0.0)
    monkeypatch.delenv("PYTEST_BASE_URL", raising=False)
    service = world.add("web", desired=2, target_groups=["web"])
    service.log("hello", at=world.aws.now() - timedelta(minutes=5))
    world.aws.create_alarm("5xx")
    world.configure(
        "web",
        keys='alarms = ["5xx"]\nsource = { "backend/app" = "/app" }',
        logs='[[env.shop.services.web.logs]]\nexpect = "hello"',
        extra=f'base_url = "{URL}"',
    )
    (pytester.path / "backend" / "app").mkdir(parents=True)
    (pytester.path / "backend" / "app" / "main.py").write_text("new web", encoding="utf-8")
    ini("pytest.ini", base_url=INI_URL)
    pytester.makepyfile(**TESTS)
    world.aws.calls.clear()
    return world


def asked(world: World) -> Counter[str]:
    """Return how often each operation was asked since last time."""
    counted = Counter(call.operation for call in world.aws.calls)
    world.aws.calls.clear()
    return counted


def of_the_controller(calls: Counter[str]) -> dict[str, int]:
    """Return the calls that no worker makes."""
    return {operation: number for operation, number in calls.items() if not operation.startswith(OF_WORKERS)}


def test_one_verdict_and_one_report(deploy: Deploy, web: World) -> None:
    """Two workers share checks and tests of two files: all is as in one process, and nothing is asked more often.

    The controller observes, and workers read logs and images alone. Their tests hold what it saw, and have the URL of
    the environment before that of the ini file; the header shows it once.
    """
    outcome = deploy("-n", "2", env="shop")
    assert (outcome.status, outcome.verdict) == (0, ("VERIFIED", None)), outcome.output
    assert not_passed(outcome) == {}
    assert len(outcome.tests) == 12
    assert list(outcome.checks) == [
        *("image-exists", "image-intended", "image-tag", "image-repository", "image-pushed", "image-content"),
        "image-layers",
        *("rollout-complete", "tasks-running", "tasks-run-image", "logs-1"),
        *("targets-healthy", "containers-healthy", "alarms-ok", "error-rate"),
    ]
    assert outcome.checks["image-content"] == "pass"
    assert outcome.report["services"][0]["source"]
    assert {"ecs:DescribeServices", "logs:FilterLogEvents"} <= {
        one["operation"] for one in outcome.report["operations"]
    }
    assert outcome.output.count("VERIFIED: web") == 1
    assert outcome.output.count("report: ") == 1
    assert outcome.output.count("deploycheck: env shop") == 1
    assert outcome.output.count(f"baseurl: {URL}") == 1
    together = asked(web)
    assert together["logs:FilterLogEvents"]
    assert together["s3:GetObject"]
    alone = deploy(env="shop")
    assert (alone.status, alone.verdict, alone.checks) == (outcome.status, outcome.verdict, outcome.checks)
    assert alone.tests == outcome.tests
    assert of_the_controller(together) == of_the_controller(asked(web))


def test_a_refutation_and_what_is_unproven(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """Failed and unproven tests and checks of a worker arrive with their reasons, and the verdict is as ever."""
    pytester.makepyfile(
        test_a="def test_said(deploy_logs): assert 'Found 3' in deploy_logs",
        test_b="def test_image(deployed_image, running_tasks): assert running_tasks.digests == deployed_image.digests",
    )
    outcome = deploy("-n", "2", "--deploy-log-wait=1s", scenario="not-restarted")
    truth = TRUTHS["not-restarted"]
    (service,) = outcome.report["services"]
    assert (*outcome.verdict, service["rollout"]["outcome"], outcome.status) == truth[:4]
    assert {name for name, status in outcome.checks.items() if status == "fail"} == truth.failing
    assert {name for name, status in outcome.checks.items() if status == "unproven"} == truth.unproven
    assert outcome.tests == {"test_said[backend]": "unproven", "test_image[backend]": "failed"}
    assert "NOT_STARTED" in outcome.output
    assert "INTERNALERROR" not in outcome.output
    assert [path.name for path in pytester.path.rglob("*.json")] == ["report.json"]
    assert outcome.output.count("REFUTED: backend in sandbox") == 1
    order = list(outcome.checks)
    assert order.index("image-exists") < order.index("rollout-complete") < order.index("logs-1")


def test_all_unproven_is_7(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """Workers in which nothing was refuted and not everything proven: 7."""
    pytester.makepyfile(test_a="def test_said(deploy_logs): assert 'Found 3' in deploy_logs")
    outcome = deploy("-n", "1", scenario="silent")
    assert (outcome.status, outcome.verdict) == (7, ("UNPROVEN", "logs")), outcome.output
    assert outcome.tests == {"test_said[backend]": "unproven"}


@pytest.mark.parametrize("arg", ["--deploy-wait=soon", "--deploy-image=Bad Image"])
def test_a_usage_error_is_4(deploy: Deploy, pytester: pytest.Pytester, arg: str) -> None:
    """A setting that cannot be used is one message and status 4, with workers too."""
    pytester.makepyfile(**TESTS)
    assert arg.partition("=")[2].lower() in deploy("-n", "1", arg, scenario="healthy").refused().lower()


def test_a_worker_that_dies_and_is_not_replaced(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """Tests that were left to it do not run: the run does not come to its end, and verifies nothing."""
    pytester.makepyfile(
        test_dies="import os, pytest\n@pytest.mark.parametrize('n', range(9))\ndef test_dies(n): os._exit(1)"
    )
    outcome = deploy("-n", "1", "--max-worker-restart=0", "-k", "test_dies", scenario="healthy")
    assert outcome.status not in (0, 7)
    assert (outcome.report["verdict"], outcome.report["complete"]) == ("UNPROVEN", False)
