"""The built-in environment `sandbox`: hosted by the process that starts the run, used through the same code as AWS."""

from __future__ import annotations

import json
import os

import pytest

from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.plugin.settings import scenario


class HostedSandbox:
    """A sandbox with a scenario in it, which this process's AWS variables lead to until it is closed.

    Workers are started with these variables, so that they find it too; and no test that runs beside it can reach a
    real account by mistake.

    Attributes:
        table: The configuration of the environment, in the shape of an `[env.NAME]` table.

    Raises:
        ConfigurationError: The extra `sandbox` is not installed, or there is no such scenario.
    """

    def __init__(self, config: pytest.Config) -> None:
        try:
            from pytest_deploycheck.sandbox import Sandbox  # noqa: PLC0415  # moto is loaded only where asked for
            from pytest_deploycheck.sandbox.scenarios import SCENARIOS, build  # noqa: PLC0415
        except ImportError as error:
            raise ConfigurationError(
                f"The environment 'sandbox' needs packages that are not installed: {error}.",
                "Install it with: pip install 'pytest-deploycheck[sandbox]'",
            ) from error
        name = scenario(config, SCENARIOS)
        self._sandbox = Sandbox()
        self._sandbox.start()
        self.table = build(name, self._sandbox)
        self._saved = {key: value for key, value in os.environ.items() if key.startswith("AWS_")}
        self._set = self._sandbox.environ
        self._replaced = {key: os.environ.get(key) for key in self._set if not key.startswith("AWS_")}
        for key in self._saved:
            del os.environ[key]
        os.environ.update(self._set)

    def as_json(self) -> str:
        """The table, for another process."""
        return json.dumps(self.table)

    def close(self) -> None:
        """Stop it and put the variables back."""
        for key in self._set:
            os.environ.pop(key, None)
        os.environ.update(self._saved)
        os.environ.update({key: value for key, value in self._replaced.items() if value is not None})
        self._sandbox.stop()
