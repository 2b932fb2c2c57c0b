"""Other programs that read CloudWatch Logs on a command line: `aws logs tail` and `awslogs`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from log_client import GROUP, SINCE

_AWSLOGS = "awslogs==0.15.0"
_WINDOW = f"{SINCE.seconds // 60}m"


@dataclass(frozen=True)
class Peer:
    """A program that reads logs.

    Attributes:
        name: What people call it, with its version.
        follows: By which arguments it goes on reading.
        arguments: By which it reads.
        endpoint: The option for the endpoint.
    """

    name: str
    follows: tuple[str, ...]
    arguments: tuple[str, ...]
    endpoint: str

    def command(self, environ: Mapping[str, str], *, follow: bool = False) -> list[str]:
        """The command that writes every line to standard output."""
        where = (self.endpoint, environ["AWS_ENDPOINT_URL"])
        return [*self.arguments, *where, *(self.follows if follow else ())]


@cache
def peers() -> tuple[Peer, ...]:
    """Those that are installed; `awslogs` is installed for the time of the benchmarks where it is not."""
    return tuple(peer for peer in (_aws_cli(), _awslogs()) if peer)


def not_installed() -> str:
    """A sentence about those that are not to be had, or an empty text."""
    names = {"aws logs tail": _aws_cli() is None, "awslogs": _awslogs() is None}
    return "".join(f"\n  {name}: not installed" for name, is_missing in names.items() if is_missing)


@cache
def _aws_cli() -> Peer | None:
    """Version 2 of the AWS CLI: version 1 has no `logs tail`, and may stand before it on the path."""
    folders = [*os.get_exec_path(), "/usr/bin", "/usr/local/bin"]
    for program in dict.fromkeys(filter(None, (shutil.which("aws", path=folder) for folder in folders))):
        version = _version(program)
        if version.startswith("aws-cli/2."):
            arguments = (program, "logs", "tail", GROUP, "--since", _WINDOW)
            return Peer(f"aws logs tail ({version})", ("--follow",), arguments, "--endpoint-url")
    return None


@cache
def _awslogs() -> Peer | None:
    program = shutil.which("awslogs") or _installed_awslogs()
    if program is None:
        return None
    version = re.sub(r"^awslogs ", "", _version(program))
    arguments = (program, "get", GROUP, "ALL", "--start", _WINDOW)
    return Peer(f"awslogs ({version})", ("--watch",), arguments, "--aws-endpoint-url")


# Goes with the interpreter.
_folder = tempfile.TemporaryDirectory(prefix="benchmarks-")


def _installed_awslogs() -> str | None:
    """Its place in an environment of its own, or None where it cannot be installed."""
    environment = str(Path(_folder.name) / "awslogs")
    python = str(Path(environment) / "bin" / "python")
    try:
        subprocess.run([sys.executable, "-m", "venv", environment], check=True, capture_output=True, timeout=60)
        install = [python, "-m", "pip", "install", "--quiet", "--retries", "0", "--timeout", "10", _AWSLOGS]
        subprocess.run(install, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return str(Path(environment) / "bin" / "awslogs")


def _version(program: str) -> str:
    """The program's name and version, as it says them itself; empty where it cannot."""
    try:
        said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.stdout.partition(" Python/")[0].strip()
