"""The files of reports, beside what test_deploy_report.py promises of whole runs."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pytest_deploycheck.config.options import Given
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.run.report_files import replacing_earlier, report_targets, write

EARLIER = '{"schema_version": 1, "verdict": "VERIFIED", "environment": "dev", "services": []}'


def asked(*values: str) -> Given:
    """Return what was given for the option."""
    return Given(values, "--deploy-report")


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_value_is_refused(tmp_path: Path, value: str) -> None:
    """An empty variable of a CI job must not lose the report that was asked for."""
    with pytest.raises(ConfigurationError, match="--deploy-report: found an empty value; expected"):
        report_targets(asked("r.json", value), tmp_path, {})


def test_an_earlier_report_that_cannot_be_removed_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its verdict would be taken for the one of this run: the message names the file and the reason."""
    (tmp_path / "r.json").write_text(EARLIER, encoding="utf-8")

    def unlink(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", unlink)
    with (
        pytest.raises(ConfigurationError, match=r"the earlier report .*r\.json cannot be removed: .*Permission denied"),
        replacing_earlier(asked("r.json"), tmp_path),
    ):
        pass


def test_a_report_may_go_through_a_pipe(tmp_path: Path) -> None:
    """A pipe, such as that of a shell's `>(...)`, is neither removed nor replaced: its reader gets the report."""
    pipe = tmp_path / "r.json"
    os.mkfifo(pipe)
    with replacing_earlier(asked("r.json"), tmp_path) as targets:
        assert [one.path for one in targets] == [pipe]
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text(encoding="utf-8")))
    reader.start()
    write(pipe, EARLIER)
    reader.join(10)
    assert read == [EARLIER]
    assert list(tmp_path.iterdir()) == [pipe]
    assert pipe.is_fifo()
