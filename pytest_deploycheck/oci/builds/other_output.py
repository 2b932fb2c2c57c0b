"""Files that are mistaken for build logs, by what is typical of each."""

from __future__ import annotations

import re

_KINDS = (
    ("an empty file", re.compile(r"\s*\Z")),
    ("a web page", re.compile(r"\s*<(?:!doctype html|html|head|body)\b", re.IGNORECASE)),
    ("a compressed file", re.compile(r"\x1f|PK\x03\x04|BZh\d|\ufffd\ufffd?7zXZ|\(\ufffd/\ufffd")),
    ("a metadata file of docker buildx build (for --deploy-image=@FILE)", re.compile(r"\s*\{[^{}]*\"containerimage\.")),
    ("a metadata file of docker buildx build (for --deploy-image=@FILE)", re.compile(r"\s*\{\s*\"buildx\.build\.")),
    ("a Dockerfile", re.compile(r"(?:[ \t\r]*+(?:#[^\n]*+)?\n)*+(?:FROM|ARG) \S", re.IGNORECASE)),
    ("the output of docker build --quiet", re.compile(r"\s*sha256:[0-9a-f]{64}\s*\Z")),
)
"""What the beginning of a file shows."""

_LINES = (
    (
        "the output of Cloud Native Buildpacks",
        re.compile(r"^[ \t]*+(?:\[creator\][ \t]*+)?(?:===> |\[(?:detector|builder|exporter)\] )", re.MULTILINE),
    ),
    ("the output of Jib", re.compile(r"Containerizing application (?:to|with) |Built and pushed image as ")),
    ("the output of Bazel", re.compile(r"^INFO: (?:Analyzed|Build completed|Found \d+ target)", re.MULTILINE)),
    ("the output of Earthly", re.compile(r"^ *\+[\w./-]{1,60} \| |Init 🚀", re.MULTILINE)),
    ("the output of Nix", re.compile(r"^building '/nix/store/", re.MULTILINE)),
    ("the output of docker images", re.compile(r"^REPOSITORY +TAG +", re.MULTILINE)),
    ("the output of docker ps", re.compile(r"^CONTAINER ID +IMAGE +", re.MULTILINE)),
    ("the output of ko", re.compile(r"Using base \S+ for \S+|Publishing \S+:latest")),
    ("the output of docker push", re.compile(r"The push refers to repository |: digest: sha256:[0-9a-f]{64} size: ")),
    (
        "the output of docker pull",
        re.compile(r": Pulling from |Status: (?:Downloaded newer image|Image is up to date)"),
    ),
    ("the output of pytest", re.compile(r"^=+ test session starts =+|^collected \d+ items?$", re.MULTILINE)),
)
"""What a line anywhere in a file shows."""

_SEARCHED = 200_000
"""Characters that are searched: enough to know a program by."""


def kind_of(text: str) -> str | None:
    """Return what a text without build steps looks like, or None where nothing is typical of it."""
    text = text[:_SEARCHED].lstrip("\ufeff")
    for kind, beginning in _KINDS:
        if beginning.match(text):
            return kind
    return next((kind for kind, line in _LINES if line.search(text)), None)
