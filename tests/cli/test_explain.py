from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.run.catalogue.pages import PAGES

if TYPE_CHECKING:
    from cli.conftest import Script


@pytest.mark.parametrize("check", [*(page.id for page in PAGES), "logs-12", "deploycheck::backend::logs-2"])
def test_each_check_is_explained(script: Script, check: str) -> None:
    """A check is explained by its id, and by the node id that pytest prints."""
    printed = script("explain", check)
    assert printed.status == 0
    assert all(f"{label}:" in printed.out for label in ("proves", "fails", "unproven", "asks of AWS"))


def test_the_actions_of_a_check_are_named_with_their_occasion(script: Script) -> None:
    """A reader learns which actions a check needs, and which only in some environments."""
    printed = script("explain", "targets-healthy").out
    assert "elasticloadbalancing:DescribeTargetHealth (only for services with a load balancer)" in printed
    assert "  ecs:DescribeTasks\n" in printed


def test_all_checks_are_listed(script: Script) -> None:
    """Without a check all of them are listed."""
    assert [line.split()[0] for line in script("explain").out.splitlines()] == [page.id for page in PAGES]


def test_an_unknown_check_is_a_usage_error(script: Script) -> None:
    """The message has the nearest name and all others."""
    assert script("explain", "task-run-image").is_usage_error("did you mean 'tasks-run-image'?", "alarms-ok")
