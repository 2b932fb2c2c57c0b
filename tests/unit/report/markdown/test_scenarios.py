from __future__ import annotations

import re
from itertools import count

import pytest
from support.gfm import inline_tokens
from support.replays import replayed
from syrupy.assertion import SnapshotAssertion

from pytest_deploycheck.report.markdown.page import render
from pytest_deploycheck.sandbox.scenarios import SCENARIOS

VOLATILE = {
    "digest": r"sha256:[0-9a-f]{12,64}",
    "task": r"\b[0-9a-f]{32}\b",
    "short task": r"(?<=`)[0-9a-f]{8}(?=`)",
    "rollout": r"ecs-svc/\d+",
    "time": r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?: UTC|Z)?",
    "port": r"127\.0\.0\.1:\d+",
}
"""What differs from one run of a scenario to the next."""

PASSED = re.compile(r"\b\d+(?:\.\d+)? (?:s|min|h|days)\b")
PLACE = re.compile(r"`[^`]*/(\w[\w-]*\.json)`")


def stable(text: str) -> str:
    """Return a report in which digests, ids and times are numbered in the order in which they first appear."""
    for name, pattern in VOLATILE.items():
        numbers, known = count(1), dict[str, str]()
        text = re.sub(pattern, lambda m: known.setdefault(m[0], f"<{name} {next(numbers)}>"), text)  # noqa: B023
    return PLACE.sub(r"`\1`", PASSED.sub("<duration>", text))


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_each_scenario(scenario: str, snapshot: SnapshotAssertion) -> None:
    """The report of each scenario of the sandbox is short, reads as text, and is reviewed as a text."""
    text = render(replayed(scenario))
    assert len(text) < 16_000
    kinds = {token.type for token in inline_tokens(text)}
    assert kinds <= {"text", "code_inline", "strong_open", "strong_close", "html_inline"}
    assert stable(text) == snapshot
