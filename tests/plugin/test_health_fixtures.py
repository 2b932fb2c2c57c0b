from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy, Outcome, World
    from pytest_deploycheck.sandbox import SandboxService
    from pytest_deploycheck.sandbox.world.alarms import SandboxAlarm

HEALTHY = """
def test_targets(target_health):
    assert target_health.states == {"healthy"}
    assert target_health.dns_name.endswith(".us-east-1.elb.amazonaws.com")

def test_alarms(alarms):
    assert alarms["5xx"].is_quiet
"""


@dataclass(frozen=True)
class Web:
    """A service of two tasks behind a load balancer, with an alarm: healthy at first.

    Attributes:
        deploy: Runs pytest.
        pytester: Where it runs.
        world: The world of the service.
        service: The service.
        alarm: The alarm, `5xx`.
    """

    deploy: Deploy
    pytester: pytest.Pytester
    world: World
    service: SandboxService
    alarm: SandboxAlarm

    def run(self, text: str = HEALTHY, *args: str) -> Outcome:
        """Run these tests without the checks."""
        self.pytester.makepyfile(text)
        return self.deploy("-k", "test_", *args, env="shop")


@pytest.fixture
def web(world: World, deploy: Deploy, pytester: pytest.Pytester) -> Web:
    """Return a service behind a load balancer, the only one that is configured."""
    world.configure("web", keys='alarms = ["5xx"]', extra='require = ["image", "rollout", "tasks"]')
    service = world.add("web", desired=2, target_groups=["web"])
    return Web(deploy, pytester, world, service, world.aws.create_alarm("5xx"))


def test_what_they_hold(web: Web) -> None:
    """`target_health` is a sequence of what the load balancer says, `alarms` a mapping by name; both read well."""
    outcome = web.run(
        """
        from collections.abc import Mapping, Sequence

        def test_targets(target_health, running_tasks):
            assert isinstance(target_health, Sequence)
            assert {one.task for one in target_health} == {task.id for task in running_tasks}
            for one in target_health:
                assert (one.target_group, one.state, one.reason, one.description) == ("web", "healthy", "", "")
                assert one.address.startswith("10.0.")
                assert one.port == 8080
            assert f"<task {target_health[0].task} is healthy in web>" in repr(target_health)

        def test_alarms(alarms):
            assert isinstance(alarms, Mapping)
            assert list(alarms) == ["5xx"]
            alarm = alarms["5xx"]
            assert (alarm.name, alarm.state, alarm.went_off_at, alarm.is_quiet) == ("5xx", "OK", None, True)
            assert alarm.since.utcoffset() is not None
            assert "Threshold Crossed" in alarm.reason
            assert repr(alarms) == "<1 alarms: <alarm 5xx is OK>>"
        """,
    )
    assert outcome.tests == {"test_targets[web]": "passed", "test_alarms[web]": "passed"}, outcome.output


def test_what_they_say_when_they_fail(web: Web) -> None:
    """The assertion shows which task the load balancer finds ill and why, and when which alarm went off."""
    sick, well = web.service.running_tasks
    sick.target_health = "unhealthy"
    sick.target_reason = ("Target.Timeout", "Request timed out")
    web.alarm.set_state("ALARM", "too many errors", at=web.world.aws.now())
    alarm_at = web.alarm.transitioned_at
    web.alarm.set_state("OK")
    outcome = web.run(HEALTHY, "--tb=short")
    assert outcome.tests == {"test_targets[web]": "failed", "test_alarms[web]": "failed"}
    assert outcome.verdict[0] == "REFUTED"
    assert f"<task {sick.id} is unhealthy in web (Target.Timeout)>: Request timed out" in outcome.output
    assert well.id not in outcome.output
    assert f"<alarm 5xx is OK, went off {alarm_at:%H:%M:%S} UTC" in outcome.output
    assert " object at 0x" not in outcome.output


def test_what_an_alarm_says_that_is_in_alarm(web: Web) -> None:
    """CloudWatch's own reason stands in the message."""
    web.alarm.set_state("ALARM", "too many errors")
    assert "<alarm 5xx is ALARM, went off " in (output := web.run(HEALTHY, "--tb=short").output)
    assert "too many errors>" in output


def test_an_alarm_that_is_not_declared(web: Web) -> None:
    """A name that is not declared is a mistake of the test; the message has the nearest declared name."""
    outcome = web.run("def test_alarms(alarms): assert alarms['5x'].is_quiet")
    assert outcome.tests == {"test_alarms[web]": "error"}
    assert "no alarm '5x' is declared" in outcome.output
    assert "'5xx'" in outcome.output


