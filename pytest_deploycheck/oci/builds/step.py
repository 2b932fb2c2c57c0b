"""A step of a build while its log is read, and the number that BuildKit gives it."""

from __future__ import annotations

import re

from msgspec import Struct

from pytest_deploycheck.facts.build import BuildStep

INSTRUCTION = (
    r"(?:ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER"
    r"|VOLUME|WORKDIR)\b.*"
)
"""The expression for an instruction of a Dockerfile."""

_NUMBER = re.compile(r"\d{1,6}/\d{1,6}", re.ASCII)
_INTERNAL = frozenset({"internal", "auth"})


class ReadStep(Struct):
    """A step of a build as far as its log was read.

    Attributes:
        number: The step's number as the log shows it, with the stage before it where there is one.
        instruction: The instruction.
        is_cached: True if the builder took the layer from its cache.
        is_settled: True if the log has shown the result of the step.
    """

    number: str
    instruction: str
    is_cached: bool = False
    is_settled: bool = False

    def settle(self, *, is_cached: bool) -> None:
        """Take in a result of the step; only the first one counts."""
        if not self.is_settled:
            self.is_cached = is_cached
            self.is_settled = True

    def fact(self) -> BuildStep:
        """Return the step as a fact."""
        return BuildStep(self.number, self.instruction, self.is_cached)


def numbered(name: str) -> tuple[str, str] | None:
    """Return number and instruction of `[stage-1  4/12] COPY app/ ./app/`; None for other names of BuildKit."""
    inside, bracket, instruction = name[1:].partition("]")
    words = inside.split()
    if not name.startswith("[") or not bracket or not words or not _NUMBER.fullmatch(words[-1]):
        return None
    return " ".join(words), instruction.strip()


def is_internal(name: str) -> bool:
    """Return True for a step of the builder itself, such as `[internal] load build context`."""
    return name.startswith("[") and name[1:].partition("]")[0].rpartition(" ")[2] in _INTERNAL
