"""The expected image of each container: references, before anything is asked of a registry."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.facts.image import Reference, Registry
from pytest_deploycheck.facts.service import ContainerDefinition
from pytest_deploycheck.facts.snapshot import Namer
from pytest_deploycheck.oci import reference as oci
from pytest_deploycheck.oci.registry_hosts import RegistryHosts


class Named(Struct, frozen=True):
    """The image that a user named for a service, and where: by option or in the configuration.

    Attributes:
        text: A reference; of a build that has several names, all of them, separated by commas.
        namer: Where it was named.
    """

    text: str
    namer: Namer


class Choice(Struct, frozen=True):
    """A container to judge, the expected reference for it, and the one its task definition names."""

    container: str
    expected: Reference
    pulled: Reference
    namer: Namer
    names_repository: bool


def choose(
    containers: Sequence[ContainerDefinition],
    *,
    only: str | None,
    named: Named | None,
    home: Registry,
    hosts: RegistryHosts,
) -> tuple[Choice, ...]:
    """Return the containers to judge, each with the expected reference for it.

    Args:
        containers: The containers of the task definition.
        only: Name of the container that the configuration asks for, or None.
        named: The image that a user named, or None for what the task definition names.
        home: The environment's own registry, for references of a user that name none.
        hosts: The hosts that stand for ECR registries.

    Raises:
        EnvironmentUnusableError: The task definition has no container `only`.
    """
    pulled = {container.name: _parse_pulled(container.image, hosts) for container in containers}
    whole = _whole_references(named, home, hosts)
    candidates = _candidates(containers, pulled, only=only, whole=whole)
    return tuple(
        Choice(
            container=name,
            expected=_expected(named, whole, pulled[name]),
            pulled=pulled[name],
            namer=named.namer if named else "task definition",
            names_repository=bool(whole),
        )
        for name in candidates
    )


def _candidates(
    containers: Sequence[ContainerDefinition],
    pulled: dict[str, Reference],
    *,
    only: str | None,
    whole: Sequence[Reference],
) -> list[str]:
    if only is not None:
        if only not in pulled:
            raise EnvironmentUnusableError(
                f"The task definition has no container {only!r}; it has {', '.join(pulled)}.",
                "Correct `container` in the configuration.",
            )
        return [only]
    pulling = [name for name, reference in pulled.items() if any(oci.same_place(reference, one) for one in whole)]
    if pulling:
        return pulling
    essential = [container.name for container in containers if container.essential]
    in_ecr = [name for name in essential if pulled[name].ecr]
    return in_ecr or essential


def _whole_references(named: Named | None, home: Registry, hosts: RegistryHosts) -> tuple[Reference, ...]:
    """Return the references of an image that was named with its repository; none for a bare tag or digest."""
    if named is None or oci.is_tag(named.text) or oci.is_digest(named.text):
        return ()
    return tuple(oci.parse_expected(text, home=home, hosts=hosts) for text in named.text.split(","))


def _expected(named: Named | None, whole: Sequence[Reference], pulled: Reference) -> Reference:
    if named is None:
        return pulled
    if whole:
        here = [one for one in whole if oci.same_place(one, pulled)]
        if len({one.digest for one in here}) > 1:
            raise EnvironmentUnusableError(
                f"The build pushed several images to {pulled.place}: {', '.join(map(str, here))}.",
                "Name the target of the build whose image was to be shipped: --deploy-image=@FILE#TARGET.",
            )
        return here[0] if here else whole[0]
    if oci.is_digest(named.text):
        return replace(pulled, tag=None, digest=named.text)
    return replace(pulled, tag=named.text, digest=None)


def _parse_pulled(text: str, hosts: RegistryHosts) -> Reference:
    try:
        return oci.parse(text, hosts)
    except ValueError:
        # ECS runs it all the same, so it stands for itself: an image somewhere that cannot be looked at.
        return Reference(host="unknown registry", repository=text)
