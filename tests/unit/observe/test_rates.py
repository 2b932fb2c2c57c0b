"""The budget of calls, on a clock that only its waits move."""

from __future__ import annotations

import pytest
from support.log_fakes import FakeClock

from pytest_deploycheck.observe.call_bucket import CallRate
from pytest_deploycheck.observe.problems import ObservationTimeoutError
from pytest_deploycheck.observe.rates import Budgets, RateBudget, polling

LIST, DESCRIBE = "ecs:ListTasks", "ecs:DescribeTasks"
RATES = (CallRate((LIST, DESCRIBE), 20, 10), CallRate(("logs:FilterLogEvents",), 20, 10))
MARGIN = 0.95
"""The part of each rate that is used."""


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that only waits move."""
    return FakeClock()


@pytest.fixture
def budget(clock: FakeClock) -> RateBudget:
    """Return a budget of 20 calls at once and 10 a second."""
    return RateBudget(clock=clock, rates=RATES)


def seconds(budget: RateBudget, clock: FakeClock, calls: int, action: str = LIST, region: str = "eu-west-1") -> float:
    """Make calls one after the other, and return how long that takes."""
    began = clock.monotonic()
    for _ in range(calls):
        budget.take(action, region)
    return clock.monotonic() - began


def test_a_burst_is_free_and_the_rest_is_paced(budget: RateBudget, clock: FakeClock) -> None:
    """The bucket's calls are made at once, and those beyond it at its rate, before AWS throttles any."""
    assert seconds(budget, clock, 19) == 0
    assert seconds(budget, clock, 95) == pytest.approx(95 / (10 * MARGIN))


def test_operations_of_one_bucket_share_it(budget: RateBudget, clock: FakeClock) -> None:
    """A call that one operation took is not there for another of the same bucket; other buckets and regions have it."""
    assert seconds(budget, clock, 19) == 0
    assert seconds(budget, clock, 1, action=DESCRIBE) > 0
    assert seconds(budget, clock, 19, action="logs:FilterLogEvents") == 0
    assert seconds(budget, clock, 19, region="us-east-1") == 0
    assert seconds(budget, clock, 1000, action="sts:GetCallerIdentity") == 0


def test_a_region_may_have_a_rate_of_its_own(clock: FakeClock) -> None:
    """Logs are read 25 times a second in one region, 5 times in some, and 10 times in all others."""
    for region, rate in (("us-east-1", 25), ("eu-central-1", 5), ("eu-west-1", 10), ("mars-1", 10)):
        budget = RateBudget(clock=clock)
        assert seconds(budget, clock, rate - 2, "logs:FilterLogEvents", region) == 0
        assert seconds(budget, clock, 100, "logs:FilterLogEvents", region) == pytest.approx(100 / rate, rel=0.1)


def test_an_unused_bucket_fills_again(budget: RateBudget, clock: FakeClock) -> None:
    """After a pause there is a burst again, and no more than one."""
    seconds(budget, clock, 19)
    clock.sleep(60)
    assert seconds(budget, clock, 19) == 0
    assert seconds(budget, clock, 1) > 0


def test_a_throttle_halves_the_rate_which_recovers(budget: RateBudget, clock: FakeClock) -> None:
    """Others use the bucket as well: calls are made half as often, and more often again as time passes."""
    budget.throttled(LIST, "eu-west-1")
    slowed = seconds(budget, clock, 10)
    assert slowed > 1.6 * 10 / (10 * MARGIN)
    clock.sleep(60)
    seconds(budget, clock, 19)
    assert seconds(budget, clock, 10) == pytest.approx(10 / (10 * MARGIN))
    assert budget.throttles == 1


def test_an_operation_without_a_published_rate(budget: RateBudget, clock: FakeClock) -> None:
    """It is not held back; a throttle of it is counted, and slows nothing else down."""
    assert seconds(budget, clock, 100, "sts:GetCallerIdentity") == 0
    budget.throttled("sts:GetCallerIdentity", "eu-west-1")
    assert budget.throttles == 1
    assert seconds(budget, clock, 19) == 0


