"""The places to which a Dockerfile copies the code, to propose a `source` by."""

from __future__ import annotations

import json
import posixpath
import shlex
from pathlib import Path


def copied_folders(root: Path) -> dict[str, str]:
    """Return the folders that the Dockerfile in `root` copies into the image: by their local path, their place in it.

    Only what the last stage copies from the build context counts. It is a proposal for people, not evidence.
    """
    try:
        lines = (root / "Dockerfile").read_text(encoding="utf-8", errors="replace").replace("\\\n", " ").splitlines()
    except OSError:
        return {}
    folders: dict[str, str] = {}
    working_dir = "/"
    for line in lines:
        words = _words(line)
        instruction = words[0].upper() if words else ""
        if instruction == "FROM":
            folders, working_dir = {}, "/"
        elif instruction == "WORKDIR" and len(words) > 1:
            working_dir = posixpath.join(working_dir, words[1])
        elif instruction in {"COPY", "ADD"} and not any(word.startswith("--from") for word in words):
            *sources, target = [word for word in words[1:] if not word.startswith("--")] or [""]
            # What is in a folder is copied, not the folder itself.
            for source in sources:
                if source.strip("./") and (root / source).is_dir():
                    folders[source.strip("./")] = posixpath.normpath(posixpath.join(working_dir, target))
    return folders


def _words(line: str) -> list[str]:
    """Return the words of an instruction, written plainly or as a JSON array; none where they are malformed."""
    instruction, _, rest = line.strip().partition(" ")
    try:
        if rest.lstrip().startswith("["):
            return [instruction, *map(str, json.loads(rest))]
        return shlex.split(line, comments=True)
    except ValueError:
        return []
