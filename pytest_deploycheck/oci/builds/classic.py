"""The output of the builder before BuildKit, and of buildah and podman, which print their steps alike."""

from __future__ import annotations

import re

from pytest_deploycheck.oci.builds.step import INSTRUCTION, ReadStep

_STEP = re.compile(rf"Step (?P<number>\d{{1,6}}/\d{{1,6}}) ?: (?P<instruction>{INSTRUCTION})", re.ASCII | re.IGNORECASE)
# Early versions of buildah do not count the steps before. Without that a sentence can begin alike, in other letters.
_STEP_ALONE = re.compile(rf"STEP (?P<number>\d{{1,6}}): (?P<instruction>{INSTRUCTION})", re.ASCII)
# Docker draws the longer arrow, buildah and podman the shorter one.
_ARROWS = ("---> ", "--> ")


class Classic:
    """A reader of the output of the classic builder.

    Attributes:
        steps: The steps so far.
    """

    def __init__(self) -> None:
        self.steps: list[ReadStep] = []

    def read(self, line: str) -> None:
        """Take a line in."""
        if match := _STEP.fullmatch(line) or _STEP_ALONE.fullmatch(line):
            self.steps.append(ReadStep(match["number"], match["instruction"]))
        elif line.startswith(_ARROWS) and self.steps and not self.steps[-1].is_settled:
            # Only the first word on a step is the builder's for certain: what the step runs can print anything.
            text = line.partition(" ")[2]
            if not text.startswith("[Warning]"):
                self.steps[-1].settle(is_cached=text.startswith("Using cache"))
