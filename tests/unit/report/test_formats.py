from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from support.runs import run_of, summary
from support.worlds import completed, never_restarted

from pytest_deploycheck.config.options import REPORT
from pytest_deploycheck.report.annotations import annotate
from pytest_deploycheck.report.formats import FORMATS
from pytest_deploycheck.report.model import RunReport

OUTPUTS: dict[str, Callable[[RunReport], str]] = {
    **{suffix: form.render for suffix, form in FORMATS.items()},
    "summary": lambda report: "\n".join(summary(report)),
    "annotations": lambda report: "\n".join(annotate(report)),
}
"""Every output of a run."""

INTERRUPTED = {".json": '"complete": false', "annotations": "the run did not come to its end"}


@pytest.mark.parametrize("word", [*FORMATS, "github", "annotations"])
def test_the_help_of_the_option_names_every_format(word: str) -> None:
    """A user finds each kind of report in `--help`."""
    assert word in REPORT.help


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_output_marks_a_replay(output: str) -> None:
    """No output of a replay can be taken for one of a run that observed: each names the report that it replays."""
    text = OUTPUTS[output](replace(run_of(never_restarted()), replay_of="old.json"))
    assert "replay" in text.lower()
    assert "old.json" in text


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_output_marks_an_interrupted_run(output: str) -> None:
    """Each output of a run that did not come to its end says so."""
    text = OUTPUTS[output](run_of(completed(), complete=False))
    assert INTERRUPTED.get(output, "did not come to its end") in text


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_earlier_report_is_known_in_each_format(suffix: str) -> None:
    """A later run recognizes a report at its path, and takes no other file for one."""
    form = FORMATS[suffix]
    assert form.is_own(form.render(run_of(completed())))
    assert not form.is_own('{"name": "other"}')
    assert not form.is_own("<!doctype html><title>Other</title>")
