from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy, World


@pytest.mark.usefixtures("configured")
def test_only_the_services_named(collect: Collect) -> None:
    """`--deploy-service=NAME` leaves out the checks and the tests of the others."""
    outcome = collect("--deploy-env=prod", "--deploy-service=worker")
    assert "<ServiceCollector worker>" in outcome.output
    assert "<ServiceCollector backend>" not in outcome.output
    assert "worker (from --deploy-service)" in outcome.header


@pytest.mark.usefixtures("configured")
def test_repeated(collect: Collect) -> None:
    """Given twice, both are verified, in the configuration's order and each once."""
    outcome = collect(
        "--deploy-env=prod", "--deploy-service=worker", "--deploy-service=backend", "--deploy-service=worker", "-q"
    )
    lines = [line for line in outcome.output.splitlines() if line.endswith("::image-exists")]
    assert lines == ["deploycheck::backend::image-exists", "deploycheck::worker::image-exists"]


@pytest.mark.usefixtures("configured")
def test_an_unknown_service_is_refused_with_the_nearest_name(collect: Collect) -> None:
    """The message names what was found, what there is, and the nearest of it."""
    message = collect("--deploy-env=prod", "--deploy-service=workr").refused()
    assert "--deploy-service" in message
    assert "'workr'" in message
    assert "'worker'" in message
    assert "backend" in message


def test_the_report_holds_only_the_services_named(deploy: Deploy, world: World) -> None:
    """A service that was left out is neither looked at nor judged."""
    world.add("worker")
    world.configure("backend", "worker")
    outcome = deploy("--deploy-service=worker", env="shop")
    assert [service["name"] for service in outcome.report["services"]] == ["worker"]
    assert not any("shop-backend" in str(call) for call in world.aws.calls)


@pytest.mark.parametrize("source", ["environment", "service"])
@pytest.mark.usefixtures("configured")
@pytest.mark.usefixtures("world")
def test_an_environment_without_services_verifies_nothing(
    deploy: Deploy, pytester: pytest.Pytester, source: str
) -> None:
    """No service selected is never green."""
    table = "[env.shop.services]\n" if source == "service" else ""
    (pytester.path / "deploycheck.toml").write_text(
        f'[env.shop]\nregion = "us-east-1"\ncluster = "shop"\n{table}', encoding="utf-8"
    )
    pytester.makepyfile("def test_one(): pass")
    outcome = deploy(env="shop")
    assert outcome.status in {4, 7}, outcome.output
    if outcome.status == 7:
        assert outcome.verdict == ("UNPROVEN", None) or outcome.report["verdict"] == "UNPROVEN"
