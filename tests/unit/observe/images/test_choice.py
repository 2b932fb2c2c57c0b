from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.facts.image import Image, Registry
from pytest_deploycheck.facts.service import ContainerDefinition
from pytest_deploycheck.facts.snapshot import Judged, Lookup, Namer, Problem
from pytest_deploycheck.observe.images.choice import (
    Choice,
    Named,
    choose,
    expected_references,
    holders,
    parse_pulled,
)
from pytest_deploycheck.oci.reference import parse
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
    """If the service pulls none of the names, the first one shows that it pulls from elsewhere."""
    choice = chosen(f"ghcr.io/acme/app:v2@{ONE},quay.io/acme/app:v2@{ONE}", app="app:v1")["app"]
    assert choice.expected.host == "ghcr.io"


def test_two_targets_in_one_repository_need_a_choice() -> None:
    """Several images of one build in the repository leave open which was to be shipped: the target is asked for."""
    with pytest.raises(EnvironmentUnusableError) as caught:
        chosen(f"{HOST}/app:api@{ONE},{HOST}/app:job@{TWO}", app="app:api")
    assert "@FILE#TARGET" in caught.value.remedy
    assert chosen(f"{HOST}/app:2@{ONE},{HOST}/app:latest@{ONE}", app="app:1")["app"].expected.digest == ONE


# Helper containers.

AWS = "906394416424.dkr.ecr.us-east-1.amazonaws.com/aws-for-fluent-bit:stable"
APP = ContainerDefinition("app", f"{HOST}/app:1")


def judged_by_default(
    *containers: ContainerDefinition, targeted: Sequence[str] = (), only: str | None = None
) -> set[str]:
    """Return the names of the containers that are judged where no image was named."""
    found = choose(containers, only=only, named=None, home=HOME, hosts=KNOWN_HOSTS, targeted=targeted)
    return {one.container for one in found}


@pytest.mark.parametrize(
    "helper",
    [
        ContainerDefinition("log_router", f"{HOST}/router:1", serves_others=True),
        ContainerDefinition("log_router", AWS),
        ContainerDefinition("envoy", "840364872350.dkr.ecr.us-east-1.amazonaws.com/aws-appmesh-envoy:v1"),
    ],
    ids=["role in the task definition", "Fluent Bit of AWS", "Envoy of AWS"],
)
def test_helpers_are_not_judged(helper: ContainerDefinition) -> None:
    """Log routers, proxies and images from AWS's own accounts are not judged unless they are named."""
    assert judged_by_default(APP, helper) == {"app"}
    assert judged_by_default(APP, helper, only=helper.name) == {helper.name}


def test_every_other_essential_container_is_judged() -> None:
    """A sidecar from the same account or from another one is no helper: both are judged."""
    proxy = ContainerDefinition("proxy", f"{HOST}/proxy:1.27")
    foreign = ContainerDefinition("agent", "210987654321.dkr.ecr.us-east-1.amazonaws.com/agent:2")
    task = ContainerDefinition("migrate", f"{HOST}/app:1", essential=False)
    assert judged_by_default(APP, proxy, foreign, task) == {"app", "proxy", "agent"}


def test_a_container_that_a_load_balancer_targets_is_no_helper() -> None:
    """Users meet it, so it is judged, whatever its role and wherever its image is kept."""
    proxy = ContainerDefinition("envoy", "ghcr.io/acme/envoy:1", serves_others=True)
    assert judged_by_default(APP, proxy) == {"app"}
    assert judged_by_default(APP, proxy, targeted=["envoy"]) == {"app", "envoy"}


def test_helpers_alone_are_judged() -> None:
    """A service of nothing but helpers is not left without a container to judge."""
    assert judged_by_default(ContainerDefinition("log_router", AWS)) == {"log_router"}


# Bare tags and digests.

DENIED = Problem("ecr:DescribeImages", "AccessDeniedException", "denied", "allow it")


def looked_up(name: str, outcome: str, *, namer: Namer = "option", repository: str | None = None) -> Judged:
    """Return a container for which the tag v2 was looked up in its own repository: found, absent or denied."""
    reference = parse(f"{HOST}/{repository or name}:v2")
    lookup = {
        "found": Lookup(reference, image=Image(reference, ONE)),
        "absent": Lookup(reference, absent="tag"),
        "denied": Lookup(reference, problem=DENIED),
    }[outcome]
    return Judged(name, lookup, Lookup(parse(f"{HOST}/{repository or name}:v1")), namer=namer)


def names(*judged: Judged, spare: Sequence[str] = ()) -> list[str]:
    """Return the names of the containers to which the tag applies."""
    return [one.container for one in holders(judged, spare)]


def test_a_bare_tag_applies_to_the_container_whose_repository_holds_it() -> None:
    """A sidecar whose repository has no such tag is not judged by it."""
    assert names(looked_up("app", "found"), looked_up("proxy", "absent")) == ["app"]


def test_containers_of_one_repository_are_all_judged() -> None:
    """Two containers that pull from the same repository run the same image."""
    assert names(looked_up("app", "found"), looked_up("worker", "found", repository="app")) == ["app", "worker"]


def test_a_bare_tag_in_no_repository_is_expected_in_all() -> None:
    """No repository holds it: all containers stay, so that image-exists lists them."""
    assert names(looked_up("app", "absent"), looked_up("proxy", "absent")) == ["app", "proxy"]


