from __future__ import annotations

import base64
import json
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from support.other_plugins import without

from plugin.asking import ask

if TYPE_CHECKING:
    from pathlib import Path

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


KEY, MINE, ACCOUNT = "sk_live_abcdefghijklmnopqrst", "C-123456", "123456789012"
"""A token that is known by its shape, what an expression of the user matches, and what another matches."""

TOLD = r"""
import warnings

import pytest

SAID = "sk_live_" + "abcdefghijklmnopqrst C-" + "123456"

@pytest.fixture
def broken(deploy_env):
    raise RuntimeError(SAID)

def test_assertion(deploy_env):
    assert not deploy_env, SAID

def test_logs(deploy_logs):
    assert "never" in deploy_logs

def test_lines(deploy_logs):
    assert "customer" in deploy_logs
    assert False

def test_fixture(broken):
    pass

def test_xfail(deploy_env):
    pytest.xfail(SAID)

def test_skip(deploy_env):
    pytest.skip(SAID)

def test_property(record_property, deploy_env):
    record_property("said", {"in": [SAID]})
    print(SAID)
    assert deploy_env.name == "shop"

def test_subtests(subtests, deploy_env):
    with subtests.test(SAID, said=SAID):
        print(SAID)
        assert not deploy_env

def test_allure(deploy_env):
    import allure
    allure.attach(SAID, "said", allure.attachment_type.TEXT)
    allure.attach(b"\x89PNG", "picture", allure.attachment_type.PNG)
    allure.dynamic.parameter("said", SAID)
    with allure.step(SAID):
        raise ValueError(SAID)

def test_html(deploy_env, extras):
    import pytest_html
    extras.append(pytest_html.extras.text(SAID))
    extras.append(pytest_html.extras.png("iVBORw0KGgo="))

@pytest.mark.filterwarnings("always")
def test_warning(deploy_env):
    warnings.warn(SAID)
"""
"""Tests that say what is to be masked in each place that a reporter takes it from."""

WRITER = """
import json

@__import__("pytest").hookimpl(trylast=True)
def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Writer(config))

class Writer:
    def __init__(self, config):
        self.config = config

    def pytest_runtest_logreport(self, report):
        sent = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        with open("reports.jsonl", "a") as file:
            file.write(json.dumps(sent, default=str) + "\\n")
"""
"""A plugin that writes the reports of pytest as JSON, as pytest-reportlog does."""


with_reporters = pytest.mark.skipif(
    find_spec("allure_commons") is None or find_spec("pytest_html") is None,
    reason="allure-pytest and pytest-html are not installed beside the lowest versions",
)


def written(folder: Path) -> dict[str, str]:
    """Return what a run wrote, by the name of the file, with what is embedded there as base64."""
    names = [one for one in folder.rglob("*") if one.is_file() and one.suffix not in {".py", ".pyc", ".toml"}]
    texts = {str(one.relative_to(folder)): one.read_text(encoding="utf-8", errors="replace") for one in names}
    for name, text in texts.items():
        embedded = (base64.b64decode(found) for found in re.findall(r"base64,([A-Za-z0-9+/]+=*)", text))
        texts[name] += "\n".join(one.decode(errors="replace") for one in embedded)
    return texts


@with_reporters
@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["one process", "xdist"])
def test_no_reporter_shows_a_secret(
    deploy: Deploy,
    pytester: pytest.Pytester,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    workers: tuple[str, ...],
) -> None:
    """Terminal, JUnit, pytest-html, Allure, reports as JSON: what is masked in one is masked in all."""
    monkeypatch.setenv("PYTEST_ADDOPTS", without("allure_pytest", "html"))
    task = world.backend.running_tasks[0]
    task.log(f"customer {MINE} ERROR")
    task.log(f"login {KEY}")
    forbidden = '[[env.shop.services.backend.logs]]\nforbid = "ERROR"'
    world.configure("backend", extra=r"mask = ['C-\d{6}', '\d{12}']", logs=forbidden)
    pytester.makepyfile(TOLD)
    pytester.makeconftest(WRITER)
    to = ("--junitxml=junit.xml", "--html=page.html", "--self-contained-html", "--alluredir=allure")
    shown = ("-rA", "--showlocals", "-o", "junit_family=xunit1", "-o", "junit_logging=all")
    more = ("--deploy-report=report.html", "--deploy-report=report.md")
    outcome = deploy("-k", "test_ or logs-1", *to, *shown, *more, *workers, env="shop")

    assert outcome.checks["logs-1"] == "fail", outcome.output
    assert set(outcome.tests.values()) == {"failed", "unproven", "error", "xfailed", "skipped", "passed"}
    texts = written(pytester.path) | {"terminal": outcome.output}
    assert [(name, secret) for name, text in texts.items() for secret in (KEY, MINE, ACCOUNT) if secret in text] == []
    for name in ("terminal", "junit.xml", "page.html", "reports.jsonl", "report.json"):
        assert "[masked]" in texts[name]
    assert '"deploycheck.evidence" value="no \'ERROR\': ' in texts["junit.xml"]
    assert "customer [masked] ERROR" in texts["junit.xml"]
    assert "Log lines" in texts["page.html"]


@with_reporters
def test_the_results_of_allure_stay_whole(
    deploy: Deploy, pytester: pytest.Pytester, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what is to be masked is replaced: messages, traces, steps and bytes are there as without the redaction."""
    monkeypatch.setenv("PYTEST_ADDOPTS", without("allure_pytest", "html"))
    world.configure("backend", extra=r"mask = ['C-\d{6}']")
    pytester.makepyfile(TOLD)
    deploy("--alluredir=allure", "-k", "test_allure or test_fixture", env="shop")

    folder = pytester.path / "allure"
    results = {
        one["name"]: one
        for path in folder.glob("*-result.json")
        for one in [json.loads(path.read_text(encoding="utf-8"))]
    }
    result = results["test_allure"]
    assert result["statusDetails"]["message"] == "ValueError: [masked] [masked]"
    assert "raise ValueError(SAID)" in result["statusDetails"]["trace"]
    assert result["parameters"] == [{"name": "said", "value": "'[masked] [masked]'"}]
    (step,) = result["steps"]
    assert step["name"] == "[masked] [masked]"
    assert step["statusDetails"]["message"].strip() == "ValueError: [masked] [masked]"
    attached = {one["name"]: (folder / one["source"]).read_bytes() for one in result["attachments"]}
    assert attached["said"] == b"[masked] [masked]"
    assert attached["picture"] == b"\x89PNG"
    assert results["test_fixture"]["statusDetails"]["message"] == "RuntimeError: [masked] [masked]"
