from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from msgspec.structs import replace
from support.promises import promise
from support.runs import SITUATIONS, findings_of, logs_finding, run_of, run_report, service_report
from support.worlds import (
    LATER,
    NEW,
    NOW,
    OLD,
    clock,
    completed,
    container,
    crashed,
    deployment,
    digest,
    found,
    judged,
    never_restarted,
    reference,
    rolled_back,
    service,
    task,
)

from pytest_deploycheck import schemas
from pytest_deploycheck.facts.recorded.calls import Calls
from pytest_deploycheck.facts.service import ServiceEvent
from pytest_deploycheck.facts.snapshot import Lookup
from pytest_deploycheck.judge.finding import IMAGE_INTENDED, Check, Finding, Link, Status
from pytest_deploycheck.judge.verdict import UserTest
from pytest_deploycheck.report.document import document, to_text
from pytest_deploycheck.report.model import RunReport

VALIDATOR = Draft202012Validator(schemas.load("report"), format_checker=FormatChecker())


def read_back(report: RunReport) -> dict[str, Any]:
    """The report as CI reads it: from its text, valid against the published schema."""
    written: dict[str, Any] = json.loads(to_text(report))
    errors = [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(written)]
    assert errors == []
    return written


@pytest.mark.parametrize("endpoint", ["http://localhost:4566", None])
def test_the_endpoint_is_named_where_one_is_set(endpoint: str | None) -> None:
    """A report of an emulator cannot be taken for one of AWS; without an endpoint the report has no such key."""
    report = run_of(completed())
    identity = replace(report.observation.identity, endpoint=endpoint)
    written = read_back(replace(report, observation=replace(report.observation, identity=identity)))
    assert written.get("endpoint") == endpoint
    assert ("endpoint" in written) is (endpoint is not None)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_report_is_valid(situation: str) -> None:
    """Whatever a run comes upon, its report is valid against the published schema, also when it was interrupted."""
    facts = SITUATIONS[situation]()
    for complete in (True, False):
        written = read_back(run_of(facts, complete=complete))
        assert written["complete"] is complete
        if not complete:
            assert written["verdict"] != "VERIFIED"


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_is_not_good_has_a_reason(situation: str) -> None:
    """A check that is not pass or skip has a reason, and a failed one also a remedy."""
    for check in read_back(run_of(SITUATIONS[situation]()))["services"][0]["checks"]:
        if check["status"] not in {"pass", "skip"}:
            assert check["reason"], check["id"]
        if check["status"] == "fail":
            assert check["remedy"], check["id"]


def test_the_head_of_a_report() -> None:
    """Version, verdict, broken link, environment, account, region and time are at its top."""
    written = read_back(run_of(never_restarted()))
    head = {key: written[key] for key in ("schema_version", "verdict", "broken_link", "environment", "account")}
    assert head == {
        "schema_version": 1,
        "verdict": "REFUTED",
        "broken_link": "rollout",
        "environment": "dev",
        "account": "123456789012",
    }
    assert written["region"] == "us-east-1"
    assert written["observed_at"] == "2025-11-26T11:40:00Z"


def test_a_service_in_a_report() -> None:
    """Image, rollout, tasks and checks of a service are told as they were seen."""
    (written,) = read_back(run_of(never_restarted()))["services"]
    assert (written["name"], written["verdict"], written["broken_link"]) == ("backend", "REFUTED", "rollout")
    assert written["image"]["digest"] == NEW
    assert written["image"]["uri"].endswith(f"/shop@{NEW}")
    assert written["image"]["pushed_at"] == "2025-11-26T11:00:00Z"
    assert written["image"]["tags"] == ["latest"]
    assert written["image"]["layers"] == [{"digest": digest("f"), "size": 100, "diff_id": None, "created_by": ""}]
    rollout = written["rollout"]
    assert (rollout["outcome"], rollout["id"]) == ("NOT_STARTED", "ecs-svc/1")
    assert rollout["started_at"] == "2025-11-26T08:05:00Z"
    assert (rollout["desired"], rollout["running"]) == (2, 2)
    assert [(one["id"], one["digest"]) for one in written["tasks"]] == [("one", OLD), ("two", OLD)]
    assert written["tasks"][0]["started_at"] == "2025-11-26T08:06:00Z"
    checks = {one["id"]: (one["link"], one["status"]) for one in written["checks"]}
    assert checks["rollout-complete"] == ("rollout", "fail")
    assert checks["tasks-run-image"] == ("tasks", "fail")
    assert checks["image-pushed"] == ("image", "skip")
    assert checks["logs-1"] == ("logs", "pass")


def test_a_good_report() -> None:
    """A verified run has no broken link, and no check with a reason."""
    written = read_back(run_of(completed()))
    assert (written["verdict"], written["broken_link"]) == ("VERIFIED", None)
    assert not any("reason" in check for check in written["services"][0]["checks"])


