from __future__ import annotations

import pytest

from pytest_deploycheck.config.suggestions import did_you_mean, nearest


@pytest.mark.parametrize(
    ("name", "expected"),
    [("production", "prod"), ("PROD", "prod"), ("dve", "dev"), ("zzz", None), ("", None)],
)
def test_nearest(name: str, expected: str | None) -> None:
    """The most similar name, whatever its case; none where none is like it."""
    assert nearest(name, ["dev", "prod", "Sandbox"]) == expected


def test_nearest_keeps_the_names_own_case() -> None:
    """The name comes back as it is written where it is defined."""
    assert nearest("sandbx", ["Sandbox"]) == "Sandbox"


def test_sentence() -> None:
    """The end of a sentence: a question, or a full stop."""
    assert did_you_mean("dve", ["dev"]) == "; did you mean 'dev'?"
    assert did_you_mean("dve", []) == "."
