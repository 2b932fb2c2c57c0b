from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy, Ini, World

ENVIRONMENT = """
[env.{name}]
region = "us-east-1"
cluster = "c"

[env.{name}.services.backend]
service = "s"
"""


@pytest.fixture
def files(pytester: pytest.Pytester) -> pytest.Pytester:
    """Return a project with four configurations, each with an environment of its own."""
    for name in ("one", "two", "three"):
        (pytester.path / f"{name}.toml").write_text(ENVIRONMENT.format(name=name), encoding="utf-8")
    (pytester.path / "deploycheck.toml").write_text(ENVIRONMENT.format(name="own"), encoding="utf-8")
    return pytester


@pytest.mark.usefixtures("files")
def test_the_command_line_names_the_file(collect: Collect) -> None:
    """`--deploy-config=FILE` is read, and the header names the file and the source."""
    outcome = collect("--deploy-env=one", "--deploy-config=one.toml")
    assert outcome.status == 0
    assert "config one.toml" in outcome.header
    assert re.search(r"one\.toml \(from --deploy-config\)", outcome.header)


@pytest.mark.usefixtures("files")
def test_the_variable_names_the_file(collect: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    """`DEPLOYCHECK_CONFIG` does what the option does."""
    monkeypatch.setenv("DEPLOYCHECK_CONFIG", "two.toml")
    outcome = collect("--deploy-env=two")
    assert outcome.status == 0
    assert re.search(r"two\.toml \(from DEPLOYCHECK_CONFIG\)", outcome.header)


@pytest.mark.usefixtures("files")
def test_the_ini_file_names_the_file(collect: Collect, ini: Ini, ini_file: str) -> None:
    """`deploy_config` does what the option does."""
    ini(ini_file, deploy_config="three.toml")
    outcome = collect("--deploy-env=three")
    assert outcome.status == 0
    assert re.search(r"three\.toml \(from ini deploy_config\)", outcome.header)


@pytest.mark.usefixtures("files")
def test_command_line_before_variable_before_ini_before_default(
    collect: Collect, ini: Ini, ini_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting nearest to this run wins; an empty variable counts as unset."""
    assert collect("--deploy-env=own").status == 0
    ini(ini_file, deploy_config="three.toml")
    monkeypatch.setenv("DEPLOYCHECK_CONFIG", "")
    assert collect("--deploy-env=three").status == 0
    monkeypatch.setenv("DEPLOYCHECK_CONFIG", "two.toml")
    assert collect("--deploy-env=two").status == 0
    assert collect("--deploy-env=one", "--deploy-config=one.toml").status == 0
    assert "'own'" in collect("--deploy-env=own", "--deploy-config=one.toml").refused()


def test_the_ini_files_path_starts_at_the_ini_file(
    collect: Collect, files: pytest.Pytester, ini: Ini, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path in the ini file means the same from whatever folder pytest is started."""
    ini("pytest.ini", deploy_config="three.toml")
    monkeypatch.chdir(files.mkdir("below"))
    assert collect("--deploy-env=three", "--rootdir=..", "-c", "../pytest.ini").status == 0


def test_the_default_is_in_the_rootdir(
    collect: Collect, files: pytest.Pytester, ini: Ini, monkeypatch: pytest.MonkeyPatch
) -> None:
    """deploycheck.toml is looked for in the rootdir, from whatever folder pytest is started."""
    ini("pytest.ini", deploy_env="own")
    monkeypatch.chdir(files.mkdir("below"))
    assert f"config {Path('..', 'deploycheck.toml')}" in collect().header


def test_pyproject_is_the_second_choice(collect: Collect, pytester: pytest.Pytester) -> None:
    """Without deploycheck.toml, `[tool.deploycheck]` in pyproject.toml is the configuration."""
    table = ENVIRONMENT.format(name="dev").replace("[env.", "[tool.deploycheck.env.")
    (pytester.path / "pyproject.toml").write_text(f"[tool.pytest]\n{table}", encoding="utf-8")
    outcome = collect("--deploy-env=dev")
    assert outcome.status == 0
    assert "config pyproject.toml [tool.deploycheck]" in outcome.header
    (pytester.path / "deploycheck.toml").write_text(ENVIRONMENT.format(name="own"), encoding="utf-8")
    assert "'dev'" in collect("--deploy-env=dev").refused()


def test_a_file_that_is_not_there_is_refused(collect: Collect) -> None:
    """The message names the file as it was given."""
    assert "nowhere.toml" in collect("--deploy-env=dev", "--deploy-config=nowhere.toml").refused()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[env.dev\n", ["not valid TOML", "line 1"]),
        ('[env.dev]\ncluser = "c"\n', ["env.dev", "cluser", "'cluster'"]),
        ("[env.dev.services.backend]\nservice = 3\n", ["env.dev.services.backend.service", "3", "string"]),
        (
            '[env.dev.services.backend]\nservice = "s"\n[[env.dev.services.backend.logs]]\nexpect = "x"\ncuont = 3\n',
            ["logs", "cuont", "'count'"],
        ),
        (
            '[env.dev.services.backend]\nservice = "s"\n[[env.dev.services.backend.logs]]\nexpekt = "x"\n',
            ["logs", "expekt", "'expect'"],
        ),
        (
            '[env.dev.services.backend]\nservice = "s"\n[[env.dev.services.backend.logs]]\nexpect_regex = "(x"\n',
            ["expect_regex", "(x"],
        ),
    ],
)
def test_an_error_in_the_file_is_one_clear_message(
    collect: Collect, pytester: pytest.Pytester, content: str, words: list[str]
) -> None:
    """The message names the file, the path of the key, what was found, and what is allowed."""
    (pytester.path / "deploycheck.toml").write_text(content, encoding="utf-8")
    message = collect("--deploy-env=dev").refused()
    assert "deploycheck.toml" in message
    for word in words:
        assert word in message


def test_a_broken_file_is_no_matter_without_an_environment(collect: Collect, pytester: pytest.Pytester) -> None:
    """Whoever does not verify a deployment is not bothered by its configuration."""
    (pytester.path / "deploycheck.toml").write_text("[env.dev\n", encoding="utf-8")
    pytester.makepyfile("def test_one(): pass")
    assert collect().status == 0


@pytest.mark.usefixtures("configured")
def test_the_header_names_the_endpoint(collect: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    """If calls go to another address than AWS's own, the header says to which."""
    assert "endpoint" not in collect("--deploy-env=dev").header
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")
    assert "endpoint http://localhost:4566" in collect("--deploy-env=dev").header


def test_the_header_and_the_report_name_the_endpoint_of_a_run(
    deploy: Deploy, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is set for some services alone."""
    del world
    address = os.environ["AWS_ENDPOINT_URL"]
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    for service in ("STS", "ECS", "ECR", "CLOUDWATCH_LOGS", "ELASTIC_LOAD_BALANCING_V2", "CLOUDWATCH"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", address)
    outcome = deploy("-k", "image-exists", env="shop")
    assert outcome.header.count(f"endpoint {address}") == 1
    assert outcome.report["endpoint"] == address
