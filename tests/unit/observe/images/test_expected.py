"""The containers of a service that are judged, in a run during which its task definition changes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.worlds import HOME, definition

from pytest_deploycheck.config.settings import Options, ServiceSettings
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.observe.calls import Once
from pytest_deploycheck.observe.first_observation import FirstObservation
from pytest_deploycheck.observe.images.expected import ExpectedImages
from pytest_deploycheck.oci.registry_hosts import KNOWN_HOSTS


def judged(container: str, *, is_first: bool) -> Any:
    """Return the containers that are judged where the configuration names one, and the task definition has `app`."""
    images = ExpectedImages(
        cast("Any", SimpleNamespace(registry_hosts=lambda _: KNOWN_HOSTS)),
        cast("Any", None),
        Options(("backend",)),
        home=HOME,
        first=FirstObservation(is_complete=not is_first),
        once=Once(),
    )
    settings = ServiceSettings("backend", "shop", container=container)
    return images.judged(settings, definition(), (), (), newest=None, baseline=None)


def test_a_container_that_the_task_definition_lacks() -> None:
    """The configuration is wrong, and the run ends with the names that there are."""
    with pytest.raises(EnvironmentUnusableError, match="no container 'web'; it has app"):
        judged("web", is_first=True)


def test_a_container_that_a_later_task_definition_lacks() -> None:
    """A rollout during the run renamed it: nothing is judged, and the problem says why, but the run goes on."""
    containers, problem = judged("web", is_first=False)
    assert containers == ()
    assert problem.code == "ContainerGone"
    assert "no container 'web'; it has app" in problem.message
