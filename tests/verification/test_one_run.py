"""The promises for the whole of a run, whatever happens while it goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.config.building import build_environment
from pytest_deploycheck.config.settings import EnvironmentSettings, Options
from pytest_deploycheck.judge.finding import Finding
from pytest_deploycheck.observe.health.alarms import similar_names
from pytest_deploycheck.observe.session import Session
from pytest_deploycheck.report.model import RunReport
from pytest_deploycheck.run import rollout_wait as watching
from pytest_deploycheck.run.checks import checks_of
from pytest_deploycheck.run.verification import Verification

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_deploycheck.sandbox import SandboxService
    from verification.conftest import Room

HELLO: dict[str, Any] = {"logs": [{"expect": "hello"}]}


class Going:
    """A run that is under way: its checks were carried out, and something may happen before it ends."""

    def __init__(self, settings: dict[str, Any], **environment: Any) -> None:
        self._environment = build_environment(
            "dev", {"cluster": "shop", "services": {"shop": {"service": "shop", **settings}}, **environment}
        )
        self._run = Verification(self._environment, Options(services=("shop",), wait=0, log_wait=0.2))
        self._run.observe()
        self._found: dict[str, list[Finding]] = {"shop": []}

    def check(self, before: Callable[[], object] = lambda: None) -> None:
        """Carry out all checks, after something happened."""
        before()
        self._found = {"shop": [self._run.finding("shop", check) for check in checks_of(self._environment, "shop")]}

    def end(self) -> RunReport:
        """Observe once more, and report."""
        self._run.close()
        return self._run.report(self._run.confirm(self._found), (), complete=True)


@pytest.fixture(autouse=True)
def _observe_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "FRESH", 0.0)


@pytest.fixture
def service(room: Room) -> SandboxService:
    """Return a service whose two tasks run `shop:2` and say hello."""
    service = room.shop(desired=2)
    service.roll_out(at=room.ago(8))
    service.log("hello", at=room.ago(7))
    return service


def status_of(report: RunReport, check: str) -> str:
    """Return how a check ended."""
    return str(next(one for one in report.services[0].findings if one.id == check).status)


def test_the_image_expected_when_the_run_began_is_expected_in_the_end(room: Room, service: SandboxService) -> None:
    """No image was named, and a later one is deployed while the run goes on: that one is not verified."""
    run = Going(HELLO)
    run.check()
    room.aws.push_image("shop:3", {"app": "3"}, tags=["latest"])
    service.roll_out("shop:3")
    report = run.end()
    assert (report.verdict, report.services[0].rollout.outcome) == ("REFUTED", "SUPERSEDED")


def test_the_same_image_rolled_out_again_was_not_observed(service: SandboxService) -> None:
    """The tasks whose logs were read are gone, and those that took their place logged nothing: unproven."""
    run = Going({"image": "shop:2", **HELLO})
    run.check()
    service.roll_out()
    report = run.end()
    assert (report.verdict, report.broken_link) == ("UNPROVEN", "rollout")


def test_a_task_that_takes_anothers_place_changes_nothing(service: SandboxService) -> None:
    """The same rollout put another task with the same digest in the place of one that died."""
    run = Going({"image": "shop:2", **HELLO})
    run.check()
    service.replace_task(service.running_tasks[0])
    assert run.end().verdict == "VERIFIED"


def test_logs_are_read_of_the_image_that_was_found_first(room: Room, service: SandboxService) -> None:
    """The tag is moved and rolled out before the logs are read: what the later code says does not count."""
    run = Going({"logs": [{"expect": "only in 3"}]})

    def happen() -> None:
        room.aws.push_image("shop:3", {"app": "3"}, tags=["latest"])
        service.roll_out()
        service.log("only in 3")

    run.check(happen)
    assert status_of(run.end(), "logs-1") != "pass"


@pytest.mark.parametrize("records", [True, False], ids=["service deployments", "deployments alone"])
def test_requests_to_old_tasks_do_not_count(room: Room, records: bool) -> None:  # noqa: FBT001 - a case of the test
    """The old tasks answered 500 requests well until four minutes ago; of those since then, one in twenty failed."""
    room.aws.service_deployments = records
    service = room.shop(desired=2, target_groups=["web"])
    rollout = service.roll_out(at=room.ago(9), status="IN_PROGRESS", new_running=2)
    service.serve(500, at=room.ago(6))
    rollout.complete(at=room.ago(4))
    service.serve(60, errors=3, at=room.ago(2))
    settings = {"service": "shop", "image": "shop:2", "error_rate": {"max": 0.01}}
    found = room.verify(services={"shop": settings}).finding("error-rate")
    assert (found.status, found.evidence["requests"]) == ("fail", 60)


def test_an_alarm_that_made_ecs_go_back_went_off_during_the_rollout(room: Room) -> None:
    """Told by deployments alone, the rollout that is asked about is the one that was rolled back."""
    room.aws.service_deployments = False
    service = room.shop(desired=2, alarms=["5xx"])
    alarm = room.aws.create_alarm("5xx")
    service.roll_out(at=room.ago(9), status="IN_PROGRESS", new_running=1)
    alarm.set_state("ALARM", at=room.ago(6))
    service.roll_back(reason="alarm", alarms=["5xx"], at=room.ago(5))
    alarm.set_state("OK", at=room.ago(3))
    seen = room.verify(services={"shop": {"service": "shop", "image": "shop:2", "alarms": ["5xx"]}})
    assert (seen.outcome, seen.statuses["alarms-ok"]) == ("ROLLED_BACK", "fail")


def test_who_may_not_list_alarms_gets_no_near_names(room: Room) -> None:
    """Looking for names like a misspelt one is a help: where it is denied, the alarms that there are still count."""
    room.aws.deny("cloudwatch:DescribeAlarms")
    session = Session(EnvironmentSettings("dev", region=room.aws.region))
    assert similar_names(session.cloudwatch(), ["5xy"]) == {"5xy": ()}


def test_a_report_with_a_time_that_is_none_is_no_baseline(room: Room, tmp_path: Path) -> None:
    """It is refused with its name, before anything is looked at."""
    room.shop().roll_out(at=room.ago(8))
    file = Path(__file__).parents[2] / "docs/reports/healthy.json"
    broken = {**json.loads(file.read_text(encoding="utf-8")), "observed_at": "yesterday"}
    (tmp_path / "before.json").write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(Exception, match=r"before\.json is no report"):
        room.verify(baseline=tmp_path / "before.json")
