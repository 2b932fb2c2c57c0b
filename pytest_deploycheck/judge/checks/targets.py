"""`targets-healthy`: the new tasks in the target groups of the service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_deploycheck.facts.health import TargetGroup
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.analysis.targets import Registration, idle_serving_groups
from pytest_deploycheck.judge.commands import aws_command, region_of
from pytest_deploycheck.judge.finding import TARGETS_HEALTHY, Finding
from pytest_deploycheck.judge.wording import plural

_REMEDIES = {
    "Target.ResponseCodeMismatch": "Request the path of the health check from a new task: it answers with another "
    "status code than the target group expects.",
    "Target.Timeout": "Check that the application listens on all addresses at that port, that the security group of "
    "the tasks allows traffic from the load balancer, and that the path answers within the health check's timeout.",
    "Target.FailedHealthChecks": "Check that the application listens at that port, with the protocol of the health "
    "check.",
    "Target.NotRegistered": "Read in the service's events why ECS did not register the task.",
    "Target.NotInUse": "Let a listener of the load balancer forward to the target group, and enable the Availability "
    "Zone of the task for the load balancer.",
    "Target.DeregistrationInProgress": "Find out what deregisters the task, and verify again.",
    "Elb.RegistrationInProgress": "Wait longer (--deploy-wait=10m).",
    "Elb.InitialHealthChecking": "Wait longer (--deploy-wait=10m): it takes at least the interval of the health check "
    "times its healthy threshold.",
}
"""Remedies for the load balancer's own reasons, from the API's documentation."""


def judge_targets(analysis: ServiceAnalysis) -> Finding:
    """`targets-healthy`: each new task is healthy in every target group of the service that serves production."""
    facts = analysis.facts
    service = facts.service
    if service is None:
        return TARGETS_HEALTHY.errs(facts.problems["service"])
    if not service.load_balancers:
        return TARGETS_HEALTHY.skips("the service has no load balancer")
    for subject in ("tasks", "targets"):
        if subject in facts.problems:
            return TARGETS_HEALTHY.errs(facts.problems[subject])
    if not any(one.target_groups for one in service.load_balancers):
        return TARGETS_HEALTHY.unproven(
            f"the health of the tasks in the Classic Load Balancer {service.load_balancers[0].classic!r} is not read: "
            "only target groups are",
            remedy="Look at its instances in the AWS console, or deselect this check.",
        )
    new = analysis.new_tasks
    if not new:
        return TARGETS_HEALTHY.unproven(
            "no running task runs the expected image, so none can be healthy in a target group",
            remedy="See tasks-run-image.",
        )
    unknown = [task for task in new if not task.addresses]
    if unknown:
        if "instances" in facts.problems:
            return TARGETS_HEALTHY.errs(facts.problems["instances"])
        return TARGETS_HEALTHY.unproven(
            f"ECS does not report the address of {plural(len(unknown), 'new task')} "
            f"({', '.join(task.id for task in unknown)})",
            remedy="Look at the target groups in the AWS console.",
        )
    unseen = [one for one in service.load_balancers if not any(map(facts.health.group, one.target_groups))]
    found = analysis.registrations
    if unseen and all(one.state == "healthy" for one in found):
        name = TargetGroup(unseen[0].target_groups[0]).name if unseen[0].target_groups else unseen[0].classic
        return TARGETS_HEALTHY.unproven(
            f"the new tasks in {name} could not be read", remedy="Look at it in the AWS console."
        )
    finding = _judge(found, facts.problems.get("production"))
    idle = idle_serving_groups(facts)
    return _idle(idle, finding) if idle and finding.is_good else finding


def _idle(groups: Sequence[TargetGroup], finding: Finding) -> Finding:
    """The new tasks are healthy, and a share of the requests does not reach them."""
    names = ", ".join(group.name for group in groups)
    return TARGETS_HEALTHY.fails(
        f"{names} serves production too, by the weights of the listener, and has no target that takes requests; "
        f"{finding.summary}",
        cause="A share of the users' requests is forwarded to a target group without targets, and fails.",
        remedy="Set the weight of that target group to 0 in the listener rule, or register the tasks in it.",
        command=_command(groups[0]),
        evidence=finding.evidence,
    )


def _judge(registrations: Sequence[Registration], problem: Problem | None) -> Finding:
    """Judge the new tasks in their target groups.

    Args:
        registrations: The tasks in their groups.
        problem: Why it could not be read which groups serve production, or None.
    """
    evidence: dict[str, Any] = {
        "targets": [
            {
                "task": one.task.id,
                "target_group": one.group.name,
                "target": one.target.id if one.target else None,
                "state": one.state,
                "reason": one.reason if one.state != "healthy" else "",
            }
            for one in registrations
        ]
    }
    tasks = len({one.task.id for one in registrations})
    bad = [one for one in registrations if one.state != "healthy" and not one.is_unknown]
    if bad:
        unhealthy = len({one.task.id for one in bad})
        empty = "" if bad[0].group.targets else f"; {bad[0].group.name} has no targets at all"
        return TARGETS_HEALTHY.fails(
            f"{unhealthy} of {plural(tasks, 'new task')} not healthy: {'; '.join(map(str, bad[:3]))}{empty}",
            cause="The load balancer sends no traffic to a task that is not healthy.",
            remedy=" ".join(dict.fromkeys(_remedy(one) for one in bad[:3])),
            command=_command(bad[0].group),
            evidence=evidence,
        )
    if not registrations:
        # All of none are healthy: this is never to become a pass, whatever led here.
        return TARGETS_HEALTHY.unproven("no target group reports a new task", remedy="See tasks-run-image.")
    unknown = [one for one in registrations if one.is_unknown]
    if unknown:
        return TARGETS_HEALTHY.unproven(
            f"it is not known whether the new tasks are healthy: {unknown[0]}",
            remedy="Enable the health checks of the target group, or deselect this check.",
            command=_command(unknown[0].group),
            evidence=evidence,
        )
    doubtful = next((one for one in registrations if one.other), None)
    if doubtful and doubtful.other:
        return TARGETS_HEALTHY.unproven(
            f"{doubtful}, but not in {doubtful.other.name}, and it is not known which of the two target groups serves "
            f"production{f': {problem.message}' if problem else ''}",
            remedy=problem.remedy
            if problem
            else "Look at the listener rule that forwards production traffic; set productionListenerRule in the load "
            "balancer settings of the service, so that it can be read.",
            command=_command(doubtful.group),
            evidence=evidence,
        )
    groups = dict.fromkeys(one.group.name for one in registrations)
    return TARGETS_HEALTHY.passes(f"{plural(tasks, 'new task')} healthy in {', '.join(groups)}", evidence=evidence)


def _remedy(registration: Registration) -> str:
    return _REMEDIES.get(
        registration.reason, "Check the health check settings of the target group, and read the log of the task."
    )


def _command(group: TargetGroup) -> str:
    words = ["elbv2", "describe-target-health", "--target-group-arn", group.arn]
    return aws_command(*words, region=region_of(group.arn))
