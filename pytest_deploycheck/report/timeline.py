"""What happened when, in the order of the servers' times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pytest_deploycheck.judge.wording import short
from pytest_deploycheck.report.model import ServiceReport


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened; `at` is in UTC."""

    at: datetime
    what: str
    detail: str


def timeline(service: ServiceReport) -> list[Moment]:
    """What is known to have happened to a service, the earliest first."""
    facts = service.facts
    moments = [
        Moment(image.pushed_at, "image pushed", f"{image.reference.repository} {short(image.digest)}")
        for image in dict.fromkeys(judged.meant.image for judged in facts.judged)
        if image and image.pushed_at
    ]
    moments += [
        Moment(image.pushed_at, "running image pushed", f"{image.reference.repository} {short(image.digest)}")
        for image in facts.running_images
        if image.pushed_at
    ]
    if service.rollout.started_at:
        moments.append(Moment(service.rollout.started_at, "rollout started", service.rollout.id or ""))
    for task in facts.tasks or ():
        if task.started_at:
            moments.append(Moment(task.started_at, "task started", task.id))
        if task.stopped_at:
            reason = " ".join(filter(None, [task.stop_code, task.stopped_reason]))
            moments.append(Moment(task.stopped_at, "task stopped", f"{task.id} {reason}".strip()))
    return sorted(moments, key=lambda moment: moment.at)