def test_deselected_checks_are_absent() -> None:
    """A check that was deselected is not in the report, not even as skipped."""
    facts = completed()
    written = read_back(run_of(facts, findings_of(facts)[:2]))
    assert [check["id"] for check in written["services"][0]["checks"]] == ["image-exists", "image-intended"]
    assert (written["verdict"], written["broken_link"]) == ("UNPROVEN", "rollout")


def test_the_intent_of_a_service() -> None:
    """The tie of the image to the release has its status, its name and its sentence; null where it was not selected."""
    facts = completed()
    exists, intended, *rest = findings_of(facts)
    service = read_back(run_of(facts, [exists, intended, *rest]))["services"][0]
    assert service["intent"] == {"status": "pass", "by": "name", "detail": intended.summary}
    open_ = IMAGE_INTENDED.unproven("nothing shows it", evidence={"app": {"by": "name"}, "web": {"by": None}})
    assert read_back(run_of(facts, [exists, open_, *rest]))["services"][0]["intent"]["by"] is None
    both = IMAGE_INTENDED.passes("both", evidence={"app": {"by": "name"}, "web": {"by": "commit"}})
    assert read_back(run_of(facts, [exists, both, *rest]))["services"][0]["intent"]["by"] == "name, commit"
    assert read_back(run_of(facts, [exists, *rest]))["services"][0]["intent"] is None


def test_tests_in_a_report() -> None:
    """The session's tests that used the fixtures are there with pytest's word for how they ended, or unproven."""
    tests = [UserTest("tests/test_a.py::test_x[1]", "passed"), UserTest("tests/test_a.py::test_y", "unproven")]
    written = read_back(run_of(completed(), tests=tests))
    assert written["tests"] == [
        {"nodeid": "tests/test_a.py::test_x[1]", "outcome": "passed"},
        {"nodeid": "tests/test_a.py::test_y", "outcome": "unproven"},
    ]
    assert written["verdict"] == "UNPROVEN"


def test_no_service_is_valid_too() -> None:
    """A run that selected nothing writes a valid report, and it is not green."""
    written = read_back(run_report())
    assert (written["verdict"], written["services"]) == ("UNPROVEN", [])


def test_several_services() -> None:
    """Each service has its own verdict; the run's is the worst."""
    other = replace(never_restarted(), name="worker")
    written = read_back(run_report(service_report(completed()), service_report(other)))
    assert [one["verdict"] for one in written["services"]] == ["VERIFIED", "REFUTED"]
    assert (written["verdict"], written["broken_link"]) == ("REFUTED", "rollout")


def test_a_script_reads_the_verdict_on_each_service() -> None:
    """`verify()` gives the verdict and the broken link of each service under the names of the JSON report."""
    report = run_of(never_restarted())
    assert [(one.verdict, one.broken_link) for one in report.services] == [("REFUTED", "rollout")]
    good = run_of(completed())
    assert [(one.verdict, one.broken_link) for one in good.services] == [(good.verdict, good.broken_link)]


def test_several_judged_containers() -> None:
    """The image of each judged container is there, and each task lists what each of its containers runs."""
    both = [container(), container("worker", LATER)]
    worker = judged(found(LATER, named=reference(repository="worker")), container="worker")
    (written,) = read_back(run_of(completed(judged=[judged(), worker], tasks=[task("one", containers=both)])))[
        "services"
    ]
    assert [(one["container"], one["digest"]) for one in written["images"]] == [("app", NEW), ("worker", LATER)]
    assert written["tasks"][0]["containers"] == {"app": NEW, "worker": LATER}


