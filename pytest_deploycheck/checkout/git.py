"""The commit of the checkout, or of the CI's build."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pytest_deploycheck.facts.commit import Commit
from pytest_deploycheck.facts.source import Checkout

CI_VARIABLES = (
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "CODEBUILD_RESOLVED_SOURCE_VERSION",
    "BITBUCKET_COMMIT",
    "CIRCLE_SHA1",
    "BUILDKITE_COMMIT",
    "GIT_COMMIT",
    "BUILD_SOURCEVERSION",
)
"""The variables in which GitHub, GitLab, CodeBuild, Bitbucket, CircleCI, Buildkite, Jenkins and Azure name the commit
of a build."""

SECONDS = 10.0
"""How long git may take."""

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def checkout(root: Path) -> Checkout:
    """Return the commit that a checkout is at, and whether tracked files of its repository were changed since.

    Without git, without a repository or a commit, and where git refuses or takes too long, neither is known.

    Args:
        root: A folder of the checkout.
    """
    lines = _git(root, "status", "--porcelain=v2", "--branch", "--untracked-files=no", "--ignore-submodules=untracked")
    revision = next((line.split()[-1] for line in lines if line.startswith("# branch.oid ")), "(initial)")
    if revision == "(initial)":
        return Checkout()
    return Checkout(revision, any(not line.startswith("#") for line in lines))


def commit_of(folder: Path, variables: Mapping[str, str]) -> Commit | None:
    """Return the commit that is checked out in a folder, else the one that the CI names, else None.

    Args:
        folder: A folder of the checkout.
        variables: The environment variables.
    """
    head = next(iter(_git(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")), "")
    if _SHA.fullmatch(head):
        return Commit(head, "HEAD")
    for name in CI_VARIABLES:
        value = variables.get(name, "").strip().lower()
        # CodeBuild's variable can be the version of an archive.
        if _SHA.fullmatch(value):
            return Commit(value, name)
    return None


def _git(folder: Path, *arguments: str) -> list[str]:
    """Return the lines that git prints, none where it fails or takes too long."""
    git = shutil.which("git")
    if git is None:
        return []
    # Neither takes a lock nor starts a daemon: it only reads.
    command = [git, "--no-optional-locks", "-C", str(folder), "-c", "core.fsmonitor=false", *arguments]
    # A hook of git runs with variables that name another work tree than that of the folder.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        finished = subprocess.run(command, capture_output=True, check=True, timeout=SECONDS, env=environment)  # noqa: S603 - no shell, and no word of it is foreign
    except (OSError, ValueError, subprocess.SubprocessError):
        return []
    return finished.stdout.decode(errors="replace").splitlines()
