"""The table of evidence for one service in Markdown: what was expected, what runs, since when, and who says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime

from pytest_deploycheck.facts.snapshot import Judged, Namer
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.finding import IMAGE_INTENDED, Finding
from pytest_deploycheck.judge.wording import at, plural, short
from pytest_deploycheck.report.markdown.escaping import Own, code, prose, table
from pytest_deploycheck.report.markdown.marks import STATUSES
from pytest_deploycheck.report.model import RunReport, ServiceReport
from pytest_deploycheck.report.moments import ago, short_task

_NAMERS: Mapping[Namer, str] = {
    "option": "`--deploy-image`",
    "configuration": "configuration",
    "commit": "tag with the checkout's commit",
    "task definition": "task definition",
    "first observation": "task definition at first",
}
_TASKS = 5
"""Tasks of one digest that are named."""

_LOG_CHECKS = 10
"""Log expectations that have a row of their own."""

Cells = list[str]


def evidence(service: ServiceReport, report: RunReport) -> list[str]:
    """Return the lines of the table."""
    own, now = report.mask, report.observation.observed_at
    rows = [
        *(row for judged in service.facts.judged for row in _image(judged, service, own, now)),
        *_intent(service, own),
        *_rollout(service, own, now),
        *(row for judged in service.facts.judged for row in _tasks(judged, service, own, now)),
        *_checks(service, "logs", "logs:FilterLogEvents", own),
        *_checks(service, "health", "load balancer, CloudWatch, ECS", own),
    ]
    return table(["evidence", "what was seen", "source"], rows)


def _name(what: str, judged: Judged, service: ServiceReport, own: Own) -> str:
    """A row's name, with the container where several are judged."""
    return what if len(service.facts.judged) == 1 else f"{what} ({code(judged.container, own)})"


def _image(judged: Judged, service: ServiceReport, own: Own, now: datetime) -> Iterator[Cells]:
    image, reference = judged.expected.image, judged.expected.reference
    named = f"{reference.repository}{f':{reference.tag}' if reference.tag else ''}"
    digest = f" = {code(short(judged.expected.digest))}" if judged.expected.digest else ", digest not known"
    yield [_name("expected image", judged, service, own), f"{code(named, own)}{digest}", _NAMERS[judged.namer]]
    if image is None:
        why = judged.expected.problem.message if judged.expected.problem else f"not found: {judged.expected.absent}"
        yield [_name("in the registry", judged, service, own), prose(why, own), "ecr:DescribeImages"]
    elif image.pushed_at:
        yield [_name("image pushed", judged, service, own), _when(image.pushed_at, now), "ecr:DescribeImages"]


def _intent(service: ServiceReport, own: Own) -> Iterator[Cells]:
    finding = service.finding(IMAGE_INTENDED.id)
    if finding:
        yield ["to be shipped", f"{STATUSES[finding.status]}: {prose(finding.summary, own)}", code(finding.id)]


def _rollout(service: ServiceReport, own: Own, now: datetime) -> Iterator[Cells]:
    rollout = service.rollout
    source = "ecs:DescribeServiceDeployments" if service.facts.newest_record else "ecs:DescribeServices"
    began = f", began {_when(rollout.started_at, now)}" if rollout.started_at else ""
    name = f" {code(rollout.id, own)}" if rollout.id else ""
    yield ["rollout", f"{prose(rollout.outcome)}{began}{name}: {prose(rollout.reason, own)}", source]
    desired = "an unknown number" if rollout.desired is None else str(rollout.desired)
    yield ["tasks", f"{rollout.running} running, {desired} desired", "ecs:DescribeServices"]


def _tasks(judged: Judged, service: ServiceReport, own: Own, now: datetime) -> Iterator[Cells]:
    """The images that tasks run, a row for each digest, the expected one marked."""
    by_digest: dict[str | None, list[Task]] = defaultdict(list)
    for task in service.facts.running:
        by_digest[task.digest_of(judged.container)].append(task)
    for digest, tasks in by_digest.items():
        is_other = any(service.analysis.matches.container(judged, task).is_other for task in tasks)
        is_new = all(service.analysis.matches.is_new(task) for task in tasks)
        mark = "❌ another image" if is_other else "✅ the expected image" if is_new else "❔ not known to be expected"
        image = service.facts.image_of(digest) if digest else None
        tags = f" tagged {code(', '.join(image.tags), own)}" if image and image.tags else ""
        starts = sorted(task.started_at for task in tasks if task.started_at)
        since = f", started {_when(starts[0], now)}" if starts else ""
        ids = ", ".join(code(short_task(task.id)) for task in tasks[:_TASKS]) + (" …" if tasks[_TASKS:] else "")
        seen = f"{mark}: {code(short(digest)) if digest else 'no digest shown'}{tags} in {plural(len(tasks), 'task')}"
        yield [_name("tasks run", judged, service, own), f"{seen} ({ids}){since}", "ecs:DescribeTasks"]


def _checks(service: ServiceReport, link: str, source: str, own: Own) -> Iterator[Cells]:
    """The findings of a link that was asked for."""
    found = service.asked(link)
    for finding in found[:_LOG_CHECKS]:
        yield [code(finding.id), f"{STATUSES[finding.status]}: {_seen(finding, own)}", source]
    if found[_LOG_CHECKS:]:
        yield [f"and {len(found) - _LOG_CHECKS} more", "", ""]


def _seen(finding: Finding, own: Own) -> str:
    """The summary of a finding, and the first line that was logged as expected."""
    matches = (finding.evidence.get("matches") or ()) if finding.is_good else ()
    line = f": {code(str(matches[0]), own, limit=200)}" if matches else ""
    return f"{prose(finding.summary, own)}{line}"


def _when(moment: datetime, now: datetime) -> str:
    return f"{at(moment)} ({ago(moment, now)})"
