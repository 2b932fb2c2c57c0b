from __future__ import annotations

import sys
import threading
from datetime import timedelta
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple
from unittest import mock

import pytest

from pytest_deploycheck.sandbox import SandboxContainer

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from conftest import BetweenPolls

    from plugin.conftest import Deploy, Outcome, World

LATER = "(it passed before the tests ran; this was observed after them)"
TEST = """
from shop import happen

def test_long(deploy_env):
    happen()
"""


ALL_LINKS = 'require = ["image", "rollout", "tasks", "health"]'


def health(name: str) -> str:
    """Return the keys by which the health of a service is verified."""
    return f'alarms = ["{name}-5xx"]\nerror_rate = {{ max = 0.01 }}'


class Web:
    """A service with all that tells of its health, verified by a run in which something happens."""

    def __init__(self, world: World, deploy: Deploy, pytester: pytest.Pytester, name: str = "web") -> None:
        self.world = world
        self._deploy = deploy
        self._pytester = pytester
        self._name = name
        self.configure(ALL_LINKS)
        self.service = world.add(name, desired=2, target_groups=[name])
        container = SandboxContainer(name="app", image=f"shop-{name}:new", health="HEALTHY")
        self.service.roll_out(containers=[container], at=self.ago(9))
        self.service.serve(100, at=self.ago(4))
        self.alarm = world.aws.create_alarm(f"{name}-5xx")
        world.aws.calls.clear()

    def configure(self, require: str) -> None:
        """Declare an alarm and an error rate, and the links that must be proven."""
        self.world.configure(self._name, keys=health(self._name), extra=require)

    def beside(self, *names: str) -> dict[str, Web]:
        """Make services like this one, which are verified in its place."""
        others = {name: Web(self.world, self._deploy, self._pytester, name) for name in names}
        self.world.configure(*names, keys={name: health(name) for name in names}, extra=ALL_LINKS)
        return others

    def ago(self, minutes: float) -> datetime:
        """Return the servers' time some minutes ago."""
        return self.world.aws.now() - timedelta(minutes=minutes)

    def run(self, happen: Callable[[], object], *args: str) -> Outcome:
        """Verify the service in a run with a test during which something happens."""
        shop = ModuleType("shop")
        shop.__dict__["happen"] = happen
        self._pytester.makepyfile(TEST)
        with mock.patch.dict(sys.modules, {"shop": shop}):
            return self._deploy(*args, env="shop")

    @property
    def looks(self) -> int:
        """The number of times that the service was observed."""
        return [call.operation for call in self.world.aws.calls].count("ecs:DescribeServices")

    def deploy_again(self, *, is_through: bool = True) -> None:
        """Deploy a later image."""
        self.world.aws.push_image(f"shop-{self._name}:later", {"app/main.py": "later"})
        self.service.roll_out(f"shop-{self._name}:later", status="COMPLETED" if is_through else "IN_PROGRESS")

    def begin_to_deploy_again(self) -> None:
        """Begin to deploy a later image."""
        self.deploy_again(is_through=False)

    def lose_a_task(self) -> None:
        """Let a task die that nothing takes the place of."""
        self.service.running_tasks[0].stop("EssentialContainerExited", exit_code=137)

    def ring(self) -> None:
        """Let the alarm go off, and be quiet again."""
        self.alarm.set_state("ALARM", "too many errors")
        self.alarm.set_state("OK")

    def lose_a_target(self) -> None:
        """Let the load balancer find a task ill."""
        self.service.running_tasks[0].target_health = "unhealthy"

    def lose_a_container(self) -> None:
        """Let the health check of a container fail."""
        self.service.running_tasks[0].health = "UNHEALTHY"

    def serve_badly(self) -> None:
        """Let users be answered with errors."""
        self.service.serve(10, errors=10, at=self.ago(3))

    def deny(self) -> None:
        """Take the permission to look at tasks away."""
        self.world.aws.deny("ecs:DescribeTasks")


