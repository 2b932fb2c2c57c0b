"""The likely cause of a rollout that did not complete, its remedy, and the next command to type."""

from __future__ import annotations

import math
import shlex

from msgspec import Struct

from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.judge.analysis.newest_rollout import Outcome
from pytest_deploycheck.judge.analysis.outcome import first_judged, leads_to_the_expected_image
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.analysis.stop_reasons import reason_in
from pytest_deploycheck.judge.analysis.stopped_tasks import remedies, why
from pytest_deploycheck.judge.commands import Commands, resume
from pytest_deploycheck.judge.wording import at, name_of, plural, seconds
from pytest_deploycheck.oci.tags import moves
from pytest_deploycheck.redaction import one_line


class Advice(Struct, frozen=True):
    """A likely cause, a remedy, and the next command to type; the last may be empty."""

    cause: str
    remedy: str
    command: str = ""


def advise(analysis: ServiceAnalysis, waited: float, verify: str) -> Advice:
    """Return the advice on a rollout that did not complete within a wait of some seconds.

    Args:
        analysis: The analysis of the service.
        waited: The seconds.
        verify: The command that verifies the environment, to which options can be added.
    """
    facts, outcome = analysis.facts, analysis.outcome
    if outcome is Outcome.NOT_STARTED:
        return _never_started(facts)
    if outcome is Outcome.SUPERSEDED:
        return _superseded(facts, verify)
    if outcome is Outcome.IN_PROGRESS:
        return _in_progress(analysis, waited)
    return _did_not_last(analysis)


def _superseded(facts: ServiceFacts, verify: str) -> Advice:
    """The advice where a later image runs: the command verifies that one, by a tag of its own or by its digest."""
    container = first_judged(facts).container
    digest = next(filter(None, (task.digest_of(container) for task in facts.running)), None)
    image = facts.image_of(digest) if digest else None
    name = next((tag for tag in (image.tags if image else ()) if not moves(tag)), digest)
    return Advice(
        "A later image was deployed since.",
        "Verify the later image, or deploy the expected one again.",
        f"{verify} --deploy-image {shlex.quote(name)}" if verify and name else Commands(facts.service).describe(),
    )


def _did_not_last(analysis: ServiceAnalysis) -> Advice:
    """The advice on a rollout that failed or was rolled back: ECS's own reason comes before those of its tasks."""
    facts, found, event = analysis.facts, analysis.stops, analysis.trouble
    record, alarms = facts.newest_record, _alarms(facts)
    if alarms:
        return Advice(
            f"{alarms} went into ALARM during the rollout, so ECS rolled it back.",
            "Read the alarm's history, fix what set it off, and deploy again. Until then, the old code keeps serving.",
            Commands(facts.service).describe(),
        )
    if record and record.rollback_reason and record.breaker_status != "TRIGGERED" and not found:
        return Advice(
            f"The reason that ECS gives: {one_line(record.rollback_reason)}",
            "Find out who or what rolled it back, then deploy again. Until then, the old code keeps serving.",
            Commands(facts.service).describe(),
        )
    if found:
        return Advice(
            why(found),
            f"{remedies(found)} Until the service is deployed again, the old code keeps serving.",
            Commands(facts.service).describe_task(found[0].tasks[0]),
        )
    return Advice(
        f"An event of the service: {event}" if event else "The new tasks did not stay up.",
        "Find out why the new tasks stopped, fix that, and deploy again. Until then, the old code keeps serving. ECS "
        "lists stopped tasks for about an hour.",
        Commands(facts.service).stopped_tasks(),
    )


def _never_started(facts: ServiceFacts) -> Advice:
    judged = first_judged(facts) if facts.judged else None
    if judged and judged.expected.absent:
        return Advice("The image was never pushed.", "Push the image, then roll it out.")
    if judged and not leads_to_the_expected_image(facts):
        return Advice(
            f"The task definition names {name_of(judged.pulled.reference)}, not the expected image.",
            "Register a task definition with the expected image and update the service to it.",
            Commands(facts.service).update("--task-definition", "FAMILY:REVISION"),
        )
    return Advice(
        "The image was pushed, but the tasks were never restarted.",
        "Start a rollout.",
        Commands(facts.service).update("--force-new-deployment"),
    )


def _in_progress(analysis: ServiceAnalysis, waited: float) -> Advice:
    """The advice on a rollout that is still going on."""
    facts, found, event = analysis.facts, analysis.stops, analysis.trouble
    record = facts.newest_record
    if found:
        return Advice(why(found), remedies(found), Commands(facts.service).describe_task(found[0].tasks[0]))
    if record and record.pauses:
        pause = record.pauses[0]
        until = f" It waits until {at(pause.expires_at)}." if pause.expires_at else ""
        return Advice(
            f"The rollout is paused at the hook {pause.hook} until it is continued.{until}",
            "Continue it, or roll it back, then verify again.",
            resume(record),
        )
    if record and record.stage == "BAKE_TIME":
        return Advice(
            f"The rollout is in its bake time: old and new tasks run side by side for "
            f"{plural(record.bake_minutes, 'minute')}.",
            f"Wait for the end of the bake time (--deploy-wait={record.bake_minutes + 5}m), or verify again later.",
            Commands(facts.service).describe(),
        )
    if event:
        reason = reason_in(event)
        remedy = reason.remedy if reason else "Fix what the event reports."
        return Advice(
            f"An event of the service: {event}",
            f"{remedy} The rollout then continues by itself.",
            Commands(facts.service).describe(),
        )
    where = "the events of the service"
    if facts.service and facts.service.controller != "ECS":
        where = {"CODE_DEPLOY": "CodeDeploy"}.get(facts.service.controller, "the deployment controller")
    return Advice(
        f"The rollout was still going on after {seconds(waited)}.",
        f"Wait longer (--deploy-wait={max(10, math.ceil(waited / 30))}m), or find out in {where} what delays it.",
        Commands(facts.service).describe(),
    )


def _alarms(facts: ServiceFacts) -> str:
    """The alarm that ended a rollout, as a sentence begins; without ECS's record it may be any alarm of the service."""
    record, service = facts.newest_record, facts.service
    if record:
        return f"The alarm {one_line(', '.join(record.alarms))}" if record.alarms else ""
    by_alarm = service is not None and "alarm" in (service.rollback or "").lower()
    return f"An alarm of the service ({one_line(', '.join(service.alarms))})" if service and by_alarm else ""
