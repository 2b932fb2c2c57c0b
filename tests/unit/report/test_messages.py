"""The message for each way in which a rollout, its targets, alarms or requests go wrong.

The texts are in `__snapshots__/test_messages.ambr`, to be read: would this have ended the incident in a minute? After a
change `pytest tests/unit/report/test_messages.py --snapshot-update` writes them again, to be read once more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from support.judging import (
    judge_alarms,
    judge_complete,
    judge_containers,
    judge_error_rate,
    judge_targets,
    rule,
    still_awaited,
)
from support.runs import findings_of, run_of, summary
from support.stopped_words import STOPPED_WORDS
from support.worlds import (
    BREAKER,
    NEW,
    OLD,
    OLD_DEFINITION,
    clock,
    completed,
    container,
    crashed,
    definition,
    denied,
    deployment,
    failed,
    found,
    gone,
    judged,
    never_restarted,
    old_task,
    record,
    reference,
    rolled_back,
    rolling,
    service,
    superseded,
    task,
)
from support.worlds_health import (
    alarm,
    balanced,
    baseline,
    change,
    checked_definition,
    group,
    in_sets,
    of_service,
    old_set,
    old_tasks,
    stopped,
    target,
    task_set,
    traffic,
    watched,
)
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.amber import AmberSnapshotExtension

from pytest_deploycheck.config.settings import ErrorRate
from pytest_deploycheck.facts.health import Health
from pytest_deploycheck.facts.rollout import Pause
from pytest_deploycheck.facts.service import LoadBalancer, ServiceEvent
from pytest_deploycheck.facts.snapshot import Problem, ServiceFacts
from pytest_deploycheck.judge.analysis.newest_rollout import Outcome
from pytest_deploycheck.judge.finding import Finding
from pytest_deploycheck.report.finding import explain_finding

SERVING = (old_task("old-one"), old_task("old-two"))
PULLED_V1 = [judged(pulled=found(OLD, named=reference("v1"), pushed_at=clock("08:00"), tags=("v1",)))]


class Texts(AmberSnapshotExtension):
    """Snapshots of texts by their names: each as it is read, without anything around it."""

    def serialize(self, data: object, **_: object) -> str:
        """The text itself."""
        return str(data)


@pytest.fixture
def texts(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """The texts that were read and found good."""
    return snapshot.use_extension(Texts)


def rollout(world: ServiceFacts) -> Finding:
    """Return the finding of `rollout-complete` after five minutes."""
    return judge_complete(world, waited=300)


@pytest.mark.parametrize("name", list(STOPPED_WORDS))
def test_why_tasks_stopped(name: str, texts: SnapshotAssertion) -> None:
    """Each class of stopped tasks, in AWS's words, in a rollout that the circuit breaker gave up."""
    world = rolled_back("service deployments", tasks=(*SERVING, stopped(STOPPED_WORDS[name][0])))
    assert explain_finding(rollout(world)) == texts


def many() -> ServiceFacts:
    """Several causes, one of them of many tasks."""
    pulls = [stopped(STOPPED_WORDS["image-missing"][0], name=f"pull-{index}") for index in range(12)]
    others = [stopped(STOPPED_WORDS[name][0], name=name) for name in ("out-of-memory", "exit-1", "exit-139", "volume")]
    return failed("service deployments", tasks=(*SERVING, *pulls, *others))


def staged(stage: str, **more: Any) -> ServiceFacts:
    """A rollout in one of its stages, in which both colours run."""
    at = record(status="IN_PROGRESS", strategy="BLUE_GREEN", stage=stage, **more)
    return rolling("service deployments", task("one"), task("two"), *SERVING, records=[at])


def said(*messages: str) -> ServiceFacts:
    """A rollout that goes on while the service's events say something."""
    events = [ServiceEvent(clock("11:09"), f"(service shop) {message}") for message in messages]
    base = rolling("deployments alone", *SERVING)
    return replace(base, service=replace(of_service(base), events=tuple(events)))


def of_baseline(world: ServiceFacts, *digests: str) -> ServiceFacts:
    """A world of which a baseline knows what ran before."""
    return replace(world, baseline=baseline(digests[0], running=digests) if digests else baseline())


