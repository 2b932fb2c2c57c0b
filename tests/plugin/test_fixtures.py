from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.sandbox import SandboxContainer

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy, World


@pytest.fixture
def two(world: World) -> World:
    """Return a world with two services."""
    world.add("worker")
    world.configure("backend", "worker", extra='base_url = "https://shop.example"')
    return world


@pytest.mark.usefixtures("two")
def test_what_fixtures_of_two_services_hold(
    deploy: Deploy, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`deploy_env` has the environment's settings, and a test that uses nothing else runs once.

    The other fixtures of a test are those of the service it runs for. `release` is what was named to be shipped, so
    that a test repeats no version.
    """
    monkeypatch.setenv("GITHUB_SHA", "1a2b3c4d" * 5)
    pytester.makepyfile(
        """
        def test_env(deploy_env):
            assert deploy_env.name == "shop"
            assert deploy_env.region == "us-east-1"
            assert deploy_env.cluster == "shop"
            assert deploy_env.base_url == "https://shop.example"
            assert list(deploy_env.services) == ["backend", "worker"]
            assert deploy_env.services["backend"].service == "shop-backend"
            assert deploy_env.services["backend"].image == "shop-backend:new"
            assert deploy_env.client("ecs").list_clusters()["clusterArns"]

        def test_nobody_answers(deploy_env):
            deploy_env.wait_for_http("http://127.0.0.1:9/health", timeout=0)

        def test_release(release, deployed_image):
            assert release.tag == "new"
            assert release.tag in deployed_image.tags
            assert release.digest == deployed_image.digest
            assert release.reference.endswith(f"/{deployed_image.repository}:new")
            assert release.commit == "1a2b3c4d" * 5

        def test_own(request, deployed_image, running_tasks, deployment):
            name = request.node.name.partition("[")[2].rstrip("]")
            assert deployed_image.repository == f"shop-{name}"
            assert running_tasks.digests == {deployed_image.digest}
            assert deployment.desired == {"backend": 2, "worker": 1}[name]
        """
    )
    outcome = deploy("-k", "test_", env="shop")
    own = [f"test_{name}[{service}]" for name in ("release", "own") for service in ("backend", "worker")]
    assert outcome.tests == {**dict.fromkeys(["test_env", *own], "passed"), "test_nobody_answers": "unproven"}


def test_a_release_that_nobody_named(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """Only the task definition names the image: nothing is known of the release."""
    world.configure("backend", extra='intent = "task-definition"')
    file = pytester.path / "deploycheck.toml"
    file.write_text(file.read_text(encoding="utf-8").replace('image = "shop-backend:new"', ""), encoding="utf-8")
    pytester.makepyfile(
        """
        def test_release(release):
            assert (release.reference, release.tag, release.digest, release.commit) == (None, None, None, None)

        def test_first_of_readme(release, deployed_image):
            assert release.tag in deployed_image.tags
        """
    )
    outcome = deploy("-k", "test_", env="shop")
    assert outcome.tests == {"test_release[backend]": "passed", "test_first_of_readme[backend]": "unproven"}
    assert (outcome.status, outcome.verdict[0]) == (7, "UNPROVEN")
    assert "--deploy-image TAG" in outcome.output


OWN_FIXTURE = """
import pytest

@pytest.fixture
def release({request}): return "1.0"

def test_own(release): assert release == "2.0"
"""


@pytest.mark.usefixtures("world")
def test_a_fixture_of_the_project_replaces_ours(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A test that uses a fixture of the same name is not about the deployment, and refutes nothing."""
    pytester.makepyfile(OWN_FIXTURE.format(request=""))
    outcome = deploy("-k", "test_", env="shop")
    assert (outcome.status, outcome.verdict[0], outcome.tests) == (1, "UNPROVEN", {})


@pytest.mark.usefixtures("world")
def test_a_fixture_that_extends_ours_is_still_ours(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """An override that requests the plugin's own fixture leaves its tests about the deployment."""
    pytester.makepyfile(OWN_FIXTURE.format(request="release"))
    outcome = deploy("-k", "test_", env="shop")
    assert (outcome.status, outcome.verdict[0]) == (1, "REFUTED")
    assert outcome.tests == {"test_own[backend]": "failed"}


def test_an_image_that_is_not_there_fails_its_tests(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A test that asks for an image that was never pushed fails, says that it is not there, and leads to no code."""
    pytester.makepyfile("def test_image(deployed_image): pass")
    outcome = deploy("-k", "test_", scenario="nothing-deployed")
    assert outcome.tests["test_image[backend]"] in {"failed", "error"}
    assert outcome.report["verdict"] == "REFUTED"
    assert "2025.11.26-1" in outcome.output
    assert "plugin/fixtures.py" not in outcome.output


@pytest.mark.usefixtures("two")
def test_once_for_each_service(collect: Collect, pytester: pytest.Pytester) -> None:
    """A test runs for each selected service, or for those its marker names; whole classes and modules can be marked."""
    pytester.makepyfile(
        """
        import pytest

        def test_each(running_tasks, deploy_env): pass

        @pytest.mark.deploy_service("backend")
        def test_one(deployment): pass

        @pytest.mark.deploy_service("worker", "backend")
        def test_both(deployment): pass

        @pytest.mark.parametrize("n", [1, 2])
        @pytest.mark.deploy_service("worker")
        def test_param(deploy_logs, n): pass

        @pytest.fixture
        def wrapped(deploy_logs): return deploy_logs

        def test_wrapped(wrapped): pass

        @pytest.mark.deploy_service("worker")
        class TestAll:
            def test_worker(self, deployed_image): pass

            @pytest.mark.deploy_service("backend")
            def test_backend(self, deployed_image): pass
        """
    )
    lines = collect("--deploy-env=shop", "-q", "-k", "test_").output.splitlines()
    # In which order parametrizations stand in an id is pytest's own matter.
    names = [re.sub(r"\[(\d)-(\w+)\]", r"[\2-\1]", line.partition(".py::")[2]) for line in lines if "::" in line]
    assert sorted(names) == [
        "TestAll::test_backend[backend]",
        "TestAll::test_worker[worker]",
        "test_both[backend]",
        "test_both[worker]",
        "test_each[backend]",
        "test_each[worker]",
        "test_one[backend]",
        "test_param[worker-1]",
        "test_param[worker-2]",
        "test_wrapped[backend]",
        "test_wrapped[worker]",
    ]


@pytest.mark.usefixtures("configured")
def test_an_unknown_name_in_the_marker(pytester: pytest.Pytester, collect: Collect) -> None:
    """A service that is not there is a collection error that names it and the nearest."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.deploy_service("workr")
        def test_one(deployment): pass
        """
    )
    outcome = collect("--deploy-env=prod")
    assert outcome.status == 2
    assert "'workr'" in outcome.output
    assert "'worker'" in outcome.output
    assert "Traceback" not in outcome.output
    assert "run.py" not in outcome.output


@pytest.mark.usefixtures("configured")
def test_a_marker_without_names_is_an_error(pytester: pytest.Pytester, collect: Collect) -> None:
    """`deploy_service` without a name, or with a keyword, says how it is written; it does not drop the test."""
    for marker in ("@pytest.mark.deploy_service()", "@pytest.mark.deploy_service(name='backend')"):
        pytester.makepyfile(f"import pytest\n\n{marker}\ndef test_one(deployment): pass\n")
        outcome = collect("--deploy-env=dev")
        assert outcome.status == 2, outcome.output
        assert "deploy_service" in outcome.output


@pytest.mark.usefixtures("two")
def test_a_service_that_is_not_selected_is_skipped(pytester: pytest.Pytester, deploy: Deploy) -> None:
    """A test for a service that `--deploy-service` left out is skipped with the reason."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.deploy_service("backend")
        def test_one(deployment): pass
        """
    )
    outcome = deploy("--deploy-service=worker", "-rs", "-k", "test_one", env="shop")
    assert outcome.tests == {"test_one[backend]": "skipped"}
    assert "--deploy-service" in outcome.output


LATE = """
    import unittest
    import pytest

    def test_late(request):
        assert request.getfixturevalue("running_tasks")

    class TestCase(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def _ask(self, running_tasks):
            self.tasks = running_tasks

        def test_unittest(self):
            self.assertTrue(self.tasks)
"""


@pytest.mark.usefixtures("world")
def test_what_fixtures_of_one_service_hold(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """`deployment` is the rollout, with its outcome as a plain word, and `running_tasks` a sequence, with its digests.

    `deployed_image` is what the registry says of the expected image. Tests that cannot be parametrized look at the
    only service.
    """
    pytester.makepyfile(
        test_facts="""
        from collections.abc import Sequence

        def test_tasks(running_tasks, deployed_image):
            assert isinstance(running_tasks, Sequence)
            assert len(running_tasks) == 2
            for task in running_tasks:
                assert len(task.id) == 32
                assert task.image_digest == deployed_image.digest
                assert task.started_at.utcoffset() is not None
                assert task.health == "UNKNOWN"
                assert list(task.containers) == ["app"]
                assert task.containers["app"].digest == deployed_image.digest
                assert dict(task.containers["app"].environment) == {}
                assert (task.definition.family, task.definition.cpu) == ("shop-backend", 256)
            assert running_tasks.digests == {deployed_image.digest}
            assert running_tasks[0].id in repr(running_tasks)

        def test_rollout(deployment):
            assert deployment.outcome == "COMPLETED"
            assert deployment.id
            assert deployment.started_at.utcoffset() is not None
            assert (deployment.desired, deployment.running) == (2, 2)
            assert any("has started 2 tasks" in event.message for event in deployment.events)

        def test_image(deployed_image):
            assert deployed_image.uri.startswith("123456789012.dkr.ecr.us-east-1.amazonaws.com/shop-backend")
            assert deployed_image.repository == "shop-backend"
            assert deployed_image.tag == "new"
            assert deployed_image.digest.startswith("sha256:")
            assert deployed_image.pushed_at.utcoffset() is not None
            assert set(deployed_image.tags) == {"new", "latest"}
            assert len(deployed_image.layers) == 2
            assert deployed_image.layers[0].digest.startswith("sha256:")
            assert deployed_image.layers[0].size > 0
        """,
        test_late=LATE,
    )
    outcome = deploy("-k", "test_", env="shop")
    assert outcome.tests == {
        **dict.fromkeys(("test_tasks[backend]", "test_rollout[backend]", "test_image[backend]"), "passed"),
        **dict.fromkeys(("test_late", "test_unittest"), "passed"),
    }


@pytest.mark.usefixtures("two")
def test_getfixturevalue_and_unittest_with_several_services(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """If several are selected the failure says so, names them, and says what to do."""
    pytester.makepyfile(LATE)
    outcome = deploy("-k", "test_", "--tb=short", env="shop")
    assert set(outcome.tests) == {"test_late", "test_unittest"}
    assert set(outcome.tests.values()) <= {"failed", "error"}
    assert outcome.output.count("backend, worker") >= 2
    assert "--deploy-service" in outcome.output


def test_several_judged_containers(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """If several containers are judged, the image fixtures ask for one to be named, and list them."""
    for name in ("web", "side"):
        world.aws.push_image(f"multi-{name}:1", {"app": name})
    world.aws.create_service(
        "shop-multi",
        cluster="shop",
        containers=[SandboxContainer(name=name, image=f"multi-{name}:1") for name in ("web", "side")],
    )
    path = pytester.path / "deploycheck.toml"
    table = '[env.shop]\nregion = "us-east-1"\ncluster = "shop"\n[env.shop.services.multi]\nservice = "shop-multi"\n'
    path.write_text(table, encoding="utf-8")
    pytester.makepyfile(
        "def test_image(deployed_image): pass\ndef test_tasks(running_tasks): assert running_tasks.digests\n"
    )
    outcome = deploy(env="shop")
    assert set(outcome.tests.values()) == {"unproven"}
    assert re.search(r"\bweb, side\b|\bside, web\b", outcome.output)
    assert "container = " in outcome.output
    assert outcome.checks["tasks-run-image"] == "pass"
    path.write_text(f'{table}container = "web"\n', encoding="utf-8")
    outcome = deploy("-k", "test_", env="shop")
    assert set(outcome.tests.values()) == {"passed"}


@pytest.mark.usefixtures("world")
def test_a_fixture_of_ones_own_can_take_the_place_of_ours(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A project may override a fixture and build on it, and wrap it under another name."""
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def deploy_logs(deploy_logs):
            return deploy_logs

        @pytest.fixture
        def said(deploy_logs):
            return [event.message for event in deploy_logs.events()]
        """
    )
    pytester.makepyfile("def test_said(said, deploy_logs): assert said == []")
    assert deploy("-k", "test_", env="shop").tests == {"test_said[backend]": "passed"}


def test_the_fixtures_are_session_wide(deploy: Deploy, world: World, pytester: pytest.Pytester) -> None:
    """Facts are looked up once in a session, and session fixtures of a project can build on them."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="session")
        def own(deployed_image, running_tasks, deployment, deploy_logs, deploy_env): return 1

        @pytest.mark.parametrize("n", range(5))
        def test_many(own, n): pass
        """
    )
    outcome = deploy("-k", "test_", env="shop")
    assert set(outcome.tests.values()) == {"passed"}
    assert [call.operation for call in world.aws.calls].count("ecs:ListTasks") <= 2


@pytest.mark.parametrize("env", [(), ("--deploy-env=dev",)])
@pytest.mark.usefixtures("configured")
def test_fixtures_have_readable_docs(pytester: pytest.Pytester, env: tuple[str, ...]) -> None:
    """`pytest --fixtures` tells what each fixture is and shows a line of use; helpers are not shown."""
    text = str(pytester.runpytest_inprocess("--fixtures", *env).stdout)
    for name in ("deploy_env", "deployment", "deployed_image", "running_tasks", "deploy_logs"):
        assert re.search(rf"^{name} \[session scope\].*\n    \S", text, re.MULTILINE), name
    assert "_deploy_service" not in text
    text = str(pytester.runpytest_inprocess("--fixtures", "-v", *env).stdout)
    assert 'assert "Found 3 platform sections" in deploy_logs' in text


@pytest.mark.usefixtures("configured")
def test_the_markers_have_docs(pytester: pytest.Pytester) -> None:
    """`pytest --markers` tells of both markers, and `--strict-markers` knows them."""
    text = str(pytester.runpytest_inprocess("--markers").stdout)
    assert "@pytest.mark.deploycheck" in text
    assert "@pytest.mark.deploy_service(*names)" in text


@pytest.mark.usefixtures("world")
def test_what_a_fixture_cannot_know_prints_no_traceback(
    deploy: Deploy, pytester: pytest.Pytester, world: World
) -> None:
    """A fixture of the plugin that raises UnprovenError shows its sentence, and no code of this package."""
    world.aws.deny("ecs:ListTasks")
    pytester.makepyfile("def test_tasks(running_tasks): pass")
    outcome = deploy("-k", "test_", env="shop")
    assert set(outcome.tests.values()) == {"unproven"}
    shown = outcome.output.partition("= ERRORS =")[2].partition("= deployment =")[0]
    assert "ecs:ListTasks" in shown
    assert ".py:" not in shown
    assert "def running_tasks" not in shown
