"""`error-rate`: the share of requests that go wrong."""

from __future__ import annotations

import pytest
from support.judging import judge_error_rate, still_awaited
from support.worlds import completed, denied
from support.worlds_health import traffic

from pytest_deploycheck.config.settings import ErrorRate
from pytest_deploycheck.facts.health import Health, Traffic
from pytest_deploycheck.judge.finding import Finding, Status

DECLARED = ErrorRate(max_share=0.01, min_requests=50)


def judge(seen: Traffic | None) -> Finding:
    """Return the finding on these requests."""
    finding = judge_error_rate(completed(health=Health(traffic=seen)), DECLARED)
    assert (finding.id, finding.link) == ("error-rate", "health")
    return finding


@pytest.mark.parametrize(("requests", "errors"), [(100, 0), (100, 1), (50, 0), (1000, 10)])
def test_a_share_within_the_limit_passes(requests: float, errors: float) -> None:
    """Up to the share that is allowed, and from the least number of requests on."""
    finding = judge(traffic(requests, errors))
    assert finding.status is Status.PASS
    assert "the limit is 1 %" in finding.summary
    assert still_awaited(completed(health=Health(traffic=traffic(requests, errors)))) == []


@pytest.mark.parametrize(("requests", "errors", "share"), [(100, 2, "2 %"), (50, 50, "100 %"), (3000, 31, "1.03 %")])
def test_a_share_above_the_limit_fails(requests: float, errors: float, share: str) -> None:
    """It fails with both numbers, the window, the share and what is allowed; waiting does not fix it."""
    finding = judge(traffic(requests, errors))
    assert finding.status is Status.FAIL
    for said in (f"{errors} of {requests}", "11:10:00", "11:40:00", share, "the limit is 1 %"):
        assert said in finding.summary
    assert finding.remedy
    assert finding.evidence["share"] == errors / requests
    assert still_awaited(completed(health=Health(traffic=traffic(requests, errors)))) == []


@pytest.mark.parametrize(("requests", "errors"), [(0, 0), (49, 0), (49, 49), (1, 1)])
def test_too_few_requests_are_unproven(requests: float, errors: float) -> None:
    """No requests, or fewer than tell something: neither good nor bad, and worth waiting for."""
    finding = judge(traffic(requests, errors))
    assert finding.status is Status.UNPROVEN
    assert "50" in finding.summary
    assert finding.remedy
    assert len(still_awaited(completed(health=Health(traffic=traffic(requests, errors))))) == 1


def test_no_requests_are_never_enough() -> None:
    """A least number of zero does not make silence healthy."""
    assert judge(traffic(0, 0, min_requests=0)).status is Status.UNPROVEN


@pytest.mark.parametrize(
    ("requests", "said"),
    [
        (3, "47 more requests to be counted (3 so far)"),
        (49, "1 more request to be counted (49 so far)"),
        (49.5, "1 more request to be counted (49.5 so far)"),
    ],
)
def test_what_is_lacking_is_counted(requests: float, said: str) -> None:
    """Whoever waits reads how many requests are wanted still."""
    assert still_awaited(completed(health=Health(traffic=traffic(requests, 0)))) == [said]


def test_nothing_that_counts_is_unproven() -> None:
    """Without metrics there is no share, and it is said how to name some."""
    finding = judge(None)
    assert finding.status is Status.UNPROVEN
    assert "error_rate" in finding.remedy
    assert still_awaited(completed()) == []


def test_metrics_that_may_not_be_read_are_an_error() -> None:
    """The denied action is named."""
    world = completed(problems={"traffic": denied("cloudwatch:GetMetricData")})
    finding = judge_error_rate(world, DECLARED)
    assert finding.status is Status.ERROR
    assert "cloudwatch:GetMetricData" in finding.summary


def test_without_a_declaration_it_is_skipped() -> None:
    """Nobody asked."""
    assert judge_error_rate(completed(health=Health(traffic=traffic(100, 100))), None).status is Status.SKIP


def test_nothing_may_go_wrong_where_none_is_allowed() -> None:
    """A limit of zero allows no error at all."""
    strict = completed(health=Health(traffic=traffic(10_000, 1, max_share=0.0)))
    assert judge_error_rate(strict, DECLARED).status is Status.FAIL
    clean = completed(health=Health(traffic=traffic(10_000, 0, max_share=0.0)))
    assert judge_error_rate(clean, DECLARED).status is Status.PASS
