"""Three questions about an image of 300 MB: what they cost, against copying it with skopeo and unpacking it with umoci.

The registry is on this machine, so that copying is as fast as it can be.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from image_build import FILES
from image_peers import Peer, not_installed, peers
from image_registry import ImageWorld, Served
from meter import Run, clean_environ, metered

from pytest_deploycheck.judge.wording import plural

ROUNDS = 3
LIMIT = 60.0
"""Seconds after which a program is stopped."""

_SMALL = 10_000_000
_CLIENT = str(Path(__file__).with_name("image_client.py"))
_QUESTIONS = {
    "read": ("one file of the uppermost layer", ROUNDS),
    "compare": (f"a source tree of {FILES:,} files, compared", ROUNDS),
    "exists": ("a path that is in no layer", 1),
}
"""What is asked, in words, and how often."""


@dataclass(frozen=True)
class Cost:
    """The cost of an answer.

    Attributes:
        name: Who gave it.
        answer: What it was; empty where there was none.
        seconds: The time of the question.
        started: The time of the question with the start of the program.
        megabytes: The peak of the memory.
        served: What was fetched.
        kept: Bytes that were written and kept where they were meant to be.
        left: Bytes that were written elsewhere.
    """

    name: str
    answer: str
    seconds: float
    started: float
    megabytes: float
    served: Served
    kept: int
    left: int = 0

    def __str__(self) -> str:
        if not self.answer:
            return f"{self.name}: no answer"
        start = f" ({self.started:.2f} s with the start of Python)" if self.started != self.seconds else ""
        fetched = f"{_megabytes(self.served.received)} MB fetched in {plural(self.served.requests, 'request')}"
        elsewhere = f" and {_megabytes(self.left)} MB elsewhere" if self.left else ""
        kept = f"{_megabytes(self.kept)} MB on disk{elsewhere}"
        return f"{self.name}: {self.seconds:.2f} s{start}, {fetched}, {kept}, {self.megabytes:.0f} MB of memory"


def measure() -> str:
    """Print the cost of each program and the ratios, in one run on one image."""
    with ImageWorld() as world:
        opened = {peer.name: _opened(world, peer) for peer in peers()}
        costs = {
            question: [*ours(world, question), *(cost[question] for cost in opened.values())] for question in _QUESTIONS
        }
        sizes = ", ".join(f"{size / 1e6:.1f}" for size in world.layers)
        least = world.layers[-1] + world.beside
    lines = [f"an image with layers of {sizes} MB, the sources in the uppermost:"]
    for question, (words, _) in _QUESTIONS.items():
        cold = costs[question][0]
        if question == "exists":
            memory = cold.megabytes / costs["read"][0].megabytes
            told = f"{_times(cold.served)}, {memory:.2f} times the memory of one file"
        else:
            told = f"{cold.served.received / least:.2f} times the bytes of manifest, configuration and uppermost layer"
        lines += [f" {words}, {told}:", *_told(costs[question])]
    return "\n".join(lines) + not_installed()


def ours(world: ImageWorld, question: str, *, limit: float = LIMIT) -> tuple[Cost, Cost]:
    """Return the cost of a question with nothing in the cache, and of the same once more."""
    colds: list[Cost] = []
    warms: list[Cost] = []
    _, rounds = _QUESTIONS[question]
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="benchmarks-cache-") as folder:
            cache, elsewhere = Path(folder, "cache"), Path(folder, "elsewhere")
            elsewhere.mkdir()
            command = [sys.executable, _CLIENT, question, world.reference, str(cache), str(world.root)]
            environ = _environ({"TMPDIR": str(elsewhere), "HOME": str(elsewhere)})
            for name, costs in (("ours, cold", colds), ("ours, warm", warms)):
                world.served()
                run = metered(command, environ, limit=limit)
                seconds, _, answer = run.output.strip().partition(" ")
                costs.append(
                    Cost(
                        name,
                        answer,
                        float(seconds or run.seconds),
                        run.seconds,
                        run.megabytes,
                        world.served(),
                        _bytes_in(cache),
                        _bytes_in(elsewhere),
                    )
                )
    return _median(colds), _median(warms)


def _opened(world: ImageWorld, peer: Peer) -> dict[str, Cost]:
    """Each question to a peer: its image is made a folder once, and that counts for each of them."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-copy-") as folder:
        copy = Path(folder, "copy")
        copy.mkdir()
        environ = _environ(peer.environ(world, copy))
        world.served()
        opening = _shell(peer.opening, environ)
        served = world.served()
        costs = {}
        for question, script in peer.questions.items():
            run = _shell(script, environ)
            seconds = opening.seconds + run.seconds
            is_done = opening.is_done and run.is_done
            memory = max(opening.megabytes, run.megabytes)
            answer = run.output.strip() if is_done else ""
            costs[question] = Cost(peer.name, answer, seconds, seconds, memory, served, _bytes_in(copy))
        return costs


def _shell(script: str, environ: Mapping[str, str]) -> Run:
    return metered(["sh", "-c", script], environ, limit=LIMIT)


def _environ(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment for a process that has made-up credentials and looks for no others."""
    return clean_environ({"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", **variables})


def _bytes_in(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.3f}" if size < _SMALL else f"{size / 1e6:.0f}"


def _times(served: Served) -> str:
    if set(served.layers) == {1}:
        return "every layer fetched once"
    return f"the layers fetched {', '.join(map(str, served.layers))} times"


def _median(costs: list[Cost]) -> Cost:
    middle = statistics.median_low(cost.seconds for cost in costs)
    return next(cost for cost in costs if cost.seconds == middle)


def _told(costs: list[Cost]) -> list[str]:
    cold, warm, *others = costs
    lines = [f"  {cold}", f"  {warm}"]
    for other in others:
        differs = "" if other.answer == cold.answer else f", another answer: {other.answer!r}"
        lines.append(
            f"  {other} ({other.seconds / cold.seconds:.1f} times the time of cold, "
            f"{other.seconds / warm.seconds:.1f} times that of warm{differs})"
        )
    return lines


if __name__ == "__main__":
    print(measure())
