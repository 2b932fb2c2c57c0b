from __future__ import annotations

import tomllib
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pytest_deploycheck.cli.init import command
from pytest_deploycheck.cli.init.choosing import Chooser
from pytest_deploycheck.cli.init.jobs import JOBS, FirstJob, jobs_of
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.sandbox import SandboxContainer
from pytest_deploycheck.sandbox.scenarios import build

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Script
    from pytest_deploycheck.sandbox import Sandbox

IMAGE = "2025.11.26-1"


def written(script: Script) -> dict[str, Any]:
    """Return the configuration that was written."""
    return tomllib.loads((script.folder / "deploycheck.toml").read_text(encoding="utf-8"))


def text(script: Script) -> str:
    """Return the file with its comments."""
    return (script.folder / "deploycheck.toml").read_text(encoding="utf-8")


def test_what_is_written_runs_as_it_stands(pytester: pytest.Pytester, script: Script, aws: Sandbox) -> None:
    """Init, then verify: what was found is verified as soon as the image is named, by checks and first test alike."""
    build("alarm-went-off", aws)
    (script.folder / ".github").mkdir()
    begun = script("init", "--yes")
    assert begun.status == 0, begun.err
    assert f"deploycheck verify dev --image backend={IMAGE}" in begun.out
    assert '"ecs:DescribeServices"' in begun.out
    assert JOBS[0].next_step in begun.out
    assert "environment: dev" in (script.folder / JOBS[0].path).read_text(encoding="utf-8")
    environment = written(script)["env"]["dev"]
    assert environment["services"] == {
        "backend": {
            "service": "content-marketing-swarm-dev-backend-service",
            "alarms": ["content-marketing-swarm-dev-backend-5xx"],
        }
    }
    unnamed = script("verify", "dev", "--wait=0")
    assert "UNPROVEN backend image-intended" in unnamed.out
    assert "FAIL backend alarms-ok" in unnamed.out
    (script.folder / "deploycheck.toml").write_text(text(script).replace("alarms =", "# alarms ="), encoding="utf-8")
    assert script("verify", "dev", "--wait=0", f"--image=backend={IMAGE}").status == 0
    ended = pytester.runpytest_inprocess(
        *("tests/deploy", "--deploy-env=dev", f"--deploy-image={IMAGE}", "--deploy-wait=0"),
        *("-pno:cacheprovider", f"--rootdir={script.folder}"),
    )
    assert ended.ret == 0, ended.stdout


def test_what_was_found_is_reported_in_comments(script: Script, aws: Sandbox) -> None:
    """The file names containers, repositories, log groups, target groups, tags, the source and the newest lines."""
    build("unhealthy-targets", aws)
    (script.folder / "app").mkdir()
    (script.folder / "Dockerfile").write_text("FROM python\nWORKDIR /app\nCOPY app/ ./app/\n", encoding="utf-8")
    script("init", "--yes")
    told = text(script)
    for one in (
        "# Container app: repository content-marketing-swarm-dev-backend, logs to /ecs/content-marketing-swarm-dev-",
        f'# image = "{IMAGE}"',
        '# source = { app = "/app/app" }',
        "Behind content-marketing-swarm-dev-backend-tg",
        "#   INFO app.agents.store: Saved 3 content items",
        "# [[env.dev.services.backend.logs]]",
    ):
        assert one in told


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["1a2b3c4d"], "tags hold the commit"),
        (["2.4.1"], "tags of their own"),
        (["latest", "main"], 'intent = "task-definition"'),
    ],
)
def test_the_way_of_tagging_decides_what_ties_the_image(
    script: Script, aws: Sandbox, tags: list[str], expected: str
) -> None:
    """A team with commits in tags names nothing, one with versions names one, and moving tags prove nothing."""
    aws.push_image(f"shop:{tags[0]}", {"a": "1"}, tags=tuple(tags[1:]))
    aws.create_service("shop-api", cluster="shop-prod", image=f"shop:{tags[0]}")
    assert script("init").status == 0
    assert expected in " ".join(text(script).replace("#", " ").split())
    assert written(script)["env"]["prod"]["services"] == {"api": {"service": "shop-api"}}


