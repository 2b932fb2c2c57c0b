from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox import SandboxContainer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conftest import BetweenPolls

    from pytest_deploycheck.sandbox import SandboxService
    from verification.conftest import Room, Seen

ON_INSTANCES: dict[str, Any] = {"launch_type": "EC2", "network_mode": "bridge"}
NETWORK_LOAD_BALANCER = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/web/50dc6c495c0c9188"


def rolled_out(room: Room, *, desired: int = 2, **settings: Any) -> SandboxService:
    """Return a service of two tasks whose rollout to `shop:2` began eight minutes ago and has completed."""
    service = room.shop(desired=desired, **settings)
    service.roll_out(at=room.ago(8))
    return service


def verified(room: Room, *, wait: str = "0", **settings: Any) -> Seen:
    """Verify the service with these settings of its health."""
    return room.verify(services={"shop": {"service": "shop", "image": "shop:2", **settings}}, wait=wait)


def all_rolled_out(
    room: Room, names: Iterable[str], own: Mapping[str, Mapping[str, Any]] | None = None, **settings: Any
) -> dict[str, SandboxService]:
    """Return services side by side, each of two tasks whose rollout began eight minutes ago and has completed."""
    services = room.shops(names, own, **{"desired": 2, **settings})
    for service in services.values():
        service.roll_out(at=room.ago(8))
    return services


BEHIND: dict[str, dict[str, Any]] = {
    "by-address": {"target_groups": ["by-address"]},
    "by-instance-and-port": {"target_groups": ["by-instance"], **ON_INSTANCES},
}
"""A service whose tasks are addresses, and one whose tasks are ports of instances, each with a target group."""


def test_targets_that_are_healthy(room: Room) -> None:
    """Each new task is found among the targets, whatever they are called by."""
    all_rolled_out(room, BEHIND, BEHIND)
    seen = room.verify_each(BEHIND)
    for name, settings in BEHIND.items():
        found = seen.of(name).finding("targets-healthy")
        assert (found.status, found.summary) == ("pass", f"2 new tasks healthy in {settings['target_groups'][0]}"), name


def test_a_target_that_is_unhealthy(room: Room) -> None:
    """The task is told from its neighbour, and the load balancer's own words say why it gets no traffic."""
    tasks = {name: service.running_tasks for name, service in all_rolled_out(room, BEHIND, BEHIND).items()}
    for sick, _ in tasks.values():
        sick.target_health = "unhealthy"
    all_seen = room.verify_each(BEHIND)
    for name, (sick, well) in tasks.items():
        seen = all_seen.of(name)
        found = seen.finding("targets-healthy")
        assert (found.status, seen.verdict, seen.broken_link) == ("fail", "REFUTED", "health"), name
        assert "1 of 2 new tasks not healthy" in found.summary, name
        assert "Target.ResponseCodeMismatch, Health checks failed with these codes: [502]" in found.summary, name
        assert sick.id in found.summary, name
        assert well.id not in found.summary, name
        assert "another status" in found.remedy, name
        assert found.command.startswith("aws elbv2 describe-target-health --target-group-arn arn:aws:elastic"), name


def test_targets_of_old_tasks_do_not_count(room: Room) -> None:
    """Old tasks that are taken out of service, or are ill, say nothing of the new code."""
    service = room.shop(desired=2, target_groups=["web"])
    draining, ill = service.running_tasks
    service.roll_out(at=room.ago(2), status="IN_PROGRESS", new_running=2)
    draining.drain()
    ill.target_health = "unhealthy"
    seen = verified(room)
    assert (seen.statuses["targets-healthy"], seen.outcome) == ("pass", "IN_PROGRESS")


def test_targets_are_waited_for_until_they_are_healthy(room: Room, between_polls: BetweenPolls) -> None:
    """Within --deploy-wait a target may pass from `initial` over `unhealthy` to `healthy`."""
    service = rolled_out(room, target_groups=["web"])

    def all_are(state: str) -> None:
        for task in service.running_tasks:
            task.target_health = state

    all_are("initial")
    with between_polls(room.aws, lambda: all_are("unhealthy"), lambda: all_are("healthy")):
        seen = verified(room, wait="30s")
    assert (seen.statuses["targets-healthy"], seen.outcome) == ("pass", "COMPLETED")
    assert len(seen.parameters("elasticloadbalancing:DescribeTargetHealth")) >= 3
    assert seen.report.observation.waited < 25


