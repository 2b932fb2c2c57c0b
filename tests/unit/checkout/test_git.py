from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_deploycheck.checkout.git import checkout
from pytest_deploycheck.facts.source import Checkout


def write(root: Path, path: str, text: str = "x = 1\n") -> None:
    """A file of a checkout."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def git(root: Path, *arguments: str) -> str:
    """Return the output of git without anyone's settings."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", "-C", str(root), *arguments]
    finished = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30, env=environment)
    return finished.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A checkout with one commit."""
    root = tmp_path / "project"
    write(root, "app/main.py")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message=One")
    return root


def test_a_clean_checkout_is_at_its_commit(repository: Path) -> None:
    """From any of its folders; files that git does not track make nothing dirty."""
    write(repository, "notes.txt")
    clean = Checkout(git(repository, "rev-parse", "HEAD"), is_dirty=False)
    assert checkout(repository) == clean
    assert checkout(repository / "app") == clean


@pytest.mark.parametrize("change", ["changed", "staged", "deleted"])
def test_changes_to_tracked_files_make_a_checkout_dirty(repository: Path, change: str) -> None:
    """Also such as are staged, anywhere in the repository."""
    write(repository, "app/main.py", text="x = 2\n")
    if change == "staged":
        git(repository, "add", ".")
    if change == "deleted":
        (repository / "app/main.py").unlink()
    assert checkout(repository).is_dirty is True


def test_a_commit_without_a_branch_is_one(repository: Path) -> None:
    """Continuous integration checks out commits."""
    git(repository, "checkout", "--quiet", "--detach")
    assert checkout(repository).revision == git(repository, "rev-parse", "HEAD")


def test_the_variables_of_a_hook_do_not_mislead(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook of git runs with the repository of the hook in its environment."""
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert checkout(repository).is_dirty is False


def test_without_a_repository_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No repository, one without a commit, no folder, and no git."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert checkout(tmp_path) == Checkout()
    assert checkout(tmp_path / "nothing") == Checkout()
    git(tmp_path, "init", "--quiet")
    write(tmp_path, "main.py")
    git(tmp_path, "add", ".")
    assert checkout(tmp_path) == Checkout()
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert checkout(tmp_path) == Checkout()


def test_a_git_that_hangs_is_given_up(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state of a checkout is not worth waiting for."""
    script = repository / "git"
    script.write_text("#!/bin/sh\nexec sleep 30\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _: str(script))
    monkeypatch.setattr("pytest_deploycheck.checkout.git.SECONDS", 0.2)
    assert checkout(repository) == Checkout()
