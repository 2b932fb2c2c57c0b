from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.cli import verify
from pytest_deploycheck.run.verification import Verification

if TYPE_CHECKING:
    from cli.conftest import Script
    from pytest_deploycheck.judge.finding import Check, Finding

QUICK = ("--wait=0", "--log-wait=0.2s")
PATIENT = ("--wait=0", "--log-wait=5s")
"""For runs that need all lines to be read, also on a busy machine."""


@pytest.mark.parametrize(
    ("scenario", "status", "verdict", "link"),
    [
        ("healthy", 0, "VERIFIED", None),
        ("not-restarted", 1, "REFUTED", "rollout"),
        ("silent", 7, "UNPROVEN", "logs"),
    ],
)
def test_the_verdict_and_the_exit_status_are_those_of_pytest(
    script: Script, scenario: str, status: int, verdict: str, link: str | None
) -> None:
    """The chain without pytest ends with the same verdict, report and exit status."""
    waits = PATIENT if scenario == "healthy" else QUICK
    ended = script("verify", "sandbox", f"--sandbox={scenario}", *waits, "--report=report.json")

    assert ended.status == status, ended.out + ended.err
    assert f"{verdict}: backend in sandbox" in ended.out
    assert (script.report()["verdict"], script.report()["broken_link"]) == (verdict, link)
    assert f"report: {script.folder / 'report.json'}" in ended.out
    assert "deploycheck: env sandbox (from the command line)" in ended.out.splitlines()[0]
    assert ("FAIL backend rollout-complete" in ended.out) == (status == 1)


def test_options_have_the_names_that_pytest_gives_them(script: Script) -> None:
    """A command that a message proposes works as it stands, and values name the option that was typed."""
    ended = script("verify", "sandbox", "--deploy-sandbox=stale", *QUICK)
    assert ended.status == 7
    assert "deploycheck verify sandbox --sandbox=stale --deploy-image 1a2b3c4" in ended.out
    assert script("verify", "sandbox", "--deploy-wait=soon").is_usage_error("--wait: found 'soon'")


def test_every_check_is_listed_where_that_is_asked(script: Script) -> None:
    """The verbose summary has each check, and those that were not asked for where it is given twice."""
    ended = script("verify", "sandbox", "--sandbox=not-restarted", *QUICK, "-vv")
    assert ended.status == 1
    assert "tasks-running: 2 of 2 desired tasks running" in ended.out
    assert "alarms-ok: no alarms are declared" in ended.out


def test_variables_count_where_no_option_is_given(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment and options come from the same variables as in pytest."""
    monkeypatch.setenv("DEPLOYCHECK_ENV", "sandbox")
    monkeypatch.setenv("DEPLOYCHECK_WAIT", "never")
    assert script("verify").is_usage_error("DEPLOYCHECK_WAIT: found 'never'")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("No environment was named", "There are: dev, sandbox", "deploycheck verify dev")),
        (("dve",), ("no environment 'dve'", "did you mean 'dev'")),
        (("dev", "--service=heathy"), ("--service", "'heathy'", "There are: backend")),
        (("dev", "--image="), ("--image: found an empty value",)),
        (("dev", "--report=report.txt"), ("--report: 'report.txt'",)),
        (("dev", "--baseline=none.json"), ("--baseline", "none.json")),
        (("dev", "--sandbox=healthy"), ("--sandbox is for the environment 'sandbox'",)),
        (("dev", "--imag=1"), ("--imag",)),
        (("sandbox", "--sandbox=helthy"), ("--sandbox: unknown scenario 'helthy'; did you mean 'healthy'?",)),
    ],
)
def test_what_cannot_be_used_ends_in_one_message(
    script: Script, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """A bad input is a usage error that names it, before anything is contacted."""
    (script.folder / "deploycheck.toml").write_text('[env.dev.services.backend]\nservice = "one"\n', encoding="utf-8")
    assert script("verify", *arguments).is_usage_error(*words)


def test_no_old_verdict_is_left_where_the_run_does_not_start(script: Script) -> None:
    """An earlier report at the path of the report is removed also where an option cannot be used."""
    earlier = script.folder / "report.json"
    earlier.write_text('{"schema_version": 1, "verdict": "VERIFIED", "environment": "dev", "services": []}', "utf-8")
    assert script("verify", "dev", "--report=report.json", "--wait=soon").status == 4
    assert not earlier.exists()


def test_an_interrupted_run_is_reported_and_proves_nothing(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is interrupted ends with status 2, and its report has what was found until then."""

    class Interrupted(Verification):
        def finding(self, service: str, check: Check) -> Finding:
            if check.id == "tasks-running":
                raise KeyboardInterrupt
            return super().finding(service, check)

    monkeypatch.setattr(verify, "Verification", Interrupted)
    ended = script("verify", "sandbox", *QUICK, "--report=report.json")
    assert ended.status == 2
    assert script.report()["verdict"] == "UNPROVEN"
    assert script.report()["services"][0]["checks"][0]["status"] == "pass"
    assert "The run did not come to its end" in ended.out


def test_what_an_environment_masks_is_masked_in_what_is_printed(script: Script) -> None:
    """The texts of findings, with the log lines in them, are masked as the reports and the summary are."""
    (script.folder / "deploycheck.toml").write_text(
        """
[env.sandbox]
cluster = "content-marketing-swarm-dev-cluster"
mask = ['GET /\\w+']
[env.sandbox.services.backend]
service = "content-marketing-swarm-dev-backend-service"
[[env.sandbox.services.backend.logs]]
forbid = "HTTP/1.1"
""",
        encoding="utf-8",
    )
    ended = script("verify", "sandbox", "--sandbox=healthy", "--wait=0")
    assert "FAIL backend logs-1" in ended.out, ended.err
    assert '"[masked] HTTP/1.1" 200 OK' in ended.out
    assert "GET /health" not in ended.out


def test_services_that_could_not_be_told_apart_are_refused(script: Script) -> None:
    """The names of environments and services may have a slash; where two labels are the same, both would be one."""
    (script.folder / "deploycheck.toml").write_text(
        '[env.a.services."b/c"]\nservice = "one"\n[env."a/b".services.c]\nservice = "two"\n', encoding="utf-8"
    )
    assert script("verify", "a,a/b").is_usage_error("the same label: a/b/c", "in runs of their own")


def test_the_rollout_that_is_waited_for_is_shown_beside_the_output(script: Script) -> None:
    """A wait is seen to go on, and what the command prints stays fit to be read by a program."""
    ended = script("verify", "sandbox", "--sandbox=half-rolled-out", "--wait=1s", "--log-wait=0.2s")
    assert ended.status != 0
    assert "deploycheck: backend: new 1/" in ended.err
    assert "deploycheck: backend: new 1/" not in ended.out