def test_targets_that_are_not_healthy_when_the_wait_is_over(room: Room) -> None:
    """A target that is still being registered by then fails, with the advice to wait longer."""
    service = rolled_out(room, desired=1, target_groups=["web"])
    service.running_tasks[0].target_health = "initial"
    found = verified(room).finding("targets-healthy")
    assert found.status == "fail"
    assert "is initial in web: Elb.RegistrationInProgress, Target registration is in progress" in found.summary
    assert "--deploy-wait" in found.remedy


def test_a_task_that_is_not_registered(room: Room) -> None:
    """A task that no target stands for fails by name; the other one is registered."""
    lost, _ = rolled_out(room, target_groups=["web"]).running_tasks
    lost.target_health = ""
    found = verified(room).finding("targets-healthy")
    assert found.status == "fail"
    assert f"task {lost.id} is not registered in web" in found.summary
    assert "no targets at all" not in found.summary
    assert "service's events" in found.remedy


def test_a_task_at_another_port_is_not_registered(room: Room) -> None:
    """On instances a neighbour at another port of the same instance does not stand for the task."""
    service = rolled_out(room, target_groups=["web"], desired=4, **ON_INSTANCES)
    service.running_tasks[0].target_health = ""
    found = verified(room).finding("targets-healthy")
    assert (found.status, "1 of 4 new tasks" in found.summary) == ("fail", True)


def test_a_target_group_without_targets(room: Room) -> None:
    """That nothing at all is registered is said, as it is another trouble than a sick task."""
    for task in rolled_out(room, target_groups=["web"]).running_tasks:
        task.target_health = ""
    found = verified(room).finding("targets-healthy")
    assert (found.status, "web has no targets at all" in found.summary) == ("fail", True)


def test_a_target_group_that_no_load_balancer_uses(room: Room) -> None:
    """Its targets are `unused`, which is no health: the listener is what is to be fixed."""
    rolled_out(room, target_groups=["web"])
    room.aws.target_group("web").load_balancer = ""
    found = verified(room).finding("targets-healthy")
    assert (found.status, "is unused in web: Target.NotInUse" in found.summary) == ("fail", True)
    assert "listener" in found.remedy


def test_a_target_group_whose_health_checks_are_off(room: Room) -> None:
    """A target that is not checked is not known to be healthy: unproven."""
    for task in rolled_out(room, target_groups=["web"]).running_tasks:
        task.target_health = "unavailable"
    found = verified(room).finding("targets-healthy")
    assert (found.status, "Target.HealthCheckDisabled" in found.summary) == ("unproven", True)


def test_two_load_balancers(room: Room) -> None:
    """A task has to be healthy in each of them: one that is not is named, the other is not."""
    rolled_out(room, target_groups=["web", "api"])
    assert verified(room).finding("targets-healthy").summary == "2 new tasks healthy in web, api"
    room.aws.target_group("api").load_balancer = ""
    found = verified(room).finding("targets-healthy")
    assert found.status == "fail"
    assert "in api" in found.summary
    assert "in web" not in found.summary


def test_target_groups_that_take_turns(room: Room) -> None:
    """With blue/green the new tasks are looked for in both groups, and are healthy where they are."""
    turns = {"to-green": 1, "back-to-blue": 2}
    groups = {name: {"target_groups": [f"{name}-b"], "alternate_target_groups": [f"{name}-g"]} for name in turns}
    services = room.shops(turns, groups, desired=2, strategy="BLUE_GREEN")
    for name, rollouts in turns.items():
        for number in range(rollouts):
            services[name].roll_out(at=room.ago(8 - number))
    where = {"to-green": "to-green-g", "back-to-blue": "back-to-blue-b"}
    all_seen = room.verify_each(turns)
    for name in turns:
        seen = all_seen.of(name)
        found = seen.finding("targets-healthy")
        assert (found.status, found.summary) == ("pass", f"2 new tasks healthy in {where[name]}")
        serving = seen.service.facts.health.serving
        assert [arn.split("/")[1] for arn, serves in serving.items() if serves] == [where[name]]
        services[name].running_tasks[0].target_health = "unhealthy"
    all_seen = room.verify_each(turns)
    for name in turns:
        found = all_seen.of(name).finding("targets-healthy")
        assert (found.status, f"is unhealthy in {where[name]}" in found.summary) == ("fail", True), name


