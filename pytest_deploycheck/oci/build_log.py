"""The output of a build: which steps it had, which of them came from the cache, and the digest it ended with."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from pytest_deploycheck.facts.build import BuildLog, BuildStep

BUILDKIT = "buildkit"
CLASSIC = "classic"

# A terminal's control sequences, and those among them that move the cursor to where another line begins.
_CONTROL = re.compile(
    r"\x1b(?:\[[0-?]*+[ -/]*+(?P<final>[@-~])?|\][^\x07\x1b]*+\x07?|_[^\x07\x1b\r\n]*+\x07?|[@-Z\\^_78=>c])?"
)
_MOVES = frozenset("ABEFGHdf")
_FORWARD = "C"

# What continuous integration and `docker compose` put before a line. Every repetition is bounded, so that a long line
# costs no more than its length.
_PREFIX = re.compile(
    r"""
    (?: [^\t]{1,100} \t [^\t]{1,100} \t )?                                       # job and step, as gh prints them
    (?:
        \ufeff
        | \[? \d{4} [-/] \d\d [-/] \d\d [T ] \d\d:\d\d:\d\d (?: [.,] \d{1,9} )? (?: Z | [+-] \d\d :? \d\d )? \]?
        | \[? \d\d:\d\d:\d\d (?: [.,] \d{1,9} )? \]?
        | \d\d [OE] \+? (?= [ ] )                                                # the stream, as GitLab marks it
        | \[ [\w./:@-] [\w./:@ -]{0,60} \]                                       # [build]
        | [\w./-]{1,60} [ ]{0,20} \|                                             # build  |
        | [ \t]{1,60}
    ){0,12}
    """,
    re.VERBOSE | re.ASCII,
)
_BARE = ("#", "=>", "[+]", "Step ", "STEP ", "--->", "--> ")

_VERTEX = re.compile(r"#(?P<vertex>\d{1,6}) (?P<said>\S.*)", re.ASCII)
_STATE = re.compile(r"(?:(?P<cached>CACHED)|DONE(?: \d+\.\d+s)?|CANCELED|ERROR(?:: .*)?)", re.ASCII)
_STARTED = 'building with "'
_EXPORTING = "exporting to image"
_OWN = frozenset({"internal", "auth"})

_DRAWN = re.compile(r"=> (?P<states>(?:(?:CACHED|ERROR|CANCELED) ){0,3})(?P<said>\[.*)", re.ASCII)
_DRAWN_MORE = "=> => "
_HEADING = re.compile(r"\[\+\] Building (?P<seconds>\d{1,9}\.\d{1,9})s \(\d+/\d+\)(?P<state>.*)", re.ASCII)
_SECONDS = re.compile(r"\d+\.\d+s", re.ASCII)

_CLASSIC_STEP = re.compile(
    r"Step (?P<number>\d{1,6}/\d{1,6}) ?: (?P<instruction>(?:ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK"
    r"|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER|VOLUME|WORKDIR)\b.*)",
    re.ASCII | re.IGNORECASE,
)
# Docker draws the longer arrow, buildah and podman the shorter one.
_CLASSIC_ARROWS = ("---> ", "--> ")

_NUMBER = re.compile(r"\d{1,6}/\d{1,6}", re.ASCII)

# What tells the image's digest, the more telling first: what a registry has, then what the builder made of it.
_IMAGES = (
    re.compile(r"pushing manifest for [^\s@]+@(sha256:[0-9a-f]{64})\b|[\w.-]{1,128}: digest: (sha256:[0-9a-f]{64})\b"),
    re.compile(r"exporting manifest list (sha256:[0-9a-f]{64})\b"),
    re.compile(r"exporting manifest (sha256:[0-9a-f]{64})\b"),
    re.compile(r"writing image (sha256:[0-9a-f]{64})\b"),
)


class _Step(Struct):
    """A step while its log is read."""

    number: str
    instruction: str
    is_cached: bool = False
    is_settled: bool = False


def parse_build_log(text: str) -> BuildLog:
    """Read what `docker build`, `docker buildx build` or `docker compose build` printed.

    Plain output of BuildKit, what BuildKit draws on a terminal, and output of the builder before it; with or without
    the prefixes of continuous integration. The builder's own steps, such as `[internal] load build context`, and what
    is no instruction are left out.

    Each step of each platform, and of each build in the log, is a step of its own: one that came from the cache for
    one platform and ran for another is there twice, with the platform in its number. In plain output the first
    verdict on a step stands: one that ran and is then found in the cache did run, and one from the cache is still
    from there when its layer is fetched later. On a terminal it is what was drawn last. A step without a verdict, as
    one that failed, is not from the cache.

    The digest is the one that was pushed, else that of the manifest list, else that of the manifest, else the image's
    id, which is the digest of its configuration. Where a log has several of a kind, it does not tell which is expected,
    and there is none.

    Args:
        text: The log. Lines may end in any way, and may be cut.

    Raises:
        ValueError: Nothing of it is a build log.
    """
    plain, screen, classic, digests = _Plain(), _Screen(), _Classic(), _Digests()
    for line in _lines(text):
        if line.startswith("#"):
            digests.read(plain.read(line))
        elif line.startswith(("=>", "[+]")):
            digests.read(screen.read(line))
        else:
            classic.read(line)
            digests.read(line)
    if plain.is_seen or screen.is_seen:
        return BuildLog(BUILDKIT, _steps([*plain.steps, *screen.steps]), digests.best())
    if classic.steps:
        return BuildLog(CLASSIC, _steps(classic.steps), digests.best())
    raise ValueError(
        "no output of docker build was found: expected lines such as '#7 [4/6] COPY app/ ./app/' or"
        " 'Step 4/6 : COPY app/ ./app/', which docker writes to the standard error (2>&1 saves them too)"
    )


def _steps(steps: list[_Step]) -> tuple[BuildStep, ...]:
    return tuple(BuildStep(step.number, step.instruction, step.is_cached) for step in steps)


def _lines(text: str) -> Iterator[str]:
    """The lines that are not blank, without what is no part of them."""
    if "\x1b" in text:
        text = _CONTROL.sub(_without_control, text)
    for match in re.finditer(r"[^\r\n]+", text):
        line = match[0].lstrip("\ufeff \t")
        if not line.startswith(_BARE):
            prefix = _PREFIX.match(line)
            line = line[prefix.end() :] if prefix else line
        if line := line.rstrip():
            yield line


def _without_control(match: re.Match[str]) -> str:
    final = match["final"]
    if final in _MOVES:
        return "\n"
    return " " if final == _FORWARD else ""


def _numbered(said: str) -> tuple[str, str] | None:
    """Number and instruction of `[stage-1  4/12] COPY app/ ./app/`; None for what is no step of the Dockerfile."""
    inside, bracket, instruction = said[1:].partition("]")
    words = inside.split()
    if not said.startswith("[") or not bracket or not words or not _NUMBER.fullmatch(words[-1]):
        return None
    return " ".join(words), instruction.strip()


def _is_own(said: str) -> bool:
    """Return True if it is a step of the builder's own, such as `[internal] load build context`."""
    return said[1:].partition("]")[0].rpartition(" ")[2] in _OWN


