"""The marks of verdicts and statuses in Markdown: each beside a word, so that it can be read without colour."""

from __future__ import annotations

from pytest_deploycheck.judge.finding import Status
from pytest_deploycheck.judge.verdict import Verdict

VERDICTS = {Verdict.VERIFIED: "✅", Verdict.REFUTED: "❌", Verdict.UNPROVEN: "❔"}

STATUSES = {
    Status.PASS: "✅ ok",
    Status.FAIL: "❌ FAIL",
    Status.UNPROVEN: "❔ unproven",
    Status.ERROR: "⚠️ error",
    Status.SKIP: "⚪ skipped",
}

NOTHING_CHECKED = "⚪ not checked"
NOT_SELECTED = "⚪ not selected"
