"""References to images, in all the forms that people and ECS write."""

from __future__ import annotations

import re

from msgspec.structs import replace

from pytest_deploycheck.facts.image import Reference, Registry
from pytest_deploycheck.oci.registry_hosts import KNOWN_HOSTS, RegistryHosts

DOCKER_HUB = "docker.io"
"""The registry of Docker and ECS where a task definition names no host."""

# The grammar of the distribution project: github.com/distribution/reference.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def is_digest(text: str) -> bool:
    """Return True if `text` is a bare digest, `sha256:` and 64 hexadecimal digits."""
    return _DIGEST.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Return True if `text` can only be a bare tag: neither a host, a path, a tag after a colon nor a digest."""
    return _TAG.fullmatch(text) is not None


def check_expected(text: str) -> None:
    """Check that a user can name an image by `text`: a reference, a bare tag or a bare digest.

    Raises:
        ValueError: It is none of them; the message has the reason.
    """
    if is_digest(text) or is_tag(text):
        return
    if text.startswith("sha256:"):
        raise ValueError(f"{text!r} is not a digest: expected sha256: and 64 hexadecimal digits")
    parse(text)


def parse(text: str, hosts: RegistryHosts = KNOWN_HOSTS) -> Reference:
    """Return the parts of a whole reference, as a task definition writes it.

    `repo`, `repo:tag`, `repo@sha256:…` and `repo:tag@sha256:…`, each with or without a registry host in front.
    Without a host it refers to Docker Hub; with neither tag nor digest to the tag `latest`, as in Docker.

    Args:
        text: The reference.
        hosts: The hosts of ECR registries.

    Raises:
        ValueError: The text is not a reference; the message has the part at fault.
    """
    rest, at, digest = text.partition("@")
    if at and not is_digest(digest):
        raise ValueError(f"{digest!r} is not a digest: expected sha256: and 64 hexadecimal digits")
    path, slash, last = rest.rpartition("/")
    if slash and not path:
        raise ValueError(f"{text!r} is not a reference: expected a registry host or a repository before the slash")
    name, colon, tag = last.partition(":")
    if colon and not is_tag(tag):
        raise ValueError(f"{tag!r} is not a tag: expected letters, digits, '_', '.' and '-', 128 at the most")
    first, slash, remainder = path.partition("/")
    if _is_host(first):
        host, repository = first, f"{remainder}{slash}{name}"
    else:
        host, repository = DOCKER_HUB, f"{path}/{name}" if path else name
    if not _REPOSITORY.fullmatch(repository):
        raise ValueError(
            f"{repository!r} is not a repository name: expected lower-case letters, digits, '.', '_', '-', '/'"
        )
    return Reference(
        host=host,
        repository=repository,
        tag=tag or (None if digest else "latest"),
        digest=digest or None,
        ecr=hosts.registry(host),
    )


def parse_expected(text: str, *, home: Registry, hosts: RegistryHosts = KNOWN_HOSTS) -> Reference:
    """Return the parts of a reference that a user names: without a host it refers to the registry `home`.

    Raises:
        ValueError: As `parse`.
    """
    reference = parse(text, hosts)
    if _is_host(text.partition("/")[0]) and "/" in text:
        return reference
    return replace(reference, host=hosts.usual_host(home), ecr=home)


def same_place(one: Reference, other: Reference) -> bool:
    """Return True if two references are to one repository, whichever of its hosts they name."""
    if one.repository != other.repository:
        return False
    return one.ecr == other.ecr if one.ecr and other.ecr else one.host == other.host


def _is_host(first: str) -> bool:
    """Return True by Docker's own rule: the first part is a host when it has a dot or a port, or is localhost."""
    return "." in first or ":" in first or first == "localhost"
