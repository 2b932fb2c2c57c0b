"""`targets-healthy`, and `target_health` as a test holds it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from support.judging import judge_targets, still_awaited
from support.worlds import WAYS, Way, completed, container, denied, draining, old_task, task
from support.worlds_health import ADDRESSES, GROUP, OTHER_GROUP, balanced, group, target

from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.health import Health, Target, TargetGroup
from pytest_deploycheck.facts.service import LoadBalancer
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.handles.health import target_health
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.finding import Status
from pytest_deploycheck.report.finding import explain_finding

HEALTHY = group(target("one"), target("two"))


def fails(world: ServiceFacts) -> str:
    """See that the targets fail, and return what is said of it."""
    finding = judge_targets(world)
    assert (finding.id, finding.link, finding.status) == ("targets-healthy", "health", Status.FAIL)
    assert finding.remedy
    assert finding.cause
    return explain_finding(finding)


@pytest.mark.parametrize("way", WAYS)
def test_every_new_task_healthy_passes(way: Way) -> None:
    """Each new task is healthy in the target group: it passes, naming the group, and nothing is waited for."""
    world = balanced(HEALTHY, way=way)
    finding = judge_targets(world)
    assert finding.status is Status.PASS
    assert finding.summary == "2 new tasks healthy in shop-blue"
    assert [one["state"] for one in finding.evidence["targets"]] == ["healthy", "healthy"]
    assert still_awaited(world) == []


def test_no_registration_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of no targets are healthy, which proves nothing: whatever leaves none to judge, it is unproven."""
    monkeypatch.setattr(ServiceAnalysis, "registrations", ())
    assert judge_targets(balanced(HEALTHY)).status is Status.UNPROVEN


@pytest.mark.parametrize("state", ["initial", "unhealthy", "unhealthy.draining", "draining", "unused"])
def test_one_new_task_that_is_not_healthy_fails(state: str) -> None:
    """One of two is not enough: it fails, naming the task, its address, its state and the load balancer's reason."""
    world = balanced(group(target("one"), target("two", state, "Target.Timeout", "Request timed out")))
    text = fails(world)
    for said in ("1 of 2 new tasks", "task two", "10.0.0.2:8080", state, "shop-blue", "Target.Timeout", "timed out"):
        assert said in text
    assert "task one" not in text
    assert "aws elbv2 describe-target-health --target-group-arn" in text
    assert GROUP in text
    assert "--region us-east-1" in text
    assert still_awaited(world) == [f"1 new task to be healthy in shop-blue (now {state})"]


def test_a_task_that_is_not_registered_fails() -> None:
    """The group knows other addresses only: the new task gets no traffic."""
    text = fails(balanced(group(target("one"), target("10.9.9.9"))))
    assert "task two is not registered in shop-blue" in text
    assert "events" in text


def test_a_group_without_targets_says_so() -> None:
    """No target at all is another fault than a sick one, and said."""
    assert "shop-blue has no targets at all" in fails(balanced(group()))


@pytest.mark.parametrize("state", ["draining", "unhealthy"])
def test_old_targets_are_let_alone(state: str) -> None:
    """The targets of old tasks that are being stopped are no concern of the new code."""
    old = [draining("old-one", addresses=("10.0.0.8",)), old_task("old-two", addresses=("10.0.0.9",))]
    mixed = group(target("one"), target("two"), target("10.0.0.8", state), target("10.0.0.9", state))
    base = balanced(mixed)
    world = replace(base, tasks=(*(base.tasks or ()), *old))
    assert judge_targets(world).status is Status.PASS
    assert still_awaited(world) == []


