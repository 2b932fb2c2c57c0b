from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from support.replays import REPORTS

if TYPE_CHECKING:
    from cli.conftest import Script


@pytest.mark.parametrize(
    ("scenario", "status", "verdict"), [("not-restarted", 1, "REFUTED"), ("healthy", 7, "UNPROVEN")]
)
def test_a_report_is_judged_again_without_contact(
    script: Script, monkeypatch: pytest.MonkeyPatch, scenario: str, status: int, verdict: str
) -> None:
    """A replay ends with the verdict on the recorded facts, and with no more than UNPROVEN where all is well."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("DEPLOYCHECK_IMAGE", "another")
    shutil.copy(REPORTS / f"{scenario}.json", script.folder / "old.json")
    ended = script("replay", "old.json", "--report=report.json")
    assert ended.status == status, ended.err
    assert script.report()["verdict"] == verdict
    assert "replay old.json (from the command line), env sandbox as recorded" in ended.out.splitlines()[0]
    assert (script.folder / "old.json").exists()


@pytest.mark.parametrize(
    ("arguments", "word"), [((), "FILE"), (("none.json",), "none.json"), (("bad.json",), "report")]
)
def test_what_is_not_a_report_is_a_usage_error(script: Script, arguments: tuple[str, ...], word: str) -> None:
    """A file that is missing, cannot be read or is not a report ends in one message."""
    (script.folder / "bad.json").write_text("{}", encoding="utf-8")
    assert script("replay", *arguments).is_usage_error(word)


def test_what_was_read_of_the_logs_is_printed_once(script: Script) -> None:
    """The first expectation of a service that failed has it, and the others name that one."""
    shutil.copy(REPORTS / "cached-layer.json", script.folder / "old.json")
    ended = script("replay", "old.json")
    failed = re.findall(r"^FAIL backend logs-", ended.out, re.MULTILINE)
    assert len(failed) > 3
    assert ended.out.count("window   from") == 1
    assert ended.out.count("last lines seen:") == 1
    assert ended.out.count("  read: as for logs-1 above\n") == len(failed) - 1
