"""A scenario of the sandbox that this process hosts, and that its own AWS variables lead to."""

from __future__ import annotations

import os

from pytest_deploycheck.sandbox.sandbox import Sandbox
from pytest_deploycheck.sandbox.scenarios import build


class HostedSandbox:
    """A sandbox with a scenario in it, which this process's AWS variables lead to until it is closed.

    Processes that are started meanwhile get these variables, so that they find it too; and nothing that runs beside it
    can reach a real account by mistake.

    Args:
        scenario: The name of the scenario.

    Attributes:
        table: The configuration of the environment, in the shape of an `[env.NAME]` table.
    """

    def __init__(self, scenario: str) -> None:
        self._sandbox = Sandbox()
        self._sandbox.start()
        self.table = build(scenario, self._sandbox)
        self._set = self._sandbox.environ
        self._saved = {key: value for key, value in os.environ.items() if key.startswith("AWS_") or key in self._set}
        for key in self._saved:
            del os.environ[key]
        os.environ.update(self._set)

    def close(self) -> None:
        """Stop it and put the variables back."""
        for key in self._set:
            os.environ.pop(key, None)
        os.environ.update(self._saved)
        self._sandbox.stop()