def test_every_group_of_the_service_counts() -> None:
    """Healthy in one target group and sick in the second: it fails, naming the second."""
    balancers = [LoadBalancer("app", 8080, GROUP), LoadBalancer("app", 8080, OTHER_GROUP)]
    world = balanced(HEALTHY, group(target("one"), target("two", "unhealthy"), arn=OTHER_GROUP), balancers=balancers)
    text = fails(world)
    assert "in shop-green" in text
    assert "in shop-blue" not in text
    whole = balanced(HEALTHY, group(target("one"), target("two"), arn=OTHER_GROUP), balancers=balancers)
    assert judge_targets(whole).summary == "2 new tasks healthy in shop-blue, shop-green"


TURNS = [LoadBalancer("app", 8080, GROUP, alternate=OTHER_GROUP, production_rule="rule")]
BOTH = (target("one"), target("two"))


def shifting(blue: TargetGroup, green: TargetGroup, serving: dict[str, bool], **changes: Any) -> ServiceFacts:
    """A service of blue/green deployments, with the groups that are known to serve production."""
    return balanced(balancers=TURNS, health=Health(groups=(blue, green), serving=serving), **changes)


def test_the_group_that_serves_production_counts() -> None:
    """Of two groups between which traffic is shifted, the health in the one that serves is what users meet."""
    serving = {GROUP: False, OTHER_GROUP: True}
    healthy, ill = group(*BOTH, arn=OTHER_GROUP), group(target("one"), target("two", "unhealthy"), arn=OTHER_GROUP)
    for blue in (group(), group(target("10.0.0.8", "draining")), group(target("two", "unhealthy"))):
        assert judge_targets(shifting(blue, healthy, serving)).status is Status.PASS
    for blue in (group(), group(*BOTH)):
        assert "unhealthy in shop-green" in fails(shifting(blue, ill, serving))


def test_healthy_only_where_no_users_come() -> None:
    """New tasks that are healthy in the group that does not serve are not reached by anybody."""
    world = shifting(group(), group(*BOTH, arn=OTHER_GROUP), {GROUP: True, OTHER_GROUP: False})
    assert "not registered in shop-blue" in fails(world)


def test_both_groups_serve_while_traffic_is_shifted() -> None:
    """With a weight on both, a new task is registered in one of them, and is healthy wherever it is registered."""
    serving = {GROUP: True, OTHER_GROUP: True}
    blue = group(target("10.0.0.8"))
    assert judge_targets(shifting(blue, group(*BOTH, arn=OTHER_GROUP), serving)).status is Status.PASS
    ill = group(*BOTH, target("10.0.0.8"))
    green = group(target("one", "unhealthy"), target("two"), arn=OTHER_GROUP)
    assert "unhealthy in shop-green" in fails(shifting(ill, green, serving))


@pytest.mark.parametrize("left", [(), (target("10.0.0.8", "draining"),)])
def test_a_group_that_serves_without_targets_fails(left: tuple[Target, ...]) -> None:
    """The weights of the listener still send users to the old group, in which nothing takes requests: it fails."""
    world = shifting(group(*left), group(*BOTH, arn=OTHER_GROUP), {GROUP: True, OTHER_GROUP: True})
    assert "shop-blue serves production too" in fails(world)
    ill = group(target("one", "unhealthy"), target("two"), arn=OTHER_GROUP)
    assert "unhealthy in shop-green" in fails(shifting(group(*left), ill, {GROUP: True, OTHER_GROUP: True}))


def test_it_is_not_known_which_group_serves() -> None:
    """Healthy in one of two groups proves nothing while it is not known where production traffic goes."""
    finding = judge_targets(shifting(group(), group(*BOTH, arn=OTHER_GROUP), {}))
    assert finding.status is Status.UNPROVEN
    for word in ("healthy in shop-green", "not in shop-blue", "serves production"):
        assert word in finding.summary
    action = "elasticloadbalancing:DescribeRules"
    refused = shifting(group(), group(*BOTH, arn=OTHER_GROUP), {}, problems={"production": denied(action)})
    assert action in judge_targets(refused).summary
    assert action in judge_targets(refused).remedy


