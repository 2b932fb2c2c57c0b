"""How AWS names things: image references, ARNs and ids."""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import dataclass, replace
from uuid import uuid4

_ECR_HOST = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_BASE62 = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Reference:
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

    def tagged(self, tag: str) -> Reference:
        """Return a reference to another tag of the same repository."""
        return replace(self, tag=tag, digest="")


def parse_reference(text: str, *, account: str, region: str) -> Reference:
    """Read an image reference; one without a host means the registry of `account` in `region`.

    Raises:
        ValueError: If it is no image reference.
    """
    name, _, digest = text.partition("@")
    if (digest or "@" in text) and not _DIGEST.fullmatch(digest):
        raise ValueError(f"{text!r} is no image reference: after '@' a digest 'sha256:<64 hex digits>' is due")
    host, slash, rest = name.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, rest = f"{account}.dkr.ecr.{region}.amazonaws.com", name
    repository, _, tag = rest.partition(":")
    if not repository:
        raise ValueError(f"{text!r} is no image reference: it names no repository")
    ecr = _ECR_HOST.fullmatch(host)
    if ecr is None:
        return Reference(host, "", "", repository, tag, digest)
    return Reference(host, ecr["account"], ecr["region"], repository, tag, digest)


def ecs_arn(region: str, account: str, kind: str, *path: str) -> str:
    """Return the ARN of something of ECS: a cluster, a service, a task and so on."""
    return f"arn:aws:ecs:{region}:{account}:{kind}/{'/'.join(path)}"


def container_instance_arn(region: str, account: str, cluster: str, instance: str) -> str:
    """Return the ARN of a container instance by its id."""
    return ecs_arn(region, account, "container-instance", cluster, instance)


def last_part(name_or_arn: str) -> str:
    """Return the name at the end of an ARN; a bare name is returned as it is."""
    return name_or_arn.rpartition("/")[2]


def task_id() -> str:
    """Return a new task id."""
    return uuid4().hex


def service_deployment_id() -> str:
    """Return a new id for a service deployment."""
    return "".join(secrets.choice(_BASE62) for _ in range(21))


def long_number() -> str:
    """Return a number as found in deployment ids and in the ARNs of service revisions."""
    return str(10**18 + secrets.randbelow(8 * 10**18))