def test_a_bare_tag_in_several_repositories_is_refused() -> None:
    """Different repositories hold it: the user is asked for the container."""
    with pytest.raises(EnvironmentUnusableError, match=r"app \(app\), proxy \(proxy\)") as caught:
        names(looked_up("app", "found"), looked_up("proxy", "found"))
    assert "`container`" in caught.value.remedy


@pytest.mark.parametrize(("other", "left"), [("found", ["app", "proxy"]), ("absent", ["proxy"])])
def test_a_repository_that_cannot_be_read_stays(other: str, left: list[str]) -> None:
    """The presence of the tag is not known: its check is an error, never left out."""
    assert names(looked_up("app", other), looked_up("proxy", "denied")) == left


MIGRATE = ContainerDefinition("migrate", f"{HOST}/app:1", essential=False)
CRON = ContainerDefinition("cron", f"{HOST}/cron:1", essential=False)
AGENT = ContainerDefinition("agent", "docker.io/acme/agent:7", essential=False)
ROUTER = ContainerDefinition("router", AWS, essential=False)


def spares(text: str | None, *containers: ContainerDefinition, only: str | None = None) -> dict[str, bool]:
    """Return the containers that are looked at for an image, each with whether it is spare."""
    named = Named(text, "option") if text else None
    found = choose(containers, only=only, named=named, home=HOME, hosts=KNOWN_HOSTS)
    return {one.container: one.is_spare for one in found}


@pytest.mark.parametrize("text", ["v2", ONE], ids=["tag", "digest"])
def test_a_bare_reference_may_be_of_a_container_that_is_not_essential(text: str) -> None:
    """Its repository is asked as well; helpers and those whose image is in no ECR registry are not."""
    assert spares(text, APP, MIGRATE, CRON, AGENT, ROUTER) == {"app": False, "migrate": True, "cron": True}


def test_containers_that_are_not_essential_are_left_out_otherwise() -> None:
    """Without a named image, and where the container is named, only the essential one or the named one is judged."""
    assert spares(None, APP, MIGRATE, CRON) == {"app": False}
    assert spares("v2", APP, MIGRATE, CRON, only="app") == {"app": False}


def test_a_bare_tag_that_only_a_spare_container_s_repository_holds() -> None:
    """The tag is of that container; the essential one, whose repository lacks it, is not judged by it."""
    assert names(looked_up("app", "absent"), looked_up("cron", "found"), spare=["cron"]) == ["cron"]


def test_a_spare_container_of_the_repository_that_holds_the_tag() -> None:
    """It pulls another image from the expected repository, so it is judged, as where the repository is named."""
    older = replace(
        looked_up("migrate", "found", repository="app"), pulled=Lookup(parse(f"{HOST}/app:v0"), absent="tag")
    )
    assert names(looked_up("app", "found"), older, spare=["migrate"]) == ["app", "migrate"]


def test_a_spare_container_with_the_image_of_another() -> None:
    """A migration that the task definition starts from the application's image asks for no choice between them."""
    same = looked_up("migrate", "found", repository="app")
    assert names(looked_up("app", "found"), same, spare=["migrate"]) == ["app"]
    assert names(looked_up("app", "found"), same) == ["app", "migrate"]


def test_a_tag_in_the_repositories_of_an_essential_and_of_a_spare_container() -> None:
    """It is not known which of them was to be shipped, so the container is asked for."""
    with pytest.raises(EnvironmentUnusableError, match=r"app \(app\), cron \(cron\)"):
        names(looked_up("app", "found"), looked_up("cron", "found"), spare=["cron"])


@pytest.mark.parametrize(("other", "left"), [("found", ["app"]), ("absent", ["cron"])])
def test_the_repository_of_a_spare_container_cannot_be_read(other: str, left: list[str]) -> None:
    """It is of no account where an essential container's repository holds the tag, and an error where none does."""
    assert names(looked_up("app", other), looked_up("cron", "denied"), spare=["cron"]) == left


def test_without_a_named_image_all_containers_stay() -> None:
    """The images of the task definition are each meant for their own container."""
    own: Namer = "task definition"
    assert names(looked_up("app", "found", namer=own), looked_up("proxy", "absent", namer=own)) == ["app", "proxy"]


def test_an_image_that_no_reference_can_name() -> None:
    """ECS runs what is no reference all the same: it is shown as it stands, in a registry that cannot be asked."""
    odd = parse_pulled("Not A Reference", KNOWN_HOSTS)
    assert (odd.host, odd.repository, odd.ecr) == ("unknown registry", "Not A Reference", None)
    (choice,) = choose(
        [ContainerDefinition("app", "Not A Reference")], only=None, named=None, home=HOME, hosts=KNOWN_HOSTS
    )
    assert choice.expected == choice.pulled == odd


@pytest.mark.parametrize(
    "text", ["Not A Reference", f"{HOST}/app:api@{ONE},not a reference", "v2"], ids=["none", "a part", "tag"]
)
def test_what_is_named_wrongly_is_not_asked_for_beforehand(text: str) -> None:
    """References are collected before the expected image is chosen, and that is where a wrong one is an error."""
    pulled = parse_pulled(f"{HOST}/app:v1", KNOWN_HOSTS)
    found = expected_references(Named(text, "option"), [pulled], HOME, KNOWN_HOSTS)
    assert [str(one) for one in found] == ([f"{HOST}/app:v2"] if text == "v2" else [])
