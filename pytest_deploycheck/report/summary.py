"""What a person reads at the end of a run: one line when all is well, the diagnosis when it is not."""

from __future__ import annotations

from pytest_deploycheck.config.settings import CHAIN
from pytest_deploycheck.judge.analysis.rollback import no_target, runs_the_expected_image
from pytest_deploycheck.judge.finding import Finding, Status
from pytest_deploycheck.judge.verdict import UserTest, Verdict
from pytest_deploycheck.judge.wording import plural, roughly, short
from pytest_deploycheck.redaction import clean_lines
from pytest_deploycheck.report.model import RunReport, ServiceReport

_MARKS = {
    Status.PASS: "ok",
    Status.FAIL: "FAIL",
    Status.UNPROVEN: "unproven",
    Status.ERROR: "error",
    Status.SKIP: "skipped",
}
_TELLING = frozenset({"image-exists", "rollout-complete", "tasks-run-image"})
"""The checks whose evidence stands for their link when it holds."""

_PROVING = {
    "logs": "declare a [[…logs]] expectation, or assert on deploy_logs in a test",
    "health": "declare alarms or an error_rate, put the service behind a load balancer, give its container a health "
    "check, or take health out of `require`",
}
"""What would prove a link of which nothing was asked."""

_LAST_WORDS = 3
"""Lines of a task that crashed which the summary shows; its check shows more of them."""

_WORST_FIRST = (Status.FAIL, Status.ERROR, Status.UNPROVEN, Status.PASS, Status.SKIP)


def summary(report: RunReport) -> list[str]:
    """The verdict on each service, and the run's own line where there is none to stand for it."""
    lines = [line for service in report.services for line in _service(service, report)]
    if not report.services:
        why = "was selected" if report.complete else "was looked at"
        lines.append(f"{report.verdict}: no service of {report.environment} {why}, so nothing was verified")
    offset = report.observation.identity.clock_offset
    if offset and report.verdict is not Verdict.VERIFIED:
        lines.append(f"Times are those of the servers: {clock_of_this_machine(offset)}.")
    if not report.complete:
        lines.append("The run did not come to its end, so nothing counts as verified.")
    return [line.replace("\n", "\\n") for line in clean_lines(lines, report.mask)]


def _service(service: ServiceReport, report: RunReport) -> list[str]:
    head = f"{service.judgement.verdict}: {service.name} in {report.environment}"
    tests = [test for test in report.tests if test.concerns(service.name)]
    if service.judgement.verdict is Verdict.VERIFIED:
        return [f"{head}: {_proof(service, tests)}", *_advice(service)]
    broken = service.judgement.broken_link
    lines = [f"{head}, broken link: {broken}" if broken else head]
    for link in CHAIN:
        findings = [finding for finding in service.findings if finding.link == link]
        lines += _link(link, findings, is_broken=link == broken)
    lines += _tests(tests)
    lines += _diagnosis(service, broken, tests)
    if service.judgement.verdict is Verdict.REFUTED:
        lines += _way_back(service)
    return lines + _advice(service)


def clock_of_this_machine(offset: float) -> str:
    """How far this machine's clock is from the servers', which is ahead of it by `offset` seconds."""
    return f"this machine's clock is {roughly(abs(offset))} {'behind' if offset > 0 else 'ahead'}"


def _way_back(service: ServiceReport) -> list[str]:
    """To what one could roll back, and how; where nothing runs the expected image there is nothing to undo."""
    target = service.rollback
    if target is None:
        return []
    if not runs_the_expected_image(service.facts):
        return [f"  roll back: not needed, as no task runs the expected image; what ran before it is {target}"]
    return [f"  roll back to: {target}", f"  roll back with: {target.command}"]


def _advice(service: ServiceReport) -> list[str]:
    nothing = no_target(service.facts)
    return [f"  advice: {nothing}"] if nothing else []


def _proof(service: ServiceReport, tests: list[UserTest]) -> str:
    digests = ", ".join(
        f"{one.expected.reference.repository}:{one.expected.reference.tag or ''} ({short(one.expected.digest)})"
        for one in service.facts.judged
    )
    logs = sum(finding.link == "logs" and finding.status is Status.PASS for finding in service.findings)
    passed = sum(test.outcome == "passed" for test in tests)
    said = [plural(logs, "log expectation")] if logs else []
    said += [plural(passed, "test")] if passed else []
    runs = "runs" if service.rollout.running == 1 else "run"
    proof = f"; {' and '.join(said)} {'holds' if logs + passed == 1 else 'hold'}" if said else ""
    return f"{plural(service.rollout.running, 'task')} {runs} {digests}{proof}"


def _link(link: str, findings: list[Finding], *, is_broken: bool) -> list[str]:
    """One line for a link, with its evidence: what breaks it the most, or what proves it."""
    asked = [finding for finding in findings if finding.status is not Status.SKIP]
    if not asked:
        # Health is told of where there is something that tells it, or where it was required.
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


def _weight(finding: Finding) -> tuple[int, bool]:
    """The worst first; and what was said though forbidden before what was not said, as it proves more."""
    return _WORST_FIRST.index(finding.status), not finding.is_proof


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
    """Likely cause and next step, from the check that broke the first link."""
    bad = [finding for finding in service.findings if finding.link == broken and not finding.is_good]
    if not bad and broken == "logs" and any(test.heard_logs and test.outcome != "passed" for test in tests):
        return ["  next: see in the test what it asked of the logs, and the last lines that were said"]
    if not bad:
        return [f"  next: {_PROVING[broken]}"] if broken in _PROVING else []
    first = min(bad, key=_weight)
    # What there is nothing of to roll back to is said on a line of its own, whatever broke.
    lines = [f"  note: {note}" for note in first.notes if note != f"advice: {no_target(service.facts)}"]
    lines += [f"  likely cause: {first.cause}"] if first.cause else []
    lines += [f"  {line}" for line in first.details.splitlines()[-_LAST_WORDS:]] if first.link == "rollout" else []
    lines += [f"  what to do: {first.remedy}"] if first.remedy else []
    return lines + ([f"  next: {first.command}"] if first.command else [])
