"""Two things that disagree, one below the other: what was expected, and what was seen."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from msgspec import Struct

from pytest_deploycheck.facts.image import Image
from pytest_deploycheck.facts.snapshot import Judged
from pytest_deploycheck.judge.analysis.newest_rollout import Outcome
from pytest_deploycheck.judge.finding import IMAGE_REPOSITORY, ROLLOUT_COMPLETE, TASKS_RUN_IMAGE, Finding, Status
from pytest_deploycheck.judge.wording import plural
from pytest_deploycheck.report.model import ServiceReport

_HEX = len("sha256:")
_SHORT = 12


class Side(Struct, frozen=True):
    """One of the things that are compared.

    Attributes:
        label: Its name, such as `expected` or `running`.
        what: The value: a digest as Docker shortens it, a time, a repository.
        is_expected: Whether it is the side that was expected.
        happened: What happened at `at`, such as `pushed`.
        at: When it happened; None where that is not known.
        detail: More about it, such as the tags of an image.
    """

    label: str
    what: str = ""
    is_expected: bool = False
    happened: str = ""
    at: datetime | None = None
    detail: str = ""


class Disagreement(Struct, frozen=True):
    """A disagreement.

    Attributes:
        sentence: Its summary, which leaves the values to the sides.
        sides: What disagrees, the expected first.
    """

    sentence: str
    sides: tuple[Side, ...]


def disagreement(service: ServiceReport, finding: Finding) -> Disagreement | None:
    """Return the disagreement that a failed check found; None where its own summary is the better account."""
    if finding.status is not Status.FAIL:
        return None
    if finding.id == TASKS_RUN_IMAGE.id:
        return _images(service)
    if finding.id == ROLLOUT_COMPLETE.id and service.rollout.outcome is Outcome.NOT_STARTED:
        return _never_started(service)
    if finding.id == IMAGE_REPOSITORY.id:
        return _repositories(finding)
    return None


def short_hex(digest: str | None) -> str:
    """Return a digest as Docker shortens ids: its first 12 hexadecimal digits."""
    return digest[_HEX : _HEX + _SHORT] if digest else "unknown"


def _images(service: ServiceReport) -> Disagreement | None:
    """The expected image, and below it those that tasks run instead."""
    for judged in service.facts.judged:
        others = Counter(
            task.digest_of(judged.container)
            for task in service.facts.running
            if service.analysis.matches.container(judged, task).is_other
        )
        if others and judged.expected.digest:
            number, of = sum(others.values()), len(service.facts.running)
            sides = [_expected(judged)]
            sides += [_running(service, digest, count) for digest, count in others.items()]
            where = f" in container {judged.container}" if len(service.facts.judged) > 1 else ""
            verb = "runs" if number == 1 else "run"
            return Disagreement(f"{number} of {plural(of, 'task')} {verb} another image{where}", tuple(sides))
    return None


def _expected(judged: Judged) -> Side:
    expected = judged.expected
    return Side(
        "expected",
        short_hex(expected.digest),
        is_expected=True,
        happened="pushed",
        at=expected.pushed_at,
        detail=expected.reference.tag or _tags(expected.image),
    )


def _running(service: ServiceReport, digest: str | None, count: int) -> Side:
    image = service.facts.image_of(digest) if digest else None
    return Side(
        "running",
        short_hex(digest),
        happened="pushed",
        at=image.pushed_at if image else None,
        detail=_tags(image) or plural(count, "task"),
    )


def _tags(image: Image | None) -> str:
    return ", ".join(image.tags) if image else ""


def _never_started(service: ServiceReport) -> Disagreement | None:
    """The push of the image, and below it the newest rollout, which began before."""
    pushed_at = max((moment for one in service.facts.judged if (moment := one.expected.pushed_at)), default=None)
    began_at = service.rollout.started_at
    if pushed_at is None or began_at is None or began_at >= pushed_at:
        return None
    sides = (
        Side("pushed", is_expected=True, at=pushed_at),
        Side("last rollout", at=began_at),
    )
    return Disagreement("NOT_STARTED: no rollout began since the image was pushed", sides)


def _repositories(finding: Finding) -> Disagreement | None:
    expected, pulled = finding.evidence.get("expected"), finding.evidence.get("pulled")
    if not expected or not pulled:
        return None
    sides = (Side("expected", str(expected), is_expected=True), Side("pulls from", str(pulled)))
    return Disagreement("the service pulls from another repository", sides)
