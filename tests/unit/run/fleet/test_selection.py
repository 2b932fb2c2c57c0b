"""The services and images that options name in a run over several environments."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_deploycheck.config.settings import EnvironmentSettings, ServiceSettings
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.run.fleet import selection


def environment(name: str, *services: str) -> EnvironmentSettings:
    """Return an environment whose ECS services have a prefix in their names."""
    return EnvironmentSettings(name, services={one: ServiceSettings(one, f"shop-{one}") for one in services})


EU, US = environment("eu", "web", "worker"), environment("us", "web")


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ([], {"eu": ("web", "worker"), "us": ("web",)}),
        (["web"], {"eu": ("web",), "us": ("web",)}),
        (["shop-web"], {"eu": ("web",), "us": ("web",)}),
        (["worker"], {"eu": ("worker",), "us": ()}),
        (["us/web"], {"eu": (), "us": ("web",)}),
        (["us/web", "worker"], {"eu": ("worker",), "us": ("web",)}),
    ],
)
def test_services(asked: list[str], chosen: dict[str, tuple[str, ...]]) -> None:
    """A name selects in every environment that has it; one with its environment there alone."""
    assert selection.services(asked, [EU, US], "--deploy-service") == chosen


@pytest.mark.parametrize("asked", [["wep"], ["us/worker"]])
def test_an_unknown_service(asked: list[str]) -> None:
    """A name that no environment has is refused, with the nearest one there is."""
    with pytest.raises(
        ConfigurationError, match=r"no service of the environments eu, us; did you mean '(web|eu/worker)'"
    ):
        selection.services(asked, [EU, US], "--deploy-service")


def test_a_service_of_an_environment_that_could_not_be_listed() -> None:
    """A name may be that of a service that is not known."""
    assert selection.services(["new"], [EU, US], "--deploy-service", unlisted=["us"]) == {"eu": (), "us": ()}


SERVICES = {"eu": ("web", "worker"), "us": ("web",)}


@pytest.mark.parametrize(
    ("asked", "images"),
    [
        (["v2"], {"eu": {"web": "v2", "worker": "v2"}, "us": {"web": "v2"}}),
        (["web=v2"], {"eu": {"web": "v2"}, "us": {"web": "v2"}}),
        (["worker=v2"], {"eu": {"worker": "v2"}, "us": {}}),
        (["us/web=v3", "v2"], {"eu": {"web": "v2", "worker": "v2"}, "us": {"web": "v3"}}),
        (["shop/web:v2"], {"eu": {"web": "shop/web:v2", "worker": "shop/web:v2"}, "us": {"web": "shop/web:v2"}}),
    ],
)
def test_images(asked: list[str], images: dict[str, dict[str, str]]) -> None:
    """An image is for every environment that has the service; one with its environment for that alone."""
    assert selection.images(asked, SERVICES, "--deploy-image", folder=Path()) == images


@pytest.mark.parametrize("asked", [["wep=v2"], ["us/worker=v2"]])
def test_an_image_for_an_unknown_service(asked: list[str]) -> None:
    """It is refused, and not forgotten."""
    with pytest.raises(ConfigurationError, match="for an unknown service"):
        selection.images(asked, SERVICES, "--deploy-image", folder=Path())
