"""The plugins of others that change the results of tests: installed for tests of these, and blocked everywhere else."""

from __future__ import annotations

OTHERS = ("syrupy", "check", "rerunfailures", "pytest-retry", "flaky", "allure_pytest", "html")
"""Their names. Some cannot be active together, and all of them would change the results of the suite itself."""


def without(*active: str) -> str:
    """Return the options that block all of them but those named."""
    return " ".join(f"-p no:{name}" for name in OTHERS if name not in active)
