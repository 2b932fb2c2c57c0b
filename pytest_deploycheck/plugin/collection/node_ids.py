"""The node ids of checks on the command line, as in `pytest deploycheck::backend::logs-1`."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

ROOT = "deploycheck"
"""The first part of the node ids of all checks."""


def given_ids(config: pytest.Config) -> list[str]:
    """Return the node ids of checks on the command line.

    A file or folder of that name keeps its meaning.
    """
    if (config.invocation_params.dir / ROOT).exists():
        return []
    return [arg for arg in config.args if arg.split("::")[0] == ROOT]


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
