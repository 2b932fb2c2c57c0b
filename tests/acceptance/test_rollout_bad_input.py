from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.sandbox import stops

if TYPE_CHECKING:
    from conftest import BetweenPolls

    from acceptance.conftest import Run, Shop


def services(run: Run) -> dict[str, dict[str, Any]]:
    """Return the services of the report, by name."""
    return {service["name"]: service for service in run.document["services"]}


def statuses(service: dict[str, Any]) -> dict[str, str]:
    """Return how the checks of a service of the report ended."""
    return {check["id"]: check["status"] for check in service["checks"]}


def test_all_of_the_chain_holds_at_first(shop: Shop) -> None:
    """The broken setting below makes the difference."""
    shop.add_web()
    run = shop.verify()
    assert (run.status, run.verdict) == (0, ("VERIFIED", None))
    assert {"targets-healthy", "alarms-ok", "error-rate"} <= run.with_status("pass")


def test_a_service_that_never_wanted_a_task(shop: Shop) -> None:
    """With desired 0 from the start ECS calls its rollout completed, and it is not waited for: never a pass."""
    shop.add_web(desired=0)
    run = shop.verify("--deploy-wait=60s")
    assert (run.status, run.verdict) == (1, ("REFUTED", "tasks"))
    assert run.with_status("fail") == {"tasks-running"}
    assert {"tasks-run-image", "logs-1", "targets-healthy", "error-rate"} <= run.with_status("unproven")
    assert shop.asked("ecs:DescribeServices") == ["ecs:DescribeServices"]
    assert "--desired-count" in run.text


def test_a_service_that_was_deleted(shop: Shop) -> None:
    """ECS still describes it as INACTIVE for a while: to verify it is as wrong as to verify one that never was."""
    shop.service.vanish()
    assert shop.verify().is_usage_error("'shop'", "no service", "list-services")


def test_a_service_that_is_deleted_while_it_is_observed(shop: Shop, between_polls: BetweenPolls) -> None:
    """Earlier observations of it prove nothing any more: its checks are in error, and say that it existed."""
    shop.service.roll_out(status="IN_PROGRESS")
    with between_polls(shop.aws, shop.service.vanish):
        run = shop.verify("--deploy-wait=20s")
    assert (run.status, run.document["verdict"]) == (7, "UNPROVEN")
    for check in ("rollout-complete", "tasks-running"):
        assert run.checks[check]["status"] == "error"
        assert "existed when the run began, and has been deleted since" in run.checks[check]["reason"]
    assert "Traceback" not in run.text


def test_a_service_that_is_replaced_while_it_is_observed(shop: Shop, between_polls: BetweenPolls) -> None:
    """A new service under the old name may well be healthy, but it is not the one that was asked about."""
    shop.service.roll_out(status="IN_PROGRESS")
    with between_polls(shop.aws, lambda: shop.aws.replace_service(shop.service, "shop:2")):
        run = shop.verify("--deploy-wait=20s")
    assert (run.status, run.document["verdict"]) == (7, "UNPROVEN")
    assert run.checks["rollout-complete"]["status"] == "error"
    assert "was deleted and recreated" in run.checks["rollout-complete"]["reason"]
    assert "Verify again" in run.checks["rollout-complete"]["remedy"]


def test_a_service_that_was_replaced_before(shop: Shop) -> None:
    """A service that was recreated before the run is judged as it stands; tasks of the earlier one are not its own."""
    for task in shop.service.running_tasks:
        shop.service.replace_task(task, **_without_started(stops.OUT_OF_MEMORY))
    shop.aws.replace_service(shop.service, "shop:2").log("hello from 2")
    run = shop.verify()
    assert (run.status, run.verdict, run.outcome) == (0, ("VERIFIED", None), "COMPLETED")
    assert "OutOfMemory" not in run.text


def _without_started(stop: stops.Stop) -> Any:
    return {key: value for key, value in stop.items() if key != "started"}


def test_a_deployment_controller_that_is_not_known(shop: Shop) -> None:
    """The controllers of a later ECS are not guessed at: UNKNOWN, unproven, and the controller is named."""
    shop.aws.create_service("new", cluster="shop", image="shop:2", controller="BY_MOONLIGHT")
    shop.configure({"new": shop.settings(service="new", logs=None)}, require=["image", "rollout", "tasks"])
    run = shop.verify()
    assert (run.status, run.verdict, run.outcome) == (7, ("UNPROVEN", "rollout"), "UNKNOWN")
    assert "BY_MOONLIGHT" in run.checks["rollout-complete"]["reason"]
    assert run.checks["tasks-run-image"]["status"] == "pass"


