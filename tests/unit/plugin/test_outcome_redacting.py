"""The reports of tests without what looks like a credential."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_deploycheck.plugin.outcomes.redacting import ReportRedaction

SECRET = "password=hunter2222"


def redacted(report: pytest.TestReport, *own: str) -> pytest.TestReport:
    """Return a report after the redaction."""
    redaction = ReportRedaction()
    redaction.begin(own)
    hook = redaction.pytest_runtest_makereport()
    next(hook)
    with pytest.raises(StopIteration) as stopped:
        hook.send(report)
    value: pytest.TestReport = stopped.value.value
    return value


def report(longrepr: Any = None, **more: Any) -> pytest.TestReport:
    """Return the report of a test that failed."""
    return pytest.TestReport("test_it", ("a", 1, "b"), {}, "failed", longrepr, "call", **more)


def test_every_part_of_a_report_is_masked() -> None:
    """The text of the failure, captured output and properties."""
    seen = redacted(
        report(
            f"assert '{SECRET}'\nnext line",
            sections=[("Captured stdout call", f"first\n{SECRET}")],
            user_properties=[("note", SECRET), ("number", 3), ("several", [SECRET, "plain"])],
        )
    )
    assert "hunter2222" not in str(seen.longrepr)
    assert str(seen.longrepr).endswith("\nnext line")
    ((title, content),) = seen.sections
    assert title == "Captured stdout call"
    assert content.startswith("first\n")
    assert "hunter2222" not in content
    properties: dict[str, Any] = dict(seen.user_properties)
    assert "hunter2222" not in str(properties)
    assert properties["number"] == 3
    assert properties["several"][1] == "plain"


def test_the_patterns_of_the_user_are_masked_too() -> None:
    """A further pattern hides what it matches, and nothing else."""
    assert "order 4711" in str(redacted(report("order 4711")).longrepr)
    assert "4711" not in str(redacted(report("order 4711"), r"order \d+").longrepr)


def test_the_objects_of_pytest_are_masked_in_place() -> None:
    """A traceback stays one, with its lines masked; the place of a skip stays a tuple."""
    with pytest.raises(AssertionError) as caught:
        raise AssertionError(SECRET)
    traceback = caught.getrepr()
    seen = redacted(report(traceback))
    assert seen.longrepr is traceback
    assert "hunter2222" not in str(traceback)
    assert "AssertionError" in str(traceback)
    skipped = redacted(report(("test_it.py", 7, SECRET)))
    assert isinstance(skipped.longrepr, tuple)
    assert skipped.longrepr[:2] == ("test_it.py", 7)
    assert "hunter2222" not in skipped.longrepr[2]


def test_what_is_not_a_text_stays_as_it_is() -> None:
    """An object of another kind is handed on unchanged."""
    thing = object()
    assert redacted(report(user_properties=[("thing", thing)])).user_properties == [("thing", thing)]
    assert redacted(report(None)).longrepr is None
