from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from plugin.asking import ask, not_passed

if TYPE_CHECKING:
    import pytest

    from plugin.conftest import Deploy, World

ODD_TEXTS = (
    'a "quoted" word',
    "C:\\temp\\x",
    "%regex%",
    "{ $.level = 1 }",
    "[ip, user]",
    "-minus",
    "?maybe",
    "naïve ☃ 日本語 \U0001f680",
    "two  spaces",
    "tab\there",
    "first line\nsecond line",
    "x" * 1500,
    "'single'",
    "*",
    '"',
    "\\",
    "\x1b[31mred\x1b[0m",
    "\ufffd",
    "nul \x00 and \x07",
    " ",
)
"""Texts that mean something else in a filter pattern of CloudWatch Logs, or cannot stand in one."""

PATTERNS = {
    r"(?i)found 3 PLATFORM": "Found 3 platform sections",
    r"Found (3|three) platform": "Found three platform sections",
    r"Found( no)? sections?": "Found section",
    r"^Found.*sections$": "Found 5 platform sections",
    r"colou?r: red": "color: red",
    r"ab*c:": "ac:",
    r"ab{0,2}c;": "ac;",
    r"(?:warn|error): disk": "error: disk full",
    r"(?=.*sections)Found": "Found 6 platform sections",
    r"(?<!not )Found": "Found 7",
    r"(?!x)Found": "Found 8",
    r"Found\s+9": "Found\t 9",
    r"Found.10": "Found\u00a010",
    r"\bFound\b\)": "(Found)",
    r"(?m)first$\n^second": "first\nsecond",
    r"(?s)first.third": "first\nthird",
    r"(?x) Found \ 11 # comment": "Found 11",
    r"\x46ound\x2012": "Found 12",
    r"[F]ound 1[3-5]": "Found 14",
    r"((Founder))\1": "FounderFounder",
    r"(?P<a>Found) (?P=a)": "Found Found",
    r"(?:Found|)16": "x16",
    r"(?-i:Found) (?i:SEVENTEEN)": "Found seventeen",
    r"(?i)strasse|STRAẞE": "Straße",
    r"(?i)\u212aelvin": "kelvin",
    r"\d{5}-\w+": "code 12345-x",
}
"""Regular expressions, each with a line it matches, many of them with no text that the line must hold as it is."""


def test_odd_texts_are_found_as_they_are(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """The special characters of CloudWatch's filter patterns match themselves, and nothing else is taken for them."""
    task = world.backend.running_tasks[0]
    for number, text in enumerate(ODD_TEXTS):
        task.log(f"<{number}{text}{number}>", at=world.aws.now() - timedelta(minutes=5))
    world.backend.log("started", at=world.aws.now() - timedelta(minutes=5))
    outcome = ask(
        deploy,
        pytester,
        world,
        f"TEXTS = {ODD_TEXTS!a}\n\n"
        """
def test_found(deploy_logs):
    assert [text for n, text in enumerate(TEXTS) if f"<{n}{text}{n}>" not in deploy_logs] == []

def test_not_found(deploy_logs):
    assert [text for n, text in enumerate(TEXTS) if f">{n}{text}{n}<" in deploy_logs] == []

def test_text(deploy_logs):
    assert [deploy_logs.wait_for(f"<{n}{text}{n}>")[0].text for n, text in enumerate(TEXTS)] == [
        f"<{n}{text}{n}>" for n, text in enumerate(TEXTS)
    ]
""",
    )
    assert not_passed(outcome) == {}


def test_a_pattern_is_found_whatever_core_it_has(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """A filter that is pushed to the service never hides a line that the pattern matches."""
    matching = {pattern: line for pattern, line in PATTERNS.items() if re.search(pattern, line)}
    assert len(matching) >= len(PATTERNS) - 1
    task = world.backend.running_tasks[0]
    for line in matching.values():
        task.log(line, at=world.aws.now() - timedelta(minutes=5))
    outcome = ask(
        deploy,
        pytester,
        world,
        f"PATTERNS = {matching!a}\n\n"
        """
def test_found(deploy_logs):
    missed = []
    for pattern, line in PATTERNS.items():
        try:
            found = deploy_logs.wait_for(re.compile(pattern))
        except AssertionError:
            found = []
        if line not in [event.message for event in found]:
            missed.append(pattern)
    assert missed == []
""",
    )
    assert not_passed(outcome) == {}


def test_a_pattern_that_every_line_has_is_refused(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """A pattern that matches without any text proves nothing: tests and the configuration refuse it."""
    world.backend.log("started", at=world.aws.now() - timedelta(minutes=5))
    outcome = ask(
        deploy,
        pytester,
        world,
        """
@pytest.mark.parametrize("pattern", ["", *map(re.compile, ["", "(text)?", "x*|never", "\\\\b", "(?=x)"])])
def test_refused(deploy_logs, pattern):
    for asks in (deploy_logs.__contains__, deploy_logs.wait_for, deploy_logs.absent, deploy_logs.count):
        with pytest.raises(ValueError, match="matches without any text"):
            asks(pattern)
""",
    )
    assert not_passed(outcome) == {}
    world.configure("backend", logs="[[env.shop.services.backend.logs]]\nexpect_regex = '(text)?'\n")
    outcome = deploy(env="shop")
    assert outcome.status == 4
    assert "matches without any text" in outcome.output