@pytest.fixture
def web(world: World, deploy: Deploy, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Web:
    """Return a service that is verified as long as nothing happens; what was seen is old at once."""
    monkeypatch.setattr("pytest_deploycheck.run.rollout_wait.FRESH", 0)
    return Web(world, deploy, pytester)


def nothing() -> None:
    """Let nothing happen."""


def test_nothing_happens(web: Web) -> None:
    """A verdict that still holds in the end is verified, and cost a second observation."""
    outcome = web.run(nothing)
    assert (outcome.status, outcome.verdict) == (0, ("VERIFIED", None)), outcome.output
    assert set(outcome.checks.values()) <= {"pass", "skip"}
    assert {"targets-healthy", "containers-healthy", "alarms-ok", "error-rate"} <= {
        name for name, status in outcome.checks.items() if status == "pass"
    }
    assert web.looks == 2


class Happening(NamedTuple):
    """An event while a test runs, and the finding on the service that follows from it.

    Attributes:
        happen: What happens.
        check: The check that had passed.
        link: The link that is broken.
        telling: What its reason says.
    """

    happen: Callable[[Web], object]
    check: str
    link: str
    telling: str


HAPPENINGS = {
    "deployed-again": Happening(Web.deploy_again, "rollout-complete", "rollout", "SUPERSEDED"),
    "begun-again": Happening(Web.begin_to_deploy_again, "rollout-complete", "rollout", "IN_PROGRESS"),
    "died": Happening(Web.lose_a_task, "tasks-running", "tasks", "1 of 2 desired tasks"),
    "alarmed": Happening(Web.ring, "alarms-ok", "health", "5xx went into ALARM"),
    "target-ill": Happening(Web.lose_a_target, "targets-healthy", "health", "is unhealthy in target-ill"),
    "container-ill": Happening(Web.lose_a_container, "containers-healthy", "health", "UNHEALTHY"),
    "served-badly": Happening(Web.serve_badly, "error-rate", "health", "10 of 110 requests"),
}


def test_what_happens_while_a_test_runs(web: Web) -> None:
    """A check that had passed fails by what is seen in the end: not VERIFIED, and the report names it.

    Each service meets something else, and is broken by that alone; one that meets nothing is still verified.
    """
    webs = web.beside(*HAPPENINGS, "quiet")

    def happen() -> None:
        for name, happening in HAPPENINGS.items():
            happening.happen(webs[name])

    outcome = web.run(happen)
    assert (outcome.status, outcome.verdict) == (1, ("REFUTED", "rollout")), outcome.output
    assert outcome.tests == {"test_long": "passed"}
    services = {service["name"]: service for service in outcome.report["services"]}
    assert services.pop("quiet")["verdict"] == "VERIFIED"
    assert services.keys() == HAPPENINGS.keys()
    for name, happening in HAPPENINGS.items():
        assert (services[name]["verdict"], services[name]["broken_link"]) == ("REFUTED", happening.link)
        found = next(check for check in services[name]["checks"] if check["id"] == happening.check)
        assert found["status"] == "fail"
        assert happening.telling in found["reason"]
        assert found["reason"].endswith(LATER)
        assert found["remedy"]
        assert f"REFUTED: {name} in shop, broken link: {happening.link}" in outcome.output
        assert f"{happening.check}: " in outcome.output
    assert outcome.words.count(LATER) >= len(HAPPENINGS)


@pytest.mark.parametrize(
    ("happen", "telling"),
    [
        (lambda web: web.service.vanish(), "existed when the run began, and has been deleted since"),
        (lambda web: web.service.recreate(), "was deleted and recreated"),
        (Web.deny, "ecs:DescribeTasks is denied"),
        (lambda web: web.world.aws.corrupt("ecs:DescribeTasks", "cut"), "ecs:DescribeTasks"),
        (lambda web: web.world.aws.corrupt("ecs:DescribeServices", "times"), "ecs:DescribeServices"),
        (lambda web: web.world.aws.corrupt("ecs:*", "html"), "ecs:DescribeServices"),
        (lambda web: web.world.aws.page_endlessly("ecs:ListTasks", "repeated"), "keeps repeating"),
    ],
    ids=["deleted", "replaced", "denied", "cut short", "absurd times", "the page of a proxy", "pages without end"],
)
def test_what_cannot_be_observed_any_more(web: Web, happen: Callable[[Web], object], telling: str) -> None:
    """A fact that is not known in the end is not verified: UNPROVEN, and why."""
    outcome = web.run(lambda: happen(web))
    assert (outcome.status, outcome.verdict[0]) == (7, "UNPROVEN"), outcome.output
    assert telling in outcome.words
    assert LATER in outcome.words
    assert "Traceback" not in outcome.output


def test_a_task_that_another_one_of_the_same_digest_replaced(web: Web) -> None:
    """ECS may replace tasks at any time: as long as the new ones run the image, all is well."""
    outcome = web.run(lambda: web.service.replace_task(web.service.running_tasks[0]))
    assert (outcome.status, outcome.verdict) == (0, ("VERIFIED", None)), outcome.output
    (service,) = outcome.report["services"]
    assert {task["id"] for task in service["tasks"]} == {task.id for task in web.service.running_tasks}


def test_a_task_that_is_being_replaced_is_waited_for(web: Web, between_polls: BetweenPolls) -> None:
    """If one is on its way in the end, --deploy-wait holds for it as well."""

    def replace() -> None:
        web.lose_a_task()
        web.service.rollout.start_tasks(1, at=web.world.aws.now(), pending=True)

    def start() -> None:
        for task in web.service.tasks:
            if task.last_status == "PENDING":
                task.digests = web.service.rollout.digests
                task.start(web.world.aws.now())

    with between_polls(web.world.aws, start):
        outcome = web.run(replace, "--deploy-wait=20s")
    assert (outcome.status, outcome.verdict) == (0, ("VERIFIED", None)), outcome.output
    assert web.looks >= 3


def test_more_tasks_of_the_same_digest(web: Web) -> None:
    """A service that scales out while it is verified stays verified."""
    outcome = web.run(lambda: web.service.scale(4))
    assert (outcome.status, outcome.verdict) == (0, ("VERIFIED", None)), outcome.output
    assert outcome.report["services"][0]["rollout"]["running"] == 4


def test_what_is_refuted_is_not_observed_again(web: Web) -> None:
    """A second observation cannot better a verdict, so none is made."""
    web.lose_a_task()
    outcome = web.run(nothing)
    assert (outcome.status, web.looks) == (1, 1)
    assert LATER not in outcome.words


def test_what_was_seen_a_moment_ago_is_not_observed_again(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short run costs one look."""
    monkeypatch.setattr("pytest_deploycheck.run.rollout_wait.FRESH", 3600)
    outcome = web.run(nothing)
    assert (outcome.status, web.looks) == (0, 1)


def test_checks_that_were_left_out_stay_left_out(web: Web) -> None:
    """The observation at the end does not judge checks that were deselected; without health, none of them is missed."""
    web.configure('require = ["image", "rollout", "tasks"]')
    outcome = web.run(web.ring, "-k", "not alarms")
    assert (outcome.status, outcome.verdict) == (0, ("VERIFIED", None)), outcome.output
    assert "alarms-ok" not in outcome.checks


def test_a_deselected_check_leaves_a_required_link_unproven(web: Web) -> None:
    """Declared alarms belong to the link health where it is required: the run proves less than a verdict needs."""
    outcome = web.run(nothing, "-k", "not alarms")
    assert (outcome.status, outcome.verdict) == (7, ("UNPROVEN", "health")), outcome.output
    assert "alarms-ok" not in outcome.checks
    assert "not selected: alarms-ok" in outcome.output


IN_A_WORKER = """
import time
from pathlib import Path

def test_long(deploy_env):
    Path("begun").touch()
    while not Path("happened").exists():
        time.sleep(0.01)

def test_short(deploy_env):
    pass
"""


def test_with_two_workers(web: Web, deploy: Deploy, pytester: pytest.Pytester) -> None:
    """The process that started the run observes again when all workers are through: its result counts, per service."""
    pytester.makepyfile(IN_A_WORKER)
    web.world.configure("web", "backend", extra='require = ["image", "rollout", "tasks"]')
    over = threading.Event()

    def watch() -> None:
        while not (pytester.path / "begun").exists():
            if over.wait(0.02):
                return
        web.service.replace_task(web.service.running_tasks[0])
        web.world.aws.push_image("shop-backend:later", {"app/main.py": "later"})
        web.world.backend.roll_out("shop-backend:later")
        (pytester.path / "happened").touch()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        outcome = deploy("-n", "2", env="shop")
    finally:
        over.set()
        watcher.join()
    assert outcome.tests == {"test_long": "passed", "test_short": "passed"}, outcome.output
    assert web.looks == 2
    assert (outcome.status, outcome.verdict) == (1, ("REFUTED", "rollout"))
    verdicts = {service["name"]: service["verdict"] for service in outcome.report["services"]}
    assert verdicts == {"web": "VERIFIED", "backend": "REFUTED"}
    assert outcome.output.count("rollout-complete: SUPERSEDED") == 1


def test_an_interruption_of_the_second_observation(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while what was verified is looked at again: pytest's status 2, and a report that verifies nothing."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    outcome = web.run(lambda: monkeypatch.setattr("pytest_deploycheck.run.rollout_wait.wait", interrupted))
    assert (outcome.status, outcome.verdict[0]) == (2, "UNPROVEN"), outcome.output
    assert "Traceback" not in outcome.output
    assert not outcome.report["complete"]
