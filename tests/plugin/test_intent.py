from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Deploy, World
    from pytest_deploycheck.sandbox import Sandbox

COMMIT = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
CONFIGURATION = """
[env.dev]
region = "us-east-1"
cluster = "orders"
require = ["image", "rollout", "tasks"]

[env.dev.services.orders]
"""


@pytest.fixture
def orders(empty_aws: Sandbox, pytester: pytest.Pytester) -> Sandbox:
    """Return a world in which an image was rolled out a week ago, and another was pushed five minutes ago."""
    aws, week = empty_aws, empty_aws.now() - timedelta(days=7)
    aws.push_image("orders:9f8e7d6", {"app/main.py": "old"}, at=week)
    aws.create_service("orders", cluster="orders", image="orders:9f8e7d6", at=week + timedelta(minutes=5))
    aws.push_image("orders:1a2b3c4", {"app/main.py": "new"}, at=aws.now() - timedelta(minutes=5))
    (pytester.path / "deploycheck.toml").write_text(CONFIGURATION, encoding="utf-8")
    return aws


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("variable", [None, ""], ids=["no variable", "an empty variable"])
def test_what_runs_for_a_week_is_unproven_while_a_newer_image_waits(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    """The newer image is named, exit status 7; so it is where an earlier step left the variable empty."""
    if variable is not None:
        monkeypatch.setenv("DEPLOYCHECK_IMAGE", variable)
    outcome = deploy(env="dev")
    assert (outcome.status, outcome.verdict) == (7, ("UNPROVEN", "image"))
    (service,) = outcome.report["services"]
    assert (service["intent"]["status"], service["intent"]["by"]) == ("unproven", None)
    assert "1a2b3c4" in service["intent"]["detail"]
    assert "pytest --deploy-env=dev --deploy-image 1a2b3c4" in outcome.output


@pytest.mark.usefixtures("orders")
def test_the_way_that_is_shown_gives_the_answer(deploy: Deploy) -> None:
    """Typed as shown, with the folder that was named, the command tells that the newer image was never rolled out."""
    assert "pytest . --deploy-env=dev --deploy-image 1a2b3c4" in deploy(".", env="dev").output
    outcome = deploy("--deploy-image", "1a2b3c4", env="dev")
    assert (outcome.status, outcome.verdict) == (1, ("REFUTED", "rollout"))
    assert outcome.report["services"][0]["intent"]["by"] == "name"


@pytest.mark.usefixtures("orders")
def test_the_commit_of_the_ci_names_the_image(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the commit in the CI's variable the incident is found without any option."""
    monkeypatch.setenv("GITHUB_SHA", COMMIT)
    outcome = deploy(env="dev")
    assert outcome.verdict == ("REFUTED", "rollout")
    assert outcome.report["services"][0]["intent"]["by"] == "commit"


def test_the_task_definition_as_intent_is_reported_in_the_line_of_the_verdict(
    deploy: Deploy, orders: Sandbox, pytester: pytest.Pytester
) -> None:
    """Drift from the task definition is all that such a run finds, and its verdict says so."""
    text = CONFIGURATION.replace("require", 'intent = "task-definition"\nrequire')
    (pytester.path / "deploycheck.toml").write_text(text, encoding="utf-8")
    outcome = deploy(env="dev")
    assert (outcome.status, outcome.checks["image-intended"]) == (0, "skip")
    (line,) = [line for line in outcome.output.splitlines() if line.startswith("VERIFIED")]
    assert "task definition" in line
    assert orders.calls


def test_another_word_for_the_intent_is_refused(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """The message names the key and what is allowed."""
    text = CONFIGURATION.replace("require", 'intent = "taskdefinition"\nrequire')
    (pytester.path / "deploycheck.toml").write_text(text, encoding="utf-8")
    message = deploy(env="dev").refused()
    assert "env.dev.intent" in message
    assert "'task-definition'" in message


@pytest.mark.usefixtures("orders")
def test_the_scenario_of_it_says_in_its_first_lines_what_to_type(deploy: Deploy) -> None:
    """The problem comes right after the verdict, then the command, and the links that hold come after them."""
    outcome = deploy("--tb=no", scenario="stale")
    assert outcome.status == 7
    first = outcome.output.partition("\nUNPROVEN: backend")[2].partition("\n  rollout")[0]
    assert first
    assert "9f8e7d6" in first
    assert "1a2b3c4" in first
    assert "--deploy-sandbox=stale --deploy-image 1a2b3c4" in first


def test_seconds_since_1970_are_a_moment(deploy: Deploy, world: World) -> None:
    """`$(date -d -5min +%s)`: an image that is eleven minutes old fails, in milliseconds as well."""
    now = time.time()
    for back, digits, status in ((300, "000", "fail"), (3600, "", "pass")):
        outcome = deploy(f"--deploy-pushed-after={now - back:.0f}{digits}", "-k", "image-pushed", env="shop")
        assert outcome.checks["image-pushed"] == status
    assert world.aws.calls