def test_two_groups_that_agree_leave_no_doubt() -> None:
    """If a task is in the same state in both groups, it does not matter which of them serves."""
    assert judge_targets(shifting(group(*BOTH), group(*BOTH, arn=OTHER_GROUP), {})).status is Status.PASS
    ill = (target("one"), target("two", "unhealthy"))
    assert "task two" in fails(shifting(group(*ill), group(*ill, arn=OTHER_GROUP), {}))


def test_a_host_port_tells_which_target_a_task_is() -> None:
    """On an instance with several tasks the port tells them apart: each is judged by its own."""
    tasks = [
        task(name, addresses=("i-0abc",), containers=[container(host_ports=((8080, port),))])
        for name, port in (("one", 32768), ("two", 32769))
    ]
    ports = [target("i-0abc", port=32768), target("i-0abc", "unhealthy", port=32769)]
    text = fails(balanced(group(*ports), tasks=tasks))
    assert "1 of 2 new tasks" in text
    assert "task two (i-0abc:32769)" in text


def test_another_port_of_the_same_address_is_another_target() -> None:
    """An address that is healthy at another port says nothing about the one the container listens on."""
    world = balanced(group(target("one"), target("two", port=9090)))
    assert "task two is not registered" in fails(world)


@pytest.mark.parametrize("state", ["unavailable", "something.new"])
def test_a_state_that_tells_nothing_is_unproven(state: str) -> None:
    """Health checks are off, or AWS has a new word: neither healthy nor sick, and not waited for."""
    world = balanced(group(target("one"), target("two", state)))
    finding = judge_targets(world)
    assert finding.status is Status.UNPROVEN
    assert state in finding.summary
    assert finding.remedy
    assert still_awaited(world) == []


def test_a_sick_target_outweighs_one_that_tells_nothing() -> None:
    """A certain failure is a failure, whatever else is not known."""
    assert "unhealthy" in fails(balanced(group(target("one", "unavailable"), target("two", "unhealthy"))))


def test_without_a_load_balancer_it_is_skipped() -> None:
    """A worker has no targets."""
    assert judge_targets(completed()).status is Status.SKIP


def test_a_classic_load_balancer_is_unproven() -> None:
    """It has no target groups, and is not looked at: that is said by its name."""
    finding = judge_targets(balanced(balancers=[LoadBalancer("app", 8080, classic="old-elb")]))
    assert finding.status is Status.UNPROVEN
    assert "old-elb" in finding.summary


def test_without_a_new_task_it_is_unproven() -> None:
    """Old tasks that are healthy prove nothing about the expected image."""
    old = [old_task(name, addresses=(address,)) for name, address in ADDRESSES.items()]
    finding = judge_targets(balanced(HEALTHY, tasks=old))
    assert finding.status is Status.UNPROVEN
    assert "tasks-run-image" in finding.remedy


def test_a_task_without_an_address_is_unproven() -> None:
    """ECS does not say where a task can be reached: whether it is healthy cannot be known."""
    finding = judge_targets(balanced(HEALTHY, tasks=[task("one", addresses=("10.0.0.1",)), task("two")]))
    assert finding.status is Status.UNPROVEN
    assert "two" in finding.summary


@pytest.mark.parametrize(
    ("subject", "action"),
    [
        ("targets", "elasticloadbalancing:DescribeTargetHealth"),
        ("instances", "ecs:DescribeContainerInstances"),
        ("service", "ecs:DescribeServices"),
    ],
)
def test_what_may_not_be_observed_is_an_error(subject: str, action: str) -> None:
    """A denied action is an error that names it, for the check and for a test that holds the targets."""
    base = balanced(HEALTHY, tasks=[task("one"), task("two")])
    world = replace(base, problems={subject: denied(action)})
    if subject == "service":
        world = replace(world, service=None)
    finding = judge_targets(world)
    assert finding.status is Status.ERROR
    assert action in finding.summary
    assert action in finding.remedy
    with pytest.raises(UnprovenError, match=action):
        target_health(ServiceAnalysis(world))


