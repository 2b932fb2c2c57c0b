"""One service as a page shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from pytest_deploycheck.config.settings import CHAIN
from pytest_deploycheck.judge.finding import Finding, Status
from pytest_deploycheck.judge.verdict import Verdict
from pytest_deploycheck.judge.wording import at
from pytest_deploycheck.report.compared import disagreement
from pytest_deploycheck.report.finding import closer_look
from pytest_deploycheck.report.html.digests import Digests
from pytest_deploycheck.report.html.images import ImageCard, LayerTable, image_cards, layer_table
from pytest_deploycheck.report.html.marking import MarkedLine, marked, patterns_of
from pytest_deploycheck.report.html.pictures import Picture, Story
from pytest_deploycheck.report.links import (
    MARKS,
    breaking_finding,
    for_reader,
    proof_of,
    sentence_of,
    weight,
    what_would_prove,
)
from pytest_deploycheck.report.model import RunReport, ServiceReport
from pytest_deploycheck.report.moments import when

_QUESTIONS = {
    "image": "Is the expected image in the registry, and tied to this release?",
    "rollout": "Did a rollout to it start and complete?",
    "tasks": "Does every running task run it?",
    "logs": "Do its tasks log what was expected?",
    "health": "Are they healthy?",
}


class LinkView(Struct, frozen=True):
    """A link of the chain.

    Attributes:
        name: Its name.
        question: The question that it answers.
        status: Its status, `none` where nothing was checked.
        mark: The status in a word.
        is_broken: Whether it is the first broken link.
        is_beyond: Whether it comes after the broken link.
        text: The evidence in a sentence.
    """

    name: str
    question: str
    status: str
    mark: str
    is_broken: bool
    is_beyond: bool
    text: str


class SideView(Struct, frozen=True):
    """One of two things that disagree."""

    label: str
    what: str
    when: str
    detail: str
    is_expected: bool


class CheckView(Struct, frozen=True):
    """A check.

    Attributes:
        id: Its id.
        link: Its link.
        status: Its status.
        mark: The status in a word.
        summary: What it found.
        notes: Remarks.
        cause: The likely cause.
        remedy: What to do.
        command: The next command.
        lines: The log lines that it is about.
        details: Text for a closer look.
        evidence: What was compared, as JSON text.
    """

    id: str
    link: str
    status: str
    mark: str
    summary: str
    notes: tuple[str, ...]
    cause: str
    remedy: str
    command: str
    lines: tuple[MarkedLine, ...]
    details: str
    evidence: str


class ServiceView(Struct, frozen=True):
    """A service.

    Attributes:
        name: Its name.
        anchor: Its id on the page.
        verdict: The verdict on it.
        broken: The broken link; empty where there is none.
        headline: The verdict in a sentence.
        links: The links of the chain.
        sides: What disagrees.
        reason: The sentence of the check that broke the link.
        cause: The likely cause.
        remedy: What to do.
        command: The next command.
        rollback: The image to roll back to, where that is proposed.
        rollback_command: The command that rolls back.
        lines: The log lines that broke the link.
        images: The expected image and those that run.
        story: What the timeline shows, in a sentence.
        pictures: The timeline in its sizes.
        moments: The timeline as a table: when, what, detail, source.
        layers: The layers, old against new.
        checks: The checks.
        skipped: How many of them were skipped.
        tests: The tests that used the fixtures, with their outcomes.
        advice: Recommendations.
        left_out: The checks that were not selected.
    """

    name: str
    anchor: str
    verdict: str
    broken: str
    headline: str
    links: tuple[LinkView, ...]
    sides: tuple[SideView, ...]
    reason: str
    cause: str
    remedy: str
    command: str
    rollback: str
    rollback_command: str
    lines: tuple[MarkedLine, ...]
    images: tuple[ImageCard, ...]
    story: str
    pictures: tuple[Picture, ...]
    moments: tuple[tuple[str, str, str, str], ...]
    layers: LayerTable | None
    checks: tuple[CheckView, ...]
    skipped: int
    tests: tuple[tuple[str, str], ...]
    advice: tuple[str, ...]
    left_out: tuple[str, ...]


def service_view(service: ServiceReport, report: RunReport, number: int) -> ServiceView:
    """Return the view of a service.

    Args:
        service: The result for it.
        report: The run.
        number: Its number on the page, for ids.
    """
    now, digests = report.observation.observed_at, Digests(service.facts)
    broken = service.broken_link
    first = breaking_finding(service, broken)
    compared = disagreement(service, first) if first else None
    story = Story(service.analysis, service.findings, digests, now)
    proposed = service.proposed_rollback
    return ServiceView(
        name=service.name,
        anchor=f"service-{number}",
        verdict=str(service.verdict),
        broken=broken or "",
        headline=_headline(service, first, now),
        links=tuple(_link(link, service, now) for link in CHAIN),
        sides=tuple(
            SideView(
                one.label,
                one.what,
                " ".join(filter(None, [one.happened, when(one.at, now)])) if one.at else "",
                one.detail,
                one.is_expected,
            )
            for one in (compared.sides if compared else ())
        ),
        reason=sentence_of(first, service, now) if first else "",
        cause=for_reader(first.cause, service, now) if first else "",
        remedy=first.remedy if first else what_would_prove(broken),
        command=first.command if first else "",
        rollback=str(proposed) if proposed else "",
        rollback_command=proposed.command if proposed else "",
        lines=_log_lines(first) if first else (),
        images=tuple(image_cards(service, digests, now)),
        story=story.caption,
        pictures=story.pictures(f"timeline-{number}"),
        moments=tuple((when(one.at, now), one.what, one.detail, one.source) for one in service.timeline),
        layers=layer_table(service),
        checks=tuple(_check(finding, service, now) for finding in service.findings),
        skipped=sum(finding.status is Status.SKIP for finding in service.findings),
        tests=tuple((test.nodeid, test.outcome) for test in report.tests_of(service)),
        advice=service.advice,
        left_out=service.judgement.left_out,
    )


def _headline(service: ServiceReport, first: Finding | None, now: datetime) -> str:
    """The verdict in a sentence: the cause, else what was found."""
    if service.verdict is Verdict.VERIFIED:
        return "What was to be shipped runs, and works."
    if first:
        return for_reader(first.cause or first.summary, service, now)
    if service.broken_link:
        return "Nothing proves this link."
    return "A test did not pass, or checks that a verdict needs were not selected."


def _link(link: str, service: ServiceReport, now: datetime) -> LinkView:
    asked = sorted(service.asked(link), key=weight)
    broken = service.broken_link
    is_beyond = broken in CHAIN and CHAIN.index(link) > CHAIN.index(broken)
    if not asked:
        return LinkView(link, _QUESTIONS[link], "none", "not checked", link == broken, is_beyond, "nothing was checked")
    worst = asked[0]
    text = proof_of(asked, service, now) if worst.is_good else sentence_of(worst, service, now)
    mark = MARKS[worst.status]
    return LinkView(link, _QUESTIONS[link], str(worst.status), mark, link == broken, is_beyond, text)


def _check(finding: Finding, service: ServiceReport, now: datetime) -> CheckView:
    return CheckView(
        id=finding.id,
        link=finding.link,
        status=str(finding.status),
        mark=MARKS[finding.status],
        summary=for_reader(finding.summary, service, now),
        notes=finding.notes,
        cause=for_reader(finding.cause, service, now),
        remedy=finding.remedy,
        command=finding.command,
        lines=_log_lines(finding),
        details="\n".join(closer_look(finding)),
        evidence=_json(finding.evidence),
    )


def _log_lines(finding: Finding) -> tuple[MarkedLine, ...]:
    """The lines that an expectation matched; else those most like it, or the last ones of tasks that crashed."""
    evidence: Any = finding.evidence
    patterns = patterns_of(evidence)
    is_forbidden = finding.status is Status.FAIL and finding.is_proof
    lines = [marked(text, patterns, is_forbidden=is_forbidden) for text in evidence.get("matches", ())]
    if not lines and finding.logs:
        near = [f"{at(one.line.at)} {one.line.task} {one.line.text}" for one in finding.logs.near_misses]
        last = [f"{at(one.at)} {one.task} {one.text}" for one in finding.logs.last_lines[-4:]]
        lines = [marked(text, ()) for text in near or last]
    crashed = [event for one in finding.last_lines[:1] for event in one.events[-6:]]
    return (*lines, *(marked(f"{at(event.timestamp)} {event.text}", ()) for event in crashed))


def _json(evidence: Mapping[str, Any]) -> str:
    return json.dumps(dict(evidence), indent=2, ensure_ascii=False, default=str) if evidence else ""
