"""The plugins of others: installed for tests of these, and blocked everywhere else."""

from __future__ import annotations

OTHERS = ("syrupy", "check", "rerunfailures", "pytest-retry", "flaky", "allure_pytest", "html")
"""Those that change the results of tests. Some cannot be active together, and all would change those of the suite."""

SLOW = ("hypothesispytest", "unraisableexception")
"""Those that make a run slow: Hypothesis takes half a second to load, and pytest's own search for unraisable exceptions
collects garbage five times at the end."""


def without(*active: str) -> str:
    """Return the options that block all of them but those named."""
    return " ".join(f"-p no:{name}" for name in (*OTHERS, *SLOW) if name not in active)