OUTCOMES: Mapping[str, Callable[[], ServiceFacts]] = {
    "COMPLETED": completed,
    "COMPLETED, told by deployments alone": lambda: completed("deployments alone"),
    "COMPLETED, nothing new": lambda: of_baseline(completed(), NEW),
    "COMPLETED, with a baseline of another environment": lambda: completed(
        problems={
            "baseline": Problem(
                "",
                "BaselineOfAnother",
                "The baseline before.json is of 'prod' (account 210987654321, eu-west-1), not of 'dev' (account "
                "123456789012, us-east-1): it does not tell what ran here before.",
                "Give a report of an earlier run against the same environment.",
            )
        }
    ),
    "COMPLETED, a later rollout was undone": lambda: superseded(
        "service deployments",
        records=[record(3, began=clock("11:25"), status="ROLLBACK_SUCCESSFUL"), record(2)],
        tasks=[task("one", by="ecs-svc/4"), task("two", by="ecs-svc/4")],
        running_images=[],
    ),
    "IN_PROGRESS": lambda: rolling("service deployments", task("one"), old_task("two")),
    "IN_PROGRESS, only ECS is missing": lambda: rolling("deployments alone", task("one"), task("two")),
    "IN_PROGRESS, tasks crash": lambda: rolling("service deployments", *SERVING, crashed()),
    "IN_PROGRESS, no capacity": lambda: said(
        "was unable to place a task because no container instance met all of its requirements. Reason: No Container "
        "Instances were found in your cluster."
    ),
    "IN_PROGRESS, at 5 % of the traffic": lambda: staged("PRODUCTION_TRAFFIC_SHIFT", production_weight=5.0),
    "IN_PROGRESS, bake time": lambda: staged("BAKE_TIME", bake_minutes=10),
    "IN_PROGRESS, paused": lambda: staged(
        "POST_TEST_TRAFFIC_SHIFT", pauses=(Pause("hook-1", expires_at=clock("12:05"), then="ROLLBACK"),)
    ),
    "IN_PROGRESS, a task set that does not serve yet": lambda: in_sets(
        task_set(status="ACTIVE"), old_set("PRIMARY"), tasks=[task("one"), task("two"), *SERVING]
    ),
    "IN_PROGRESS, a task set beside the old one": lambda: in_sets(
        task_set(), old_set(), tasks=[task("one"), task("two"), *SERVING], controller="EXTERNAL"
    ),
    "FAILED": lambda: failed("service deployments"),
    "FAILED, told by deployments alone": lambda: failed("deployments alone", tasks=(*SERVING, crashed())),
    "FAILED, several causes": many,
    "ROLLED_BACK": lambda: rolled_back("service deployments"),
    "ROLLED_BACK, told by deployments alone": lambda: rolled_back("deployments alone", tasks=(*SERVING, crashed())),
    "ROLLED_BACK by an alarm": lambda: rolled_back(
        "service deployments",
        records=[record(status="ROLLBACK_SUCCESSFUL", rollback_reason="Alarm triggered.", alarms=("shop-5xx",))],
    ),
    "ROLLED_BACK by an alarm, told by deployments alone": lambda: rolled_back(
        "deployments alone",
        service=service(
            deployment(
                "ecs-svc/3",
                began=clock("11:10"),
                brings=OLD_DEFINITION,
                reason="ECS deployment ecs-svc/2 alarm triggered: rolling back to deploymentId ecs-svc/1.",
            ),
            alarms=("shop-5xx",),
        ),
    ),
    "ROLLED_BACK, a task set that is stopped again": lambda: in_sets(
        task_set(status="DRAINING", running=0), old_set("PRIMARY"), tasks=SERVING
    ),
    "ROLLED_BACK, a task set that is gone": lambda: in_sets(old_set("PRIMARY"), tasks=[*SERVING, crashed()]),
    "SUPERSEDED, inferred": lambda: superseded("service deployments"),
    "SUPERSEDED, by a baseline": lambda: of_baseline(superseded("service deployments")),
    "NOT_STARTED, inferred": never_restarted,
    "NOT_STARTED, by a baseline": lambda: of_baseline(never_restarted()),
    "NOT_STARTED, the definition names another image": lambda: never_restarted(judged=PULLED_V1),
    "NOT_STARTED, never pushed": lambda: never_restarted(
        judged=[judged(gone("tag"), pulled=PULLED_V1[0].pulled)],
    ),
    "UNKNOWN, no task set": lambda: in_sets(tasks=SERVING),
    "UNKNOWN, another controller": lambda: completed(
        "deployments alone", service=service(controller="SOMETHING_NEW"), problems={}
    ),
    "UNKNOWN, being deleted": lambda: completed(
        service=replace(of_service(completed()), status="DRAINING"),
    ),
    "UNKNOWN, a new word of AWS": lambda: completed(records=[record(status="SOMETHING_NEW")]),
    "UNKNOWN, denied": lambda: completed(
        "deployments alone", service=None, problems={"service": denied("ecs:DescribeServices")}
    ),
}
"""Every outcome, and the ways to it that are told differently."""