class _Plain:
    """Reads the plain output of BuildKit: lines that begin with the number of a vertex."""

    def __init__(self) -> None:
        self.is_seen = False
        self.steps: list[_Step] = []
        # Steps may be printed again, and two builds at a time may use a number for different ones.
        self._named: dict[tuple[str, str], _Step] = {}
        self._current: dict[str, _Step] = {}

    def read(self, line: str) -> str:
        """Take a line in; gives what it says, without the vertex."""
        match = _VERTEX.match(line)
        if match is None:
            return ""
        vertex, said = match["vertex"], match["said"]
        if said.startswith("["):
            self._name(vertex, said)
        elif state := _STATE.fullmatch(said):
            self._settle(vertex, is_cached=state["cached"] is not None)
        elif vertex == "0" and said.startswith(_STARTED):
            self._begin()
        elif said == _EXPORTING:
            self.is_seen = True
        return said

    def _begin(self) -> None:
        """Another build begins, and counts its vertices from the start."""
        self.is_seen = True
        self._named.clear()
        self._current.clear()

    def _name(self, vertex: str, said: str) -> None:
        known = self._named.get((vertex, said))
        # The first vertex is never opened again within a build.
        if known and known.is_settled and vertex == "1":
            self._begin()
            known = None
        if known is None:
            numbered = _numbered(said)
            known = _Step(*(numbered or ("", said)))
            self._named[vertex, said] = known
            if numbered:
                self.steps.append(known)
            self.is_seen = self.is_seen or numbered is not None or _is_own(said)
        self._current[vertex] = known

    def _settle(self, vertex: str, *, is_cached: bool) -> None:
        step = self._current.get(vertex)
        if step and not step.is_settled:
            step.is_cached = is_cached
            step.is_settled = True


