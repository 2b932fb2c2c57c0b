"""The fixtures of every test of the suite."""

from __future__ import annotations

import gc
import os
import pkgutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import lru_cache, partial
from importlib import import_module, metadata
from types import FunctionType
from typing import TYPE_CHECKING, Any, Protocol
from unittest import mock

import boto3
import pytest
from botocore.compat import accepts_kwargs
from botocore.hooks import EventAliaser, HierarchicalEmitter, NodeList
from botocore.loaders import create_loader
from hypothesis import settings
from support.other_plugins import without

import pytest_deploycheck
from pytest_deploycheck import polling
from pytest_deploycheck.checkout.git import CI_VARIABLES

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox import Sandbox

pytest_plugins = ["pytester"]

# How long an example takes is no promise of any test: on a machine that is busy it takes longer.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Each run of pytest in this process leaves some hundred thousand objects, nearly all of which are gone at once: looking
# for circles among them as often as Python does takes a twentieth of the time.
gc.set_threshold(20_000, 50, 100)


@pytest.fixture(autouse=True, scope="session")
def _models_are_read_once() -> Iterator[None]:
    """Let botocore's sessions share the models of AWS that they read, and what they know of their own handlers.

    A session reads the models again and inspects two hundred functions, and each client copies their register by the
    module `copy`: that is most of a short run.
    """
    with (
        mock.patch("botocore.session.create_loader", lru_cache(create_loader)),
        mock.patch("botocore.hooks.accepts_kwargs", _accepts_kwargs),
        mock.patch("botocore.hooks._PrefixTrie._recursive_copy", lambda _, node: _copied(node)),
        mock.patch("botocore.hooks.EventAliaser._alias_event_name", lambda _, name: _aliased(name)),
    ):
        yield


_inspected = lru_cache(maxsize=None)(accepts_kwargs)
_alias = partial(vars(EventAliaser)["_alias_event_name"], EventAliaser(HierarchicalEmitter()))
_aliased = lru_cache(maxsize=None)(_alias)


def _copied(node: dict[str, Any]) -> dict[str, Any]:
    """Copy a node of the register of handlers with all below it, but not the handlers."""
    copied = node.copy()
    for key, value in node.items():
        if type(value) is dict:
            copied[key] = _copied(value)
        elif type(value) is NodeList:
            copied[key] = NodeList(*map(list, value))
    return copied


def _accepts_kwargs(handler: Callable[..., object]) -> bool:
    """Return botocore's own answer; it is kept for the functions of modules, which hold no client alive."""
    is_of_module = isinstance(handler, FunctionType) and handler.__closure__ is None
    return bool(_inspected(handler) if is_of_module else accepts_kwargs(handler))


@pytest.fixture(autouse=True, scope="session")
def _installed_packages_are_read_once() -> Iterator[None]:
    """Let the runs of pytest in this process share what they read about the packages that are installed.

    Each searches all of them for plugins, and parses their metadata several times.
    """
    with ExitStack() as patches:
        installed = tuple(metadata.distributions())
        patches.enter_context(mock.patch.object(metadata, "distributions", return_value=installed))
        for name in ("metadata", "entry_points", "files"):
            read = lru_cache(maxsize=None)(vars(metadata.Distribution)[name].fget)
            patches.enter_context(mock.patch.object(metadata.Distribution, name, property(read)))
        yield


@pytest.fixture(autouse=True, scope="session")
def _runs_do_without_the_plugins_of_others() -> Iterator[None]:
    """Let the runs of pytest that tests start do without plugins that they do not need."""
    with mock.patch.dict(os.environ, PYTEST_ADDOPTS=without()):
        yield


@pytest.fixture(scope="session")
def _modules_are_loaded_once() -> None:
    """Load the package, and what moto needs for a first answer.

    pytester forgets what a run in this process loads, and the next one would load it again.
    """
    for module in pkgutil.walk_packages(pytest_deploycheck.__path__, "pytest_deploycheck."):
        with suppress(ModuleNotFoundError):  # a plugin of pytest that some modules are for, and is not installed
            import_module(module.name)
    from pytest_deploycheck.sandbox import Sandbox  # noqa: PLC0415  # slow, and only these tests need it

    with Sandbox() as aws, mock.patch.dict(os.environ, aws.environ):
        boto3.Session().client("sts").get_caller_identity()
    # pytest collects garbage several times after each run: what is loaded now is none, and need not be looked through.
    gc.collect()
    gc.freeze()


@pytest.fixture
def pytester(
    _modules_are_loaded_once: None, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """Return pytest's own means to run pytest, which need not load the package again."""
    monkeypatch.setenv("PYTEST_ADDOPTS", without())  # pytester discards it
    return pytester


@pytest.fixture(autouse=True)
def _no_aws_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what would lead a test to a real account, or change what a run of the plugin is asked."""
    for name in os.environ:
        if name.startswith(("AWS_", "DEPLOYCHECK_")) or name in CI_VARIABLES:
            monkeypatch.delenv(name)


class BetweenPolls(Protocol):
    """Changes the world while a run waits for rollouts."""

    def __call__(self, aws: Sandbox, *happen: Callable[[], object]) -> AbstractContextManager[None]:
        """Within the block, let these happen one by one: each in the pause after another poll.

        The calls that the sandbox has recorded are forgotten first.
        """
        ...


@pytest.fixture
def between_polls() -> BetweenPolls:
    """Return what changes the world while a run waits for rollouts."""
    return _between_polls


@contextmanager
def _between_polls(aws: Sandbox, *happen: Callable[[], object]) -> Iterator[None]:
    aws.calls.clear()
    to_come = list(happen)

    # The wait itself calls this when a poll is complete, so nothing changes half way through an observation.
    def rest(seconds: float) -> bool:
        if not to_come:
            time.sleep(seconds)
            return False
        to_come.pop(0)()
        return True

    with mock.patch("pytest_deploycheck.run.rollout_wait.wait", partial(polling.wait, rest=rest)):
        yield
    assert not to_come, f"the run was over before {len(to_come)} of {len(happen)} changes"
