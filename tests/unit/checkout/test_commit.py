from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_deploycheck.checkout.git import CI_VARIABLES, commit_of
from pytest_deploycheck.facts.commit import Commit
from unit.checkout.test_git import git, write

SHA = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a checkout with one commit."""
    root = tmp_path / "project"
    write(root, "app/main.py")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message=One")
    return root


def head(repository: Path) -> Commit:
    """Return the commit of a checkout as git tells it."""
    return Commit(git(repository, "rev-parse", "HEAD"), "HEAD")


def test_the_commit_is_that_of_the_checkout(repository: Path) -> None:
    """HEAD counts, from any folder of the checkout, before what the CI names."""
    assert commit_of(repository / "app", {"GITHUB_SHA": SHA}) == head(repository)


def test_a_commit_without_a_branch_counts(repository: Path) -> None:
    """Continuous integration checks out commits, not branches."""
    git(repository, "checkout", "--quiet", "--detach")
    assert commit_of(repository, {}) == head(repository)


def test_a_worktree_and_a_shallow_clone_are_checkouts(repository: Path, tmp_path: Path) -> None:
    """In a worktree `.git` is a file; a shallow clone has the newest commit alone."""
    git(repository, "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"))
    assert (tmp_path / "tree" / ".git").is_file()
    assert commit_of(tmp_path / "tree", {}) == head(repository)
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", str(tmp_path / "shallow"))
    assert commit_of(tmp_path / "shallow", {}) == head(repository)


def test_the_variables_of_a_hook_do_not_mislead(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook of git runs with the repository of the hook in its environment."""
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert commit_of(repository, {}) == head(repository)


@pytest.mark.parametrize("name", CI_VARIABLES)
def test_outside_of_a_checkout_the_ci_names_the_commit(tmp_path: Path, name: str) -> None:
    """Each CI has its own variable for it."""
    assert commit_of(tmp_path, {name: f" {SHA.upper()}\n"}) == Commit(SHA, name)


def test_without_git_the_ci_names_the_commit(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container image for tests often has no git."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert commit_of(repository, {"CI_COMMIT_SHA": SHA}) == Commit(SHA, "CI_COMMIT_SHA")


def test_the_variables_count_in_their_order_where_they_name_a_commit(tmp_path: Path) -> None:
    """An empty variable, and one with something else than a commit, is passed over."""
    variables = {"BUILD_SOURCEVERSION": "f" * 40, "CODEBUILD_RESOLVED_SOURCE_VERSION": "arn:aws:s3:::b/a.zip"}
    assert commit_of(tmp_path, {**variables, "GITHUB_SHA": "", "CIRCLE_SHA1": SHA}) == Commit(SHA, "CIRCLE_SHA1")
    assert commit_of(tmp_path, {"GITHUB_SHA": SHA[:6]}) is None


def test_without_a_commit_there_is_none(tmp_path: Path) -> None:
    """A folder in no repository, a repository without a commit, and no folder at all."""
    assert commit_of(tmp_path, {}) is None
    assert commit_of(tmp_path / "nothing", {}) is None
    git(tmp_path, "init", "--quiet")
    assert commit_of(tmp_path, {}) is None


def test_a_git_that_hangs_is_given_up(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit is not worth a long wait."""
    script = repository / "git"
    script.write_text("#!/bin/sh\nexec sleep 30\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _: str(script))
    monkeypatch.setattr("pytest_deploycheck.checkout.git.SECONDS", 0.2)
    assert commit_of(repository, {}) is None
