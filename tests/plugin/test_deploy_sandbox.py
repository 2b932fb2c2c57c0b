from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy


def test_the_default_is_healthy(collect: Collect) -> None:
    """`--deploy-env=sandbox` needs nothing else."""
    outcome = collect("--deploy-env=sandbox")
    assert outcome.status == 0
    assert "<CheckItem logs-7>" in outcome.output
    assert "env sandbox (from --deploy-env)" in outcome.header


def test_an_unknown_scenario_is_refused_with_the_nearest_name(collect: Collect) -> None:
    """The message names what was found, the nearest name and all there are."""
    message = collect("--deploy-env=sandbox", "--deploy-sandbox=helthy").refused()
    assert "'helthy'" in message
    assert "'healthy'" in message
    assert "not-restarted" in message


@pytest.mark.usefixtures("configured")
def test_another_environment_has_no_scenarios(collect: Collect) -> None:
    """A scenario for a real environment is a mistake and not ignored."""
    message = collect("--deploy-env=dev", "--deploy-sandbox=healthy").refused()
    assert "--deploy-sandbox" in message
    assert "'dev'" in message


def test_the_variables_are_put_back(deploy: Deploy, collect: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a run in the sandbox the AWS variables of the process are what they were, and a real profile unused."""
    monkeypatch.setenv("AWS_PROFILE", "mine")

    def environ() -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}

    before = environ()
    assert deploy("-k", "image-exists", scenario="healthy").checks == {"image-exists": "pass"}
    assert environ() == before
    collect("--deploy-env=sandbox", "--deploy-sandbox=nope").result.stderr.fnmatch_lines(["ERROR: *nope*"])
    assert environ() == before


def test_a_profile_of_the_configuration_does_not_count(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """Defaults that name a profile hold for the accounts; the sandbox has credentials of its own."""
    pytester.makefile(
        ".toml",
        deploycheck="""
        [defaults]
        profile = "mine"
        [env.sandbox]
        cluster = "content-marketing-swarm-dev-cluster"
        [env.sandbox.services.backend]
        service = "content-marketing-swarm-dev-backend-service"
        """,
    )
    assert deploy("-k", "tasks-running", scenario="healthy").checks == {"tasks-running": "pass"}


def test_tests_in_the_sandbox_cannot_reach_aws(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A test that makes a client of its own talks to the sandbox as well."""
    pytester.makepyfile(
        """
        import boto3

        def test_own_client(deploy_env):
            ecs = boto3.client("ecs")
            assert ecs.list_services(cluster=deploy_env.cluster)["serviceArns"]
            assert "127.0.0.1" in ecs.meta.endpoint_url
        """
    )
    assert deploy("-k", "own_client", scenario="healthy").tests == {"test_own_client": "passed"}
