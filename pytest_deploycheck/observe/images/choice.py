"""The expected image of each container: references, before anything is asked of a registry."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.facts.image import Reference, Registry
from pytest_deploycheck.facts.service import ContainerDefinition
from pytest_deploycheck.facts.snapshot import Judged, Namer
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
    """A container to judge, the expected reference for it, and the one its task definition names.

    A spare one is not essential, and is judged only where a bare tag or digest, or the commit's image, applies to it.
    """

    container: str
    expected: Reference
    pulled: Reference
    namer: Namer
    names_repository: bool
    is_spare: bool = False


_HELPER_ACCOUNTS = frozenset(
    {
        # AWS for Fluent Bit, https://docs.aws.amazon.com/AmazonECS/latest/developerguide/firelens-using-fluentbit.html
        "906394416424",
        # Envoy of App Mesh, https://docs.aws.amazon.com/app-mesh/latest/userguide/envoy.html
        "840364872350",
        "422531588944",
        "772975370895",
        "856666278305",
        "909464085924",
        "919366029133",
        "919830735681",
        "924023996002",
    }
)
"""The accounts of ECR registries from which AWS distributes images of helper containers."""


def choose(
    containers: Sequence[ContainerDefinition],
    *,
    only: str | None,
    named: Named | None,
    home: Registry,
    hosts: RegistryHosts,
    targeted: Collection[str] = (),
    by_commit: bool = False,
) -> tuple[Choice, ...]:
    """Return the containers to judge, each with the expected reference for it.

    Args:
        containers: The containers of the task definition.
        only: Name of the container that the configuration asks for, or None.
        named: The image that a user named, or None for what the task definition names.
        home: The environment's own registry, for references of a user that name none.
        hosts: The hosts of ECR registries.
        targeted: The names of the containers to which load balancers send traffic; they are not helpers.
        by_commit: Whether the image of a commit is looked for where none was named: it is a bare tag, too.

    Raises:
        EnvironmentUnusableError: The task definition has no container `only`.
    """
    pulled = {container.name: parse_pulled(container.image, hosts) for container in containers}
    whole = _whole_references(named, home, hosts)
    candidates = _candidates(containers, pulled, only=only, whole=whole, targeted=targeted)
    is_bare = only is None and (not whole if named else by_commit)
    spare = _spare(containers, pulled, candidates) if is_bare else []
    return tuple(
        Choice(
            container=name,
            expected=_expected(named, whole, pulled[name]),
            pulled=pulled[name],
            namer=named.namer if named else "task definition",
            names_repository=bool(whole),
            is_spare=name in spare,
        )
        for name in [*candidates, *spare]
    )


def _candidates(
    containers: Sequence[ContainerDefinition],
    pulled: dict[str, Reference],
    *,
    only: str | None,
    whole: Sequence[Reference],
    targeted: Collection[str],
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
    essential = [container for container in containers if container.essential]
    judged = [one.name for one in essential if one.name in targeted or not _is_helper(one, pulled[one.name])]
    in_ecr = [name for name in judged if name in targeted or pulled[name].ecr]
    return in_ecr or judged or [container.name for container in essential]


def _spare(
    containers: Sequence[ContainerDefinition], pulled: dict[str, Reference], candidates: Collection[str]
) -> list[str]:
    """Return the other containers whose own repository may hold a bare tag or digest."""
    others = [one for one in containers if one.name not in candidates and not one.essential]
    return [one.name for one in others if pulled[one.name].ecr and not _is_helper(one, pulled[one.name])]


def _is_helper(container: ContainerDefinition, pulled: Reference) -> bool:
    """Return True if a container only serves the others, as a log router, a proxy or an agent of AWS does."""
    return container.serves_others or (pulled.ecr is not None and pulled.ecr.account in _HELPER_ACCOUNTS)


def holders(judged: Sequence[Judged], spare: Collection[str] = ()) -> tuple[Judged, ...]:
    """Return the containers to which a bare tag or digest applies: those whose own repository holds it.

    A container whose repository cannot be read stays among them, so that its check is an error, unless it is spare and
    another holds the image. Where no repository holds the image all stay, so that the check lists them. A spare one for
    which the task definition names the very image of another, as for a migration beside the application, is left out.

    Args:
        judged: The containers, with what was found of the expected image in their repositories.
        spare: The names of those that are not essential.

    Raises:
        EnvironmentUnusableError: Different repositories hold it.
    """
    if any(one.names_repository or one.namer not in ("option", "configuration") for one in judged):
        return tuple(judged)
    holding = [one for one in judged if one.expected.image and not one.expected.absent]
    places = {one.expected.reference.place for one in holding}
    if len(places) > 1:
        reference = holding[0].expected.reference
        which = ", ".join(f"{one.container} ({one.expected.reference.repository})" for one in holding)
        raise EnvironmentUnusableError(
            f"The repositories of several containers hold {reference.digest or reference.tag}: {which}.",
            "Name the container whose image was to be shipped: `container` in the configuration of the service.",
        )
    others = {one.pulled.reference for one in holding if one.container not in spare}
    holding = [one for one in holding if one.container not in spare or one.pulled.reference not in others]
    unread = [
        one
        for one in judged
        if one.expected.image is None and not one.expected.absent and not (holding and one.container in spare)
    ]
    return tuple(one for one in judged if one in holding or one in unread) or tuple(judged)


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


def expected_references(
    named: Named | None, pulled: Sequence[Reference], home: Registry, hosts: RegistryHosts
) -> tuple[Reference, ...]:
    """Return the references that a named image may stand for beside those of the containers, where it has any."""
    if named is None:
        return ()
    try:
        whole = _whole_references(named, home, hosts)
        return whole or tuple(_expected(named, whole, one) for one in pulled)
    except (EnvironmentUnusableError, ValueError):
        # Those who choose the expected image tell what is wrong with it.
        return ()


def parse_pulled(text: str, hosts: RegistryHosts) -> Reference:
    """Return the reference that a task definition names, of an unknown registry where it cannot be parsed."""
    try:
        return oci.parse(text, hosts)
    except ValueError:
        # ECS runs it all the same: an image in a registry that cannot be queried.
        return Reference(host="unknown registry", repository=text)
