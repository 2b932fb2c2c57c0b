from __future__ import annotations

from pathlib import Path

import pytest

from pytest_deploycheck.config import loading
from pytest_deploycheck.errors import ConfigurationError

OWN = "[env.dev]\n"
TABLE = "[tool.deploycheck.env.dev]\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return the root of a repository with the folder `services/orders` in it."""
    root = tmp_path / "repository"
    (root / ".git").mkdir(parents=True)
    (root / "services" / "orders").mkdir(parents=True)
    return root


def found(*starts: Path) -> Path | None:
    """Return the file that is found from these folders."""
    file = loading.find(starts)
    return file.path if file else None


def test_the_configuration_is_found_upwards(repository: Path) -> None:
    """A folder of a monorepo uses the configuration at the repository's root."""
    (repository / "deploycheck.toml").write_text(OWN, encoding="utf-8")
    assert found(repository / "services" / "orders") == repository / "deploycheck.toml"


def test_the_nearest_configuration_comes_first(repository: Path) -> None:
    """A folder with a configuration of its own does not use the one above it."""
    (repository / "deploycheck.toml").write_text(OWN, encoding="utf-8")
    own = repository / "services" / "pyproject.toml"
    own.write_text(TABLE, encoding="utf-8")
    assert found(repository / "services" / "orders") == own


def test_a_pyproject_without_our_table_is_passed_over(repository: Path) -> None:
    """The search goes on above a pyproject.toml that belongs to other tools."""
    (repository / "services" / "pyproject.toml").write_text("[tool.ruff]\n", encoding="utf-8")
    (repository / "deploycheck.toml").write_text(OWN, encoding="utf-8")
    assert found(repository / "services") == repository / "deploycheck.toml"


def test_the_search_ends_at_the_root_of_the_repository(repository: Path) -> None:
    """A configuration outside the repository belongs to another project."""
    (repository.parent / "deploycheck.toml").write_text(OWN, encoding="utf-8")
    assert found(repository / "services") is None


@pytest.mark.parametrize("worktree", [True, False])
def test_a_git_file_marks_a_root_as_a_git_folder_does(tmp_path: Path, *, worktree: bool) -> None:
    """In a worktree `.git` is a file; without either, only the folder itself is searched."""
    (tmp_path / "deploycheck.toml").write_text(OWN, encoding="utf-8")
    (tmp_path / "below").mkdir()
    if worktree:
        (tmp_path / ".git").write_text("gitdir: elsewhere\n", encoding="utf-8")
    assert (found(tmp_path / "below") is not None) is worktree


def test_the_second_start_is_searched_after_the_first(tmp_path: Path, repository: Path) -> None:
    """The folder that pytest was started in comes before pytest's rootdir."""
    rootdir = tmp_path / "rootdir"
    rootdir.mkdir()
    (rootdir / "deploycheck.toml").write_text(OWN, encoding="utf-8")
    assert found(repository, rootdir) == rootdir / "deploycheck.toml"
    (repository / "deploycheck.toml").write_text(OWN, encoding="utf-8")
    assert found(repository / "services", rootdir) == repository / "deploycheck.toml"


def test_the_message_names_the_folders_that_were_searched(repository: Path) -> None:
    """Whoever has the file in another folder sees which ones were searched."""
    starts = [repository / "services"]
    with pytest.raises(ConfigurationError) as caught:
        loading.environments(loading.find(starts), "dev", searched=loading.searched(starts))
    assert f"searched in {repository / 'services'}, {repository}" in caught.value.message


def test_the_label_leads_from_the_start_to_the_file(repository: Path) -> None:
    """The header shows which of several files was used."""
    (repository / "deploycheck.toml").write_text(OWN, encoding="utf-8")
    file = loading.find([repository / "services"])
    assert file is not None
    assert file.label == str(Path("..", "deploycheck.toml"))
