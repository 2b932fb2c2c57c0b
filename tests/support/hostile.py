"""A run in which everything that others wrote is hostile: names, tags, log lines, sentences, ids of tests."""

from __future__ import annotations

from msgspec.structs import replace

from pytest_deploycheck.judge.finding import Check
from pytest_deploycheck.judge.verdict import UserTest
from pytest_deploycheck.report.model import RunReport
from support.runs import findings_of, run_report, service_report
from support.worlds import completed, found, judged, old_image, reference

PLANTED = "window.planted = 1"
"""The script that must not run."""

HOSTILE = (
    f"</style></title></svg><script>{PLANTED}</script>\u202e\x1b[2J\"'><img src=x onerror='{PLANTED}'>"
    f'<a href="javascript:{PLANTED}">x</a> ::error::owned password=hunter2222 {"x" * 300}'
)
"""Markup, an escape sequence, a mark that turns the direction, a command to CI, a credential and a long word."""


def hostile_run() -> RunReport:
    """A refuted run of which every foreign text is hostile."""
    nasty = Check("logs-1", "logs").fails(
        HOSTILE,
        cause=HOSTILE,
        remedy=HOSTILE,
        command=HOSTILE,
        notes=[HOSTILE],
        details=HOSTILE,
        evidence={"matches": [HOSTILE], "patterns": [{"text": "planted"}], HOSTILE: HOSTILE},
    )
    lookup = found(named=reference("v1"))
    tagged = replace(lookup, image=replace(old_image(), tags=(HOSTILE,)))
    world = replace(completed(judged=[judged(tagged)]), name=HOSTILE)
    findings = [*findings_of(completed())[:-1], nasty]
    tests = [UserTest(HOSTILE, "failed")]
    return replace(run_report(service_report(world, findings, tests=tests), tests=tests), environment=HOSTILE)
