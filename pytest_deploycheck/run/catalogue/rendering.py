"""The pages on checks as text for a terminal, and as one page of documentation."""

from __future__ import annotations

import textwrap

from pytest_deploycheck.run.catalogue.pages import PAGES, CheckPage
from pytest_deploycheck.run.policy.actions import Trigger

_WIDTH = 100

_INTRODUCTION = """# Checks

<!-- Written by docs/make_checks.py from pytest_deploycheck.run.catalogue.pages. -->

Each selected service has these checks, in the order of the chain; `deploycheck explain CHECK` prints one of them. A
check ends as `pass`, `fail`, `unproven` (the evidence does not exist), `error` (it could not be read) or `skip` (not
asked for). An action in the last row of a check is asked for always, or where its words say so;
[permissions](permissions.md) has what is done where one is denied."""


def as_text(page: CheckPage) -> str:
    """Return a page for a terminal."""
    head = f"{page.id} ({page.link})"
    parts = [f"{label}:\n{_wrapped(text)}" for label, text in _rows(page)]
    actions = "\n".join(f"  {one.name}{_when(one.trigger)}" for one in page.actions)
    return "\n\n".join([head, *parts, f"asks of AWS:\n{actions}"])


def as_markdown() -> str:
    """Return the page of documentation on all checks."""
    return "\n".join([_INTRODUCTION, *(_section(page) for page in PAGES)])


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="  ", subsequent_indent="  ")


def _rows(page: CheckPage) -> list[tuple[str, str]]:
    rows = [
        ("proves", page.proves),
        ("fails", page.fails),
        ("unproven", page.unproven),
        ("skipped", page.skipped),
        ("what helps", page.remedy),
    ]
    return [(label, text) for label, text in rows if text]


def _section(page: CheckPage) -> str:
    rows = [f"| {label} | {text} |" for label, text in _rows(page)]
    asks = ", ".join(f"`{one.name}`{_when(one.trigger)}" for one in page.actions)
    lines = ["", f"## {page.id}", "", f"| link | `{page.link}` |", "| --- | --- |", *rows, f"| asks of AWS | {asks} |"]
    return "\n".join(lines)


def _when(trigger: Trigger) -> str:
    return "" if trigger is Trigger.ALWAYS else f" (only for {trigger})"
