"""The queries of the logs, and their right answers, however CloudWatch Logs behaves."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.observe.logs import matches
from pytest_deploycheck.sandbox import SandboxContainer

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox import SandboxService
    from verification.conftest import Room, Seen

READ = "logs:FilterLogEvents"


@pytest.fixture
def shop(room: Room) -> SandboxService:
    """Return a service of one task that runs the expected image for eight minutes."""
    service = room.shop()
    service.roll_out(at=room.ago(8))
    return service


def patterns(seen: Seen) -> list[str]:
    """Return the filter patterns of all calls that had one."""
    return [asked["filterPattern"] for asked in seen.parameters(READ) if "filterPattern" in asked]


def statuses(seen: Seen) -> list[str]:
    """Return how the expectations ended, in their order."""
    return [status for check, status in seen.statuses.items() if check.startswith("logs-")]


def test_the_window_has_a_fixed_start_and_polls_overlap(room: Room, shop: SandboxService) -> None:
    """No query begins before the rollout, and none later than two minutes ago: late lines are within reach."""
    shop.log("hello", at=room.ago(5))
    shop.log("newest", at=room.ago(0))
    rollout = int(shop.rollout.created_at.timestamp() * 1000)
    asked = room.verify(logs=[{"expect": "never said"}], log_wait="1.5s").parameters(READ)
    latest = int(room.ago(2).timestamp() * 1000)
    starts = [each["startTime"] for each in asked if "endTime" not in each and "filterPattern" in each]
    assert len(starts) > 1
    assert starts[0] == rollout
    assert all(rollout <= start <= latest for start in starts)


def test_each_poll_drains_all_pages(room: Room, shop: SandboxService) -> None:
    """Nothing is missed or counted twice where pages are small, empty, repeated or overlap."""
    task = shop.running_tasks[0]
    task.log_lines((f"item #{number}" for number in range(13)), at=room.ago(5), every=timedelta(seconds=1))
    pagings: tuple[dict[str, Any], ...] = (
        {"size": 5, "repeat_token": 2},
        {"size": 6, "overlap": 3, "empty_pages": True, "repeat_token": 1, "repeat_page": True},
    )
    for paging in pagings:
        room.aws.page_logs(**paging)
        seen = room.verify(logs=[{"expect": "item #", "count": 14}], log_wait="0")
        assert statuses(seen) == ["fail"], paging
        assert "13 of 14" in seen.finding("logs-1").summary, paging


@pytest.mark.timeout(60)
def test_a_token_that_repeats_for_ever_ends(room: Room, shop: SandboxService) -> None:
    """A stream that cannot be read to its end proves no absence, and does not keep the run for ever."""
    task = shop.running_tasks[0]
    task.log_lines((f"item #{number}" for number in range(5)), at=room.ago(5))
    room.aws.page_logs(size=2, repeat_token=10**9)
    seen = room.verify(logs=[{"forbid": "never said"}])
    assert statuses(seen)[0] in {"unproven", "error"}
    assert seen.asked[READ] < 500


def test_late_and_out_of_order_lines_are_counted_once(room: Room, shop: SandboxService) -> None:
    """Whatever the order in which they arrive, each is counted, and once, though looks overlap."""
    shop.log("item", at=room.ago(0.1))
    for number, minutes in enumerate((1.9, 0.2, 1, 0.5)):
        shop.log("item", at=room.ago(minutes), arrives_in=0.2 * (number + 1))
    seen = room.verify(logs=[{"expect": "item", "count": 6}], log_wait="1.8s")
    assert statuses(seen) == ["fail"]
    assert "5 of 6" in seen.finding("logs-1").summary


def test_a_literal_in_a_big_group_costs_few_calls(room: Room, shop: SandboxService) -> None:
    """CloudWatch looks for the text: 30,000 other lines are not transferred."""
    task = shop.running_tasks[0]
    task.log_lines((f"noise {number}" for number in range(30_000)), at=room.ago(6))
    task.log("Found 3 platform sections", at=room.ago(5))
    room.aws.page_logs(size=1_000)
    seen = room.verify(logs=[{"expect": "Found 3 platform sections"}])
    assert statuses(seen) == ["pass"]
    assert seen.asked[READ] <= 3


def test_expectations_share_a_call(room: Room, shop: SandboxService) -> None:
    """Several texts, and the literal core of a pattern, are pushed to the service together."""
    shop.log("Found 3 platform sections", at=room.ago(5))
    shop.log("Parsed content item #17", at=room.ago(5))
    shop.log("goodbye", at=room.ago(4))
    expectations = [
        {"expect": "Found 3 platform sections"},
        {"expect_regex": r"Parsed content item #\d+"},
        {"expect": "goodbye"},
    ]
    seen = room.verify(logs=expectations)
    assert statuses(seen) == ["pass"] * 3
    assert seen.asked[READ] <= 3
    # Literal texts may be asked for ahead, while the services are still observed; a regular expression never is.
    (first, *others) = patterns(seen)
    for text in ("Found 3 platform sections", "goodbye"):
        assert f'?"{text}"' in first
    assert any('?"Parsed content item #"' in one for one in (first, *others[:1]))


def test_what_one_expectation_finds_is_no_match_of_another(room: Room, shop: SandboxService) -> None:
    """Lines that a shared call brings are checked again, for each expectation by itself."""
    shop.log("Parsed content item #seventeen", at=room.ago(5))
    shop.log("Found 3 platform sections", at=room.ago(5))
    expectations: list[dict[str, Any]] = [
        {"expect": "Found 3 platform sections", "count": 2},
        {"expect_regex": r"Parsed content item #\d+"},
        {"forbid_regex": r"Parsed content item #\d+"},
        {"forbid": "Found 4"},
    ]
    assert statuses(room.verify(logs=expectations)) == ["fail", "fail", "pass", "pass"]


def test_a_pattern_without_literal_core_reads_everything(room: Room, shop: SandboxService) -> None:
    """It is right in a big group as well, read page by page."""
    task = shop.running_tasks[0]
    task.log_lines(("noise" for _ in range(2_000)), at=room.ago(6))
    task.log("12345-67", at=room.ago(5.5))
    room.aws.page_logs(size=400)
    seen = room.verify(logs=[{"expect_regex": r"\d{5}-\d\d"}, {"forbid_regex": r"\d{6}"}])
    assert statuses(seen) == ["pass", "pass"]


def test_more_lines_than_are_kept(room: Room, shop: SandboxService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond 20,000 matching events, or fewer here, no number is claimed; a line that is expected is still found."""
    assert matches.MOST_EVENTS == 20_000
    monkeypatch.setattr(matches, "MOST_EVENTS", 1_000)
    task = shop.running_tasks[0]
    lines = ("tick" if number != 1_030 else "tick 1030 last" for number in range(1_050))
    task.log_lines(lines, at=room.ago(6), every=timedelta(milliseconds=40))
    task.log("tock", at=room.ago(3))
    room.aws.page_logs(size=500)
    expectations: list[dict[str, Any]] = [
        {"expect": "tick 1030 last"},
        {"expect": "tick", "count": 1_250},
        {"sequence": ["tick 1030 last", "tock"]},
    ]
    seen = room.verify(logs=expectations, log_wait="0")
    assert statuses(seen) == ["pass", "unproven", "pass"]


