from __future__ import annotations

import pytest

from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.facts.image import Registry
from pytest_deploycheck.facts.service import ContainerDefinition
from pytest_deploycheck.observe.images.choice import Choice, Named, choose
from pytest_deploycheck.oci.registry_hosts import KNOWN_HOSTS

HOME = Registry("123456789012", "us-east-1")
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
ONE, TWO = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


def chosen(text: str, **images: str) -> dict[str, Choice]:
    """Return the choice for each judged container, where the containers have these images."""
    containers = [ContainerDefinition(name, f"{HOST}/{image}") for name, image in images.items()]
    return {
        one.container: one
        for one in choose(containers, only=None, named=Named(text, "option"), home=HOME, hosts=KNOWN_HOSTS)
    }


@pytest.mark.parametrize(
    "text", [f"ghcr.io/acme/app:v2@{ONE},{HOST}/app:v2@{ONE}", f"{HOST}/app:v2@{ONE},docker.io/acme/app:v2@{ONE}"]
)
def test_the_name_in_the_repository_of_the_service(text: str) -> None:
    """Of several names of one build, the one in the repository that the service pulls from is expected."""
    choice = chosen(text, app="app:v1")["app"]
    assert str(choice.expected) == f"{HOST}/app:v2@{ONE}"
    assert choice.names_repository


def test_each_target_of_a_bake_is_expected_in_its_container() -> None:
    """Of several targets, each container is judged by the one in its own repository; others are not judged."""
    found = chosen(
        f"{HOST}/app:2@{ONE},{HOST}/worker:2@{TWO},{HOST}/cron:2@{TWO}", app="app:1", side="worker:1", x="x:1"
    )
    assert {name: one.expected.digest for name, one in found.items()} == {"app": ONE, "side": TWO}


def test_no_name_in_the_repository_of_the_service() -> None:
    """Where none of the names is there, the first one shows that the service pulls from elsewhere."""
    choice = chosen(f"ghcr.io/acme/app:v2@{ONE},quay.io/acme/app:v2@{ONE}", app="app:v1")["app"]
    assert choice.expected.host == "ghcr.io"


def test_two_targets_in_one_repository_have_to_be_told_apart() -> None:
    """Several images of one build in the repository leave open which was to be shipped: the target is asked for."""
    with pytest.raises(EnvironmentUnusableError) as caught:
        chosen(f"{HOST}/app:api@{ONE},{HOST}/app:job@{TWO}", app="app:api")
    assert "@FILE#TARGET" in caught.value.remedy
    assert chosen(f"{HOST}/app:2@{ONE},{HOST}/app:latest@{ONE}", app="app:1")["app"].expected.digest == ONE