def test_the_targets_of_task_sets(room: Room) -> None:
    """With CodeDeploy the load balancers are those of the task sets."""
    service = rolled_out(room, controller="CODE_DEPLOY", target_groups=["blue"], alternate_target_groups=["green"])
    assert verified(room).finding("targets-healthy").summary == "2 new tasks healthy in green"
    service.running_tasks[0].target_health = "unhealthy"
    assert verified(room).statuses["targets-healthy"] == "fail"


def test_no_new_task_to_be_healthy(room: Room) -> None:
    """If only old tasks run, their health is none of the new code's: unproven, and the rollout is what broke."""
    room.shop(desired=2, target_groups=["web"])
    seen = verified(room)
    assert (seen.statuses["targets-healthy"], seen.report.broken_link) == ("unproven", "rollout")


def test_a_service_without_anything_that_tells_of_health(room: Room) -> None:
    """Without load balancer, health checks, alarms and limits the health is not asked for: skipped, no call made."""
    rolled_out(room)
    seen = verified(room)
    assert not {"targets-healthy", "containers-healthy", "alarms-ok", "error-rate"} & seen.statuses.keys()
    assert not [operation for operation in seen.asked if operation.startswith(("elastic", "cloudwatch"))]


def test_alarms_that_are_ok(room: Room) -> None:
    """Metric and composite alarms that have been OK all the time pass, and their history need not be read."""
    rolled_out(room)
    room.aws.create_alarm("5xx")
    room.aws.create_alarm("all", composite=True)
    seen = verified(room, alarms=["5xx", "all"])
    found = seen.finding("alarms-ok")
    assert (found.status, found.summary, found.notes) == ("pass", "2 alarms OK since the rollout began", ())
    assert "cloudwatch:DescribeAlarmHistory" not in seen.asked


KINDS = {"metric": False, "composite": True}
"""A service with an alarm of each kind: its name, and whether the alarm is a composite one."""


def test_an_alarm_that_is_in_alarm(room: Room) -> None:
    """The alarm and CloudWatch's own reason are told; the rest of the alarms is not."""
    all_rolled_out(room, KINDS)
    room.aws.create_alarm("quiet")
    for name, composite in KINDS.items():
        room.aws.create_alarm(f"{name}-5xx", composite=composite).set_state("ALARM", "too many errors", at=room.ago(3))
    all_seen = room.verify_each(KINDS, {name: {"alarms": ["quiet", f"{name}-5xx"]} for name in KINDS})
    for name in KINDS:
        seen = all_seen.of(name)
        found = seen.finding("alarms-ok")
        assert (found.status, seen.broken_link) == ("fail", "health"), name
        assert found.summary.startswith(f"{name}-5xx has been in ALARM since ")
        assert found.summary.endswith(": too many errors"), name
        assert "quiet" not in found.summary, name
        assert f"describe-alarm-history --alarm-name {name}-5xx" in found.command


def test_an_alarm_that_went_off_and_recovered(room: Room) -> None:
    """One that is OK now but went off since the rollout began fails, by its history."""
    all_rolled_out(room, KINDS)
    alarms = {name: room.aws.create_alarm(f"{name}-5xx", composite=composite) for name, composite in KINDS.items()}
    for alarm in alarms.values():
        alarm.set_state("ALARM", "too many errors", at=room.ago(5))
        alarm.set_state("OK", at=room.ago(4))
    seen = room.verify_each(KINDS, {name: {"alarms": [f"{name}-5xx"]} for name in KINDS})
    for name, alarm in alarms.items():
        found = seen.of(name).finding("alarms-ok")
        went_off = f"{name}-5xx went into ALARM {alarm.history[-2].at:%Y-%m-%d %H:%M:%S} UTC"
        assert (found.status, found.summary) == ("fail", f"{went_off} and is OK again: too many errors")


def test_an_alarm_that_went_off_late_in_a_long_history(room: Room) -> None:
    """Every page of the history is read."""
    rolled_out(room)
    alarm = room.aws.create_alarm("5xx")
    for number in range(60):
        alarm.set_state("INSUFFICIENT_DATA" if number % 2 else "OK", at=room.ago(7 - number / 60))
    alarm.set_state("ALARM", at=room.ago(2))
    alarm.set_state("OK", at=room.ago(1))
    seen = verified(room, alarms=["5xx"])
    assert seen.asked["cloudwatch:DescribeAlarmHistory"] == 2
    assert (seen.statuses["alarms-ok"], "5xx went into ALARM" in seen.finding("alarms-ok").summary) == ("fail", True)