def test_nothing_is_overwritten(script: Script, aws: Sandbox) -> None:
    """A file that exists is kept and named; a dry run writes nothing."""
    build("healthy", aws)
    shown = script("init", "--dry-run")
    assert "--- deploycheck.toml" in shown.out
    assert "[env.dev.services.backend]" in shown.out
    assert list(script.folder.iterdir()) == []
    (script.folder / "deploycheck.toml").write_text("# mine\n", encoding="utf-8")
    again = script("init")
    assert again.status == 0
    assert "kept: deploycheck.toml exists" in again.out
    assert "written: tests/deploy/test_deployment.py" in again.out
    assert "docs/ci.md" in again.out
    assert text(script) == "# mine\n"


def test_an_environment_that_the_kept_configuration_lacks_is_the_next_step(script: Script, aws: Sandbox) -> None:
    """The command to verify would fail without it, so that adding it comes before; what is there is not asked for."""
    build("healthy", aws)
    (script.folder / "deploycheck.toml").write_text("[env.dev.services.backend]\n", encoding="utf-8")
    assert "Next:\n  deploycheck verify dev" in script("init").out
    assert "Next:\n  add [env.prod] to deploycheck.toml" in script("init", "--env=prod").out


def test_a_file_in_the_way_is_named(script: Script, aws: Sandbox) -> None:
    """A file where a folder has to be is one message, without a traceback."""
    build("healthy", aws)
    (script.folder / "tests").touch()
    assert script("init").is_usage_error("tests/deploy/test_deployment.py cannot be written")


def test_a_configuration_elsewhere_is_kept_as_the_configuration(script: Script, aws: Sandbox) -> None:
    """A table in pyproject.toml is the configuration: no second one is written beside it."""
    build("healthy", aws)
    (script.folder / "pyproject.toml").write_text("[tool.deploycheck.env.dev.services.a]\n", encoding="utf-8")
    assert "kept: pyproject.toml" in script("init").out
    assert not (script.folder / "deploycheck.toml").exists()


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_the_job_is_for_the_ci_of_the_project(tmp_path: Path, job: FirstJob) -> None:
    """The trace of a CI decides which job is written; it is valid YAML, and runs the tests of the environment."""
    trace = tmp_path / job.traces[0]
    trace.touch() if trace.suffix else trace.mkdir()
    assert jobs_of(tmp_path) == [job]
    content = job.text("test-1", "eu-west-1")
    assert yaml.safe_load(content)
    assert "pytest tests/deploy --deploy-env=test-1" in content
    assert "eu-west-1" in content


