"""The summary that a person reads at the end of a run: one line when all is well, the diagnosis when it is not."""

from __future__ import annotations

from pytest_deploycheck.config.settings import CHAIN
from pytest_deploycheck.judge.finding import FIXED_CHECKS, IMAGE_INTENDED, POLICIES, WORST_FIRST, Finding, Status
from pytest_deploycheck.judge.proposal import proposes_rollback
from pytest_deploycheck.judge.verdict import UserTest, Verdict
from pytest_deploycheck.judge.wording import plural, roughly, short
from pytest_deploycheck.redaction import clean_lines
from pytest_deploycheck.report.finding import closer_look
from pytest_deploycheck.report.model import RunReport, ServiceReport

_MARKS = {
    Status.PASS: "ok",
    Status.FAIL: "FAIL",
    Status.UNPROVEN: "unproven",
    Status.ERROR: "error",
    Status.SKIP: "skipped",
}
_TELLING = frozenset({"image-exists", "rollout-complete", "tasks-run-image"})
"""The checks whose summary is shown for their link when it holds."""

_PROVING = {
    "logs": "declare a [[…logs]] expectation, or assert on deploy_logs in a test",
    "health": "declare alarms or an error_rate, put the service behind a load balancer, give its container a health "
    "check, or take health out of `require`",
}
"""The remedy for a link that no check covers."""

_LAST_LINES = 3
"""Log lines of a task that crashed which the summary shows; its check shows more of them."""


def summary(report: RunReport) -> list[str]:
    """Return the verdict on each service, and the run's own line where no service was verified."""
    lines = [line for service in report.services for line in _service(service, report)]
    if not report.services:
        why = "was selected" if report.complete else "was observed"
        lines.append(f"{report.verdict}: no service of {report.environment} {why}, so nothing was verified")
    offset = report.observation.identity.clock_offset
    if offset and report.verdict is not Verdict.VERIFIED:
        lines.append(f"Times are those of the servers: {clock_of_this_machine(offset)}.")
    if not report.complete:
        lines.append("The run did not come to its end, so nothing counts as verified.")
    return [line.replace("\n", "\\n") for line in clean_lines(lines, report.mask)]


def _service(service: ServiceReport, report: RunReport) -> list[str]:
    head = f"{service.judgement.verdict}: {service.name} in {report.environment}{_intent(service)}"
    tests = [test for test in report.tests if test.concerns(service.name)]
    if service.judgement.verdict is Verdict.VERIFIED:
        return [f"{head}: {_proof(service, tests)}", *_advice(service)]
    broken = _broken_link(service)
    lines = [f"{head}, broken link: {broken}" if broken else head]
    links = []
    for link in CHAIN:
        links += _link(link, service, is_broken=link == broken)
    links += _tests(tests)
    links += _left_out(service)
    diagnosis = _diagnosis(service, broken, tests)
    # Where nothing is known to be wrong, what was to be shipped has to be said before all else is of use.
    is_open = service.judgement.verdict is Verdict.UNPROVEN and broken == IMAGE_INTENDED.link
    lines += [links[0], *diagnosis, *links[1:]] if is_open and links else [*links, *diagnosis]
    if service.judgement.verdict is Verdict.REFUTED:
        lines += _rollback(service)
    return lines + _advice(service)


def _broken_link(service: ServiceReport) -> str | None:
    """The broken link of the verdict, unless it lacks nothing but checks that were not selected."""
    broken = service.judgement.broken_link
    is_bad = any(finding.link == broken and not finding.is_good for finding in service.findings)
    return broken if is_bad or not _left_out_of(broken, service) else None


def _left_out_of(link: str | None, service: ServiceReport) -> list[str]:
    """The checks of a link that would prove it and were not selected."""
    links = {check.id: check.link for check in FIXED_CHECKS}
    return [
        check
        for check in service.judgement.left_out
        if (links.get(check) or ("logs" if check.startswith("logs-") else "health")) == link
    ]


def _left_out(service: ServiceReport) -> list[str]:
    """One line on the checks that were not selected, and on the exit status that follows."""
    left_out = service.judgement.left_out
    if not left_out:
        return []
    which = ", ".join(left_out) if service.findings else "all built-in checks"
    then = ""
    if service.judgement.verdict is Verdict.UNPROVEN:
        then = "; a verdict needs them, so nothing counts as verified (exit status 7)"
    return [f"  not selected: {which}{then}"]