def test_a_service_of_the_same_name_in_another_cluster(shop: Shop) -> None:
    """The one in the cluster that was named is judged: neither the other's fate nor its reasons are told."""
    shop.aws.push_image("shop:3", {"app/main.py": "print('3')"})
    other = shop.aws.create_service("shop", cluster="staging", image="shop:1", desired=2)
    other.roll_out("shop:3", status="IN_PROGRESS", new_running=0).crash(3, **stops.OUT_OF_MEMORY)
    run = shop.verify()
    assert (run.status, run.verdict, run.outcome) == (0, ("VERIFIED", None), "COMPLETED")
    shop.configure(cluster="staging")
    run = shop.verify()
    assert (run.status, run.verdict) == (1, ("REFUTED", "rollout"))
    assert "OutOfMemoryError" in run.checks["rollout-complete"]["cause"]
    assert all(task["id"] in {each.id for each in other.tasks} for task in run.document["services"][0]["tasks"])


def test_tasks_that_were_run_by_hand(shop: Shop) -> None:
    """Standalone tasks of the same family, running or crashed, are not the service's and never a reason."""
    by_hand = shop.aws.run_task("shop", cluster="shop", image="shop:1")
    by_hand.log("hello from 1")
    crashed = shop.aws.run_task("shop", cluster="shop", image="shop:2", started_by=shop.service.rollout.id)
    crashed.log("hello from 2, by hand")
    crashed.stop(
        stops.OUT_OF_MEMORY["code"], stops.OUT_OF_MEMORY["reason"], container_reason="OutOfMemoryError: killed"
    )
    shop.configure({"shop": shop.settings(logs=[{"expect": "hello from 2"}, {"forbid": "by hand"}])}, log_settle="0.1s")
    run = shop.verify()
    assert run.with_status("fail") == set(), run.text
    assert run.outcome == "COMPLETED"
    shop.service.roll_out(status="FAILED")
    run = shop.verify()
    said = json.dumps(run.document)
    assert run.outcome == "FAILED"
    assert "OutOfMemoryError" not in said
    assert by_hand.id not in said
    assert crashed.id not in said


def test_two_services_of_which_one_goes(shop: Shop, between_polls: BetweenPolls) -> None:
    """The one that stays is judged in full, and the run is not verified without the other."""
    gone = shop.aws.create_service("gone", cluster="shop", image="shop:2", desired=1)
    gone.log("hello from 2")
    gone.roll_out(status="IN_PROGRESS")
    shop.configure({"shop": shop.settings(), "gone": shop.settings(service="gone")})
    with between_polls(shop.aws, gone.vanish):
        run = shop.verify("--deploy-wait=20s")
    assert (run.status, run.document["verdict"]) == (7, "UNPROVEN")
    found = services(run)
    assert found["shop"]["verdict"] == "VERIFIED"
    assert found["gone"]["verdict"] == "UNPROVEN"
    assert statuses(found["gone"])["rollout-complete"] == "error"
    assert set(statuses(found["shop"]).values()) <= {"pass", "skip"}


@pytest.mark.parametrize("make", ["delete", "vanish"])
def test_two_services_of_which_one_is_gone_at_first(shop: Shop, make: str) -> None:
    """One that drains is judged and refuted, one that is gone ends the run: neither is left out of the verdict.

    A service that drains proves nothing: the message says that it is being deleted.
    """
    other = shop.aws.create_service("other", cluster="shop", image="shop:2", desired=1)
    getattr(other, make)()
    shop.configure({"shop": shop.settings(), "other": shop.settings(service="other")})
    run = shop.verify()
    if make == "vanish":
        assert run.is_usage_error("'other'")
    else:
        assert (run.status, run.verdict) == (1, ("REFUTED", "tasks"))
        assert {name: one["verdict"] for name, one in services(run).items()} == {
            "shop": "VERIFIED",
            "other": "REFUTED",
        }
        drains = run.of("other")
        assert (drains.verdict, drains.outcome) == (("REFUTED", "tasks"), "UNKNOWN")
        rollout = drains.checks["rollout-complete"]
        assert (rollout["status"], "is being deleted" in rollout["reason"]) == ("unproven", True)
        assert drains.checks["tasks-running"]["status"] == "fail"