def test_an_endpoint_is_written_where_it_was_given(script: Script, aws: Sandbox) -> None:
    """The file has the endpoint, so that it runs without the option."""
    build("healthy", aws)
    script("init", "--endpoint-url", aws.endpoint_url, "--region", "us-east-1")
    assert written(script)["env"]["dev"]["endpoint_url"] == aws.endpoint_url


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("several clusters", "--cluster", "one, two")),
        (("--yes",), ("several clusters",)),
        (("--cluster=tow",), ("--cluster: found 'tow'", "did you mean 'two'?")),
        (("--cluster=two",), ("several services", "--service", "a-service, b-service")),
        (("--cluster=two", "--service=a"), ("--service: found 'a'", "a-service")),
        (("--env=a b",), ("--env: found 'a b'",)),
        (("--profile=none",), ("none",)),
    ],
)
def test_where_nobody_can_be_asked_the_choice_is_named(
    script: Script, aws: Sandbox, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """Without a terminal a missing or an unknown choice is a usage error that lists what there is."""
    aws.push_image("shop:1", {"a": "1"})
    aws.create_service("only", cluster="one", image="shop:1")
    for name in ("a-service", "b-service"):
        aws.create_service(name, cluster="two", image="shop:1")
    assert script("init", *arguments).is_usage_error(*words)
    assert list(script.folder.iterdir()) == []


def test_what_may_not_be_listed_is_asked_for(script: Script, aws: Sandbox) -> None:
    """A caller that may not list clusters learns which action is denied, and how to go on."""
    build("healthy", aws)
    aws.deny("ecs:ListClusters")
    assert script("init").is_usage_error("ecs:ListClusters", "--cluster NAME")


def test_two_services_and_a_helper_container(script: Script, aws: Sandbox) -> None:
    """Each service has a table of its own, and containers that are not judged are told apart."""
    aws.push_image("shop:1.0", {"a": "1"})
    sidecar = SandboxContainer(name="envoy", image="public.ecr.aws/envoy:1")
    app = SandboxContainer(name="app", image="shop:1.0")
    aws.create_service("shop-dev-api-service", cluster="shop-dev", containers=[app, sidecar])
    aws.create_service("shop-dev-worker-service", cluster="shop-dev", image="shop:1.0")
    assert script("init", "--yes").status == 0
    assert list(written(script)["env"]["dev"]["services"]) == ["api", "worker"]
    assert "# Container envoy: image public.ecr.aws/envoy:1" in text(script)
    assert "; not judged" in text(script)


def test_two_judged_containers_can_be_narrowed_to_one(script: Script, aws: Sandbox) -> None:
    """For a service of two containers that are the team's own, a line that judges one alone is there to be used."""
    aws.push_image("shop:1.0", {"a": "1"})
    both = [SandboxContainer(name=name, image="shop:1.0") for name in ("app", "worker")]
    aws.create_service("shop", cluster="dev", containers=both)
    assert script("init").status == 0
    assert '# container = "app"   # judges this one alone' in text(script)
    assert "; not judged" not in text(script)


def test_an_alarm_that_is_not_ok_is_left_out(script: Script, aws: Sandbox) -> None:
    """Declared as it is, it would refute the first run: it is named in a comment with its state."""
    aws.push_image("shop:1.0", {"a": "1"})
    aws.create_service("shop", cluster="dev", image="shop:1.0")
    aws.create_alarm("shop-5xx", state="ALARM")
    aws.create_alarm("shop-cpu", state="OK")
    assert script("init").status == 0
    assert written(script)["env"]["dev"]["services"]["shop"]["alarms"] == ["shop-cpu"]
    assert "# Alarms that are not OK now, and are left out: shop-5xx (ALARM)" in text(script)


def test_what_may_not_be_read_is_left_out(script: Script, aws: Sandbox) -> None:
    """A caller that may read neither registry, logs nor alarms gets a configuration all the same, and a note."""
    build("healthy", aws)
    for actions in ("ecr:*", "logs:*", "cloudwatch:*"):
        aws.deny(actions)
    begun = script("init")
    assert begun.status == 0, begun.err
    assert "note: Alarms could not be listed: " in begun.out
    told = " ".join(text(script).replace("#", " ").split())
    assert "Its tags could not be read" in told
    assert 'image = "2025.11.26-1"' in told
    assert "Its newest tags" not in told
    assert "alarms" not in written(script)["env"]["dev"]["services"]["backend"]
    assert "app.agents" not in told


class TestChooser:
    """The choice on a terminal."""

    def test_a_person_is_asked_until_the_answer_is_a_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Numbers of the list count, and nothing stands for all of several."""
        answers = iter(["", "three", "9", "2", "1 x", "2,1", ""])
        monkeypatch.setattr("builtins.input", lambda _: next(answers))
        chooser = Chooser(yes=False, asks=True)
        assert chooser.one("cluster", None, ["a", "b"]) == "b"
        assert chooser.some("service", [], ["a", "b"]) == ("b", "a")
        assert chooser.some("service", [], ["a", "b"]) == ("a", "b")

    def test_the_end_of_the_input_ends_the_command(
        self, script: Script, aws: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Ctrl-D ends the command as Ctrl-C does: nothing is written, and no traceback is shown."""
        aws.push_image("shop:1", {"a": "1"})
        for name in ("one", "two"):
            aws.create_service("shop", cluster=name, image="shop:1")
        monkeypatch.setattr(command, "Chooser", partial(Chooser, asks=True))
        monkeypatch.setattr("sys.stdin", StringIO())
        ended = script("init")
        assert (ended.status, ended.err) == (2, "Interrupted.\n")
        assert "Which cluster?" in ended.out
        assert list(script.folder.iterdir()) == []

    def test_where_there_is_nothing_it_is_reported(self) -> None:
        """An empty account is a usage error."""
        with pytest.raises(ConfigurationError, match="no cluster"):
            Chooser(yes=True, asks=True).one("cluster", None, [])
