"""The seven points of the checklist once more, as tests: for those who would rather write Python than TOML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_deploycheck import LogTail

PLATFORMS = "['linkedin', 'twitter', 'pitch_deck']"


def test_the_answer_is_parsed_into_its_sections(deploy_logs: LogTail) -> None:
    assert "Found 3 platform sections" in deploy_logs


def test_each_section_becomes_a_content_item(deploy_logs: LogTail) -> None:
    deploy_logs.wait_for(re.compile(r"Parsed content item #\d+"), count=3)


def test_all_platforms_are_asked_for_before_the_answer_is_parsed(deploy_logs: LogTail) -> None:
    deploy_logs.wait_for_sequence(f"Requested platforms: {PLATFORMS}", "Found 3 platform sections")


def test_nothing_speaks_of_a_single_platform(deploy_logs: LogTail) -> None:
    assert deploy_logs.absent("platform='linkedin'")


def test_every_new_task_came_up(deploy_logs: LogTail) -> None:
    deploy_logs.wait_for("Application startup complete", tasks="all")


def test_the_request_is_logged_in_its_new_form(deploy_logs: LogTail) -> None:
    assert f"requested_platforms={PLATFORMS}" in deploy_logs


def test_everything_is_saved(deploy_logs: LogTail) -> None:
    assert "Saved 3 content items" in deploy_logs
