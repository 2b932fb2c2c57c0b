"""References to images, in all the forms that people and ECS write."""

from __future__ import annotations

import re

from msgspec.structs import replace

from pytest_deploycheck.facts.image import Reference, Registry

DOCKER_HUB = "docker.io"
"""The registry that Docker and ECS mean where a task definition names no host."""

# The grammar of the distribution project: github.com/distribution/reference.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

# Account and region are in the host: classic, FIPS, dual-stack and China endpoints.
_ECR_HOST = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn)"
)


def is_digest(text: str) -> bool:
    """Whether `text` is a bare digest, `sha256:` and 64 hexadecimal digits."""
    return _DIGEST.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Whether `text` can only be a bare tag: neither a host, a path, a tag after a colon nor a digest."""
    return _TAG.fullmatch(text) is not None


def ecr_host(registry: Registry) -> str:
    """The usual host of an ECR registry."""
    suffix = ".cn" if registry.region.startswith("cn-") else ""
    return f"{registry.account}.dkr.ecr.{registry.region}.amazonaws.com{suffix}"


def check_expected(text: str) -> None:
    """See that `text` is what a user may name an image by: a reference, a bare tag or a bare digest.

    Raises:
        ValueError: It is none of them; says why not.
    """
    if is_digest(text) or is_tag(text):
        return
    if text.startswith("sha256:"):
        raise ValueError(f"{text!r} is no digest: expected sha256: and 64 hexadecimal digits")
    parse(text)


def parse(text: str) -> Reference:
    """Take a whole reference apart, as a task definition writes it.

    `repo`, `repo:tag`, `repo@sha256:…` and `repo:tag@sha256:…`, each with or without a registry host in front.
    Without a host Docker Hub is meant; with neither tag nor digest the tag `latest` is, as in Docker.

    Raises:
        ValueError: The text is no reference; says which part is not.
    """
    rest, at, digest = text.partition("@")
    if at and not is_digest(digest):
        raise ValueError(f"{digest!r} is no digest: expected sha256: and 64 hexadecimal digits")
    path, slash, last = rest.rpartition("/")
    if slash and not path:
        raise ValueError(f"{text!r} is no reference: expected a registry host or a repository before the slash")
    name, colon, tag = last.partition(":")
    if colon and not is_tag(tag):
        raise ValueError(f"{tag!r} is no tag: expected letters, digits, '_', '.' and '-', 128 at the most")
    first, slash, remainder = path.partition("/")
    if _is_host(first):
        host, repository = first, f"{remainder}{slash}{name}"
    else:
        host, repository = DOCKER_HUB, f"{path}/{name}" if path else name
    if not _REPOSITORY.fullmatch(repository):
        raise ValueError(
            f"{repository!r} is no repository name: expected lower-case letters, digits, '.', '_', '-', '/'"
        )
    ecr = _ECR_HOST.fullmatch(host)
    return Reference(
        host=host,
        repository=repository,
        tag=tag or (None if digest else "latest"),
        digest=digest or None,
        ecr=Registry(ecr["account"], ecr["region"]) if ecr else None,
    )


def parse_expected(text: str, *, home: Registry) -> Reference:
    """Take apart a reference that a user names: without a host, the registry `home` is meant.

    Raises:
        ValueError: As `parse`.
    """
    reference = parse(text)
    if _is_host(text.partition("/")[0]) and "/" in text:
        return reference
    return replace(reference, host=ecr_host(home), ecr=home)


def same_place(one: Reference, other: Reference) -> bool:
    """Whether two references are to one repository, whichever of its hosts they name."""
    if one.repository != other.repository:
        return False
    return one.ecr == other.ecr if one.ecr and other.ecr else one.host == other.host


def _is_host(first: str) -> bool:
    """Docker's own rule: the first part is a host when it has a dot or a port, or is localhost."""
    return "." in first or ":" in first or first == "localhost"
