"""The reports of a run over several environments or many services."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from msgspec.structs import replace
from support.runs import IDENTITY, run_report, service_report
from support.worlds import NOW, completed, never_restarted

from pytest_deploycheck import schemas
from pytest_deploycheck.config.baseline import baseline_for, read_baselines
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.facts.recorded.calls import Calls
from pytest_deploycheck.facts.snapshot import Identity, Observation, Problem, ServiceFacts
from pytest_deploycheck.judge.verdict import Judgement, UserTest, Verdict, judge_run
from pytest_deploycheck.report.fleet.document import fleet_document, fleet_text
from pytest_deploycheck.report.fleet.flattened import as_one, flattened
from pytest_deploycheck.report.fleet.summary import fleet_rows
from pytest_deploycheck.report.formats import FORMATS, render
from pytest_deploycheck.report.model import FleetReport, RunReport

VALIDATOR = Draft202012Validator(schemas.load("report"), format_checker=FormatChecker())
PROBLEM = Problem("", "EnvironmentUnusableError", "The cluster does not exist.", "Check `cluster`.")


def named(facts: ServiceFacts, name: str) -> ServiceFacts:
    """Return the facts of a service by another name."""
    return replace(facts, name=name)


def environment(name: str, *services: ServiceFacts, account: str = "111111111111") -> RunReport:
    """Return the report of an environment."""
    report = run_report(*(service_report(facts) for facts in services))
    identity = replace(IDENTITY, account=account, region=f"{name}-1")
    calls = (Calls("ecs:DescribeServices", 2, NOW, NOW),)
    observation = replace(report.observation, identity=identity)
    return replace(report, environment=name, observation=observation, calls=calls)


def unusable(name: str) -> RunReport:
    """Return the report of an environment that could not be observed."""
    observation = Observation(Identity("", "", ""), NOW, NOW, (), problem=PROBLEM)
    return RunReport(name, observation, (), (), judgement=Judgement(Verdict.UNPROVEN, None), complete=True)


def summary_of(report: FleetReport) -> list[str]:
    """The summary as plain lines, each whole, however long it is."""
    return [str(row) for row in fleet_rows(report)]


def fleet(*environments: RunReport, tests: Sequence[UserTest] = ()) -> FleetReport:
    """Return the report of a run."""
    return FleetReport(
        environments, tuple(tests), judgement=judge_run(one.judgement for one in environments), complete=True
    )


TWO = fleet(
    environment("eu", named(completed(), "web"), named(completed(), "worker")),
    environment("us", named(never_restarted("service deployments"), "web"), account="222222222222"),
    unusable("lost"),
    tests=[UserTest("test_a.py::test_one[eu/web]", "passed", ("eu/web",))],
)


def read_back(report: FleetReport) -> dict[str, Any]:
    """Return the report as CI reads it, valid against the published schema."""
    written: dict[str, Any] = json.loads(fleet_text(report))
    assert [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(written)] == []
    return written


def test_the_environments_of_a_report() -> None:
    """Each has its verdict, account and region; services name theirs; the calls are those of all."""
    written = read_back(TWO)
    assert (written["verdict"], written["broken_link"]) == ("REFUTED", "rollout")
    assert [(one["name"], one["verdict"], one["account"], one["region"]) for one in written["environments"]] == [
        ("eu", "VERIFIED", "111111111111", "eu-1"),
        ("us", "REFUTED", "222222222222", "us-1"),
        ("lost", "UNPROVEN", None, None),
    ]
    assert written["environments"][2]["problem"] == {"message": PROBLEM.message, "remedy": PROBLEM.remedy}
    services = [(one["environment"], one["name"]) for one in written["services"]]
    assert services == [("eu", "web"), ("eu", "worker"), ("us", "web")]
    assert [one["nodeid"] for one in written["tests"]] == ["test_a.py::test_one[eu/web]"]
    assert [(one["operation"], one["times"]) for one in written["operations"]] == [("ecs:DescribeServices", 4)]
    assert not {"environment", "account", "region"} & set(written)


def test_one_environment_has_the_report_that_it_has_alone() -> None:
    """The form of a report does not change where one environment is verified."""
    one = environment("eu", completed())
    assert "environments" not in read_back(fleet(one))
    assert as_one(fleet(one)) is one
    assert render(fleet(one), FORMATS[".json"]) == render(one, FORMATS[".json"])


@pytest.mark.parametrize("missing", ["environment", "services"])
def test_the_schema_tells_the_forms_apart(missing: str) -> None:
    """A report of one environment names it, and in a report of several each service does."""
    written = fleet_document(TWO) if missing == "services" else fleet_document(fleet(environment("eu", completed())))
    if missing == "environment":
        del written["environment"]
    else:
        del written["services"][0]["environment"]
    assert not VALIDATOR.is_valid(written)


def test_a_report_of_several_is_the_baseline_of_each(tmp_path: Path) -> None:
    """Each environment has the baseline that was recorded of it, and one that it does not have has none."""
    path = tmp_path / "report.json"
    path.write_text(fleet_text(fleet(TWO.environments[0], TWO.environments[1])), encoding="utf-8")
    baselines = read_baselines(path, "--deploy-baseline")
    us = baseline_for("us", baselines, is_one_of_several=True)
    assert us is not None
    assert (us.environment, us.account, us.region, list(us.services)) == ("us", "222222222222", "us-1", ["web"])
    assert baseline_for("asia", baselines, is_one_of_several=True) is None
    other = baseline_for("asia", baselines, is_one_of_several=False)
    assert other is not None
    assert other.environment == "eu"


def test_a_file_that_is_no_report(tmp_path: Path) -> None:
    """A report of several without the names of the environments of its services is refused."""
    path = tmp_path / "report.json"
    path.write_text(json.dumps({**fleet_document(TWO), "environments": []}), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="is no report"):
        read_baselines(path, "--deploy-baseline")


def test_other_formats_show_services_by_their_labels() -> None:
    """A format of one environment shows a run over several as one whose services are those of all."""
    one = flattened(TWO)
    assert [service.name for service in one.services] == ["eu/web", "eu/worker", "us/web"]
    assert one.environment == "eu, us, lost (could not be observed)"
    assert one.observation.identity.account == "111111111111, 222222222222"
    assert (one.verdict, one.broken_link) == ("REFUTED", "rollout")
    assert "us/web" in render(TWO, FORMATS[".md"])


def test_a_table_comes_first() -> None:
    """The worst services stand first; only what is not well is explained."""
    lines = summary_of(TWO)
    assert lines[:5] == [
        "REFUTED: 3 services in eu, us, lost: 1 REFUTED, 2 VERIFIED, broken link: rollout",
        "  service       verdict   image     rollout   tasks     logs      health",
        "  us/web        REFUTED   ok        FAIL      FAIL      ok        -",
        "  eu/web        VERIFIED  ok        ok        ok        ok        -",
        "  eu/worker     VERIFIED  ok        ok        ok        ok        -",
    ]
    assert lines[5:7] == [
        "UNPROVEN: lost could not be observed: The cluster does not exist.",
        "  what to do: Check `cluster`.",
    ]
    assert [line for line in lines[7:] if line.startswith(tuple(Verdict))] == [
        "REFUTED: web in us, broken link: rollout"
    ]


def test_many_services() -> None:
    """Verified services of a large fleet are counted, and of many that are not ten are explained."""
    good = [named(completed(), f"good-{number}") for number in range(30)]
    bad = [named(never_restarted("service deployments"), f"bad-{number}") for number in range(12)]
    lines = summary_of(fleet(environment("eu", *good, *bad)))
    assert lines[0] == "REFUTED: 42 services in eu: 12 REFUTED, 30 VERIFIED, broken link: rollout"
    assert sum(line.startswith("  bad-") for line in lines) == 12
    assert "  and 30 services more, all VERIFIED" in lines
    assert sum(line.startswith("REFUTED: bad-") for line in lines) == 10
    assert any(line.startswith("2 services more not verified") for line in lines)
    assert not any("good-" in line for line in lines)


def test_few_services_are_shown_as_they_are_alone() -> None:
    """Up to three services of one environment need no table."""
    lines = summary_of(fleet(environment("eu", *(named(completed(), name) for name in "abc"))))
    assert [line.partition(":")[0] for line in lines] == ["VERIFIED"] * 3


def test_a_long_name_is_cut_in_the_table() -> None:
    """The columns stay in line."""
    names = ["x" * 60, "a", "b", "c"]
    lines = summary_of(fleet(environment("eu", *(named(completed(), name) for name in names))))
    assert lines[2].startswith(f"  {'x' * 39}…  VERIFIED  ok")
    assert len({line.index("VERIFIED") for line in lines[2:6]}) == 1


def test_an_interrupted_run() -> None:
    """It is told once for all environments."""
    environments = [replace(environment(name, named(completed(), "web")), complete=False) for name in ("eu", "us")]
    lines = summary_of(replace(fleet(*environments), complete=False))
    assert sum("did not come to its end" in line for line in lines) == 1


def test_clocks_that_differ() -> None:
    """The servers' clocks of each environment are told where something is not verified."""
    us = environment("us", named(never_restarted("service deployments"), "web"))
    identity = replace(us.observation.identity, clock_offset=timedelta(minutes=5).total_seconds())
    us = replace(us, observation=replace(us.observation, identity=identity))
    lines = summary_of(fleet(environment("eu", named(completed(), "web")), us))
    assert lines[-1].startswith("Times are those of the servers: this machine's clock is 5 min behind")


def test_an_environment_without_a_service_is_not_lost() -> None:
    """Nothing was verified there: that is a line of the summary, beside the services of the others."""
    lines = summary_of(fleet(environment("eu", named(completed(), "web")), environment("us")))
    assert "UNPROVEN: no service of us was verified" in [line.strip() for line in lines]
    assert not any("no service of eu" in line for line in lines)


def test_many_verified_services_need_no_table() -> None:
    """The first line has the number of many services that are all verified, and no row repeats it."""
    services = [named(completed(), f"service-{number}") for number in range(21)]
    lines = summary_of(fleet(environment("eu", *services)))
    assert lines[0].endswith("21 services in eu: 21 VERIFIED")
    assert not any("service-" in line or "verdict" in line for line in lines)
    with_one_more = summary_of(fleet(environment("eu", *services, named(never_restarted(), "broken"))))
    assert "  and 21 services more, all VERIFIED" in with_one_more
    assert any(line.startswith("  broken") for line in with_one_more)
