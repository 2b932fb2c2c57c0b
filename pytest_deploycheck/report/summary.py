"""The summary that a person reads at the end of a run: one line when all is well, the diagnosis when it is not."""

from __future__ import annotations

from datetime import datetime
from itertools import chain

from pytest_deploycheck.judge.finding import IMAGE_INTENDED, Status
from pytest_deploycheck.judge.verdict import UserTest, Verdict
from pytest_deploycheck.judge.wording import at, plural, roughly, short
from pytest_deploycheck.report.links import left_out_of, together
from pytest_deploycheck.report.model import RunReport, ServiceReport
from pytest_deploycheck.report.moments import when, with_short_tasks
from pytest_deploycheck.report.terminal.chain import links, skipped, tests_that_did_not_pass
from pytest_deploycheck.report.terminal.diagnosis import advice, diagnosis, rollback
from pytest_deploycheck.report.terminal.rows import Row, Span, Tone, cleaned

VERDICT_TONES = {Verdict.VERIFIED: Tone.GOOD, Verdict.REFUTED: Tone.BAD, Verdict.UNPROVEN: Tone.OPEN}
"""The tones of the verdicts."""

_LATEST = 20
"""Moments of the timeline that a closer look shows."""


_WORTH_TELLING = 3.0
"""Seconds during which calls were held back from which on the summary tells of it."""


def clock_of_this_machine(offset: float) -> str:
    """Return how far this machine's clock is from the servers' clock, which is ahead by `offset` seconds."""
    return f"this machine's clock is {roughly(abs(offset))} {'behind' if offset > 0 else 'ahead'}"


def summary_rows(report: RunReport, verbosity: int = 0) -> list[Row]:
    """Return the verdict on each service, and the run's own line where no service was verified.

    Args:
        report: The result of the run.
        verbosity: 0 for no more than a screen, 1 for every check and the timeline, 2 for skipped checks as well.
    """
    rows = [row for service in report.services for row in service_rows(service, report, verbosity)]
    if not report.services:
        why = "was selected" if report.complete else "was observed"
        text = f"{report.verdict}: no service of {report.environment} {why}, so nothing was verified"
        rows.append(_verdict(text, report.verdict))
    return cleaned([*rows, *closing_rows(report)], report.mask)


def closing_rows(report: RunReport) -> list[Row]:
    """Return what a reader has to know about the run as a whole: whose times they are, and that it was interrupted."""
    rows = []
    offset = report.observation.identity.clock_offset
    if offset and report.verdict is not Verdict.VERIFIED:
        rows.append(Row(f"Times are those of the servers: {clock_of_this_machine(offset)}."))
    rows += [_replay(report)] if report.replay_of else []
    rows += [_held(report)] if report.held >= _WORTH_TELLING else []
    if not report.complete:
        rows.append(Row("The run did not come to its end, so nothing counts as verified."))
    return rows


def _held(report: RunReport) -> Row:
    throttled = f"; {plural(report.throttles, 'call')} throttled all the same" if report.throttles else ""
    return Row(f"Calls were held back for {roughly(report.held)} by the rates that AWS allows{throttled}.")


def _replay(report: RunReport) -> Row:
    recorded = at(report.observation.observed_at)
    return Row(
        f"Replay of {report.replay_of}: facts recorded {recorded}, judged again. Nothing was contacted; what was not "
        "recorded is unproven, and nothing counts as verified.",
        indent=2,
    )


def service_rows(service: ServiceReport, report: RunReport, verbosity: int) -> list[Row]:
    """Return the verdict on a service, and where it is not VERIFIED the diagnosis."""
    verdict, now = service.verdict, report.observation.observed_at
    head = f"{verdict}: {service.name} in {report.environment}{_intent(service)}"
    tests = report.tests_of(service)
    if verdict is Verdict.VERIFIED:
        rows = [_verdict(f"{head}: {_proof(service, tests)}", verdict)]
        rows += chain.from_iterable(links(service, None, now, verbosity)) if verbosity > 0 else []
        rows += _closer_look(service, now, verbosity) if verbosity > 0 else []
        return [*rows, *advice(service)]
    broken = _broken_link(service)
    rows = [_verdict(f"{head}, broken link: {broken}" if broken else head, verdict)]
    found = links(service, broken, now, verbosity)
    others = [*tests_that_did_not_pass(tests), *_left_out(service)]
    others += _closer_look(service, now, verbosity) if verbosity > 0 else skipped(service, verbosity)
    diagnosed = diagnosis(service, broken, tests, now, verbosity)
    # Where nothing is known to be wrong, what was to be shipped has to be said before all else is of use.
    if verdict is Verdict.UNPROVEN and broken == IMAGE_INTENDED.link and found:
        rows += [*found[0], *diagnosed, *chain.from_iterable(found[1:]), *others]
    else:
        rows += [*chain.from_iterable(found), *others, *diagnosed]
    if verdict is Verdict.REFUTED:
        rows += rollback(service)
    return [*rows, *advice(service)]


