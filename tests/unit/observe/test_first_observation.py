"""The first observation of a run, taken over from another process."""

from __future__ import annotations

from msgspec.structs import replace
from support.worlds import LATER, OLD_ROLLOUT, completed, deployment, found, gone, judged, service

from pytest_deploycheck.observe.first_observation import FirstObservation


def test_the_values_that_hold_for_the_whole_run() -> None:
    """They are those that the first process saw: a service that it could not describe has no time yet."""
    seen = completed(service=service(deployment(), created_at=OLD_ROLLOUT))
    unseen = replace(completed(service=None), name="jobs")
    first = FirstObservation()
    first.take_over([unseen, seen])
    assert first.is_complete
    assert first.created_at == {"shop": OLD_ROLLOUT}
    assert first.expected == {("jobs", "app"): found(), ("backend", "app"): found()}


def test_what_is_known_is_not_taken_over() -> None:
    """The expected image stays the one found first, and an image that was not found is none."""
    first = FirstObservation()
    first.take_over([completed(judged=[judged(), judged(gone("tag"), container="proxy")])])
    first.take_over([completed(judged=[judged(found(LATER)), judged(found(LATER), container="proxy")])])
    assert first.expected == {("backend", "app"): found(), ("backend", "proxy"): found(LATER)}