def test_denied_tasks_are_an_error() -> None:
    """The new tasks are not known if they may not be listed: an error that names the action."""
    world = replace(balanced(HEALTHY), tasks=None, problems={"tasks": denied("ecs:ListTasks")})
    finding = judge_targets(world)
    assert finding.status is Status.ERROR
    assert "ecs:ListTasks" in finding.summary


def test_a_group_that_was_not_seen_is_no_pass() -> None:
    """Facts that lack a target group of the service prove nothing of it."""
    assert judge_targets(balanced()).status is not Status.PASS


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("Target.ResponseCodeMismatch", "another status"),
        ("Target.Timeout", "security group"),
        ("Target.FailedHealthChecks", "listens"),
        ("Target.NotInUse", "listener"),
        ("Target.DeregistrationInProgress", "deregisters"),
        ("Elb.RegistrationInProgress", "--deploy-wait"),
        ("Elb.InitialHealthChecking", "--deploy-wait"),
        ("Elb.InternalError", "health check settings"),
    ],
)
def test_each_reason_has_its_advice(reason: str, advice: str) -> None:
    """The remedy depends on the reason that the load balancer gives."""
    assert advice in judge_targets(balanced(group(target("one"), target("two", "unhealthy", reason)))).remedy


def test_what_a_load_balancer_says_is_fit_to_be_shown() -> None:
    """A description is foreign text."""
    nasty = target("two", "unhealthy", "Target.Timeout", "said \x1b[2J\npassword=hunter2222")
    text = fails(balanced(group(target("one"), nasty)))
    assert "\x1b" not in text
    assert "hunter2222" not in text


# As a test holds it.


def test_a_test_holds_each_new_task_in_each_group() -> None:
    """State, reason, address and port of every new task, in each of the target groups."""
    held = target_health(
        ServiceAnalysis(balanced(group(target("one"), target("two", "unhealthy", "Target.Timeout", "timed out"))))
    )
    assert len(held) == 2
    assert held.states == {"healthy", "unhealthy"}
    sick = held[1]
    assert (sick.task, sick.target_group, sick.address, sick.port) == ("two", "shop-blue", "10.0.0.2", 8080)
    assert (sick.state, sick.reason, sick.description) == ("unhealthy", "Target.Timeout", "timed out")
    assert held[0].reason == ""
    assert repr(sick) == "<task two is unhealthy in shop-blue (Target.Timeout)>"
    assert "task one is healthy" in repr(held)
    assert [one.task for one in held[:1]] == ["one"]


def test_a_test_sees_that_a_task_is_not_registered() -> None:
    """A missing target has a state too."""
    held = target_health(ServiceAnalysis(balanced(group(target("one")))))
    assert held.states == {"healthy", "not registered"}
    assert held[1].address is None


def test_no_targets_prove_nothing_to_a_test() -> None:
    """An assertion on the states of nothing would hold of anything: it is unproven."""
    with pytest.raises(UnprovenError):
        _ = target_health(ServiceAnalysis(completed())).states
    assert len(target_health(ServiceAnalysis(completed(health=Health(groups=(TargetGroup(GROUP),)))))) == 0


def test_a_target_group_that_was_not_read_leaves_no_failure_unsaid() -> None:
    """With one of two groups unread, healthy tasks in the other are unproven, and unhealthy ones fail."""
    both = (LoadBalancer("app", 8080, GROUP), LoadBalancer("app", 8080, OTHER_GROUP))
    healthy = balanced(group(target("one"), target("two")), balancers=both)
    assert judge_targets(healthy).status is Status.UNPROVEN
    assert "shop-green" in judge_targets(healthy).summary
    sick = balanced(group(target("one"), target("two", "unhealthy", "Target.Timeout")), balancers=both)
    assert judge_targets(sick).status is Status.FAIL