class _Screen:
    """Reads what BuildKit draws on a terminal: every step many times, cut to the terminal's width."""

    def __init__(self) -> None:
        self.is_seen = False
        self.steps: list[_Step] = []
        self._drawn: dict[str, _Step] = {}
        self._is_finished = False
        self._seconds = 0.0

    def read(self, line: str) -> str:
        """Take a line in; gives what it says of a step's progress."""
        if line.startswith(_DRAWN_MORE):
            return line.removeprefix(_DRAWN_MORE)
        if match := _HEADING.fullmatch(line):
            self._head(float(match["seconds"]), is_finished=match["state"].lstrip().startswith("FINISHED"))
        elif match := _DRAWN.fullmatch(line):
            self._draw(_without_seconds(match["said"]), is_cached="CACHED" in match["states"])
        return ""

    def _head(self, seconds: float, *, is_finished: bool) -> None:
        self.is_seen = True
        # A build that fails is never said to be finished, but the next one begins at zero.
        if (self._is_finished and not is_finished) or seconds < self._seconds:
            self._drawn.clear()
        self._is_finished, self._seconds = is_finished, seconds

    def _draw(self, said: str, *, is_cached: bool) -> None:
        numbered = _numbered(said)
        if numbered is None or not numbered[1]:
            return
        number, instruction = numbered
        step = self._drawn.get(number)
        if step is None or not _is_same(step.instruction, instruction):
            step = self._drawn[number] = _Step(number, instruction)
            self.steps.append(step)
        step.instruction = max(step.instruction, instruction, key=len)
        step.is_cached = is_cached
        self.is_seen = True


def _without_seconds(said: str) -> str:
    """Return the drawn text without the time at the right."""
    head, _, last = said.rpartition(" ")
    return head.rstrip() if _SECONDS.fullmatch(last) else said


def _is_same(one: str, other: str) -> bool:
    """Return True if two texts can be the same, each cut somewhere."""
    one, other = one.rstrip("….\ufffd"), other.rstrip("….\ufffd")
    return one.startswith(other) or other.startswith(one)


class _Classic:
    """Reads the output of the builder before BuildKit."""

    def __init__(self) -> None:
        self.steps: list[_Step] = []

    def read(self, line: str) -> None:
        """Take a line in."""
        if match := _CLASSIC_STEP.fullmatch(line):
            self.steps.append(_Step(match["number"], match["instruction"]))
        elif line.startswith(_CLASSIC_ARROWS) and self.steps and not self.steps[-1].is_settled:
            # Only the first word on a step is the builder's for certain: what the step runs can print anything.
            said = line.partition(" ")[2]
            self.steps[-1].is_cached = said.startswith("Using cache")
            self.steps[-1].is_settled = not said.startswith("[Warning]")


class _Digests:
    """Collects the digests that a log tells of images."""

    def __init__(self) -> None:
        self._found: list[set[str]] = [set() for _ in _IMAGES]

    def read(self, said: str) -> None:
        """Take in a line."""
        if "sha256:" not in said:
            return
        for pattern, found in zip(_IMAGES, self._found, strict=True):
            if match := pattern.match(said):
                found.add(match[match.lastindex or 0])

    def best(self) -> str | None:
        """The most telling one, or None where there is none, or none alone."""
        digests = next(filter(None, self._found), set[str]())
        return digests.pop() if len(digests) == 1 else None
