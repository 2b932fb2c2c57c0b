"""The built-in environment `sandbox`: hosted by the process that starts the run, used through the same code as AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.config import options
from pytest_deploycheck.plugin.options import given
from pytest_deploycheck.run.settings import needs_sandbox, scenario

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox.hosting import HostedSandbox


def host(config: pytest.Config) -> HostedSandbox:
    """Start the sandbox with the scenario that the options name.

    Raises:
        ConfigurationError: The extra `sandbox` is not installed, or there is no such scenario.
    """
    with needs_sandbox():
        from pytest_deploycheck.sandbox.hosting import HostedSandbox  # noqa: PLC0415  # moto is loaded only where asked
        from pytest_deploycheck.sandbox.scenarios import SCENARIOS  # noqa: PLC0415
    return HostedSandbox(scenario(given(config, options.SANDBOX), SCENARIOS))
