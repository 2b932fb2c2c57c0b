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


class Named(Struct, frozen=True):
    """The image that a user named for a service, and where: by option or in the configuration."""

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
    containers: Sequence[ContainerDefinition], *, only: str | None, named: Named | None, home: Registry
) -> tuple[Choice, ...]:
    """The containers to judge, each with the expected reference for it.

    Args:
        containers: The containers of the task definition.
        only: Name of the container that the configuration asks for, or None.
        named: The image that a user named, or None for what the task definition names.
        home: The registry meant where a user's reference names none: the environment's own.

    Raises:
        EnvironmentUnusableError: The task definition has no container `only`.
    """
    pulled = {container.name: _parse_pulled(container.image) for container in containers}
    whole = _whole_reference(named, home)
    candidates = _candidates(containers, pulled, only=only, whole=whole)
    return tuple(
        Choice(
            container=name,
            expected=_expected(named, whole, pulled[name]),
            pulled=pulled[name],
            namer=named.namer if named else "task definition",
            names_repository=whole is not None,
        )
        for name in candidates
    )


def _candidates(
    containers: Sequence[ContainerDefinition],
    pulled: dict[str, Reference],
    *,
    only: str | None,
    whole: Reference | None,
) -> list[str]:
    if only is not None:
        if only not in pulled:
            raise EnvironmentUnusableError(
                f"The task definition has no container {only!r}; it has {', '.join(pulled)}.",
                "Mend `container` in the configuration.",
            )
        return [only]
    if whole is not None:
        pulling = [name for name, reference in pulled.items() if oci.same_place(reference, whole)]
        if pulling:
            return pulling
    essential = [container.name for container in containers if container.essential]
    in_ecr = [name for name in essential if pulled[name].ecr]
    return in_ecr or essential


def _whole_reference(named: Named | None, home: Registry) -> Reference | None:
    """The reference of an image that was named with its repository; None for a bare tag or digest."""
    if named is None or oci.is_tag(named.text) or oci.is_digest(named.text):
        return None
    return oci.parse_expected(named.text, home=home)


def _expected(named: Named | None, whole: Reference | None, pulled: Reference) -> Reference:
    if named is None:
        return pulled
    if whole is not None:
        return whole
    if oci.is_digest(named.text):
        return replace(pulled, tag=None, digest=named.text)
    return replace(pulled, tag=named.text, digest=None)


def _parse_pulled(text: str) -> Reference:
    try:
        return oci.parse(text)
    except ValueError:
        # ECS runs it all the same, so it stands for itself: an image somewhere that cannot be looked at.
        return Reference(host="unknown registry", repository=text)
