"""Writes the page on checks from its source in the package."""

from __future__ import annotations

from pathlib import Path

from pytest_deploycheck.run.catalogue.rendering import as_markdown

if __name__ == "__main__":
    Path(__file__).with_name("checks.md").write_text(as_markdown() + "\n", encoding="utf-8")