def test_health_of_no_task_is_unproven(web: Web) -> None:
    """If no task runs the image, an assertion on all of them does not hold of nothing."""
    web.world.aws.push_image("shop-web:later", {"app/main.py": "later"})
    web.service.roll_out("shop-web:later")
    outcome = web.run("def test_targets(target_health): assert target_health.states == {'healthy'}")
    assert outcome.tests == {"test_targets[web]": "unproven"}
    assert "No task that runs the image stands in a target group" in outcome.output


@pytest.mark.parametrize(
    ("action", "test"),
    [
        ("elasticloadbalancing:DescribeTargetHealth", "test_targets[web]"),
        ("elasticloadbalancing:DescribeLoadBalancers", "test_targets[web]"),
        ("ecs:DescribeTasks", "test_targets[web]"),
        ("cloudwatch:DescribeAlarms", "test_alarms[web]"),
        ("cloudwatch:DescribeAlarmHistory", "test_alarms[web]"),
    ],
)
def test_health_that_may_not_be_observed_is_unproven(web: Web, action: str, test: str) -> None:
    """A denied read leaves the test's question open, and names the action; the other fixture answers."""
    web.alarm.set_state("ALARM", at=web.world.aws.now())
    web.alarm.set_state("OK")
    web.world.aws.deny(action)
    outcome = web.run(HEALTHY.replace(".is_quiet", ".state == 'OK'"))
    assert {name: word for name, word in outcome.tests.items() if word != "passed"} == {test: "unproven"}
    assert action in outcome.output
    assert (outcome.status, outcome.verdict[0]) == (7, "UNPROVEN")


def test_an_alarm_that_does_not_exist_is_unproven(web: Web) -> None:
    """A declared alarm that is not there says nothing; the names that are like it are told."""
    web.world.configure("web", keys='alarms = ["5x"]')
    outcome = web.run("def test_alarms(alarms): assert alarms['5x'].is_quiet")
    assert outcome.tests == {"test_alarms[web]": "unproven"}
    assert "There is no alarm '5x'" in outcome.output
    assert "did you mean '5xx'" in outcome.output


@pytest.mark.usefixtures("world")
def test_nothing_to_ask_skips(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """Tests of a service without load balancer, or without declared alarms, are skipped and say why."""
    pytester.makepyfile(HEALTHY)
    outcome = deploy("-k", "test_", "-rs", env="shop")
    assert outcome.tests == {"test_targets[backend]": "skipped", "test_alarms[backend]": "skipped"}
    assert "the service 'backend' has no load balancer" in outcome.output
    assert "no alarms are declared for the service 'backend'" in outcome.output


@pytest.mark.usefixtures("configured")
def test_no_environment_skips(pytester: pytest.Pytester) -> None:
    """Without --deploy-env they are skipped as all others are, and nothing is contacted."""
    pytester.makepyfile(HEALTHY)
    result = pytester.runpytest_inprocess("-rs")
    result.assert_outcomes(skipped=2)
    assert "no deploy environment" in str(result.stdout)


@pytest.mark.usefixtures("web")
def test_once_for_each_service(collect: Collect, pytester: pytest.Pytester, world: World) -> None:
    """With several services each has its own."""
    world.configure("web", "backend")
    pytester.makepyfile(HEALTHY)
    listed = collect("--deploy-env=shop").output
    assert "test_targets[web]" in listed
    assert "test_targets[backend]" in listed
    assert "test_alarms[backend]" in listed


REQUIRED = 'require = ["image", "rollout", "tasks", "health"]'


def test_health_that_is_required(web: Web) -> None:
    """With the link `health` required, a healthy service is verified."""
    web.world.configure("web", keys='alarms = ["5xx"]', extra=REQUIRED)
    outcome = web.deploy(env="shop")
    assert (outcome.status, outcome.verdict) == (0, ("VERIFIED", None))


def test_health_that_is_required_and_asked_nowhere(deploy: Deploy, world: World) -> None:
    """A service that nothing tells the health of is UNPROVEN then, and what could tell it is said."""
    world.configure("backend", extra=REQUIRED)
    outcome = deploy(env="shop")
    assert (outcome.status, outcome.verdict) == (7, ("UNPROVEN", "health"))
    (line,) = [line for line in outcome.output.splitlines() if line.startswith("  health ")]
    assert "nothing was checked" in line
    advice = " ".join(outcome.output.partition("  next: ")[2].split())
    for word in ("alarms", "error_rate", "load balancer", "require"):
        assert word in advice


def test_health_that_is_required_and_left_out(web: Web) -> None:
    """Deselected, the link is not proven."""
    web.world.configure("web", keys='alarms = ["5xx"]', extra=REQUIRED)
    outcome = web.deploy("-k", "not targets and not alarms", env="shop")
    assert (outcome.status, outcome.verdict) == (7, ("UNPROVEN", "health"))
