"""The tags of images: those that move from image to image, and those that contain a commit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

SHORTEST_COMMIT = 7
"""The fewest hex digits of an abbreviated commit."""

WHOLE_COMMIT = 40
"""The hex digits of a whole commit."""

_LONGEST_ABBREVIATION = 12
_PLATFORM_WORDS = re.compile(
    r"(?<![a-z0-9])(?:linux|windows|(?:amd64|x86[-_]64)(?:[-_.]?v[1-4])?|x64|386|i386|x86|arm64(?:v8)?|aarch64|arm32(?:v[567])?|arm(?:v[5678])?"
    r"|v[5678]|ppc64le|s390x|riscv64|ltsc\d{4}|win(?:32|64))(?![a-z0-9])"
)
_REGIONS = re.compile(
    r"(?<![a-z0-9])[a-z]{2,4}(?:-[a-z]{3,4})?-(?:north|south|east|west|central|(?:north|south)(?:east|west))-\d(?![a-z0-9])"
)
"""Names of AWS's regions, such as `eu-west-1` and `us-gov-east-1`: a tag for each region is moved by each build."""
_LATEST = re.compile(r"(?<![a-z0-9])latest(?![a-z0-9])")
_MAJOR_VERSION = re.compile(r"v?\d{1,2}")
# `git describe` puts a g before the commit.
_COMMIT = re.compile(r"(?<![0-9a-z])g?(?P<sha>[0-9a-f]{7,40})(?![0-9a-z])")
_DIRTY = re.compile(r"(?<![a-z0-9])dirty(?![a-z0-9])")
# In repositories of SHA-256 a commit has 64 digits; a tag of 64 digits is more often the digest of an image.
_CLAIMED_COMMIT = re.compile(r"(?<![0-9a-z])g?([0-9a-f]{7,64})(?![0-9a-z])")


def moves(tag: str, names: Iterable[str] = ()) -> bool:
    """Return True if builds move a tag from image to image, such as `latest`, `main`, `v1` or `prod-arm64`.

    A tag is taken for fixed where a digit remains after the words of platforms (`amd64`, `arm64v8`, `ltsc2022`), the
    names of regions and `names` are taken away. A major version alone, such as `v1` or `1`, moves; a longer number is
    that of a build. A tag with the word `latest` moves, whatever else it holds.

    Args:
        tag: The tag.
        names: Names whose digits do not count: the environment's and the region's.
    """
    rest = tag.lower()
    for name in sorted((name.lower() for name in names if name), key=len, reverse=True):
        rest = re.sub(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", "", rest)
    rest = _REGIONS.sub("", rest)
    rest = _PLATFORM_WORDS.sub("", rest).strip("-._")
    if _LATEST.search(rest) or _MAJOR_VERSION.fullmatch(rest):
        return True
    return not any(letter.isdigit() for letter in rest)


def is_commit(text: str) -> bool:
    """Return True if a text can be a commit of git: 7 to 64 hex digits, as repositories of SHA-256 have longer ones."""
    return re.fullmatch(r"[0-9a-f]{7,64}", text) is not None


def holds_commit(text: str, sha: str) -> bool:
    """Return True if a tag or a label contains a commit: at least its first seven hex digits, apart from other words.

    One that `git describe --dirty` marks as built from a changed checkout is not the code of the commit.

    Args:
        text: The tag or the label.
        sha: The commit, or at least its first seven digits.
    """
    lower = text.lower()
    if _DIRTY.search(lower):
        return False
    claims = _CLAIMED_COMMIT.findall(lower)
    return any(sha.startswith(claim) or claim.startswith(sha) for claim in claims)


def commit_in(tag: str) -> re.Match[str] | None:
    """Return the part of a tag that looks like a commit, with letters among its hex digits, as the group `sha`."""
    return next((match for match in _COMMIT.finditer(tag) if not match["sha"].isdigit()), None)


def stands_for_commit(tag: str, sha: str, own: str | None) -> bool:
    """Return True if a tag names the image of a commit.

    Args:
        tag: The tag.
        sha: The commit: the whole of it counts, and its first 7 to 12 digits.
        own: The tag in the task definition: a tag that differs from it only in the commit counts as well.
    """
    lower = tag.lower()
    version, _, rest = lower.rpartition("-")
    if version.startswith("v") and rest in _names_of(sha):
        return True
    return lower in map(str.lower, commit_tags(sha, own))


@lru_cache(maxsize=64)
def commit_tags(sha: str, own: str | None) -> tuple[str, ...]:
    """Return the tags that an image of a commit can have, as far as they are known without a list of all tags."""
    names = _names_of(sha)
    tags = [f"{prefix}{name}" for name in names for prefix in ("", "sha-", "git-")]
    for match in _COMMIT.finditer((own or "").lower()):
        tags += [f"{own[: match.start('sha')]}{name}{own[match.end('sha') :]}" for name in names if own]
    return tuple(dict.fromkeys(tags))


def _names_of(sha: str) -> tuple[str, ...]:
    """Return a commit as tags name it: the whole of it, and its first 12 to 7 digits."""
    return (sha, *(sha[:length] for length in range(_LONGEST_ABBREVIATION, SHORTEST_COMMIT - 1, -1)))