def test_more_characters_than_are_kept(room: Room, shop: SandboxService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond 16 million characters of matching events, or fewer here, no number is claimed; a line is still found."""
    assert matches.MOST_CHARACTERS == 16_000_000
    monkeypatch.setattr(matches, "MOST_CHARACTERS", 160_000)
    task = shop.running_tasks[0]
    task.log_lines((f"blob {'x' * 2_500}" for _ in range(66)), at=room.ago(6), every=timedelta(seconds=1))
    task.log("blob the last", at=room.ago(3))
    expectations: list[dict[str, Any]] = [{"expect_regex": r"blob (x+|the last)$", "count": 70}, {"expect": "the last"}]
    assert statuses(room.verify(logs=expectations, log_wait="0")) == ["unproven", "pass"]


def test_more_than_a_hundred_streams(room: Room) -> None:
    """They are split over calls, and each task is read."""
    service = room.shop(desired=103)
    service.roll_out(at=room.ago(8))
    service.log("hello", at=room.ago(5))
    service.running_tasks[-1].log("from the last", at=room.ago(5))
    service.running_tasks[0].log("from the first", at=room.ago(5))
    expectations: list[dict[str, Any]] = [
        {"expect": "hello", "tasks": "all"},
        {"expect": "from the last"},
        {"expect": "from the first"},
        {"forbid": "from nowhere"},
    ]
    seen = room.verify(logs=expectations, log_wait="0")
    assert statuses(seen) == ["pass"] * 4
    named = [asked.get("logStreamNames", []) for asked in seen.parameters(READ)]
    assert max(map(len, named)) <= 100
    assert {name for names in named for name in names} >= {f"ecs/app/{task.id}" for task in service.running_tasks}


def test_tasks_that_log_nothing_cost_no_call_each(room: Room) -> None:
    """The first page of the group tells of every task that has not logged yet, if it holds all lines."""
    service = room.shop(desired=12)
    service.roll_out(at=room.ago(8))
    service.running_tasks[0].log("ready", at=room.ago(5))
    seen = room.verify(logs=[{"expect": "ready", "tasks": "all"}], log_wait="0")
    assert statuses(seen) == ["unproven"]
    alone = [names for asked in seen.parameters(READ) if len(names := asked.get("logStreamNames", ())) == 1]
    assert {names[0].rpartition("/")[2] for names in alone} == {service.running_tasks[0].id}


def test_a_task_that_logs_little_beside_one_that_logs_much(room: Room) -> None:
    """Each task is asked for, also beside one without lines, if the first page of the group does not hold all lines."""
    service = room.shop(desired=3)
    service.roll_out(at=room.ago(8))
    much, little, _ = service.running_tasks
    much.log_lines((f"ready {number}" for number in range(4)), at=room.ago(5))
    little.log("ready", at=room.ago(3))
    room.aws.page_logs(size=1)
    finding = room.verify(logs=[{"expect": "ready", "tasks": "all"}], log_wait="0").finding("logs-1")
    assert finding.status == "unproven"
    assert "1 new task has no log events" in finding.summary


def test_containers_with_different_groups(room: Room) -> None:
    """If several containers are judged, each is read in its own log group."""
    room.aws.push_image("proxy:1", {"p": "1"}, at=room.ago(600))
    service = room.shop()
    service.roll_out(
        containers=[
            SandboxContainer(name="app", image="shop:2"),
            SandboxContainer(name="proxy", image="proxy:1", log_group="/shop/proxy"),
        ],
        at=room.ago(8),
    )
    service.log("hello", at=room.ago(5))
    service.log("listening", at=room.ago(5), container="proxy")
    expectations: list[dict[str, Any]] = [
        {"expect": "hello"},
        {"expect": "listening"},
        {"forbid": "listening"},
        {"sequence": ["hello", "listening"]},
    ]
    seen = room.verify(image=None, logs=expectations)
    assert statuses(seen) == ["pass", "pass", "fail", "pass"]
    groups = {asked["logGroupName"] for asked in seen.parameters(READ)}
    assert groups == {"/ecs/shop", "/shop/proxy"}


def test_a_group_that_cannot_be_read_beside_one_that_can(room: Room) -> None:
    """If a container's group is missing a line may still be found in the other, but no absence is proven."""
    room.aws.push_image("proxy:1", {"p": "1"}, at=room.ago(600))
    service = room.shop()
    service.roll_out(
        containers=[
            SandboxContainer(name="app", image="shop:2"),
            SandboxContainer(name="proxy", image="proxy:1", log_group="/shop/proxy"),
        ],
        at=room.ago(8),
    )
    service.log("hello", at=room.ago(5))
    room.aws.delete_log_group("/shop/proxy")
    expectations: list[dict[str, Any]] = [{"expect": "hello"}, {"forbid": "goodbye"}, {"expect": "goodbye"}]
    seen = room.verify(image=None, logs=expectations)
    assert statuses(seen) == ["pass", "error", "error"]
    assert "/shop/proxy" in seen.finding("logs-2").summary


def test_each_task_is_read_where_its_own_definition_says(room: Room) -> None:
    """Tasks that run the image by different definitions, with another group and prefix, are all read."""
    service = room.shop()
    service.roll_out(at=room.ago(9))
    (old,) = service.running_tasks
    moved = SandboxContainer(name="app", image="shop:2", log_group="/shop/moved", stream_prefix="")
    rollout = service.roll_out(containers=[moved], at=room.ago(8), status="IN_PROGRESS")
    (new,) = rollout.running_tasks
    old.log("hello", at=room.ago(5))
    new.log("hello", at=room.ago(5))
    seen = room.verify(logs=[{"expect": "hello", "tasks": "all"}])
    assert statuses(seen) == ["pass"]
    for task in (old, new):
        assert task.id in " ".join(seen.finding("logs-1").evidence["tasks"])


NAMED = "{container}-firelens-{task}"
STREAMS = {
    "of-the-task": ("", "app-firelens-{task}", "pass"),
    "with-the-task": ("", "anything/{task}/at-all", "pass"),
    "of-no-task": ("", "of-no-task", "unproven"),
    "named": (NAMED, "app-firelens-{task}", "pass"),
    "of-another-container": (NAMED, "proxy-firelens-{task}", "unproven"),
    "not-named": (NAMED, "other/{task}", "unproven"),
}
"""A service for each stream: its name, the pattern that names streams, the stream, and how an expectation ends."""


def test_streams_of_a_log_router(room: Room) -> None:
    """Streams whose name contains the task's id are read, or only those that the pattern names."""
    container = SandboxContainer(name="app", image="shop:2", log_driver="awsfirelens")
    services: dict[str, dict[str, Any]] = {}
    for name, service in room.shops(STREAMS).items():
        named, stream, _ = STREAMS[name]
        service.roll_out(containers=[container], at=room.ago(8))
        (task,) = service.running_tasks
        room.aws.log(f"/router/{name}", stream.format(task=task.id), "hello", at=room.ago(5))
        services[name] = {"service": name, "image": "shop:2", "log_group": f"/router/{name}"}
        services[name] |= {"logs": [{"expect": "hello"}], **({"log_stream": named} if named else {})}
    seen = room.verify(services=services)
    assert {name: seen.of(name).statuses["logs-1"] for name in STREAMS} == {
        name: status for name, (_, _, status) in STREAMS.items()
    }


def test_an_old_task_behind_a_log_router_does_not_count(room: Room) -> None:
    """In a group that all tasks share, only the streams of the new tasks are evidence."""
    container = SandboxContainer(name="app", image="shop:latest", log_driver="awsfirelens")
    room.aws.push_image("shop:1", {"app": "1"}, tags=["latest"], at=room.ago(90))
    service = room.aws.create_service("shop", cluster="shop", containers=[container], at=room.ago(60))
    (old,) = service.running_tasks
    room.aws.push_image("shop:2", {"app": "2"}, tags=["latest"], at=room.ago(10))
    service.roll_out(at=room.ago(8))
    (new,) = service.running_tasks
    room.aws.log("/router", f"app-firelens-{old.id}", "hello", at=room.ago(5))
    room.aws.log("/router", f"app-firelens-{new.id}", "started", at=room.ago(5))
    expectations = [{"expect": "hello"}, {"expect": "started"}, {"forbid": "hello"}]
    services = {"shop": {"service": "shop", "image": "shop:2", "log_group": "/router", "logs": expectations}}
    assert statuses(room.verify(services=services)) == ["fail", "pass", "pass"]


def test_without_a_log_group_a_log_router_cannot_be_read(room: Room) -> None:
    """If nothing says where the lines go the expectation is not judged, and the log driver is named."""
    container = SandboxContainer(name="app", image="shop:2", log_driver="awsfirelens")
    service = room.shop()
    service.roll_out(containers=[container], at=room.ago(8))
    finding = room.verify(logs=[{"expect": "hello"}]).finding("logs-1")
    assert finding.status in {"unproven", "error"}
    assert "awsfirelens" in finding.summary


def test_the_task_definition_knows_better_than_the_configuration(room: Room) -> None:
    """If the definition tells the log group (awslogs), `log_group` and `log_stream` have no say."""
    service = room.shop()
    service.roll_out(at=room.ago(8))
    (task,) = service.running_tasks
    service.log("hello", at=room.ago(5))
    room.aws.log("/router", f"app-firelens-{task.id}", "from the router", at=room.ago(5))
    expectations = [{"expect": "hello"}, {"expect": "from the router"}]
    keys = {"log_group": "/router", "log_stream": "{container}-firelens-{task}"}
    services = {"shop": {"service": "shop", "image": "shop:2", "logs": expectations, **keys}}
    seen = room.verify(services=services)
    assert statuses(seen) == ["pass", "fail"]
    assert {asked["logGroupName"] for asked in seen.parameters(READ)} == {"/ecs/shop"}


@pytest.mark.usefixtures("_impatient")
def test_throttling_is_survived(room: Room, shop: SandboxService) -> None:
    """A call that is refused for its rate is made again, and what it finds counts."""
    shop.log("hello", at=room.ago(5))
    room.aws.fail(READ, code="ThrottlingException", message="Rate exceeded", times=2)
    assert statuses(room.verify(logs=[{"expect": "hello"}])) == ["pass"]


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let boto3 try again without the pauses between attempts, which are of many seconds."""
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.02)))
    monkeypatch.setattr("botocore.retries.bucket.TokenBucket.acquire", lambda *_args, **_settings: True)


@pytest.mark.usefixtures("_impatient")
def test_throttling_that_made_a_wait_fail_is_noted(room: Room, shop: SandboxService) -> None:
    """A line is missing after looks that were refused: the failure says that there were fewer."""
    shop.log("started", at=room.ago(5))
    room.aws.fail(READ, code="ThrottlingException", message="Rate exceeded", times=3)
    finding = room.verify(logs=[{"expect": "hello"}]).finding("logs-1")
    assert finding.status == "fail"
    assert "throttled" in " ".join(finding.notes)


@pytest.mark.usefixtures("_impatient")
def test_throttling_that_never_ends_is_an_error(room: Room, shop: SandboxService) -> None:
    """A line in logs that could not be read is neither missing nor absent."""
    shop.log("hello", at=room.ago(5))
    room.aws.fail(READ, code="ThrottlingException", message="Rate exceeded")
    seen = room.verify(logs=[{"expect": "hello"}, {"forbid": "goodbye"}])
    assert statuses(seen) == ["error", "error"]
    assert "throttled" in seen.finding("logs-1").summary
    assert seen.report.verdict == "UNPROVEN"


@pytest.mark.parametrize(
    ("minutes", "status"),
    [(4, "pass"), (0.05, "unproven")],
)
def test_an_absence_is_old_enough_or_unproven(room: Room, minutes: float, status: str) -> None:
    """Lines from minutes ago prove that a line is absent; after lines from seconds ago, one may be on its way."""
    service = room.shop()
    service.roll_out(at=room.ago(8 if minutes > 1 else 0.06))
    service.log("started", at=room.ago(minutes))
    seen = room.verify(logs=[{"forbid": "goodbye"}])
    assert statuses(seen) == [status]


def test_a_forbidden_line_that_arrives_before_the_answer(room: Room, shop: SandboxService) -> None:
    """It is found, though it came late, and its task had said something younger before."""
    shop.log("started", at=room.ago(5))
    shop.log("busy", at=room.ago(0.1))
    shop.log("goodbye", at=room.ago(1), arrives_in=0.3)
    shop.log("ready", at=room.ago(0.1), arrives_in=0.8)
    seen = room.verify(logs=[{"expect": "ready"}, {"forbid": "goodbye"}], log_wait="5s")
    assert statuses(seen) == ["pass", "fail"]


def test_hostile_lines(room: Room, shop: SandboxService) -> None:
    """Control sequences, broken text, huge lines and duplicates neither hide a line nor reach a message raw."""
    task = shop.running_tasks[0]
    for number, text in enumerate(
        (
            "\x1b[2J\x1b]0;owned\x07 cleared",
            "<script>alert(1)</script> [bold]markup[/bold]",
            "nul \x00 bell \x07 back\x08space \x9b31m",
            "\ufffd\ufffd broken \u202e reversed \u2028 line",
            "y" * 256_000,
            "hello",
        )
    ):
        task.log(text, at=room.ago(5) + timedelta(seconds=number))
    seen = room.verify(logs=[{"expect": "hello"}, {"expect": "never said"}, {"expect": "y" * 100}, {"expect": "owned"}])
    assert statuses(seen) == ["pass", "fail", "pass", "pass"]
    finding = seen.finding("logs-2")
    shown = "\n".join([finding.summary, finding.cause, finding.details, *finding.notes])
    assert not set(shown) & set("\x1b\x07\x08\x00\x9b\u202e\u2028")
    assert len(shown) < 20_000


def test_thousands_of_duplicates(room: Room, shop: SandboxService) -> None:
    """Pages that repeat most of what came before end, and nothing is counted twice."""
    task = shop.running_tasks[0]
    task.log_lines((f"item {number % 10}" for number in range(600)), at=room.ago(6))
    room.aws.page_logs(size=200, overlap=150)
    seen = room.verify(logs=[{"expect": "item", "count": 601}], log_wait="0")
    assert statuses(seen) == ["fail"]
    assert "600 of 601" in seen.finding("logs-1").summary


def test_one_collector_for_services_that_share_a_group(room: Room) -> None:
    """Two services that write to one group are each judged by their own tasks."""
    shared = "/shop/all"
    for name in ("one", "two"):
        room.aws.push_image(f"{name}:1", {"app": name}, at=room.ago(90))
        container = SandboxContainer(name="app", image=f"{name}:1", log_group=shared)
        service = room.aws.create_service(name, cluster="shop", containers=[container], at=room.ago(8))
        service.log(f"hello from {name}", at=room.ago(5))
    logs = [{"expect": "hello from one"}]
    services = {name: {"service": name, "image": f"{name}:1", "logs": logs} for name in ("one", "two")}
    seen = room.verify(services=services)
    found = {
        service.name: [str(finding.status) for finding in service.findings if finding.id == "logs-1"]
        for service in seen.report.services
    }
    assert found == {"one": ["pass"], "two": ["fail"]}


def test_a_line_logged_during_the_wait_ends_it(room: Room, shop: SandboxService) -> None:
    """A wait ends soon after its line arrives, and does not go on to its limit."""
    shop.log("started", at=room.ago(5))
    speaker = threading.Timer(0.4, lambda: shop.log("hello"))
    speaker.start()
    try:
        # Longer than any test may take.
        seen = room.verify(logs=[{"expect": "hello"}], log_wait="10m")
    finally:
        speaker.join()
    assert statuses(seen) == ["pass"]
