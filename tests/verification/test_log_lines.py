"""Lines as people read them: colours, carriage returns, a log router's JSON, and pieces that the runtime cut."""

from __future__ import annotations

import json
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.polling import Overtime, SystemClock
from pytest_deploycheck.sandbox import SandboxContainer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_deploycheck.sandbox import SandboxService
    from verification.conftest import Room, Seen


def statuses(seen: Seen) -> list[str]:
    """Return how the expectations ended, in their order."""
    return [status for check, status in seen.statuses.items() if check.startswith("logs-")]


def logged(room: Room, *lines: str) -> None:
    """Put lines into the log of a service that was rolled out eight minutes ago."""
    _log(room, room.shop(), lines)


def _log(room: Room, service: SandboxService, lines: Iterable[str]) -> None:
    service.roll_out(at=room.ago(8))
    for line in lines:
        service.log(line, at=room.ago(5))


def expecting(name: str, *expectations: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """Return the settings of a service that is expected to log something."""
    return {"service": name, "image": "shop:2", "logs": list(expectations), **settings}


def ended(seen: Seen, names: Iterable[str]) -> dict[str, list[str]]:
    """Return how the expectations of each service ended."""
    return {name: statuses(seen.of(name)) for name in names}


AS_READ: dict[str, tuple[str, dict[str, Any], str]] = {
    "coloured": ("\x1b[32mINFO\x1b[0m:     Started", {"expect": "INFO:     Started"}, "pass"),
    "coloured-within": ("\x1b[1;32mIN\x1b[0mFO:     Started", {"expect_regex": r"INFO:\s+Started"}, "pass"),
    "with-a-return": ("listening on http://0.0.0.0:8080\r", {"expect_regex": ":8080$"}, "pass"),
    "forbidden": ("\x1b[31mERROR\x1b[0m: db gone", {"forbid": "ERROR: db"}, "fail"),
    "linked": ("\x1b]8;;http://x\x07ERROR\x1b]8;;\x07: db gone\r", {"forbid_regex": "ERROR: db gone$"}, "fail"),
    "absent": ("\x1b[32mINFO\x1b[0m: fine", {"forbid": "ERROR: db"}, "pass"),
    "raw": ("\x1b[31mred\x1b[0m", {"expect": "\x1b[31mred"}, "pass"),
    "backspace": ("ERR\bROR: db gone", {"forbid": "ERROR: db"}, "fail"),
    "two-backspaces": ("ERX\b\bRROR: db gone", {"forbid_regex": "ERROR"}, "fail"),
    "nul": ("E\0R\0R\0O\0R\0: db gone", {"forbid": "ERROR: db"}, "fail"),
    "raw-nul": ("E\0RROR\b\b: db gone", {"forbid": "\0RROR\b"}, "fail"),
    "json": ('{"container_name":"app","log":"hello"}', {"expect": '"log":"hello"'}, "pass"),
}
"""A service for each line: its name, the line, what is expected, and how that ends."""


def test_a_line_is_compared_as_it_is_read(room: Room) -> None:
    """Control sequences and carriage returns hide nothing, and the raw event of such a line matches as well."""
    for name, service in room.shops(AS_READ).items():
        _log(room, service, [AS_READ[name][0]])
    seen = room.verify(services={name: expecting(name, wanted) for name, (_, wanted, _) in AS_READ.items()})
    assert ended(seen, AS_READ) == {name: [status] for name, (_, _, status) in AS_READ.items()}


UNSEEN = {"nul": "\0", "start-of-heading": "\x01", "delete": "\x7f", "colour-and-nul": "\x1b[0m\0"}


def test_a_text_that_is_interrupted_by_what_nobody_sees_is_found_among_many(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service's filter does not find such a text, so an absence is known only when all lines were read."""
    monkeypatch.setattr("pytest_deploycheck.handles.logs.wait.RECENT", 20)
    cases = {f"{kind}-{what}": (kind, UNSEEN[what]) for kind, what in product(("forbid", "expect"), UNSEEN)}
    services = room.shops(cases)
    for name, (_, between) in cases.items():
        services[name].roll_out(at=room.ago(8))
        services[name].log(f"{between.join('ERROR')}: db gone", at=room.ago(6))
        services[name].running_tasks[0].log_lines((f"noise {number}" for number in range(30)), at=room.ago(5.5))
    settings = {name: expecting(name, {kind: "ERROR: db"}) for name, (kind, _) in cases.items()}
    seen = room.verify(services=settings, log_wait="0")
    assert ended(seen, cases) == {name: ["fail" if kind == "forbid" else "pass"] for name, (kind, _) in cases.items()}


def test_a_pattern_is_compared_with_each_line_of_an_event(room: Room) -> None:
    """An event of several lines, as `awslogs-multiline-pattern` makes them, hides no forbidden line."""
    patterns = ["^ERROR", "^ERROR: db gone$", "caused by:$", "starting$"]
    logged(room, "INFO starting\r\n\x1b[31mERROR\x1b[0m: db gone\r\n  caused by:\n  timeout", "INFO fine")
    seen = room.verify(logs=[{kind: pattern} for kind in ("forbid_regex", "expect_regex") for pattern in patterns])
    found = statuses(seen)
    assert dict(zip(patterns, found[:4], strict=True)) == dict.fromkeys(patterns, "fail")
    assert dict(zip(patterns, found[4:], strict=True)) == dict.fromkeys(patterns, "pass")


def wrapped(line: str, **more: str) -> str:
    """Return a line as FireLens wraps it."""
    return json.dumps({"container_id": "1f", "container_name": "app", "log": line, "source": "stdout", **more})


def route(room: Room, service: SandboxService, *lines: str) -> str:
    """Let a log router write lines of a service, and return their log group."""
    container = SandboxContainer(name="app", image="shop:2", log_driver="awsfirelens")
    service.roll_out(containers=[container], at=room.ago(8))
    (task,) = service.running_tasks
    group = f"/router/{service.name}"
    for line in lines:
        room.aws.log(group, f"app-firelens-{task.id}", line, at=room.ago(5))
    return group


def routed(room: Room, *lines: str, expectations: list[dict[str, Any]]) -> Seen:
    """Verify a service whose lines a log router writes."""
    group = route(room, room.shop(), *lines)
    return room.verify(services={"shop": expecting("shop", *expectations, log_group=group)})


ROUTED: dict[str, tuple[str, dict[str, Any], str]] = {
    "forbidden": (wrapped('key "platform" is gone'), {"forbid": 'key "platform"'}, "fail"),
    "expected": (wrapped('key "platform" is gone'), {"expect": 'key "platform"'}, "pass"),
    "markup": (wrapped("GET </items/7> & more"), {"expect": "</items/7> & more"}, "pass"),
    "coloured": (wrapped("\x1b[31mERROR\x1b[0m: db gone\r"), {"forbid_regex": "ERROR: db gone$"}, "fail"),
    "key-of-the-envelope": (wrapped("fine"), {"forbid": "container_name"}, "pass"),
    "value-of-the-envelope": (wrapped("fine"), {"forbid": "stdout"}, "pass"),
    "no-envelope": ("no envelope: stdout", {"expect": "stdout"}, "pass"),
    "json-of-its-own": (json.dumps({"log": "an application's own JSON"}), {"expect": '"log"'}, "pass"),
}
"""A service for each line: its name, the line, what is expected, and how that ends."""


def test_the_line_within_a_routers_json(room: Room) -> None:
    """Of an envelope only the line counts; any other JSON is the application's own."""
    made = room.shops(ROUTED)
    groups = {name: route(room, made[name], line) for name, (line, _, _) in ROUTED.items()}
    services = {name: expecting(name, ROUTED[name][1], log_group=group) for name, group in groups.items()}
    seen = room.verify(services=services)
    assert ended(seen, ROUTED) == {name: [status] for name, (_, _, status) in ROUTED.items()}


def test_the_pieces_of_a_line_that_was_cut(room: Room) -> None:
    """A text across two pieces is found, however they arrive; a text that no line has is not made of two lines."""
    parts = [
        wrapped(text, partial_message="true", partial_id="ab12", partial_ordinal=str(place))
        for place, text in ((2, "platform sections"), (1, "Found 3 "))
    ]
    expectations: list[dict[str, Any]] = [
        {"expect": "Found 3 platform sections"},
        {"forbid": "3 platform"},
        {"forbid": "sectionsFound"},
    ]
    seen = routed(room, *parts, wrapped("sections"), wrapped("Found"), expectations=expectations)
    assert statuses(seen) == ["pass", "fail", "pass"]


def test_a_missing_group_is_looked_for_where_it_is_named(room: Room) -> None:
    """The remedy for a configured log group that does not exist names the key, not the options of another driver."""
    remedy = routed(room, expectations=[{"expect": "hello"}]).finding("logs-1").remedy or ""
    assert "`log_group`" in remedy
    assert "awslogs" not in remedy


@pytest.mark.timeout(60)
def test_a_missing_group_is_not_waited_for_as_its_lines_would_settle(room: Room) -> None:
    """Lines of a log router settle in two minutes; where its log group is missing, the log wait ends the wait."""
    assert statuses(routed(room, expectations=[{"forbid": "hello"}])) == ["error"]


def test_the_options_of_firelens_are_used(room: Room) -> None:
    """If the definition names CloudWatch as the output, no log group has to be configured."""
    container = SandboxContainer(
        name="app",
        image="shop:2",
        log_driver="awsfirelens",
        log_options={
            "Name": "cloudwatch_logs",
            "region": "eu-west-1",
            "log_group_name": "/fire",
            "log_stream_prefix": "shop-",
        },
    )
    service = room.shop()
    service.roll_out(containers=[container], at=room.ago(8))
    (task,) = service.running_tasks
    room.aws.log("/fire", f"shop-app-firelens-{task.id}", wrapped("hello"), at=room.ago(5), region="eu-west-1")
    seen = room.verify(logs=[{"expect": "hello"}, {"expect": "goodbye"}])
    assert statuses(seen) == ["pass", "fail"]


@pytest.mark.timeout(60)
def test_pages_that_come_slowly_end_with_the_wait(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a wait of a second, 400 slow pages are given up soon, and what was not read is said."""
    monkeypatch.setattr("pytest_deploycheck.handles.logs.wait._SHORTEST_READING", 1.0)
    monkeypatch.setattr("pytest_deploycheck.run.fleet.finder.Overtime", partial(Overtime, seconds=3.0))
    logged(room, *(f"tick {number}" for number in range(400)))
    room.aws.page_logs(size=1)
    room.aws.delay("logs:FilterLogEvents", seconds=0.2)
    seen = room.verify(logs=[{"forbid_regex": r"\d{7}"}], log_wait="1s")
    assert seen.asked["logs:FilterLogEvents"] < 100
    assert statuses(seen) == ["unproven"]
    assert "the rest was not read" in seen.finding("logs-1").summary


def test_a_typo_in_an_expectation_is_pointed_out(room: Room) -> None:
    """A nearest line that differs by a letter is the likely cause, and no cache is blamed; one far off is not."""
    logged(room, "Found 3 platform sections")
    seen = room.verify(logs=[{"expect": "Found 3 platfrom sections"}, {"expect": "Saved 12 content items"}])
    assert statuses(seen) == ["fail", "fail"]
    typo, missing = seen.finding("logs-1"), seen.finding("logs-2")
    assert "typo" in typo.cause
    assert "cache" not in typo.cause
    assert typo.logs is not None
    assert typo.logs.near_misses[0].differing <= 2
    assert "typo" not in missing.cause


class _CountingClock(SystemClock):
    """The machine's clock, and the seconds that were slept by it: on a busy machine these are fewer, never more."""

    def __init__(self) -> None:
        self.slept = 0.0

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        self.slept += seconds
        super().sleep(seconds)


def test_services_are_waited_for_together(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two services without the expected line cost one wait, and a forbidden line two: all from the first check on."""
    for name in ("one", "two", "three"):
        room.aws.push_image(f"{name}:1", {"app": name}, at=room.ago(90))
        service = room.aws.create_service(name, cluster="shop", image=f"{name}:1", at=room.ago(8))
        service.log("started", at=room.ago(5))
    logs = [{"expect": "never logged"}, {"forbid": "gone"}]
    services = {name: {"service": name, "image": f"{name}:1", "logs": logs} for name in ("one", "two", "three")}
    clock = _CountingClock()
    monkeypatch.setattr("pytest_deploycheck.run.fleet.finder.SystemClock", lambda: clock)
    seen = room.verify(services=services, log_wait="3s")
    assert 0 < clock.slept < 2 * 3
    found = [[str(one.status) for one in each.findings if one.link == "logs"] for each in seen.report.services]
    assert found == [["fail", "pass"]] * 3


def test_a_group_of_infrequent_access_is_read_by_queries(room: Room) -> None:
    """Logs Insights reads a group that FilterLogEvents refuses, and a note says what that costs."""
    logged(room, "\x1b[32mhello\x1b[0m again", "old line")
    room.aws.create_log_group("/ecs/shop", log_class="INFREQUENT_ACCESS")
    seen = room.verify(logs=[{"expect": "hello again"}, {"forbid": "old line"}, {"forbid": "never"}], log_wait="1s")
    assert statuses(seen) == ["pass", "fail", "pass"]
    assert "INFREQUENT_ACCESS" in " ".join(seen.finding("logs-1").notes)
    assert seen.asked["logs:StartQuery"] <= 3


def test_young_events_of_infrequent_access_prove_no_absence(room: Room) -> None:
    """A line that was just logged is not found by a query yet: an absence stays unproven until its delay has passed."""
    service = room.shop()
    service.roll_out(at=room.ago(2))
    service.log("started", at=room.ago(0.5))
    room.aws.create_log_group("/ecs/shop", log_class="INFREQUENT_ACCESS")
    assert statuses(room.verify(logs=[{"forbid": "gone"}])) == ["unproven"]
