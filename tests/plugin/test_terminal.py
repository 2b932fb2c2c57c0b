from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Deploy, Outcome, World


def summary(outcome: Outcome) -> list[str]:
    """Return the lines of our summary, without those that name files."""
    text = outcome.output.partition("= deployment =")[2].partition("\n")[2]
    lines = []
    for line in text.splitlines():
        if line.startswith("="):
            break
        lines.append(line)
    return [line for line in lines if not line.startswith("report: ")]


def test_the_header(deploy: Deploy) -> None:
    """One line names what is verified, where that was configured, and the caller."""
    outcome = deploy("-k", "image-exists", scenario="healthy")
    assert outcome.header.count("\n") == 0
    for words in ("env sandbox (from --deploy-env)", "0 (from --deploy-wait)", "123456789012", "us-east-1"):
        assert words in outcome.header


def test_verified_is_one_line(deploy: Deploy) -> None:
    """A good run shows one line, which names what was proven, and the advice that there is."""
    outcome = deploy("--deploy-log-wait=1s", scenario="healthy")
    line, _, advice = "\n".join(summary(outcome)).partition("\n  advice: ")
    assert line.startswith("VERIFIED: backend in sandbox")
    assert "\n  image" not in line + advice
    assert "2 tasks" in line
    assert "content-marketing-swarm-dev-backend:2025.11.26-1" in line


def test_the_failed_tests_are_named(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """Tests that failed or are unproven stand in the summary with their ids."""
    pytester.makepyfile(
        "def test_no(deploy_env): assert deploy_env.name == 'x'\n"
        "def test_open(deploy_logs): assert 'x' in deploy_logs\n"
        "def test_yes(deploy_env): pass\n"
    )
    text = "\n".join(summary(deploy(scenario="silent")))
    assert "test_no" in text
    assert "test_open[backend]" in text
    assert "test_yes" not in text


NASTY = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J back\b\b \u202etxt.exe"
SECRETS = "password=hunter2222 Authorization: Bearer abcdefgh12345678 https://user:s3cretpw@host AKIAIOSFODNN7EXAMPLE"


def test_foreign_text_is_made_fit_to_be_shown(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """Control characters of log lines never reach the terminal, and what looks like a credential is masked."""
    world.backend.log(f"{NASTY} {SECRETS}", at=world.aws.now() - timedelta(minutes=1))
    world.configure("backend", logs='[[env.shop.services.backend.logs]]\nforbid = "red"\n')
    pytester.makepyfile(
        """
        def test_in(deploy_logs): assert "never said" in deploy_logs
        def test_wait_for(deploy_logs): deploy_logs.wait_for("never said")
        def test_events(deploy_logs): assert not deploy_logs.events()
        def test_found(deploy_logs): assert not deploy_logs.wait_for("red")
        def test_tail(deploy_logs): assert not deploy_logs.tail(3), deploy_logs.tail(3)
        def test_absent(deploy_logs): assert deploy_logs.absent("red")
        def test_locals(deploy_logs):
            events = deploy_logs.events()
            assert events[0] is None
        """
    )
    outcome = deploy("--color=no", "-rA", "-vv", "--showlocals", env="shop")
    assert outcome.checks["logs-1"] == "fail"
    assert set(outcome.tests.values()) == {"failed"}
    assert "red" in outcome.output
    for character in "\x1b\x07\x9b\b\u202e":
        assert character not in outcome.output
    for secret in ("hunter2222", "abcdefgh12345678", "s3cretpw", "AKIAIOSFODNN7EXAMPLE"):
        assert secret not in outcome.output


def test_a_plain_terminal_gets_no_colors(deploy: Deploy) -> None:
    """Without colours there is no escape sequence; with them the words are the same."""
    plain = deploy("--color=no", "-k", "image-exists", scenario="healthy")
    assert "\x1b" not in plain.output
    colored = deploy("--color=yes", "-k", "image-exists", scenario="healthy")
    assert "\x1b[33m\x1b[1mUNPROVEN: backend in sandbox\x1b[0m" in colored.output
    assert re.search(r"image +\x1b\[32mok +\x1b\[0m", colored.output)


def test_quiet(deploy: Deploy) -> None:
    """`-q` keeps the verdict."""
    assert "VERIFIED: backend" in deploy("-q", "--deploy-log-wait=1s", scenario="healthy").output
