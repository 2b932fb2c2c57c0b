"""The Markdown report as a whole: the verdict, then a section for each service that needs one."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_deploycheck.judge.verdict import Verdict
from pytest_deploycheck.judge.wording import at, plural
from pytest_deploycheck.report.generator import GENERATOR
from pytest_deploycheck.report.markdown.escaping import code, prose, table
from pytest_deploycheck.report.markdown.marks import VERDICTS
from pytest_deploycheck.report.markdown.service import section
from pytest_deploycheck.report.model import RunReport, ServiceReport
from pytest_deploycheck.report.summary import clock_of_this_machine

_LONGEST = 55_000
"""Characters of a report after which services are only named: GitHub takes comments of up to 65,536."""


def render(report: RunReport) -> str:
    """Return the report as GitHub Flavored Markdown."""
    lines = [f"<!-- {GENERATOR} -->", *_head(report)]
    services = sorted(report.services, key=lambda one: one.verdict.rank)
    if len(services) > 1:
        lines += ["", *_overview(services, report)]
    sections = services if len(services) == 1 else [one for one in services if not _is_verified(one)]
    lines += _sections(sections, report)
    lines += ["", *_about(report)]
    return "\n".join(lines) + "\n"


def _is_verified(service: ServiceReport) -> bool:
    return service.verdict is Verdict.VERIFIED


def _head(report: RunReport) -> list[str]:
    names = [service.name for service in report.services]
    of = f"{code(names[0])} in " if len(names) == 1 else ""
    broken = f", broken link: **{report.broken_link}**" if report.broken_link else ""
    lines = [f"## {VERDICTS[report.verdict]} {report.verdict}: {of}{code(report.environment)}{broken}"]
    if report.replay_of:
        lines += ["", _replay(report)]
    if not report.complete:
        lines += ["", "> **Interrupted**: the run did not come to its end, so nothing counts as verified."]
    if not report.services:
        why = "was selected" if report.complete else "was observed"
        lines += ["", f"No service {why}, so nothing was verified."]
    return lines


def _replay(report: RunReport) -> str:
    recorded = f"its facts, recorded {at(report.observation.observed_at)}, judged again"
    limits = "Nothing was contacted; what was not recorded is unproven, and nothing counts as verified."
    return f"> **Replay** of {code(report.replay_of)}: {recorded}. {limits}"


def _overview(services: Sequence[ServiceReport], report: RunReport) -> list[str]:
    """The table of a fleet: one row for each service, the worst first."""
    rows = []
    for service in services:
        images = [one.expected.reference for one in service.facts.judged]
        expected = ", ".join(f"{one.repository}:{one.tag}" if one.tag else one.repository for one in images)
        desired = "?" if service.rollout.desired is None else service.rollout.desired
        rows.append(
            [
                code(service.name, report.mask),
                f"{VERDICTS[service.verdict]} {service.verdict}",
                service.broken_link or "",
                code(expected, report.mask) if expected else "unknown",
                f"{service.rollout.running} of {desired}",
            ]
        )
    return table(["service", "verdict", "broken link", "expected image", "tasks run"], rows)


def _sections(services: Sequence[ServiceReport], report: RunReport) -> list[str]:
    lines: list[str] = []
    size = 0
    for number, service in enumerate(services):
        found = section(service, report, is_only=len(report.services) == 1)
        size += sum(len(line) + 1 for line in found)
        if size > _LONGEST and number:
            left = plural(len(services) - number, "more service")
            return [*lines, "", f"Not shown for their length: the sections of {left}. The JSON report has them."]
        lines += ["", *found]
    return lines


def _about(report: RunReport) -> list[str]:
    """The place and the time of the observation, and the version."""
    identity = report.observation.identity
    endpoint = f", endpoint {code(identity.endpoint, report.mask)}" if identity.endpoint else ""
    version = report.versions.get("pytest-deploycheck", "")
    lines = [
        f"Observed {at(report.observation.observed_at)} in account {code(identity.account, report.mask)}, region "
        f"{code(identity.region, report.mask)}{endpoint}, by pytest-deploycheck{f' {version}' if version else ''}."
    ]
    if identity.clock_offset:
        lines[0] += f" Times are those of the servers: {prose(clock_of_this_machine(identity.clock_offset))}."
    return lines
