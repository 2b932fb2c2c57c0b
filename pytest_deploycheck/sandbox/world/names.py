"""The names that AWS gives: image references, ids and the last part of ARNs."""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import dataclass, replace

_ECR_HOST = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_BASE62 = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class SandboxReference:
    """A reference to an image.

    Attributes:
        host: The registry's host name.
        account: The account of an ECR registry; empty for any other registry.
        region: The region of an ECR registry; empty for any other registry.
        repository: The repository's name.
        tag: The tag, or an empty string.
        digest: The digest (`sha256:…`), or an empty string.
    """

    host: str
    account: str
    region: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def uri(self) -> str:
        """The whole reference, as a task definition writes it."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.host}/{self.repository}{tag}{digest}"

    def tagged(self, tag: str) -> SandboxReference:
        """Return a reference to another tag of the same repository."""
        return replace(self, tag=tag, digest="")


def parse_reference(text: str, *, account: str, region: str) -> SandboxReference:
    """Parse an image reference; one without a host refers to the registry of `account` in `region`.

    Raises:
        ValueError: If it is not an image reference.
    """
    name, _, digest = text.partition("@")
    if (digest or "@" in text) and not _DIGEST.fullmatch(digest):
        raise ValueError(f"{text!r} is not an image reference: expected a digest 'sha256:<64 hex digits>' after '@'")
    host, slash, rest = name.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, rest = f"{account}.dkr.ecr.{region}.amazonaws.com", name
    repository, _, tag = rest.partition(":")
    if not repository:
        raise ValueError(f"{text!r} is not an image reference: it names no repository")
    ecr = _ECR_HOST.fullmatch(host)
    if ecr is None:
        return SandboxReference(host, "", "", repository, tag, digest)
    return SandboxReference(host, ecr["account"], ecr["region"], repository, tag, digest)


def last_part(name_or_arn: str) -> str:
    """Return the name at the end of an ARN; a bare name is returned as it is."""
    return name_or_arn.rpartition("/")[2]


def service_deployment_id() -> str:
    """Return a new id for a service deployment."""
    return "".join(secrets.choice(_BASE62) for _ in range(21))


def long_number() -> str:
    """Return a number as in the ids of deployments and in the ARNs of service revisions."""
    return str(10**18 + secrets.randbelow(8 * 10**18))
