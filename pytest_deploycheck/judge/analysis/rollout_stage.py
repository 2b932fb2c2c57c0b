"""The stage of a rollout in progress, in words."""

from __future__ import annotations

from pytest_deploycheck.facts.rollout import ServiceDeployment
from pytest_deploycheck.judge.wording import at, plural

_STAGES = {
    "RECONCILE_SERVICE": "the leftovers of earlier rollouts are being cleaned up",
    "PRE_SCALE_UP": "its tasks are not started yet",
    "SCALE_UP": "its tasks are being started",
    "POST_SCALE_UP": "its tasks run, and the old ones serve",
    "TEST_TRAFFIC_SHIFT": "test traffic is being shifted to it, and the old tasks serve",
    "POST_TEST_TRAFFIC_SHIFT": "it has the test traffic, and the old tasks serve",
    "PRE_PRODUCTION_TRAFFIC_SHIFT": "production traffic is about to be shifted to it",
    "PRODUCTION_TRAFFIC_SHIFT": "production traffic is being shifted to it",
    "POST_PRODUCTION_TRAFFIC_SHIFT": "it has the production traffic, and the old tasks still run",
    "BAKE_TIME": "it has the production traffic, and the old tasks still run, so that it can be rolled back",
    "CLEAN_UP": "the old tasks are being stopped",
}
"""The meaning of the stages of a service deployment, from the API's documentation."""

_WHOLE = 100.0


def stage_in_words(record: ServiceDeployment) -> list[str]:
    """Return the stage of a rollout, its share of the traffic, and what it waits for, in words."""
    words = []
    if record.stage:
        meaning = _STAGES.get(record.stage, "")
        words.append(f"{record.stage}{f' ({meaning})' if meaning else ''}")
    if record.production_weight is not None and 0 < record.production_weight < _WHOLE:
        words.append(f"{record.production_weight:g} % of the production traffic goes to it")
    if record.stage == "BAKE_TIME" and record.bake_minutes:
        words.append(f"the bake time is {plural(record.bake_minutes, 'minute')}")
    for pause in record.pauses:
        until = f", until {at(pause.expires_at)}" if pause.expires_at else ""
        then = f", then {pause.then}" if pause.then else ""
        words.append(f"it is paused at hook {pause.hook}{until}{then}")
    return words
