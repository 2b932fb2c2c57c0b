"""Runs over several environments, whose services are found in their clusters."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck import verify, verify_all
from pytest_deploycheck.cli.main import main
from pytest_deploycheck.errors import ConfigurationError

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy
    from pytest_deploycheck.sandbox import Sandbox, SandboxService

REGIONS = {"eu": "eu-west-1", "us": "us-east-1"}

CONFIGURATION = """
[defaults]
cluster = "shop"
require = ["image", "rollout", "tasks"]
discover = "shop-*"
service_defaults = { image = "new" }
[env.eu]
region = "eu-west-1"
[env.us]
region = "us-east-1"
[env.lost]
region = "eu-central-1"
"""
"""Three environments, of which the last has no cluster."""


def add(aws: Sandbox, environment: str, name: str, *, is_new: bool = True) -> SandboxService:
    """Make a service that runs the new image, or an old one."""
    region = REGIONS[environment]
    repository = f"{aws.account}.dkr.ecr.{region}.amazonaws.com/{name}"
    day = aws.now() - timedelta(days=1)
    aws.push_image(f"{repository}:old", {"app": "old"}, at=day)
    aws.push_image(f"{repository}:new", {"app": "new"}, at=day + timedelta(hours=1))
    aws.set_tag_mutability(repository, "IMMUTABLE")
    service = aws.create_service(name, cluster="shop", image=f"{repository}:old", region=region, at=day)
    if is_new:
        service.roll_out(f"{repository}:new", at=aws.now() - timedelta(minutes=10))
    return service


@pytest.fixture
def fleet(empty_aws: Sandbox, pytester: pytest.Pytester) -> Sandbox:
    """Return an AWS with a service of the same name in two regions, and a second one in the first."""
    (pytester.path / "deploycheck.toml").write_text(CONFIGURATION, encoding="utf-8")
    for environment, name in (("eu", "shop-web"), ("eu", "shop-worker"), ("us", "shop-web")):
        add(empty_aws, environment, name)
    return empty_aws


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    """Return the verdict on each service, by its environment and name."""
    return {f"{one['environment']}/{one['name']}": one["verdict"] for one in report["services"]}


@pytest.mark.usefixtures("fleet")
def test_one_run_over_two_environments(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """One session, report and status: node ids and tests name the environment, and fixtures are of it."""
    pytester.makepyfile(
        test_it="""
        def test_env(deploy_env): assert deploy_env.region == {"eu": "eu-west-1", "us": "us-east-1"}[deploy_env.name]
        def test_service(deploy_env, running_tasks, deployed_image):
            assert running_tasks.digests == {deployed_image.digest}
            assert f".{deploy_env.region}." in deployed_image.uri
        """
    )
    outcome = deploy("-v", env="eu,us")
    assert outcome.status == 0, outcome.output
    assert verdicts(outcome.report) == dict.fromkeys(("eu/shop-web", "eu/shop-worker", "us/shop-web"), "VERIFIED")
    assert [(one["name"], one["region"], one["verdict"]) for one in outcome.report["environments"]] == [
        ("eu", "eu-west-1", "VERIFIED"),
        ("us", "us-east-1", "VERIFIED"),
    ]
    assert outcome.tests == dict.fromkeys(
        (
            *("test_env[eu]", "test_env[us]"),
            *("test_service[eu/shop-web]", "test_service[eu/shop-worker]", "test_service[us/shop-web]"),
        ),
        "passed",
    )
    assert "deploycheck::us/shop-web::tasks-run-image PASSED" in outcome.output
    assert "eu: account 123456789012 eu-west-1" in outcome.header
    assert "VERIFIED: 3 services in eu, us: 3 VERIFIED" in outcome.output


def test_what_is_refuted_in_one_of_them(deploy: Deploy, fleet: Sandbox) -> None:
    """The run's verdict is the worst, and only the service that is not well is explained."""
    add(fleet, "us", "shop-old", is_new=False)
    outcome = deploy("--deploy-report=report.md", env="eu,us")
    assert (outcome.status, outcome.verdict) == (1, ("REFUTED", "rollout"))
    assert verdicts(outcome.report)["us/shop-old"] == "REFUTED"
    assert [one["verdict"] for one in outcome.report["environments"]] == ["VERIFIED", "REFUTED"]
    heads = [line for line in outcome.output.splitlines() if line.startswith(("VERIFIED: ", "REFUTED: "))]
    assert heads == [
        "REFUTED: 4 services in eu, us: 1 REFUTED, 3 VERIFIED, broken link: rollout",
        "REFUTED: shop-old in us, broken link: rollout",
    ]
    assert "`us/shop-old`" in (outcome.pytester.path / "report.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("fleet")
def test_one_that_cannot_be_observed(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """Its checks are in error and its tests unproven, the others are judged, and the run is unproven."""
    file = pytester.path / "deploycheck.toml"
    file.write_text(f"{file.read_text(encoding='utf-8')}\n[env.lost.services.web]\n", encoding="utf-8")
    pytester.makepyfile("def test_env(deploy_env): pass")
    outcome = deploy(env="us,lost")
    assert outcome.status == 7, outcome.output
    assert verdicts(outcome.report) == {"us/shop-web": "VERIFIED", "lost/web": "UNPROVEN"}
    (lost,) = [one for one in outcome.report["services"] if one["environment"] == "lost"]
    assert {check["status"] for check in lost["checks"]} == {"error"}
    assert "cannot be discovered in the cluster 'shop'" in outcome.report["environments"][1]["problem"]["message"]
    assert outcome.tests == {"test_env[us]": "passed", "test_env[lost]": "unproven"}
    assert outcome.output.count("UNPROVEN: lost could not be observed") == 1


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("text", "args", "message"),
    [
        ("stage-*", (), "no environment matches 'stage-*'. There are: eu, us, lost"),
        ("lost", (), "cannot be discovered in the cluster 'shop'"),
        ("eu,us", ("--deploy-service=shop-wep",), "no service of the environments eu, us; did you mean 'shop-web'?"),
        (
            "eu,us",
            ("deploycheck::eu/shop-wep",),
            "unknown service 'eu/shop-wep' in deploycheck::eu/shop-wep; did you mean",
        ),
    ],
)
def test_what_cannot_run(deploy: Deploy, text: str, args: tuple[str, ...], message: str) -> None:
    """A usage error with one message."""
    assert message in deploy(*args, env=text).refused()


def test_nothing_is_found(deploy: Deploy, fleet: Sandbox, pytester: pytest.Pytester) -> None:
    """A usage error that names the pattern, the cluster, and what there is."""
    file = pytester.path / "deploycheck.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("shop-*", "shp-*"), encoding="utf-8")
    message = deploy(env="us").refused()
    assert "found no service by 'shp-*' in the cluster 'shop' (us-east-1). It has: shop-web." in message
    assert {call.operation for call in fleet.calls} == {"sts:GetCallerIdentity", "ecs:ListServices"}


def test_a_listing_contacts_nothing(collect: Collect, fleet: Sandbox) -> None:
    """It says that it does not know the services that would be discovered."""
    outcome = collect("--deploy-env=eu,us", "--deploy-service=shop-web")
    assert "so the services that eu and us would discover are not listed" in outcome.header
    assert fleet.calls == []


@pytest.mark.usefixtures("fleet")
def test_services_of_one_environment(deploy: Deploy) -> None:
    """A label selects in its environment alone, and the other is no part of the run."""
    outcome = deploy("--deploy-service=eu/shop-worker", "-k", "tasks-run-image", "-v", env="eu,us")
    assert "deploycheck::eu/shop-worker::tasks-run-image PASSED" in outcome.output
    assert "no service selected in us" in outcome.header
    assert [one["name"] for one in outcome.report["services"]] == ["shop-worker"]


@pytest.mark.usefixtures("fleet")
def test_in_a_script() -> None:
    """`verify_all` gives one report of several environments; `verify` is for one, whose services are found as well."""
    report = verify_all("us", "e*", wait="0", log_wait="0")
    assert report.verdict == "VERIFIED"
    assert [(one.environment, len(one.services)) for one in report.environments] == [("us", 1), ("eu", 2)]
    assert [service.name for service in verify("us", wait="0", log_wait="0").services] == ["shop-web"]
    with pytest.raises(ConfigurationError, match="Several environments are named, where one is allowed: eu, us"):
        verify("eu,us")


@pytest.mark.usefixtures("fleet")
def test_on_the_console(capsys: pytest.CaptureFixture[str]) -> None:
    """The console script verifies several environments as pytest does."""
    assert main(["verify", "eu,us", "--wait=0", "--log-wait=0", "--report=report.json"]) == 0
    output = capsys.readouterr().out
    assert "eu: account 123456789012 eu-west-1" in output
    assert "VERIFIED: 3 services in eu, us: 3 VERIFIED" in output


@pytest.mark.usefixtures("fleet")
def test_workers_and_one_that_dies(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A worker gets what was found, and so does the one that takes its place when it dies.

    Its crash changes no verdict but that of the services of its test.
    """
    pytester.makepyfile(
        test_it="""
        import os
        def test_dies(deploy_env, deployment):
            if deploy_env.name == "us": os._exit(1)
        def test_other(deploy_env): pass
        """
    )
    outcome = deploy("-n1", env="eu,us")
    report = outcome.report
    assert outcome.status == 1, outcome.output
    assert report["complete"]
    assert verdicts(report) == {"eu/shop-web": "VERIFIED", "eu/shop-worker": "VERIFIED", "us/shop-web": "UNPROVEN"}
    crashed = [test["nodeid"] for test in report["tests"] if test["outcome"] != "passed"]
    assert crashed == ["test_it.py::test_dies[us/shop-web]"]


def test_a_service_that_no_environment_has(deploy: Deploy, fleet: Sandbox, pytester: pytest.Pytester) -> None:
    """The mark of a test names a service of one of the environments: an unknown name is refused with all that are."""
    assert fleet.calls == []
    pytester.makepyfile("import pytest\n@pytest.mark.deploy_service('shop-wep')\ndef test_one(running_tasks): pass")
    message = deploy("-k", "test_one", env="eu,us").output
    assert "deploy_service: the environments eu, us have no service 'shop-wep'; did you mean 'shop-web'?" in message
