"""The node ids of checks on the command line, as in `pytest deploycheck::backend::logs-1`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = "deploycheck"
"""The first part of the node ids of all checks."""


def given_ids(config: pytest.Config) -> list[str]:
    """Return the node ids of checks on the command line.

    A file or folder of that name keeps its meaning.
    """
    return [one for one in (id_in(config, arg) for arg in config.args) if one is not None]


def id_in(config: pytest.Config, arg: str) -> str | None:
    """Return the node id of checks that an argument is, or None where it is something else.

    Where pytest is started below the root of the tests it prints node ids with the way to there, such as
    `../../deploycheck::backend::logs-1`. What it prints may be given as it is.
    """
    name, *names = arg.split("::")
    place = Path(os.path.normpath(config.invocation_params.dir / name))
    if (name != ROOT and place != config.rootpath / ROOT) or place.exists():
        return None
    return "::".join([ROOT, *names])


def services_of_ids(ids: Sequence[str], services: Sequence[str]) -> tuple[str, ...]:
    """Return those of `services` that node ids of checks select; all of them where the ids name none."""
    chosen = tuple(
        name
        for name in services
        if any(is_within(f"{ROOT}::{name}", one) or is_within(one, f"{ROOT}::{name}") for one in ids)
    )
    return chosen or tuple(services)


def is_within(nodeid: str, selection: str) -> bool:
    """Return whether a node id is one that was selected, or below it."""
    return nodeid == selection or nodeid.startswith(f"{selection}::")