def test_alarms_of_before_the_rollout(room: Room) -> None:
    """One that was over does not count; the rollout fixed one that it quieted; one that goes on fails all the same."""
    ends = {"over-before": 40, "quieted": 5, "goes-on": None}
    all_rolled_out(room, ends)
    for name, end in ends.items():
        alarm = room.aws.create_alarm(name)
        alarm.set_state("ALARM", at=room.ago(50))
        if end:
            alarm.set_state("OK", at=room.ago(end))
    seen = room.verify_each(ends, {name: {"alarms": [name]} for name in ends})
    over, quieted, goes_on = (seen.of(name).finding("alarms-ok") for name in ends)
    assert (over.status, over.notes) == ("pass", ())
    assert quieted.status == "pass"
    assert [note for note in quieted.notes if "quieted was in ALARM when the rollout began" in note]
    assert (goes_on.status, "before the rollout began" in goes_on.summary) == ("fail", True)


def test_an_alarm_without_data(room: Room) -> None:
    """INSUFFICIENT_DATA is not OK: unproven, with what to do about it."""
    rolled_out(room)
    room.aws.create_alarm("5xx", state="INSUFFICIENT_DATA")
    found = verified(room, alarms=["5xx"]).finding("alarms-ok")
    assert (found.status, "5xx: INSUFFICIENT_DATA" in found.summary) == ("unproven", True)
    assert "TreatMissingData" in found.remedy


def test_more_alarms_than_one_page_holds(room: Room) -> None:
    """Of many alarms, the last one is read as well as the first."""
    rolled_out(room)
    names = [f"alarm-{number:03}" for number in range(120)]
    for name in names:
        room.aws.create_alarm(name)
    assert verified(room, alarms=names).finding("alarms-ok").summary == "120 alarms OK since the rollout began"
    room.aws.create_alarm("zzz", state="ALARM")
    found = verified(room, alarms=[*names, "zzz"]).finding("alarms-ok")
    assert (found.status, found.summary.startswith("zzz has been in ALARM")) == ("fail", True)


def test_an_alarm_that_does_not_exist(room: Room) -> None:
    """A misspelt name is an error, with the names that are like it; the others do not hide it."""
    rolled_out(room)
    for name in ("backend-5xx", "backend-latency", "other"):
        room.aws.create_alarm(name)
    seen = verified(room, alarms=["backend-latency", "backend-5x"])
    found = seen.finding("alarms-ok")
    assert (found.status, seen.report.verdict) == ("error", "UNPROVEN")
    assert "Unknown alarm 'backend-5x'; did you mean 'backend-5xx'" in found.summary
    assert "other" not in found.summary
    assert "alarms" in found.remedy


def test_an_alarm_that_does_not_exist_does_not_hide_one_that_is_in_alarm(room: Room) -> None:
    """A failure that was seen stands, whatever else could not be looked at."""
    rolled_out(room)
    room.aws.create_alarm("5xx", state="ALARM")
    assert verified(room, alarms=["nope", "5xx"]).statuses["alarms-ok"] == "fail"


def test_an_alarm_in_another_region_does_not_exist(room: Room) -> None:
    """Alarms are looked for where the service is, and the remedy says so."""
    rolled_out(room)
    room.aws.create_alarm("5xx", region="eu-west-1")
    found = verified(room, alarms=["5xx"]).finding("alarms-ok")
    assert (found.status, "region" in found.remedy) == ("error", True)


def test_a_history_that_is_denied(room: Room) -> None:
    """The history of an alarm that changed since cannot be known: an error that names the action."""
    rolled_out(room)
    alarm = room.aws.create_alarm("5xx", state="ALARM")
    room.aws.create_alarm("quiet")
    alarm.set_state("OK", at=room.ago(2))
    room.aws.deny("cloudwatch:DescribeAlarmHistory")
    found = verified(room, alarms=["5xx", "quiet"]).finding("alarms-ok")
    assert found.status == "error"
    assert "cloudwatch:DescribeAlarmHistory" in found.summary
    assert "quiet" not in found.summary
    assert "cloudwatch:DescribeAlarmHistory" in found.remedy