def _intent(service: ServiceReport) -> str:
    """Return that the verdict holds against the task definition alone, where it does."""
    is_drift = any(one.id == IMAGE_INTENDED.id and one.status is Status.SKIP for one in service.findings)
    return " (against its task definition alone)" if is_drift else ""


def clock_of_this_machine(offset: float) -> str:
    """Return how far this machine's clock is from the servers' clock, which is ahead by `offset` seconds."""
    return f"this machine's clock is {roughly(abs(offset))} {'behind' if offset > 0 else 'ahead'}"


def _rollback(service: ServiceReport) -> list[str]:
    """The proposal to roll back, where the expected image does harm."""
    target = service.rollback
    if target is None or not proposes_rollback(service.analysis, service.findings):
        return []
    return [f"  roll back to: {target}", f"  roll back with: {target.command}"]


def _advice(service: ServiceReport) -> list[str]:
    advice = dict.fromkeys(text for finding in service.findings for text in finding.advice)
    return [f"  advice: {text}" for text in advice]


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
    if any(finding.id == "image-intended" and finding.status is Status.SKIP for finding in service.findings):
        parts.append('expected is what the task definition names (intent = "task-definition")')
    logs = sum(finding.link == "logs" and finding.status is Status.PASS for finding in service.findings)
    good_tests = sum(test.outcome == "passed" for test in tests)
    counted = [plural(logs, "log expectation")] if logs else []
    counted += [plural(good_tests, "test")] if good_tests else []
    if counted:
        parts.append(f"{' and '.join(counted)} {'holds' if logs + good_tests == 1 else 'hold'}")
    return "; ".join(parts) or "every required link is proven"


def _link(link: str, service: ServiceReport, *, is_broken: bool) -> list[str]:
    """One line for a link, with the evidence that breaks it the most, or that proves it."""
    findings = [finding for finding in service.findings if finding.link == link]
    asked = [finding for finding in findings if finding.status is not Status.SKIP]
    if not asked:
        if _left_out_of(link, service):
            return [_line(link, "-", "not selected")]
        # The link health is shown only where something was checked, or where it was required.
        return [] if link == "health" and not is_broken else [_line(link, "-", "nothing was checked")]
    bad = sorted((one for one in asked if not one.is_good), key=_weight)
    if not bad:
        telling = next((one for one in asked if one.id in _TELLING), asked[0])
        return [_line(link, "ok", _logs(asked) if link == "logs" else telling.summary)]
    worst, others = bad[0], bad[1:]
    also = f" (also {', '.join(finding.id for finding in others)})" if others else ""
    return [_line(link, _MARKS[worst.status], f"{worst.id}: {worst.summary}{also}")]


def _line(link: str, mark: str, text: str) -> str:
    return f"  {link:<8} {mark:<9} {text}"


def _weight(finding: Finding) -> tuple[bool, int, bool]:
    """The worst first; a policy last, and what was seen although forbidden before what is missing."""
    return finding.id in POLICIES, WORST_FIRST.index(finding.status), not finding.is_proof


def _logs(findings: list[Finding]) -> str:
    return f"{plural(len(findings), 'log expectation')} {'holds' if len(findings) == 1 else 'hold'}"


def _tests(tests: list[UserTest]) -> list[str]:
    """One line for each way in which tests did not pass."""
    lines = []
    for outcome in ("failed", "error", "unproven"):
        ids = [test.nodeid for test in tests if test.outcome == outcome]
        if ids:
            lines.append(_line("test", outcome, f"{ids[0]}{f' (and {len(ids) - 1} more)' if ids[1:] else ''}"))
    return lines


def _diagnosis(service: ServiceReport, broken: str | None, tests: list[UserTest]) -> list[str]:
    """The likely cause and the next step, from the check that broke the first link."""
    bad = [finding for finding in service.findings if finding.link == broken and not finding.is_good]
    if not bad and broken == "logs" and any(test.heard_logs and test.outcome != "passed" for test in tests):
        return ["  next: read in the output of the test what it expected of the logs, and the last lines"]
    if not bad:
        return [f"  next: {_PROVING[broken]}"] if broken in _PROVING else []
    first = min(bad, key=_weight)
    lines = [f"  note: {note}" for note in first.notes]
    lines += [f"  likely cause: {first.cause}"] if first.cause else []
    lines += [f"  {line}" for line in closer_look(first)[-_LAST_LINES:]] if first.link == "rollout" else []
    lines += [f"  what to do: {first.remedy}"] if first.remedy else []
    return lines + ([f"  next: {first.command}"] if first.command else [])
