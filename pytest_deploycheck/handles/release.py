"""The release, as a test holds it: the image that was named to be shipped, and the commit."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.commit import Commit
from pytest_deploycheck.facts.snapshot import Lookup, Namer, ServiceFacts

_NAMERS: frozenset[Namer] = frozenset({"option", "configuration", "commit"})
"""Who names an image that was to be shipped; the task definition only names the one that runs."""


class Release(Struct, frozen=True):
    """The release that was to be shipped, as it was named: by option, in the configuration, or by the commit.

    Attributes:
        service: The service, by its name in the configuration.
        commit: The commit of the checkout or of the CI's build, or None where it is not known or does not count.
    """

    service: str
    commit: str | None
    _named: Mapping[str, Lookup] = field(default_factory=dict)

    @property
    def reference(self) -> str | None:
        """The image that was named, with its registry and repository; None where none was named.

        Raises:
            UnprovenError: Several containers are judged, each with an image of its own.
        """
        return self._agreed({container: str(lookup.reference) for container, lookup in self._named.items()})

    @property
    def tag(self) -> str | None:
        """The tag that was named; None where the image was named by its digest, or not at all.

        Raises:
            UnprovenError: Several containers are judged, whose images have different tags.
        """
        return self._agreed({container: lookup.reference.tag for container, lookup in self._named.items()})

    @property
    def digest(self) -> str | None:
        """The digest that was named, or that the registry has for the tag; None where neither is known.

        Raises:
            UnprovenError: Several containers are judged, each with an image of its own.
        """
        return self._agreed({container: lookup.digest for container, lookup in self._named.items()})

    def _agreed(self, values: Mapping[str, str | None]) -> str | None:
        """Return the value that all judged containers have."""
        if len(set(values.values())) > 1:
            listed = ", ".join(f"{container}: {value}" for container, value in values.items())
            raise UnprovenError(
                f"Several containers of {self.service!r} are judged, each with an image of its own ({listed}), so it "
                f"is not known which one is asked for. Name one: container = {next(iter(values))!r} in the "
                "configuration of the service."
            )
        return next(iter(values.values()), None)

    def __repr__(self) -> str:
        named = ", ".join(dict.fromkeys(str(lookup.reference) for lookup in self._named.values()))
        return f"<release of {self.service}: {named or 'no image was named'}, commit {self.commit or 'not known'}>"


def release(facts: ServiceFacts, commit: Commit | None) -> Release:
    """Return the release of a service.

    Args:
        facts: The facts of the service.
        commit: The commit of the checkout or of the CI's build, or None.
    """
    named = {judged.container: judged.expected for judged in facts.judged if judged.namer in _NAMERS}
    return Release(facts.name, commit.sha if commit else None, named)
