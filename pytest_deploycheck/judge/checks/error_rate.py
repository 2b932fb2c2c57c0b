"""`error-rate`: the share of requests that fail since only the new tasks serve."""

from __future__ import annotations

from pytest_deploycheck.config.settings import ErrorRate
from pytest_deploycheck.facts.health import Traffic
from pytest_deploycheck.facts.snapshot import Problem, ServiceFacts
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.finding import ERROR_RATE, Finding
from pytest_deploycheck.judge.wording import at


def judge_error_rate(analysis: ServiceAnalysis, declared: ErrorRate | None) -> Finding:
    """`error-rate`: no more than the declared share of requests fails, out of enough requests to tell."""
    facts = analysis.facts
    if declared is None:
        return ERROR_RATE.skips("no error_rate is declared")
    hidden = _hidden(facts)
    if hidden:
        return ERROR_RATE.errs(hidden)
    if not analysis.new_tasks:
        return ERROR_RATE.unproven(
            "no running task runs the expected image, so the requests tell nothing about it",
            remedy="See tasks-run-image.",
        )
    traffic = facts.health.traffic
    if traffic is None:
        return ERROR_RATE.unproven(
            "no metric counts the requests: no target group of the service belongs to an Application Load Balancer",
            remedy="Set namespace, metric, requests and dimensions of error_rate to metrics that count them.",
        )
    window = f"from {at(traffic.since)} to {at(traffic.until)}"
    evidence = _evidence(traffic)
    if not traffic.is_enough:
        return ERROR_RATE.unproven(
            f"only {traffic.requests:g} of the required {max(traffic.min_requests, 1)} requests were counted {window}",
            remedy="Send traffic to the application and verify again, wait longer (--deploy-wait=10m; load balancers "
            "report once a minute), or lower min_requests.",
            evidence=evidence,
        )
    if not traffic.errors and not traffic.is_metric_known:
        return ERROR_RATE.unproven(
            f"{traffic.counted}: the metric of errors has no data, neither {window} nor in the two weeks before, so "
            "its name may be wrong",
            remedy="Compare namespace, metric and dimensions of error_rate with CloudWatch; they are case-sensitive.",
            evidence=evidence,
        )
    seen = (
        f"{traffic.errors:g} of {traffic.requests:g} requests failed {window}, which is {_percent(traffic.share)}; the "
        f"limit is {_percent(traffic.max_share)}"
    )
    if traffic.share > traffic.max_share:
        return ERROR_RATE.fails(
            seen,
            cause="The new code answers with errors.",
            remedy="Read the errors in the logs of the new tasks, and fix them or roll back.",
            evidence=evidence,
        )
    return ERROR_RATE.passes(seen, evidence=evidence)


def _hidden(facts: ServiceFacts) -> Problem | None:
    """The problem because of which the requests, or the tasks that answer them, are not known."""
    return next((facts.problems[name] for name in ("service", "tasks", "traffic") if name in facts.problems), None)


def _evidence(traffic: Traffic) -> dict[str, object]:
    return {
        "requests": traffic.requests,
        "errors": traffic.errors,
        "share": traffic.share,
        "max": traffic.max_share,
        "min_requests": traffic.min_requests,
        "since": traffic.since.isoformat(),
        "until": traffic.until.isoformat(),
        "counted": traffic.counted,
    }


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
