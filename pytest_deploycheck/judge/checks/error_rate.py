"""`error-rate`: how many of the requests go wrong since the new tasks serve alone?"""

from __future__ import annotations

import math

from pytest_deploycheck.config.settings import ErrorRate
from pytest_deploycheck.facts.snapshot import Problem, ServiceFacts
from pytest_deploycheck.judge.analysis.matching import is_new
from pytest_deploycheck.judge.finding import ERROR_RATE, Finding
from pytest_deploycheck.judge.wording import at, plural


def judge_error_rate(facts: ServiceFacts, declared: ErrorRate | None) -> Finding:
    """`error-rate`: no more than the declared share of requests goes wrong, of requests enough to say so."""
    if declared is None:
        return ERROR_RATE.skips("no error_rate is declared")
    hidden = _hidden(facts)
    if hidden:
        return ERROR_RATE.errs(hidden)
    if not any(is_new(task, facts) for task in facts.running):
        return ERROR_RATE.unproven(
            "no running task runs the image, so what is answered says nothing of it", remedy="See tasks-run-image."
        )
    traffic = facts.health.traffic
    if traffic is None:
        return ERROR_RATE.unproven(
            "nothing counts the requests: no target group of the service belongs to an Application Load Balancer",
            remedy="Name namespace, metric, requests and dimensions of metrics that count them in error_rate.",
        )
    window = f"from {at(traffic.since)} to {at(traffic.until)}"
    seen = f"{traffic.errors:g} of {traffic.requests:g} requests went wrong {window}"
    evidence = {
        "requests": traffic.requests,
        "errors": traffic.errors,
        "share": traffic.share,
        "max": traffic.max_share,
        "min_requests": traffic.min_requests,
        "since": traffic.since.isoformat(),
        "until": traffic.until.isoformat(),
        "counted": traffic.counted,
    }
    if not traffic.is_enough:
        return ERROR_RATE.unproven(
            f"{traffic.requests:g} of the {max(traffic.min_requests, 1)} requests that tell something came {window}",
            remedy="Send the application traffic and verify again, wait longer (--deploy-wait=10m; load balancers "
            "count by the minute), or lower min_requests.",
            evidence=evidence,
        )
    if not traffic.errors and not traffic.is_metric_known:
        return ERROR_RATE.unproven(
            f"{traffic.counted}: the metric of errors counted nothing, neither {window} nor in the two weeks before, "
            "so there may be none of that name",
            remedy="Compare namespace, metric and dimensions of error_rate with CloudWatch's; their case counts.",
            evidence=evidence,
        )
    if traffic.share > traffic.max_share:
        return ERROR_RATE.fails(
            f"{seen}, {_percent(traffic.share)}; allowed are {_percent(traffic.max_share)}",
            cause="The new code answers with errors.",
            remedy="Read the new tasks' logs for the errors; mend them or roll back.",
            evidence=evidence,
        )
    return ERROR_RATE.passes(
        f"{seen}, {_percent(traffic.share)} where {_percent(traffic.max_share)} are allowed", evidence=evidence
    )


def _hidden(facts: ServiceFacts) -> Problem | None:
    """Why it is not known what counts the requests, who answers them, or how many went wrong."""
    return next((facts.problems[name] for name in ("service", "tasks", "traffic") if name in facts.problems), None)


def lacking_requests(facts: ServiceFacts) -> list[str]:
    """The requests that are still wanted before their share of errors says something, in words.

    Where no new task runs there is nobody to answer them.
    """
    traffic = facts.health.traffic
    if traffic is None or traffic.is_enough or not any(is_new(task, facts) for task in facts.running):
        return []
    lacking = max(traffic.min_requests, 1) - math.floor(traffic.requests)
    return [f"{plural(lacking, 'more request')} to be counted ({traffic.requests:g} so far)"]


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