def test_a_history_that_is_denied_and_not_needed(room: Room) -> None:
    """An alarm that is in the state it had before the rollout needs no history."""
    rolled_out(room)
    room.aws.create_alarm("5xx")
    room.aws.deny("cloudwatch:DescribeAlarmHistory")
    assert verified(room, alarms=["5xx"]).statuses["alarms-ok"] == "pass"


LIMIT = {"max": 0.01, "min_requests": 50}


SHARES = {
    "none": (0, "pass", "0 of 200 requests failed"),
    "as-many-as-allowed": (2, "pass", "2 of 200 requests failed"),
    "one-more": (3, "fail", "which is 1.5 %; the limit is 1 %"),
    "all": (200, "fail", "200 of 200 requests failed"),
}
"""A service for each number of errors: its name, the number, and what the check finds."""


def test_a_share_of_errors(room: Room) -> None:
    """As many as are allowed pass, one more fails, with both numbers."""
    groups = {name: {"target_groups": [name]} for name in SHARES}
    for name, service in all_rolled_out(room, SHARES, groups).items():
        service.serve(200, errors=SHARES[name][0], at=room.ago(3))
    seen = room.verify_each(SHARES, error_rate=LIMIT)
    for name, (_, status, telling) in SHARES.items():
        found = seen.of(name).finding("error-rate")
        assert (found.status, telling in found.summary) == (status, True), (name, found.summary)


def test_requests_of_before_do_not_count(room: Room) -> None:
    """The answers of the old tasks, or of both together, are neither the new code's fault nor its merit."""
    service = rolled_out(room, target_groups=["web"])
    service.serve(500, errors=500, at=room.ago(20))
    service.serve(500, errors=500, at=service.rollout.finished_at)
    service.serve(60, at=room.ago(3))
    found = verified(room, error_rate=LIMIT).finding("error-rate")
    assert (found.status, "0 of 60 requests" in found.summary) == ("pass", True)


def test_requests_count_on_where_a_task_is_replaced(room: Room) -> None:
    """A task that replaces another one of the same rollout does not make the count begin again."""
    service = rolled_out(room, target_groups=["web"])
    service.serve(60, errors=6, at=room.ago(3))
    service.replace_task(service.running_tasks[0])
    service.scale(4)
    found = verified(room, error_rate=LIMIT).finding("error-rate")
    assert (found.status, "6 of 60 requests" in found.summary) == ("fail", True)


TOO_FEW = {"none": (0, 0), "one-less": (49, 0), "one-less-and-all-failed": (49, 49)}
"""A service for each number of requests: its name, the number, and how many of them failed."""


def test_too_few_requests(room: Room) -> None:
    """The share of so few requests proves nothing, in either way: unproven, with the two numbers."""
    groups = {name: {"target_groups": [name]} for name in TOO_FEW}
    for name, service in all_rolled_out(room, TOO_FEW, groups).items():
        requests, errors = TOO_FEW[name]
        service.serve(requests, errors=errors, at=room.ago(3))
    seen = room.verify_each(TOO_FEW, error_rate=LIMIT)
    for name, (requests, _) in TOO_FEW.items():
        found = seen.of(name).finding("error-rate")
        assert found.status == "unproven", name
        assert found.summary.startswith(f"only {requests} of the required 50 requests were counted from "), name
        assert "min_requests" in found.remedy, name


def test_requests_are_waited_for(room: Room, between_polls: BetweenPolls) -> None:
    """Within --deploy-wait the requests may come that are still lacking."""
    service = rolled_out(room, target_groups=["web"])
    with between_polls(room.aws, lambda: service.serve(60, at=room.ago(2))):
        seen = verified(room, error_rate=LIMIT, wait="30s")
    assert (seen.statuses["error-rate"], seen.outcome) == ("pass", "COMPLETED")


def test_nothing_counts_the_requests(room: Room) -> None:
    """Without an Application Load Balancer there is nothing to count: unproven, and own metrics are offered."""
    room.aws.create_target_group("of-network", load_balancer=NETWORK_LOAD_BALANCER)
    groups: dict[str, dict[str, list[str]]] = {
        "without": {"target_groups": []},
        "network": {"target_groups": ["of-network"]},
    }
    all_rolled_out(room, groups, groups)
    seen = room.verify_each(groups, error_rate=LIMIT)
    for name in groups:
        found = seen.of(name).finding("error-rate")
        assert (found.status, "no metric counts the requests" in found.summary) == ("unproven", True), name
        assert "dimensions" in found.remedy, name