@pytest.mark.parametrize("name", list(OUTCOMES))
def test_outcomes(name: str, texts: SnapshotAssertion) -> None:
    """Every outcome of a rollout, after a wait of five minutes where it is still awaited."""
    world = OUTCOMES[name]()
    assert rule(world).outcome == name.partition(",")[0].partition(" ")[0]
    waited = 300 if still_awaited(world) else 0
    assert explain_finding(judge_complete(world, waited=waited)) == texts


def sick(state: str, reason: str = "", description: str = "") -> ServiceFacts:
    """One of two new tasks is not healthy."""
    return balanced(group(target("one"), target("two", state, reason, description)))


TARGETS: Mapping[str, Callable[[], ServiceFacts]] = {
    "healthy": lambda: balanced(group(target("one"), target("two"))),
    "Elb.RegistrationInProgress": lambda: sick(
        "initial", "Elb.RegistrationInProgress", "Target registration is in progress"
    ),
    "Elb.InitialHealthChecking": lambda: sick("initial", "Elb.InitialHealthChecking", "Health checks in progress"),
    "Target.ResponseCodeMismatch": lambda: sick(
        "unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [502]"
    ),
    "Target.Timeout": lambda: sick("unhealthy", "Target.Timeout", "Request timed out"),
    "Target.FailedHealthChecks": lambda: sick("unhealthy", "Target.FailedHealthChecks", "Health checks failed"),
    "Target.NotRegistered": lambda: balanced(group(target("one"))),
    "Target.NotInUse": lambda: sick(
        "unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
    ),
    "Target.DeregistrationInProgress": lambda: sick(
        "draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"
    ),
    "Elb.InternalError": lambda: sick(
        "unhealthy", "Elb.InternalError", "Health checks failed due to an internal error"
    ),
    "Target.HealthCheckDisabled": lambda: sick(
        "unavailable", "Target.HealthCheckDisabled", "Health checks are disabled"
    ),
    "a group without targets": lambda: balanced(group()),
    "a classic load balancer": lambda: balanced(balancers=[LoadBalancer("app", 8080, classic="shop-elb")]),
    "a group that was not seen": balanced,
    "no new task": lambda: balanced(group(), tasks=old_tasks("one")),
    "no address": lambda: balanced(group(), tasks=[task("one")]),
    "no load balancer": completed,
    "denied": lambda: replace(balanced(), problems={"targets": denied("elasticloadbalancing:DescribeTargetHealth")}),
}
"""Every reason that load balancers give, and the ways in which they give none."""


@pytest.mark.parametrize("name", list(TARGETS))
def test_targets(name: str, texts: SnapshotAssertion) -> None:
    """Every reason for which a target is not healthy."""
    assert explain_finding(judge_targets(TARGETS[name]())) == texts


def checked(health: str) -> ServiceFacts:
    """A new task whose container has a health check that says this."""
    return completed(
        tasks=[task("one", containers=[container(health=health)])],
        definitions=[checked_definition(), definition(OLD_DEFINITION)],
    )


@pytest.mark.parametrize("health", ["HEALTHY", "UNHEALTHY", "UNKNOWN"])
def test_containers(health: str, texts: SnapshotAssertion) -> None:
    """Return the finding on the health check of a container."""
    assert explain_finding(judge_containers(checked(health))) == texts


RANG = change("11:08", "OK", "ALARM", "Threshold Crossed: 3 datapoints were greater than the threshold (1.0).")
CALM = change("11:12", "ALARM", "OK", "Threshold Crossed: 3 datapoints were not greater than the threshold (1.0).")

