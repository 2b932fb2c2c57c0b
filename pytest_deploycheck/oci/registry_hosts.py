"""The hosts of ECR registries: by the DNS suffixes of AWS's partitions, and as emulators name them."""

from __future__ import annotations

import re

from msgspec import Struct

from pytest_deploycheck.facts.image import Registry

_ECR = re.compile(r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?P<suffix>[a-z0-9.-]+)")
_PORT = re.compile(r":\d{1,5}\Z")
_LOOPBACK = re.compile(r"localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[?::1\]?")


class RegistryHosts(Struct, frozen=True):
    """The hosts of ECR registries.

    Attributes:
        suffixes: The DNS suffixes of all partitions, those of dual-stack hosts among them.
        suffix: The DNS suffix of the partition of the environment's own registry.
        home: The environment's own registry, or None where it does not matter.
        emulator: The host of the environment's endpoint, where that is not one of AWS; else empty.
    """

    suffixes: tuple[str, ...] = (
        *("amazonaws.com", "amazonaws.com.cn", "on.aws", "api.aws"),
        *("on.amazonwebservices.com.cn", "api.amazonwebservices.com.cn"),
    )
    suffix: str = ""
    home: Registry | None = None
    emulator: str = ""

    def registry(self, host: str) -> Registry | None:
        """Return the ECR registry of a host, or None for any other registry.

        A host with a port is taken for a registry of the emulator where the endpoint of the environment is on that
        host, below it or on the loopback.
        """
        name = _PORT.sub("", host)
        ecr = _ECR.fullmatch(name)
        if name == host:
            return Registry(ecr["account"], ecr["region"]) if ecr and ecr["suffix"] in self.suffixes else None
        if not self.emulator or not self._is_emulated(name):
            return None
        return Registry(ecr["account"], ecr["region"]) if ecr else self.home

    def usual_host(self, registry: Registry) -> str:
        """Return the host by which AWS names an ECR registry."""
        suffix = self.suffix or ("amazonaws.com.cn" if registry.region.startswith("cn-") else "amazonaws.com")
        return f"{registry.account}.dkr.ecr.{registry.region}.{suffix}"

    def _is_emulated(self, name: str) -> bool:
        return name == self.emulator or name.endswith(f".{self.emulator}") or is_loopback(self.emulator)


def is_loopback(host: str) -> bool:
    """Return True if a host without its port is this machine."""
    return _LOOPBACK.fullmatch(host) is not None


KNOWN_HOSTS = RegistryHosts()
"""The hosts that are known without the endpoint data of an AWS library: those of most accounts."""
