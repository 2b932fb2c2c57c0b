"""The events in the life of a service, in the order of the servers' times, each with its source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

from pytest_deploycheck.facts.rollout import ServiceDeployment
from pytest_deploycheck.facts.snapshot import Judged, ServiceFacts
from pytest_deploycheck.facts.timeline import Moment
from pytest_deploycheck.judge.analysis.newest_rollout import NewestRollout
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.finding import Finding
from pytest_deploycheck.judge.wording import at, short


def timeline(analysis: ServiceAnalysis, findings: Iterable[Finding] = ()) -> tuple[Moment, ...]:
    """Return the known events in the life of a service, the earliest first.

    Args:
        analysis: The analysis of the service.
        findings: The findings of its checks; those on logs know when an expected line was first logged.
    """
    facts, newest = analysis.facts, analysis.newest
    moments = [
        *_images(facts),
        *_tags(facts),
        *(_rollout(newest, facts.newest_record) if newest else ()),
        *_tasks(facts),
        *(Moment(event.at, "service event", event.message, "ecs:DescribeServices") for event in analysis.events),
        *_alarms(facts),
        *_lines(findings),
    ]
    return tuple(sorted(dict.fromkeys(moments), key=lambda moment: moment.at))


def _images(facts: ServiceFacts) -> Iterator[Moment]:
    for judged in facts.judged:
        image = judged.expected.image
        if image is None:
            continue
        name = f"{image.reference.repository} {short(image.digest)}"
        for config in image.configs:
            if config.created_at:
                yield Moment(config.created_at, "image built", f"{name}, by the builder's clock", "image config")
        if image.pushed_at:
            yield Moment(image.pushed_at, "image pushed", name, "ecr:DescribeImages")
    for image in facts.running_images:
        if image.pushed_at:
            name = f"{image.reference.repository} {short(image.digest)}"
            yield Moment(image.pushed_at, "running image pushed", name, "ecr:DescribeImages")


def _tags(facts: ServiceFacts) -> Iterator[Moment]:
    """The times at which a tag was found to name another image than before: it was moved in between."""
    for judged in facts.judged:
        sightings = sorted(_sightings(judged, facts), key=lambda one: one[0])
        for (before, old, _), (seen, new, source) in pairwise(sightings):
            if old != new:
                tag = judged.pulled.reference.tag
                yield Moment(seen, "tag moved", f"{tag}: {short(old)} at {at(before)}, then {short(new)}", source)


def _sightings(judged: Judged, facts: ServiceFacts) -> Iterator[tuple[datetime, str, str]]:
    """The digests to which the tag of the task definition was resolved, with their times."""
    reference = judged.pulled.reference
    if reference.tag is None or reference.digest:
        return
    before = facts.baseline
    if before and before.seen_at and before.digest and before.reference == str(reference):
        yield before.seen_at, before.digest, "baseline"
    for record in facts.service_deployments or ():
        revision = facts.revision(record.target)
        for image in revision.images if revision else ():
            if image.container == judged.container and image.digest and image.image == str(reference):
                yield record.created_at, image.digest, "ecs:DescribeServiceRevisions"


def _rollout(newest: NewestRollout, record: ServiceDeployment | None) -> Iterator[Moment]:
    source = "ecs:DescribeServiceDeployments" if record else "ecs:DescribeServices"
    yield Moment(newest.started_at, "rollout started", newest.id, source)
    if record and record.rolled_back_at:
        yield Moment(record.rolled_back_at, "rollback started", record.rollback_reason or "", source)
    if record and record.finished_at:
        yield Moment(record.finished_at, "rollout ended", record.status, source)


def _tasks(facts: ServiceFacts) -> Iterator[Moment]:
    for task in facts.tasks or ():
        if task.started_at:
            yield Moment(task.started_at, "task started", task.id, "ecs:DescribeTasks")
        if task.stopped_at:
            reason = " ".join(filter(None, [task.stop_code, task.stopped_reason]))
            yield Moment(task.stopped_at, "task stopped", f"{task.id} {reason}".strip(), "ecs:DescribeTasks")


def _alarms(facts: ServiceFacts) -> Iterator[Moment]:
    for alarm in facts.health.alarms:
        for change in alarm.changes or ():
            detail = f"{alarm.name}: {change.before or 'unknown'} to {change.after}"
            yield Moment(change.at, "alarm", detail, "cloudwatch:DescribeAlarmHistory")


def _lines(findings: Iterable[Finding]) -> Iterator[Moment]:
    """The time of the first expected log line."""
    firsts: list[tuple[str, Any]] = [
        (finding.evidence["first_at"], finding.evidence.get("expectation"))
        for finding in findings
        if finding.link == "logs" and finding.evidence.get("first_at")
    ]
    if firsts:
        first, expectation = min(firsts)
        yield Moment(datetime.fromisoformat(first), "first expected line", str(expectation), "logs:FilterLogEvents")
