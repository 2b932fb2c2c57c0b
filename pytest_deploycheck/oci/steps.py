"""The build steps in the history of an image: their text, and the places they can have written to."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from pytest_deploycheck.facts.image import Step
from pytest_deploycheck.oci.files.paths import common_folder, is_within, joined, place_of

_BUILDKIT = re.compile(r"\s*# buildkit\s*\Z")
_NO_OPERATION = re.compile(r"/bin/sh -c #\(nop\)\s+")

# `|1 NAME=value` are the build arguments that the command could see; with a value of several words only the shell ends.
_SHELL = r"(?:/usr)?/bin/(?:ba|da|a|k|z)?sh(?: -[a-z]+| pipefail)*? -[a-z]*c "
_RUN = re.compile(rf"(?:RUN )?(?:\|\d+ .*?)?{_SHELL}", re.DOTALL)

_INSTRUCTIONS = frozenset(
    (
        *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER"),
        *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME"),
    )
)
_CLASSIC_COPY = re.compile(r"(?:file|dir|multi):\S+ in\b(.*)")

# Texts with these are not taken for a path: variables, escapes, quotes, heredocs, drives of Windows.
_UNCLEAR = re.compile(r"""[$\\"'`\n<>*?\[\]]|\A[A-Za-z]:""")

# Links in the images of most distributions: what is copied there is in the layer under another path.
_USUAL_LINKS = (
    *("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr/lib64", "usr/sbin", "usr/tmp"),
    *("etc/mtab", "var/lock", "var/mail", "var/run"),
)


def step_name(created_by: str) -> str:
    """A step of a build as its author would recognise it: the instruction, without the builder's additions.

    The values of build arguments, which may be secret, are not in it, and neither are control characters.
    """
    words = " ".join(_instruction(created_by).split())
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in words)


def destinations(steps: Sequence[Step]) -> tuple[str | None, ...]:
    """Return the only place to which each layer can have been written.

    Of a COPY, an ADD or a WORKDIR that is an absolute path: nothing but it, what is below it and the folders on the way
    to it can be in the layer. It is None for every other step, and wherever the history leaves a doubt: a relative path
    below a working directory that no step names, a variable, a path that is a link in many images.

    A link that only this image has cannot be seen in the history: what is copied to it stands elsewhere in the layer.

    Args:
        steps: The history, from the bottom up, with the steps that made no layer.

    Returns:
        A path or None for each step that made a layer, so that there is one for each layer.
    """
    found: list[str | None] = []
    folder: str | None = None
    for step in steps:
        instruction, _, operands = _instruction(step.created_by).partition(" ")
        place = None
        if instruction == "WORKDIR":
            folder = place = _resolved(operands.strip(), folder)
        elif instruction in {"COPY", "ADD"}:
            place = _written(_without_flags(operands), folder)
        elif instruction not in _INSTRUCTIONS:
            folder = None  # another tool, which may have set the working directory without a step
        if not step.is_empty:
            is_known = place is not None and not any(is_within(place, link) for link in _USUAL_LINKS)
            found.append(f"/{place}" if is_known else None)
    return tuple(found)


def can_hold(destination: str | None, path: str) -> bool:
    """Return True if a layer that was written to `destination` can have or remove `path`.

    Args:
        destination: One of `destinations`.
        path: An absolute path.
    """
    if destination is None:
        return True
    place, written = place_of(path), place_of(destination)
    return is_within(place, written) or is_within(written, place)


def _instruction(created_by: str) -> str:
    """The instruction of a step, with its operands as they were written."""
    text = _BUILDKIT.sub("", created_by).strip()
    if nop := _NO_OPERATION.match(text):
        return text[nop.end() :].strip()
    if run := _RUN.match(text):
        return f"RUN {text[run.end() :].strip()}"
    return text


def _without_flags(operands: str) -> str:
    rest = operands.strip()
    while rest.startswith("--"):
        rest = rest.partition(" ")[2].strip()
    return rest


def _written(operands: str, folder: str | None) -> str | None:
    """The place that a COPY or ADD with these operands writes to, or one above it; None where that is not known."""
    if operands.startswith("["):
        return _resolved(_last_of(operands), folder)
    if classic := _CLASSIC_COPY.fullmatch(operands):
        return _resolved(classic[1].strip(), folder)
    if "\n" in operands:
        return None  # a heredoc
    # A builder joins the operands with spaces, and does not quote those within them: the last words may be one path.
    words = operands.split()
    meanings: list[str] = []
    for at in range(len(words) - 1, 0, -1):
        place = _resolved(" ".join(words[at:]), folder)
        if place is None:
            return None
        meanings.append(place)
        if words[at].startswith("/"):
            break
    return common_folder(meanings) if meanings else None


def _last_of(operands: str) -> str:
    """Return the last operand of the JSON form, or an empty text where it is not one."""
    try:
        words = json.loads(operands)
    except (ValueError, RecursionError):
        return ""
    is_text = isinstance(words, list) and len(words) > 1 and isinstance(words[-1], str)
    return words[-1] if is_text else ""


def _resolved(path: str, folder: str | None) -> str | None:
    """Return the place of a path in a working directory; None where it is not known."""
    if not path or _UNCLEAR.search(path):
        return None
    if path.startswith("/"):
        return place_of(path)
    return None if folder is None else place_of(joined(folder, path))
