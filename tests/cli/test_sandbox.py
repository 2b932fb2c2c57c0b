from __future__ import annotations

import re
import signal
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck import __version__, verify
from pytest_deploycheck.sandbox.scenarios import SCENARIOS

if TYPE_CHECKING:
    from cli.conftest import Script
    from pytest_deploycheck.sandbox import Sandbox


def test_a_standing_sandbox_is_verified_by_what_it_prints(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables and the configuration that it prints lead to it, and Ctrl-C ends it."""
    command = [sys.executable, "-m", "pytest_deploycheck", "sandbox", "healthy", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=script.folder) as process:
        assert process.stdout is not None
        try:
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith('expect = "Saved'):
                    break
            printed = "".join(lines)
            for name, value in re.findall(r"^export (\w+)=(.*)$", printed, re.MULTILINE):
                monkeypatch.setenv(name, value)
            config = printed[printed.index("[env.local]") :]
            assert tomllib.loads(config)["env"]["local"]["endpoint_url"].startswith("http://127.0.0.1:")
            file = script.folder / "deploycheck.toml"
            file.write_text(config, encoding="utf-8")
            assert verify("local", config=file, wait="0", log_wait="5s").verdict == "VERIFIED"
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0


def test_a_port_that_is_in_use_is_named(script: Script, aws: Sandbox) -> None:
    """One message names the port; nothing is served."""
    port = aws.endpoint_url.rpartition(":")[2]
    assert script("sandbox", f"--port={port}").is_usage_error("--port", port, "in use")


@pytest.mark.parametrize(("argument", "word"), [("helthy", "did you mean 'healthy'"), ("--port=99999", "0 to 65535")])
def test_bad_input(script: Script, argument: str, word: str) -> None:
    """A scenario or a port that does not exist is a usage error."""
    assert script("sandbox", argument).is_usage_error(word)


def test_the_scenarios_are_listed(script: Script) -> None:
    """Each scenario is listed with what happened in it."""
    listed = script("sandbox", "--list")
    assert all(one.name in listed.out and one.description in listed.out for one in SCENARIOS.values())


def test_the_version_and_the_commands_are_shown(script: Script) -> None:
    """The help names the commands, and an unknown one is a usage error."""
    assert __version__ in script("--version").out
    assert "verify" in script("--help").out
    assert script("proof").is_usage_error("proof", "verify")
