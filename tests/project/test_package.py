"""The installed package is complete: the wheel built from the sdist works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str, cwd: Path, **environ: str) -> str:
    """Run a command that has to succeed, and return what it printed."""
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as an installation would."""
    dist = tmp_path_factory.mktemp("dist")
    run("-m", "build", "--no-isolation", "--outdir", str(dist), str(ROOT), cwd=dist)
    assert list(dist.glob("*.tar.gz"))
    (wheel,) = dist.glob("*.whl")
    site = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(site)
    return site


def test_the_wheel_verifies_a_deployment(installed: Path, tmp_path: Path) -> None:
    """Schemas, sandbox and plugin are all in the wheel, and pytest finds the plugin by its entry point."""
    output = run(
        "-m", "pytest", "--deploy-env=sandbox", "-p", "no:cacheprovider", cwd=tmp_path, PYTHONPATH=str(installed)
    )
    home = run("-c", "import pytest_deploycheck as p; print(p.__file__)", cwd=tmp_path, PYTHONPATH=str(installed))

    assert "VERIFIED: backend in sandbox" in output
    assert home.startswith(str(installed))


def test_the_console_script_is_installed(installed: Path, tmp_path: Path) -> None:
    """The wheel has the entry point of the console script, and the module that it starts runs without the checkout."""
    (names,) = installed.glob("*.dist-info/entry_points.txt")
    printed = run("-m", "pytest_deploycheck", "explain", cwd=tmp_path, PYTHONPATH=str(installed))

    assert "deploycheck = pytest_deploycheck.cli.main:main" in names.read_text(encoding="utf-8")
    assert "tasks-run-image" in printed


@pytest.mark.parametrize("name", ["config", "report"])
def test_the_schemas_can_be_printed(installed: Path, tmp_path: Path, name: str) -> None:
    """Editors and CI get the schemas from the installed package."""
    printed = run("-m", "pytest_deploycheck.schemas", name, cwd=tmp_path, PYTHONPATH=str(installed))

    assert '"$schema"' in printed