def test_times_are_in_utc() -> None:
    """Times of another zone are written in UTC, with its mark."""
    far = datetime(2025, 11, 26, 16, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    (written,) = read_back(run_of(completed(judged=[judged(found(pushed_at=far))])))["services"]
    assert written["image"]["pushed_at"] == "2025-11-26T11:00:00Z"


SECRET = "hunter2222"


def test_secrets_are_masked_wherever_they_are() -> None:
    """A text that looks like a credential is in no part of the report: checks, evidence, tests, tasks or timeline."""
    check = Check("logs-1", "logs")
    leaking = check.fails(
        f"said password={SECRET}",
        cause=f"password={SECRET}",
        remedy=f"export TOKEN={SECRET}",
        command=f"curl https://app:{SECRET}@host/",
        notes=[f"password={SECRET}"],
        details=f"password={SECRET}",
        evidence={"lines": [f"password={SECRET}"], "deep": {"er": [{"text": f"secret: {SECRET}"}]}},
    )
    stopped = replace(crashed(), stopped_reason=f"exec failed: password={SECRET}")
    facts = completed(
        tasks=[task("one"), task("two"), stopped],
        service=service(deployment(), events=[ServiceEvent(NOW, f"password={SECRET}")]),
    )
    report = run_of(
        facts, [*findings_of(facts)[:-1], leaking], tests=[UserTest(f"t.py::t[password={SECRET}]", "passed")]
    )
    read_back(report)
    assert SECRET not in to_text(report)


def test_control_characters_are_not_written() -> None:
    """Nothing in a report takes control of the terminal that shows it."""
    finding = logs_finding("\x1b[2J\u202e said", kind="expect")
    text = to_text(run_of(completed(), [finding, replace(finding, details="\x1b[31m")]))
    assert "\x1b" not in text
    assert "\\u001b" not in text
    assert "\u202e" not in text


def test_text_ends_with_a_newline_and_is_utf8() -> None:
    """The report is a text file: it ends with a newline, and half characters in a log do not stop it."""
    finding = Check("logs-1", "logs").fails("said \ud83d caf\u00e9", remedy="look")
    text = to_text(run_of(completed(), [finding]))
    assert text.endswith("}\n")
    assert "café" in text
    text.encode("utf-8")


def moments(written: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the times and names of the events in a service's timeline."""
    return [(one["at"], one["what"]) for one in written["timeline"]]


def test_the_timeline_is_in_order() -> None:
    """The events are in the order of their times, the push, the rollout and the tasks among them."""
    facts = never_restarted(tasks=[task("one", OLD, started_at=clock("11:30")), *never_restarted().tasks[1:]])  # type: ignore[index]
    (written,) = read_back(run_of(facts))["services"]
    told = moments(written)
    assert told == sorted(told, key=lambda one: one[0])
    kinds = [what for _, what in told]
    assert kinds.index("rollout started") < kinds.index("image pushed") < len(kinds) - 1
    assert told[-1] == ("2025-11-26T11:30:00Z", "task started")
    assert ("2025-11-26T08:00:00Z", "running image pushed") in told


def test_the_timeline_tells_why_tasks_stopped() -> None:
    """A task that stopped is in the timeline with ECS's reason."""
    (written,) = read_back(run_of(rolled_back("service deployments", tasks=[crashed()])))["services"]
    (stopped,) = [one for one in written["timeline"] if one["what"] == "task stopped"]
    assert "EssentialContainerExited" in stopped["detail"]
    assert "crashed" in stopped["detail"]


STATUSES = st.sampled_from(list(Status))
TEXTS = st.text(min_size=1, max_size=20)
LINKS: st.SearchStrategy[Link] = st.sampled_from(get_args(Link))


@st.composite
def any_finding(draw: st.DrawFn) -> Finding:
    """A finding as checks may make it: what fails says why and what to do."""
    status = draw(STATUSES)
    return Finding(
        id=draw(st.sampled_from(["image-exists", "logs-1", "logs-12", "alarms-ok"])),
        link=draw(LINKS),
        status=status,
        summary=draw(TEXTS),
        remedy=draw(TEXTS) if status is Status.FAIL else draw(st.text(max_size=5)),
        cause=draw(st.text(max_size=5)),
        notes=tuple(draw(st.lists(st.text(max_size=5), max_size=2))),
        evidence=draw(
            st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=9), max_size=2)
        ),
    )


@promise(40)
@given(
    st.lists(any_finding(), max_size=6),
    st.lists(st.builds(UserTest, TEXTS, st.sampled_from(["passed", "failed", "skipped", "unproven"])), max_size=3),
    st.booleans(),
    st.sampled_from(sorted(SITUATIONS)),
)
def test_any_run_makes_a_valid_report(
    findings: list[Finding],
    tests: list[UserTest],
    complete: bool,  # noqa: FBT001 - drawn
    situation: str,
) -> None:
    """Whatever checks and tests come to, the report is valid and its verdict is that of its worst part."""
    written = read_back(run_of(SITUATIONS[situation](), findings, tests=tests, complete=complete))
    statuses = {check["status"] for check in written["services"][0]["checks"]}
    if "fail" in statuses:
        assert written["verdict"] == "REFUTED"
    if written["verdict"] == "VERIFIED":
        assert statuses <= {"pass", "skip"}


def test_documents_are_plain_values() -> None:
    """The document is made of plain JSON values: what is written is what is read."""
    report = run_of(never_restarted())
    assert json.loads(json.dumps(document(report))) == document(report)


def test_an_image_that_is_not_known() -> None:
    """If no digest is known the reference stands in its place, and nothing is invented."""
    lookup = Lookup(reference("v9"), absent="tag")
    (written,) = read_back(run_of(completed(judged=[judged(lookup)])))["services"]
    assert written["image"]["uri"].endswith("/shop:v9")
    assert (written["image"]["digest"], written["image"]["pushed_at"]) == (None, None)
    assert written["image"]["layers"] == []


def test_versions_and_calls_are_told() -> None:
    """A report has the versions of what made it, and each operation of AWS's API with how often and when."""
    calls = (Calls("ecs:DescribeServices", 3, clock("11:00"), clock("11:05")),)
    written = read_back(replace(run_of(completed()), versions={"python": "3.11.2"}, calls=calls))
    assert written["versions"] == {"python": "3.11.2"}
    (operation,) = written["operations"]
    assert operation["operation"] == "ecs:DescribeServices"
    assert operation["times"] == 3
    assert operation["first_at"] < operation["last_at"]