def test_metrics_of_ones_own(room: Room) -> None:
    """Named metrics count, with exactly these dimensions, where no load balancer does."""
    rolled_out(room)
    own = {"namespace": "Shop", "metric": "Failed", "requests": "Handled", "dimensions": {"Queue": "orders"}}
    for queue, failed in (("orders", 5), ("mails", 100)):
        room.aws.put_metric("Shop", "Handled", 100, dimensions={"Queue": queue}, at=room.ago(3))
        room.aws.put_metric("Shop", "Failed", failed, dimensions={"Queue": queue}, at=room.ago(3))
    found = verified(room, error_rate={"max": 0.05, **own}).finding("error-rate")
    assert (found.status, "5 of 100 requests" in found.summary) == ("pass", True)
    assert verified(room, error_rate={"max": 0.04, **own}).statuses["error-rate"] == "fail"


def test_a_metric_that_counted_nothing_of_late(room: Room) -> None:
    """One that counted errors within two weeks is there; one that never did may be misspelt, and proves nothing."""
    metrics = {"right": "Failed", "misspelt": "failed"}
    all_rolled_out(room, metrics)
    own = {"namespace": "Shop", "requests": "Handled", "dimensions": {"Queue": "orders"}}
    room.aws.put_metric("Shop", "Handled", 100, dimensions={"Queue": "orders"}, at=room.ago(3))
    room.aws.put_metric("Shop", "Failed", 1, dimensions={"Queue": "orders"}, at=room.ago(60 * 24))
    limits = {name: {"error_rate": {"max": 0.05, "metric": metric, **own}} for name, metric in metrics.items()}
    seen = room.verify_each(limits, limits)
    found = {name: seen.of(name).statuses["error-rate"] for name in metrics}
    assert found == {"right": "pass", "misspelt": "unproven"}


def test_requests_to_both_groups_that_take_turns(room: Room) -> None:
    """After blue/green both groups belong to the service; what came since counts, wherever it went."""
    service = rolled_out(room, strategy="BLUE_GREEN", target_groups=["blue"], alternate_target_groups=["green"])
    service.serve(100, errors=9, at=room.ago(3))
    found = verified(room, error_rate=LIMIT).finding("error-rate")
    assert (found.status, "9 of 100 requests" in found.summary) == ("fail", True)


def with_health_check(room: Room) -> SandboxService:
    """Return a service whose application has a health check of its own, and a sidecar that has none."""
    service = room.shop(desired=2)
    container = SandboxContainer(name="app", image="shop:2", health="HEALTHY")
    room.aws.push_image("proxy:1", {"proxy": "1"}, at=room.ago(90))
    sidecar = SandboxContainer(name="proxy", image="proxy:1")
    service.roll_out(containers=[container, sidecar], at=room.ago(8))
    return service


def test_containers_with_health_checks(room: Room) -> None:
    """Those that have one must pass it; a sidecar without one is asked nothing."""
    service = with_health_check(room)
    found = verified(room).finding("containers-healthy")
    assert (found.status, found.summary) == ("pass", "2 containers HEALTHY by the task definition's health check")
    sick, _ = service.running_tasks
    sick.health = "UNHEALTHY"
    seen = verified(room)
    found = seen.finding("containers-healthy")
    assert (found.status, seen.report.broken_link) == ("fail", "health")
    assert f"app of task {sick.id}" in found.summary
    assert f"--tasks {sick.id}" in found.command


def test_a_health_check_without_a_result(room: Room, between_polls: BetweenPolls) -> None:
    """One that has yet to come to a result is waited for; without one in the end it is unproven, not healthy."""
    first, _ = with_health_check(room).running_tasks
    first.health = "UNKNOWN"
    found = verified(room).finding("containers-healthy")
    assert (found.status, "has no result yet" in found.summary) == ("unproven", True)

    def come_to_a_result() -> None:
        first.health = None

    with between_polls(room.aws, come_to_a_result):
        assert verified(room, wait="30s").statuses["containers-healthy"] == "pass"
