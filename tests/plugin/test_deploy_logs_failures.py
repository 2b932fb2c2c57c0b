from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from plugin.asking import ask, not_passed
from pytest_deploycheck.sandbox import SandboxContainer

if TYPE_CHECKING:
    from plugin.conftest import Deploy, Outcome, World

WANTED = "requested_platforms=['linkedin', 'twitter', 'pitch_deck']"
NEAR = "requested_platforms=['linkedin'] platform='linkedin'"
EXPECTED = f'[[env.shop.services.backend.logs]]\nexpect = "{WANTED}"\n'
SOURCE = f'"""Messages."""\n\nlogger.info("{WANTED}")\n'
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJVadQssw5c"


@pytest.fixture
def near(world: World, pytester: pytest.Pytester) -> World:
    """Return a world whose tasks log nearly the expected line, which the local source has as it is expected."""
    containers = [SandboxContainer(name="app", image="shop-backend:new", mode="non-blocking")]
    world.backend.roll_out(containers=containers, at=world.aws.now() - timedelta(minutes=9))
    ago = world.aws.now() - timedelta(minutes=5)
    first, second = world.backend.running_tasks
    first.log("Application startup complete", at=ago)
    first.log(NEAR, at=ago + timedelta(seconds=1))
    second.log("GET /health 200", at=ago + timedelta(seconds=2))
    path = pytester.path / "backend" / "app" / "api" / "websocket.py"
    path.parent.mkdir(parents=True)
    path.write_text(SOURCE, encoding="utf-8")
    return world


def failure(outcome: Outcome) -> str:
    """Return what a run printed of its failures."""
    return outcome.output.partition("= FAILURES =")[2].partition("= deployment =")[0]


def words(world: World) -> list[str]:
    """Return what the failure of a missing line names."""
    return [
        WANTED,
        NEAR,
        "Application startup complete",
        "GET /health 200",
        "/ecs/shop-backend",
        f"{world.backend.rollout.created_at:%H:%M:%S}",
        "3 events",
        "non-blocking",
        "backend/app/api/websocket.py:3",
        *(f"ecs/app/{task.id}" for task in world.backend.running_tasks),
    ]


def marked(text: str) -> bool:
    """Return whether the text holds the wanted and the seen line one below the other, with the difference marked."""
    shown = re.search(
        rf"^.*- +{re.escape(WANTED)}\n.*\?[ ^+-]+\n.*\+ +{re.escape(NEAR)}\n.*\?[ ^+-]+$", text, re.MULTILINE
    )
    return shown is not None


STATEMENTS = {
    "wait_for": f'deploy_logs.wait_for("{WANTED}")',
    "in": f'assert "{WANTED}" in deploy_logs',
    "sequence": f'deploy_logs.wait_for_sequence("startup", "{WANTED}")',
}


def test_a_missing_line_in_a_test(deploy: Deploy, pytester: pytest.Pytester, near: World) -> None:
    """Each failure is a diagnosis: nearest miss, streams, window, events, last lines, driver, and the local source."""
    tests = "".join(f"def test_{name}(deploy_logs): {statement}\n" for name, statement in STATEMENTS.items())
    outcome = ask(deploy, pytester, near, tests)
    assert outcome.tests == {f"test_{name}[backend]": "failed" for name in STATEMENTS}
    sections = re.split(r"\n_+ test_\w+\[backend\] _+\n", failure(outcome))[1:]
    assert len(sections) == len(STATEMENTS)
    for text in sections:
        assert [word for word in words(near) if word not in text] == []
        assert marked(text)


def test_a_missing_line_in_a_check(deploy: Deploy, near: World) -> None:
    """The check's failure is the same diagnosis, and says that the line is in the code but not running."""
    near.configure("backend", logs=EXPECTED)
    outcome = deploy("-k", "logs-1", env="shop")
    assert outcome.checks == {"logs-1": "fail"}
    text = failure(outcome)
    assert [word for word in words(near) if word not in text] == []
    assert "in the code but not running" in text
    assert marked(text)


def test_each_check_that_fails_shows_its_evidence(deploy: Deploy, near: World) -> None:
    """The last lines seen are printed with each expectation that fails."""
    other = '[[env.shop.services.backend.logs]]\nexpect = "Found 3 platform sections"\n'
    near.configure("backend", logs=EXPECTED + other)
    outcome = deploy("-k", "logs-", env="shop")
    assert outcome.checks == {"logs-1": "fail", "logs-2": "fail"}
    _, first, second = re.split(r"\n_+ .*logs-\d.* _+\n", failure(outcome))
    for section in (first, second):
        assert "GET /health 200" in section
        assert "backend-service" in section or "/ecs/shop-backend" in section


@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_what_was_read_is_shown_once_on_the_terminal(
    deploy: Deploy, pytester: pytest.Pytester, near: World, workers: tuple[str, ...]
) -> None:
    """The terminal has the window and the streams with the first failure; JUnit has them with each, for itself."""
    other = '[[env.shop.services.backend.logs]]\nexpect = "Found 3 platform sections"\n'
    near.configure("backend", logs=EXPECTED + other)
    outcome = deploy("-k", "logs-", "--junitxml=junit.xml", *workers, env="shop")
    _, first, second = re.split(r"\n_+ .*logs-\d.* _+\n", failure(outcome))
    assert "window   from" in first
    assert "read: as for logs-1 above\nlast lines seen:\n  " in second
    assert "window   from" not in second
    junit = ET.parse(pytester.path / "junit.xml").getroot()  # noqa: S314  # written by this run
    texts = [one.text or "" for one in junit.iter("failure")]
    assert len(texts) == 2
    assert all("window   from" in text and "GET /health 200" in text for text in texts)


