from __future__ import annotations

import pytest

from pytest_deploycheck import verify
from pytest_deploycheck.errors import ConfigurationError


def test_a_script_hosts_its_own_sandbox() -> None:
    """The built-in environment belongs to pytest: a script that asks for it learns what to do in its place."""
    with pytest.raises(ConfigurationError, match="hosted by pytest: pytest --deploy-env=sandbox") as refused:
        verify("sandbox")
    assert "pytest_deploycheck.sandbox.Sandbox" in refused.value.remedy