ALARMS: Mapping[str, Callable[[], ServiceFacts]] = {
    "OK": lambda: watched(alarm()),
    "in ALARM": lambda: watched(alarm("shop-5xx", "ALARM", RANG, since=clock("11:08"), reason=RANG.reason)),
    "in ALARM from before": lambda: watched(alarm("shop-5xx", "ALARM", since=clock("09:00"), reason=RANG.reason)),
    "went off and recovered": lambda: watched(alarm("shop-5xx", "OK", RANG, CALM)),
    "recovered": lambda: watched(alarm("shop-5xx", "OK", CALM)),
    "INSUFFICIENT_DATA": lambda: watched(alarm("shop-5xx", "INSUFFICIENT_DATA", since=clock("11:06"))),
    "no such alarm": lambda: watched(no_alarms={"shop-5x": ("shop-5xx", "shop-4xx")}),
    "no such alarm, and none like it": lambda: watched(no_alarms={"zzz": ()}),
    "history denied": lambda: watched(alarm(changes=None)),
    "denied": lambda: completed(problems={"alarms": denied("cloudwatch:DescribeAlarms")}),
}
"""What alarms may say."""


@pytest.mark.parametrize("name", list(ALARMS))
def test_alarms(name: str, texts: SnapshotAssertion) -> None:
    """Return the finding on alarms, of now and since the rollout began."""
    assert explain_finding(judge_alarms(ALARMS[name](), ["shop-5xx"])) == texts


TRAFFIC: Mapping[str, Callable[[], ServiceFacts]] = {
    "few enough": lambda: completed(health=Health(traffic=traffic(1200, 3))),
    "too many": lambda: completed(health=Health(traffic=traffic(1200, 61))),
    "too few requests": lambda: completed(health=Health(traffic=traffic(1, 1))),
    "no requests": lambda: completed(health=Health(traffic=traffic(0, 0))),
    "nothing counts them": completed,
    "denied": lambda: completed(problems={"traffic": denied("cloudwatch:GetMetricData")}),
}
"""What requests may have come to."""


@pytest.mark.parametrize("name", list(TRAFFIC))
def test_error_rate(name: str, texts: SnapshotAssertion) -> None:
    """The share of requests that went wrong."""
    assert explain_finding(judge_error_rate(TRAFFIC[name](), ErrorRate(0.01))) == texts


def crash_loop() -> ServiceFacts:
    """A rollback after crashes, in a whole run."""
    back = deployment("ecs-svc/3", began=clock("11:10"), brings=OLD_DEFINITION, reason=BREAKER)
    return rolled_back("service deployments", service=service(back), tasks=(*SERVING, crashed(), crashed("again")))


@pytest.mark.parametrize("name", ["a crash loop", "a push that nobody rolled out", "many causes"])
def test_summaries(name: str, texts: SnapshotAssertion) -> None:
    """Return the summary of a run that one of these refuted."""
    worlds: dict[str, Callable[[], ServiceFacts]] = {
        "a crash loop": crash_loop,
        "a push that nobody rolled out": never_restarted,
        "many causes": many,
    }
    world = worlds[name]()
    assert "\n".join(summary(run_of(world, findings_of(world)))) == texts


def test_nothing_is_left_out() -> None:
    """Every class of stopped tasks and every outcome has a text among these."""
    assert {name.partition(",")[0].partition(" ")[0] for name in OUTCOMES} == set(Outcome)
    assert _names(STOPPED_WORDS) >= _classes()


def _names(words: Iterable[str]) -> set[str]:
    return {name for name in words if not name.startswith("exit-")}


def _classes() -> set[str]:
    """The classes of stopped tasks that there are, by words and the one for all others."""
    from pytest_deploycheck.judge.analysis.stop_reasons import _BY_WORDS  # noqa: PLC0415

    return {reason.name for _, reason in _BY_WORDS} | {"other"}


def test_the_texts_are_the_same_everywhere() -> None:
    """No text holds anything of the machine it was written on, or of the moment."""
    kept = (Path(__file__).parent / "__snapshots__" / "test_messages.ambr").read_text()
    assert str(Path.home()) not in kept
    assert set(re.findall(r"\b20\d\d-\d\d-\d\d\b", kept)) == {"2025-11-26"}