def test_a_line_that_is_in_no_source(deploy: Deploy, pytester: pytest.Pytester, near: World) -> None:
    """A line that the checkout lacks is not claimed to be there; a test that asks for it is no source."""
    outcome = ask(deploy, pytester, near, 'def test_it(deploy_logs): assert "never written" in deploy_logs\n')
    text = failure(outcome)
    assert "never written" in text
    assert ".py:3" not in text
    assert "in the code but not running" not in text


def test_each_task_is_accounted_for(deploy: Deploy, pytester: pytest.Pytester, near: World) -> None:
    """If each task has to log it, the failure gives the count for each task, in a test and in a check."""
    first, second = near.backend.running_tasks
    near.configure("backend", logs=EXPECTED.replace(WANTED, "startup") + 'tasks = "all"\n')
    pytester.makepyfile("def test_it(deploy_logs): deploy_logs.wait_for('startup', tasks='all')")
    outcome = deploy("-k", "test_it or logs-1", env="shop")
    (check,) = outcome.report["services"][0]["checks"]
    assert (check["status"], outcome.tests) == ("fail", {"test_it[backend]": "failed"})
    assert f"{second.id}: 0" in check["reason"]
    text = failure(outcome).partition("test_it[backend]")[2]
    assert f"{first.id}: 1" in text
    assert f"{second.id}: 0" in text


SECRETS = {
    "password=hunter2222": "hunter2222",
    f"Authorization: Bearer {JWT}": JWT,
    "key AKIAIOSFODNN7EXAMPLE used": "AKIAIOSFODNN7EXAMPLE",
    "postgres://app:s3cr3tpw@db.internal:5432/shop": "s3cr3tpw",
    '{"api_key": "hunter3333", "user": "app"}': "hunter3333",
}
HOSTILE = {
    "\x1b[2J\x1b]0;owned\x07 cleared": "\x1b\x07",
    "nul \x00 back\x08space \x9b31m": "\x00\x08\x9b",
    "reversed \u202e and \u2028 parted \u200f": "\u202e\u2028\u200f",
    "[red]markup[/red] <b>bold</b> %s {0}": "",
    "\ufffd\ufffd no text": "",
}


def test_hostile_lines_and_credentials(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """Nothing printed or reported holds a control character or a credential; a test sees the lines as they are."""
    lines = [*SECRETS, *HOSTILE, "z" * 250_000]
    first, second = world.backend.running_tasks
    began = world.aws.now() - timedelta(minutes=5)
    second.log("started", at=began)
    for number, line in enumerate(lines):
        first.log(line, at=began + timedelta(seconds=number))
    world.configure("backend", logs='[[env.shop.services.backend.logs]]\nexpect = "never said"\n')
    pytester.makepyfile(
        f"LINES = {lines[:-1]!a}\n"
        f"ITEM = {{'type': 'object', 'properties': {{'user': {{'type': 'integer'}}}}}}\n"
        """
import re

def test_as_they_are(deploy_logs):
    messages = [event.message for event in deploy_logs.events()]
    assert [line for line in LINES if line not in messages] == []
    assert max(map(len, messages)) == 250_000

def test_missing(deploy_logs): deploy_logs.wait_for(re.compile("password=never|cleared never"))
def test_sequence(deploy_logs): deploy_logs.wait_for_sequence("cleared", "never")
def test_said(deploy_logs): assert deploy_logs.absent(re.compile("postgres|owned"))
def test_schema(deploy_logs): deploy_logs.records(ITEM)
def test_list(deploy_logs): assert deploy_logs.tail(12) == []
def test_all(deploy_logs): deploy_logs.wait_for("z", tasks="all")
""",
    )
    outcome = deploy("-vv", env="shop")
    assert outcome.tests.pop("test_as_they_are[backend]") == "passed"
    report = json.dumps(outcome.report, ensure_ascii=False)
    for text in (outcome.output, report):
        assert [secret for secret in SECRETS.values() if secret in text] == []
        assert {char for chars in HOSTILE.values() for char in chars if char in text} == set()
        assert len(text) < 200_000
    assert {word for name, word in outcome.tests.items() if "as_they_are" not in name} == {"failed"}


def test_progress_is_for_a_terminal(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """If the output is none, a wait of seconds leaves nothing in it that a short one does not."""
    world.backend.log("started", at=world.aws.now() - timedelta(minutes=5))
    printed = {}
    for timeout in (0.1, 3.6):
        text = f"""
def test_it(deploy_logs):
    with pytest.raises(AssertionError):
        deploy_logs.wait_for("never said", timeout={timeout})
"""
        outcome = ask(deploy, pytester, world, text, "-s")
        assert not_passed(outcome) == {}
        assert "\r" not in outcome.output
        printed[timeout] = re.sub(r"\d+|=+", "0", outcome.output)
    assert printed[0.1] == printed[3.6]