def _verdict(text: str, verdict: Verdict) -> Row:
    return Row(text, tone=VERDICT_TONES[verdict], indent=2, is_whole=verdict is not Verdict.VERIFIED)


def _broken_link(service: ServiceReport) -> str | None:
    """The broken link of the verdict, unless it lacks nothing but checks that were not selected."""
    broken = service.broken_link
    is_bad = any(finding.link == broken and not finding.is_good for finding in service.findings)
    return broken if is_bad or not left_out_of(broken, service) else None


def _left_out(service: ServiceReport) -> list[Row]:
    """One line on the checks that were not selected, and on the exit status that follows."""
    left_out = service.judgement.left_out
    if not left_out:
        return []
    which = together(left_out) if service.findings else "all built-in checks"
    then = ""
    if service.verdict is Verdict.UNPROVEN:
        then = "; a verdict needs them, so nothing counts as verified (exit status 7)"
    return [Row(f"not selected: {which}{then}", (Span("  "),), is_whole=True)]


def _intent(service: ServiceReport) -> str:
    """Return that the verdict holds against the task definition alone, where it does."""
    return " (against its task definition alone)" if _goes_by_definition(service) else ""


def _goes_by_definition(service: ServiceReport) -> bool:
    """Tell if nothing was asked of what was to be shipped, so that only drift from the task definition is found."""
    intended = service.finding(IMAGE_INTENDED.id)
    return intended is not None and intended.status is Status.SKIP


def _proof(service: ServiceReport, tests: list[UserTest]) -> str:
    """Return what the passed checks prove, and nothing else."""
    passed = {finding.id for finding in service.findings if finding.status is Status.PASS}
    images = ", ".join(
        f"{one.expected.reference.repository}:{one.expected.reference.tag or ''} ({short(one.expected.digest)})"
        for one in service.facts.judged
    )
    parts = []
    if {"tasks-running", "tasks-run-image"} <= passed:
        running = service.rollout.running
        parts.append(f"{plural(running, 'task')} {'runs' if running == 1 else 'run'} {images}")
    else:
        parts += [f"{images} is in its registry"] if "image-exists" in passed else []
        parts += ["its rollout completed"] if "rollout-complete" in passed else []
    if _goes_by_definition(service):
        parts.append('expected is what the task definition names (intent = "task-definition")')
    logs = sum(finding.link == "logs" and finding.status is Status.PASS for finding in service.findings)
    good_tests = sum(test.outcome == "passed" for test in tests)
    counted = [plural(logs, "log expectation")] if logs else []
    counted += [plural(good_tests, "test")] if good_tests else []
    if counted:
        parts.append(f"{' and '.join(counted)} {'holds' if logs + good_tests == 1 else 'hold'}")
    return "; ".join(parts) or "every required link is proven"


def _closer_look(service: ServiceReport, now: datetime, verbosity: int) -> list[Row]:
    """The skipped checks, with their reasons where even more was asked for, and the timeline."""
    lead = (Span("    "),)
    rows = [*skipped(service, verbosity)] if verbosity == 1 else []
    if verbosity > 1:
        off = [finding for finding in service.findings if finding.status is Status.SKIP]
        rows += [Row(f"{finding.id}: {finding.summary}", (Span("  skipped  "),), Tone.QUIET, 11) for finding in off]
    moments = service.timeline
    if moments:
        rows.append(Row("", (Span("  timeline:", Tone.STRONG),)))
    ids = [task.id for task in service.facts.tasks or ()]
    for moment in moments[-_LATEST:]:
        detail = with_short_tasks(moment.detail, ids)
        rows.append(Row(f"{when(moment.at, now):<34} {moment.what:<16} {detail}", lead, indent=8, most=2))
    return rows
