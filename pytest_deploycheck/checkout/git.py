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
    status = ("status", "--porcelain=v2", "--branch", "--untracked-files=no", "--ignore-submodules=untracked")
    lines = git_output(root, *status).decode(errors="replace").splitlines()
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
    head = git_output(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").decode(errors="replace").strip()
    if _SHA.fullmatch(head):
        return Commit(head, "HEAD")
    for name in CI_VARIABLES:
        value = variables.get(name, "").strip().lower()
        # CodeBuild's variable can be the version of an archive.
        if _SHA.fullmatch(value):
            return Commit(value, name)
    return None


def git_output(folder: Path, *arguments: str, seconds: float | None = None) -> bytes:
    """Return what git prints; nothing without git, and where it fails or takes too long.

    Args:
        folder: A folder of the work tree.
        arguments: The command of git, which only reads.
        seconds: How long it may take; default: `SECONDS`.
    """
    git = shutil.which("git")
    if git is None:
        return b""
    # Neither takes a lock nor starts a daemon: it only reads.
    command = [git, "--no-optional-locks", "-C", str(folder), "-c", "core.fsmonitor=false", *arguments]
    # A hook of git runs with variables that name another work tree than that of the folder.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        finished = subprocess.run(command, capture_output=True, check=True, timeout=seconds or SECONDS, env=environment)  # noqa: S603 - no shell, and no word of it is foreign
    except (OSError, ValueError, subprocess.SubprocessError):
        return b""
    return finished.stdout
