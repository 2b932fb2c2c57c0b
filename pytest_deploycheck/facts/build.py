"""The log of a build."""

from __future__ import annotations

from msgspec import Struct


class BuildStep(Struct, frozen=True):
    """A step of a build that brought files into the image.

    Attributes:
        number: The step's number as the log shows it, such as `4/6`, with the stage before it where there is one; empty
            where the builder does not number its steps.
        instruction: The instruction, such as `COPY app/ ./app/`.
        is_cached: True if the builder took the layer from its cache.
    """

    number: str
    instruction: str
    is_cached: bool

    @property
    def brings_files(self) -> bool:
        """Return True for a COPY or an ADD."""
        return self.instruction.split(" ", 1)[0].upper() in {"COPY", "ADD"}


class BuildLog(Struct, frozen=True):
    """The output of `docker build` or another builder.

    Attributes:
        builder: The builder: `buildkit`, `classic` (the builder before it, buildah and podman) or `kaniko`.
        steps: The steps, in the order in which they first appear.
        digest: The digest of the image that was built or pushed, where the log shows it.
    """

    builder: str
    steps: tuple[BuildStep, ...]
    digest: str | None = None

    @property
    def copies(self) -> tuple[BuildStep, ...]:
        """The COPY and ADD steps."""
        return tuple(step for step in self.steps if step.brings_files)
