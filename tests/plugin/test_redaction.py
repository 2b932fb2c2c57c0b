from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from plugin.asking import ask

if TYPE_CHECKING:
    from plugin.conftest import Deploy, World

SECRETS = (
    "hunter2222",
    "sk_live_abcdefghijklmnopqrst",
    "MIIEpAIBAAKCAQEA7bq4Vg9TnB2mPz0Yd1xWkJ8sRfL3hQcE5uNoGtXiZaKvCyDw",
)


def test_no_report_of_a_failed_test_shows_a_secret(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """Explanations, violated schemas, captured output and locals show no secret: terminal, JUnit and report alike."""
    task = world.backend.running_tasks[0]
    task.log('{"password": "hunter2222", "event": "login"}')
    task.log("\x1b[33msk_live_abcdefghijklmnopqrst\x1b[0m")
    task.log("customer C-123456")
    for line in ("-----BEGIN RSA PRIVATE KEY-----", SECRETS[2], "-----END RSA PRIVATE KEY-----"):
        task.log(line)
    world.configure("backend", extra=r"mask = ['C-\d{6}']")

    outcome = ask(
        deploy,
        pytester,
        world,
        """
def messages(deploy_logs):
    return [event.message for event in deploy_logs.events()]

def test_messages(deploy_logs):
    for message in messages(deploy_logs):
        print(message)
    assert messages(deploy_logs) == []

def test_one_message(deploy_logs):
    first, *rest = messages(deploy_logs)
    assert first == "something else"

def test_schema(deploy_logs):
    deploy_logs.records({"properties": {"password": {"type": "integer"}}})

def test_records(deploy_logs):
    assert deploy_logs.records() == []

def test_value(deploy_logs):
    assert deploy_logs.records()[0]["password"] == "something else"

def test_line(deploy_logs):
    assert "a line that is never logged" in deploy_logs

def test_command(deploy_logs):
    print("  ::error::taken over")
    assert False
""",
        "--showlocals",
        "--junitxml=junit.xml",
        "-o",
        "junit_logging=all",
    )

    assert outcome.status == 1, outcome.output
    junit = (pytester.path / "junit.xml").read_text(encoding="utf-8")
    report = (pytester.path / "report.json").read_text(encoding="utf-8")
    assert ET.fromstring(junit) is not None  # noqa: S314  # written by this run
    for written in (outcome.output, junit, report):
        assert not [secret for secret in (*SECRETS, "C-123456") if secret in written]
    assert "[masked]" in outcome.output
    assert not [line for line in outcome.output.splitlines() if line.strip().startswith("::")]
