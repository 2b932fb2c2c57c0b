from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy, Ini
    from pytest_deploycheck.sandbox import Sandbox


@pytest.mark.usefixtures("configured")
def test_the_command_line_names_the_environment(collect: Collect) -> None:
    """`--deploy-env=NAME` adds the checks of that environment's services, and the header names the source."""
    outcome = collect("--deploy-env=prod", "-q")
    assert outcome.status == 0
    outcome.result.stdout.fnmatch_lines(["deploycheck::backend::image-exists", "deploycheck::worker::image-exists"])
    assert "env prod (from --deploy-env)" in collect("--deploy-env=prod").header


@pytest.mark.usefixtures("configured")
def test_the_variable_names_the_environment(collect: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    """`DEPLOYCHECK_ENV` does what the option does."""
    monkeypatch.setenv("DEPLOYCHECK_ENV", "dev")
    assert "env dev (from DEPLOYCHECK_ENV)" in collect().header


@pytest.mark.usefixtures("configured")
def test_the_ini_file_names_the_environment(collect: Collect, ini: Ini, ini_file: str) -> None:
    """`deploy_env` in pytest.ini, or in native TOML, does what the option does."""
    ini(ini_file, deploy_env="dev")
    assert "env dev (from ini deploy_env)" in collect().header


@pytest.mark.usefixtures("configured")
def test_command_line_before_variable_before_ini(
    collect: Collect, ini: Ini, ini_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting nearest to this run wins."""
    ini(ini_file, deploy_env="nowhere")
    monkeypatch.setenv("DEPLOYCHECK_ENV", "dev")
    assert "env dev (from DEPLOYCHECK_ENV)" in collect().header
    assert "env prod (from --deploy-env)" in collect("--deploy-env=prod").header


@pytest.mark.parametrize("empty", ["", "  "])
@pytest.mark.usefixtures("configured")
def test_an_empty_variable_counts_as_unset(
    collect: Collect, ini: Ini, monkeypatch: pytest.MonkeyPatch, empty: str
) -> None:
    """CI systems set variables to nothing: that hides neither the ini file nor the default, and the header names it."""
    monkeypatch.setenv("DEPLOYCHECK_ENV", empty)
    assert collect().header == "deploycheck: DEPLOYCHECK_ENV is set but empty, which counts as unset"
    ini("pytest.ini", deploy_env="dev")
    assert "env dev (from ini deploy_env)" in collect().header


@pytest.mark.usefixtures("configured")
def test_an_empty_variable_beside_an_environment(collect: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    """The header of a run names each empty variable of an option, whatever it would have been for."""
    monkeypatch.setenv("DEPLOYCHECK_IMAGE", "")
    monkeypatch.setenv("DEPLOYCHECK_WAIT", " ")
    monkeypatch.setenv("DEPLOYCHECK_LOG_WAIT", "5s")
    header = collect("--deploy-env=dev").header
    assert "DEPLOYCHECK_IMAGE and DEPLOYCHECK_WAIT are set but empty" in header
    assert "log wait 5s (from DEPLOYCHECK_LOG_WAIT)" in header


def test_an_empty_variable_is_named_where_tests_are_skipped(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason of the skipped tests names the variable that was to name the environment."""
    monkeypatch.setenv("DEPLOYCHECK_ENV", "")
    pytester.makepyfile("def test_one(deploy_env): pass")
    result = pytester.runpytest_inprocess("-rs")
    result.stdout.fnmatch_lines(["SKIPPED*DEPLOYCHECK_ENV is set but empty*"])


@pytest.mark.usefixtures("configured")
def test_an_unknown_environment_is_refused_with_the_nearest_name(collect: Collect) -> None:
    """The message names what was found, what there is, and the nearest of it."""
    message = collect("--deploy-env=prd").refused()
    assert "'prd'" in message
    assert "prod" in message
    assert "dev" in message
    assert "sandbox" in message


def test_an_environment_without_a_configuration_file_is_refused(collect: Collect) -> None:
    """The message says what file was looked for and how to begin one."""
    message = collect("--deploy-env=dev").refused()
    assert "deploycheck.toml" in message
    assert "[env.dev]" in message
    assert "deploycheck init" in message


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    "argument",
    [
        "--deploy-env=",
        "--deploy-image=",
        "--deploy-service= ",
        "--deploy-config=",
        "--deploy-baseline=",
        "--deploy-wait=",
    ],
)
def test_an_empty_option_is_refused(collect: Collect, argument: str) -> None:
    """An option whose value is empty, as an unset variable of a shell leaves it, is a usage error that names it."""
    flag = argument.partition("=")[0]
    assert f"{flag}: found an empty value" in collect("--deploy-env=dev", argument).refused()


@pytest.mark.usefixtures("configured")
def test_collect_only_contacts_nothing(collect: Collect, empty_aws: Sandbox) -> None:
    """`--collect-only` lists the checks, keeps pytest's status, and sends no call to AWS."""
    outcome = collect("--deploy-env=dev")
    assert outcome.status == 0
    assert "<CheckItem image-exists>" in outcome.output
    assert "nothing is contacted" in outcome.header
    assert collect("--deploy-env=dev", "-k", "nothing_has_this_name").status == 5
    assert empty_aws.calls == []


@pytest.mark.usefixtures("configured")
def test_collect_only_writes_no_report(collect: Collect) -> None:
    """If nothing was verified there is nothing to report."""
    assert not collect("--deploy-env=dev", "--deploy-report=report.json").has_report


def test_help_works_with_a_broken_configuration(pytester: pytest.Pytester, ini: Ini) -> None:
    """`--help` shows the options, their variables and ini names, whatever the files say."""
    ini("pytest.ini", deploy_env="dev", deploy_wait="soon", deploy_report="report.txt")
    (pytester.path / "deploycheck.toml").write_text("[env.dev\n", encoding="utf-8")
    result = pytester.runpytest_inprocess("--help")
    assert result.ret == 0
    text = " ".join(str(result.stdout).split())
    for option in (
        *("--deploy-env=NAME", "DEPLOYCHECK_ENV", "deploy_env", "--deploy-config=FILE", "DEPLOYCHECK_CONFIG"),
        *("deploy_config", "--deploy-service=NAME", "--deploy-image", "DEPLOYCHECK_IMAGE", "--deploy-wait=DURATION"),
        *("DEPLOYCHECK_WAIT", "deploy_wait", "--deploy-log-wait=DURATION", "DEPLOYCHECK_LOG_WAIT", "deploy_log_wait"),
        *("--deploy-since=WHEN", "--deploy-pushed-after=WHEN", "DEPLOYCHECK_PUSHED_AFTER", "--deploy-report=FILE"),
        *("DEPLOYCHECK_REPORT", "deploy_report", "--deploy-sandbox=SCENARIO", "deploy_test_timeout"),
    ):
        assert option in text


@pytest.mark.parametrize("argument", ["--markers", "--version", "--fixtures"])
def test_what_only_shows_something_works_with_a_broken_configuration(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, argument: str
) -> None:
    """`--markers`, `--version` and `--fixtures` need no environment."""
    monkeypatch.setenv("DEPLOYCHECK_ENV", "dev")
    (pytester.path / "deploycheck.toml").write_text("[env.dev\n", encoding="utf-8")
    outcome = pytester.runpytest_inprocess(argument)
    assert outcome.ret in ({0} if argument != "--fixtures" else {0, 4})
    assert "Traceback" not in f"{outcome.stdout}{outcome.stderr}"


@pytest.mark.parametrize(
    "argument",
    ["--deploy-policy", "--deploy-envv=dev"],
)
@pytest.mark.usefixtures("configured")
def test_an_unknown_option_is_refused(collect: Collect, argument: str) -> None:
    """An option without effect is not accepted in silence."""
    outcome = collect("--deploy-env=dev", argument)
    assert outcome.status == 4
    assert "unrecognized arguments" in outcome.output
    assert "Traceback" not in outcome.output


@pytest.mark.parametrize("argument", ["--deploy-e=dev", "--deploy-sand=healthy"])
@pytest.mark.usefixtures("configured")
def test_an_option_is_not_abbreviated(collect: Collect, argument: str) -> None:
    """A new option of a later version never changes what a command line means."""
    assert collect(argument).status == 4


@pytest.mark.usefixtures("configured")
def test_an_unknown_ini_key_is_refused_where_pytest_is_strict(collect: Collect, ini: Ini, ini_file: str) -> None:
    """`deploy_enviroment` does not pass for `deploy_env`."""
    ini(ini_file, deploy_enviroment="dev")
    assert "deploy_enviroment" in collect("--strict-config").refused()


def test_the_environment_is_unusable(deploy: Deploy, empty_aws: Sandbox, pytester: pytest.Pytester) -> None:
    """A cluster that does not exist ends the run with one message, before any test, and without a report."""
    (pytester.path / "deploycheck.toml").write_text(
        '[env.dev]\nregion = "us-east-1"\ncluster = "gone"\n[env.dev.services.backend]\nservice = "backend"\n',
        encoding="utf-8",
    )
    pytester.makepyfile("def test_one(): raise SystemExit('ran')")
    outcome = deploy(env="dev")
    message = outcome.refused()
    assert "gone" in message
    assert empty_aws.calls