def test_throttles_of_calls_that_were_under_way_count_once(budget: RateBudget, clock: FakeClock) -> None:
    """Eight calls that are throttled at the same moment halve the rate once, not eight times."""
    for _ in range(8):
        budget.throttled(LIST, "eu-west-1")
    assert seconds(budget, clock, 10) < 3 * 10 / (10 * MARGIN)


def test_polls_use_a_quarter_of_a_bucket(budget: RateBudget, clock: FakeClock) -> None:
    """Polling leaves three quarters to the deployments of others; what is no poll is not held back by it."""
    with polling():
        seconds(budget, clock, 4)
        assert seconds(budget, clock, 19) == pytest.approx(19 / (10 * MARGIN / 4), rel=0.2)
    assert seconds(budget, clock, 10) == 0


def test_a_worker_has_its_share(clock: FakeClock) -> None:
    """Four workers that each use their share use together what one process may."""
    budget = RateBudget(0.25, clock=clock, rates=RATES)
    seconds(budget, clock, 5)
    assert seconds(budget, clock, 19) == pytest.approx(19 / (10 * MARGIN / 4), rel=0.2)


def test_what_holding_back_cost_is_counted_once(budget: RateBudget, clock: FakeClock) -> None:
    """The seconds of calls that wait one after the other add up to the time that passed."""
    passed = seconds(budget, clock, 60)
    assert budget.held == pytest.approx(passed)


def test_what_the_published_rate_holds_back_is_granted(budget: RateBudget, clock: FakeClock) -> None:
    """A run over many services has the time that the rates of AWS ask for, in addition to its own."""
    assert budget.granted == 0
    passed = seconds(budget, clock, 60)
    assert budget.granted == pytest.approx(passed)


def test_throttles_are_granted_a_few_seconds_and_no_more(budget: RateBudget, clock: FakeClock) -> None:
    """A few calls that AWS throttles to the end do not keep a run beyond its time."""
    for _ in range(15):
        budget.throttled(LIST, "eu-west-1")
        seconds(budget, clock, 1)
    assert budget.held > 10
    assert budget.granted <= 6


def test_a_region_that_allows_half_is_granted_twice_the_time(budget: RateBudget, clock: FakeClock) -> None:
    """Many calls may take twice as long as at the published rate."""
    for _ in range(100):
        seconds(budget, clock, 9)
        budget.throttled(LIST, "eu-west-1")
    least = 900 / (10 * MARGIN)
    assert budget.granted == pytest.approx(min(budget.held, 2 * least), rel=0.1)
    assert budget.granted > 1.5 * least


def test_a_call_is_not_held_back_beyond_its_time(budget: RateBudget, clock: FakeClock) -> None:
    """A call that would have to wait longer than the run may take ends at once, with the error of a lack of time."""
    seconds(budget, clock, 19)
    for _ in range(9):
        budget.throttled(LIST, "eu-west-1")
        clock.sleep(0.6)
    began = clock.monotonic()
    with pytest.raises(ObservationTimeoutError):
        budget.take(LIST, "eu-west-1", lambda: 0.1)
    assert clock.monotonic() == began


def test_environments_of_one_account_share_a_budget() -> None:
    """Two environments of one account have one budget, and those of two accounts have two."""
    budgets = Budgets()
    assert budgets.of("1") is budgets.of("1")
    assert budgets.of("1") is not budgets.of("2")


def test_calls_before_the_account_is_known_count_in_its_budget(clock: FakeClock) -> None:
    """Two environments turn out to be of one account: what each of them called before then uses up the same bucket."""
    budgets = Budgets(make=lambda share: RateBudget(share, clock=clock, rates=RATES))
    first, second = budgets.unknown(), budgets.unknown()
    assert seconds(first, clock, 10) == seconds(second, clock, 5) == 0
    assert budgets.identified(first, "123456789012") is first
    assert budgets.identified(second, "123456789012") is first
    assert seconds(budgets.of("123456789012"), clock, 4) == 0
    assert seconds(first, clock, 1) > 0
    assert seconds(budgets.of("210987654321"), clock, 19) == 0
