"""The likely cause of a rollout that did not complete, what to do about it, and the next command to type."""

from __future__ import annotations

import math

from msgspec import Struct

from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.judge.analysis.newest_rollout import Outcome
from pytest_deploycheck.judge.analysis.outcome import first_judged, leads_to_the_expected_image
from pytest_deploycheck.judge.analysis.service_events import trouble
from pytest_deploycheck.judge.analysis.stop_reasons import reason_in
from pytest_deploycheck.judge.analysis.stopped_tasks import remedies, stops, why
from pytest_deploycheck.judge.commands import Commands
from pytest_deploycheck.judge.wording import at, name_of, plural, seconds
from pytest_deploycheck.redaction import one_line


class Advice(Struct, frozen=True):
    """The likely cause, what to do, and the next command to type; each may be empty."""

    cause: str
    remedy: str
    command: str = ""


def advise(facts: ServiceFacts, outcome: Outcome, waited: float) -> Advice:
    """What to say of a rollout that ended as `outcome`, after a wait of some seconds."""
    if outcome is Outcome.NOT_STARTED:
        return _never_started(facts)
    if outcome is Outcome.SUPERSEDED:
        return Advice(
            "Somebody deployed again since.",
            "Verify the later image, or deploy this one again.",
            Commands(facts.service).describe(),
        )
    if outcome is Outcome.IN_PROGRESS:
        return _in_progress(facts, waited)
    return _did_not_last(facts)


def _did_not_last(facts: ServiceFacts) -> Advice:
    """Why a rollout failed or was rolled back: what ECS says made it do so comes before what its tasks ended with."""
    found, record, event, alarms = stops(facts), facts.newest_record, trouble(facts), _alarms(facts)
    if alarms:
        return Advice(
            f"{alarms} went off during the rollout, so ECS ended it.",
            "See in the alarm's history what it saw; mend that, and deploy again. Until then the old code serves.",
            Commands(facts.service).describe(),
        )
    if record and record.rollback_reason and record.breaker_status != "TRIGGERED" and not found:
        return Advice(
            f"ECS says why: {one_line(record.rollback_reason)}",
            "See who, or what, rolled it back; then deploy again. Until then the old code serves.",
            Commands(facts.service).describe(),
        )
    if found:
        return Advice(
            why(found),
            f"{remedies(found)} Until it is deployed again the old code serves.",
            Commands(facts.service).describe_task(found[0].tasks[0]),
        )
    return Advice(
        f"The service's events say: {event}" if event else "The new tasks did not stay up.",
        "See why the new tasks stopped, mend it, and deploy again; until then the old code serves. ECS shows stopped "
        "tasks for about an hour.",
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


def _in_progress(facts: ServiceFacts, waited: float) -> Advice:
    """What keeps a rollout that is still going on, and what would let it get on."""
    found, record, event = stops(facts), facts.newest_record, trouble(facts)
    if found:
        return Advice(why(found), remedies(found), Commands(facts.service).describe_task(found[0].tasks[0]))
    if record and record.pauses:
        pause = record.pauses[0]
        until = f" It waits until {at(pause.expires_at)}." if pause.expires_at else ""
        return Advice(
            f"The rollout is paused at the hook {pause.hook} until somebody lets it go on.{until}",
            "Let it go on, or roll it back, then verify again.",
            Commands(facts.service).go_on(record),
        )
    if record and record.stage == "BAKE_TIME":
        return Advice(
            f"The rollout bakes: old and new tasks run side by side for {plural(record.bake_minutes, 'minute')}.",
            f"Wait as long as that (--deploy-wait={record.bake_minutes + 5}m), or verify again later.",
            Commands(facts.service).describe(),
        )
    if event:
        reason = reason_in(event)
        remedy = reason.remedy if reason else "Mend what they complain of."
        return Advice(
            f"The service's events say: {event}",
            f"{remedy} The rollout then goes on by itself.",
            Commands(facts.service).describe(),
        )
    where = "the events"
    if facts.service and facts.service.controller != "ECS":
        where = {"CODE_DEPLOY": "CodeDeploy"}.get(facts.service.controller, "the controller of its rollouts")
    return Advice(
        f"The rollout was still going on after {seconds(waited)}.",
        f"Wait longer (--deploy-wait={max(10, math.ceil(waited / 30))}m), or see in {where} what keeps it.",
        Commands(facts.service).describe(),
    )


def _alarms(facts: ServiceFacts) -> str:
    """Which alarm ended a rollout, as a sentence begins; without ECS's own record it may be any of the service's."""
    record, service = facts.newest_record, facts.service
    if record:
        return f"The alarm {one_line(', '.join(record.alarms))}" if record.alarms else ""
    by_alarm = service is not None and "alarm" in (service.rollback or "").lower()
    return f"An alarm of the service ({one_line(', '.join(service.alarms))})" if service and by_alarm else ""
