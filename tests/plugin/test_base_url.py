from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from plugin.asking import not_passed

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy, Ini, Outcome, World

ENVIRONMENT = "https://dev.example"
INI, VARIABLE, COMMAND_LINE = "https://ini.example", "https://variable.example", "https://command-line.example"

WITHOUT_PLUGIN = ("-p", "no:base_url")


@pytest.fixture(autouse=True)
def _no_url_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what would change the URL that pytest-base-url is asked for."""
    monkeypatch.delenv("PYTEST_BASE_URL", raising=False)
    monkeypatch.delenv("VERIFY_BASE_URL", raising=False)


@pytest.fixture
def answering(configured: pytest.Pytester) -> pytest.Pytester:
    """Return a project with an environment `dev` that has a `base_url`, and `prod` that has none."""
    path = configured.path / "deploycheck.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[env.dev]", f'[env.dev]\nbase_url = "{ENVIRONMENT}"', 1), encoding="utf-8")
    return configured


def header(outcome: Outcome) -> list[str]:
    """Return what the header of a run says of the URL."""
    assert outcome.status == 0, outcome.output
    return [line.removeprefix("baseurl: ") for line in outcome.output.splitlines() if line.startswith("baseurl: ")]


def is_told(deploy: Deploy, world: World, url: str, *args: str) -> Outcome:
    """Run the tests of a world whose environment has this URL, without the checks."""
    world.configure("backend", extra=f'base_url = "{url}"')
    return deploy("-k", "test_", *args, env="shop")


@pytest.mark.usefixtures("answering")
def test_the_header_shows_the_url_of_the_environment(collect: Collect) -> None:
    """`--collect-only` shows it too, and contacts nothing."""
    assert header(collect("--deploy-env=dev")) == [ENVIRONMENT]


def test_a_list_of_fixtures_shows_it(answering: pytest.Pytester) -> None:
    """`--fixtures` has the same header."""
    result = answering.runpytest_inprocess("--fixtures", "--deploy-env=dev")
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"baseurl: {ENVIRONMENT}", "base_url *session scope*"])


@pytest.mark.usefixtures("answering")
def test_the_environment_comes_before_the_ini_file(collect: Collect, ini: Ini, ini_file: str) -> None:
    """The ini file holds for every environment, so the environment's own URL is nearer to the run."""
    ini(ini_file, base_url=INI)
    assert header(collect("--deploy-env=dev")) == [ENVIRONMENT]
    assert header(collect("--deploy-env=prod")) == [INI]


@pytest.mark.parametrize("ini_value", ["", INI, VARIABLE])
@pytest.mark.usefixtures("answering")
def test_the_variable_comes_before_the_environment(
    collect: Collect, ini: Ini, monkeypatch: pytest.MonkeyPatch, ini_value: str
) -> None:
    """PYTEST_BASE_URL counts for this run, also if the ini file happens to name the same URL."""
    ini("pytest.ini", base_url=ini_value)
    monkeypatch.setenv("PYTEST_BASE_URL", VARIABLE)
    assert header(collect("--deploy-env=dev")) == [VARIABLE]


@pytest.mark.parametrize("ini_value", ["", INI, COMMAND_LINE])
@pytest.mark.usefixtures("answering")
def test_the_command_line_comes_first(
    collect: Collect, ini: Ini, monkeypatch: pytest.MonkeyPatch, ini_value: str
) -> None:
    """`--base-url` is before the variable, the environment and the ini file, and `addopts` counts as it."""
    ini("pytest.ini", base_url=ini_value)
    monkeypatch.setenv("PYTEST_BASE_URL", VARIABLE)
    assert header(collect("--deploy-env=dev", f"--base-url={COMMAND_LINE}")) == [COMMAND_LINE]
    monkeypatch.setenv("PYTEST_ADDOPTS", f"--base-url={COMMAND_LINE}")
    assert header(collect("--deploy-env=dev")) == [COMMAND_LINE]


@pytest.mark.usefixtures("answering")
def test_an_empty_variable_counts_as_unset_too(collect: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    """CI systems set variables to nothing."""
    monkeypatch.setenv("PYTEST_BASE_URL", "")
    assert header(collect("--deploy-env=dev")) == [ENVIRONMENT]


@pytest.mark.parametrize("ini_value", ["", INI])
def test_what_the_project_itself_sets_stands(
    answering: pytest.Pytester, collect: Collect, ini: Ini, ini_value: str
) -> None:
    """A conftest.py that works out the URL in its own pytest_configure is not overruled."""
    ini("pytest.ini", base_url=ini_value)
    answering.makeconftest("def pytest_configure(config): config.option.base_url = 'https://worked-out.example'")
    assert header(collect("--deploy-env=dev")) == ["https://worked-out.example"]


@pytest.mark.usefixtures("answering")
def test_reports_name_the_url_of_the_environment(collect: Collect, ini: Ini) -> None:
    """The URL that pytest-metadata hands to HTML reports is the one that the tests used."""
    ini("pytest.ini", base_url=INI)
    (line,) = (line for line in collect("--deploy-env=dev", "-v").output.splitlines() if line.startswith("metadata: "))
    assert f"'Base URL': '{ENVIRONMENT}'" in line


@pytest.mark.usefixtures("answering")
@pytest.mark.parametrize("environment", [(), ("--deploy-env=prod",)])
def test_nothing_happens_without_a_url(collect: Collect, environment: tuple[str, ...]) -> None:
    """Without an environment, or with one that has no `base_url`, pytest-base-url does what it does alone."""
    assert header(collect(*environment)) == []
    assert header(collect(*environment, f"--base-url={COMMAND_LINE}")) == [COMMAND_LINE]


def test_a_run_without_an_environment_is_untouched(pytester: pytest.Pytester, ini: Ini) -> None:
    """The ini file's URL reaches the tests, and reports, as it does without the plugin."""
    ini("pytest.ini", base_url=INI)
    pytester.makepyfile(f"def test_it(base_url): assert base_url == '{INI}'")
    result = pytester.runpytest_inprocess("-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"metadata: *'Base URL': '{INI}'*", f"baseurl: {INI}"])


def test_nothing_happens_without_pytest_base_url(answering: pytest.Pytester, collect: Collect) -> None:
    """If it is not installed, a project's own option of that name is left alone."""
    answering.makeconftest(
        """
        def pytest_addoption(parser):
            parser.addoption("--base-url")
            parser.addini("base_url", "its own")

        def pytest_report_header(config):
            return f"own: {config.getoption('base_url')}"
        """
    )
    outcome = collect("--deploy-env=dev", *WITHOUT_PLUGIN)
    assert header(outcome) == []
    assert "own: None" in outcome.output.splitlines()


def test_it_is_known_by_its_module_too(answering: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """If plugins are named one by one instead of found, the URL is handed over as well."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    plugins = ("-p", "pytest_base_url.plugin", "-p", "pytest_deploycheck.plugin", "-p", "pytest_timeout")
    result = answering.runpytest_inprocess("--collect-only", "--deploy-env=dev", *plugins)
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"baseurl: {ENVIRONMENT}"])


def test_the_fixture_and_the_environment_agree(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """`base_url`, `deploy_env.base_url` and the option are one URL, in functions, classes and unittest alike."""
    pytester.makepyfile(
        f"""
        import unittest
        import pytest

        def test_all(base_url, deploy_env, pytestconfig):
            assert base_url == deploy_env.base_url == pytestconfig.getoption("base_url") == "{ENVIRONMENT}"

        class TestUnit(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _take(self, base_url, deploy_env):
                self.urls = base_url, deploy_env.base_url

            def test_unit(self):
                assert self.urls == ("{ENVIRONMENT}", "{ENVIRONMENT}")
        """
    )
    outcome = is_told(deploy, world, ENVIRONMENT)
    assert not_passed(outcome) == {}
    outcome.result.assert_outcomes(passed=2, deselected=14)


def test_an_explicit_url_reaches_the_fixture(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """With `--base-url` the tests go elsewhere, and `deploy_env` goes on to say what the environment's own is."""
    pytester.makepyfile(
        f"""
        def test_it(base_url, deploy_env):
            assert (base_url, deploy_env.base_url) == ("{COMMAND_LINE}", "{ENVIRONMENT}")
        """
    )
    outcome = is_told(deploy, world, ENVIRONMENT, f"--base-url={COMMAND_LINE}")
    assert not_passed(outcome) == {}


def test_a_fixture_of_ones_own_wins(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """A project that overrides `base_url`, on top of what it was or by itself, gets what it says."""
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def base_url(base_url): return f"{base_url}/api"
        """
    )
    pytester.makepyfile(
        test_on_top=f"def test_it(base_url, deploy_env): assert base_url == '{ENVIRONMENT}/api'",
        test_by_itself="""
        import pytest

        @pytest.fixture(scope="session")
        def base_url(): return "https://own.example"

        def test_own(base_url, deploy_env): assert base_url == "https://own.example"
        """,
    )
    outcome = is_told(deploy, world, ENVIRONMENT)
    assert not_passed(outcome) == {}
    assert len(outcome.tests) == 2


@pytest.fixture
def application() -> Iterator[tuple[str, list[str]]]:
    """Return the URL of an application, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, template: str, *values: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_the_url_of_the_environment_is_verified(
    deploy: Deploy, pytester: pytest.Pytester, world: World, application: tuple[str, list[str]]
) -> None:
    """`--verify-base-url` asks the environment's application before the tests, and only where it is given."""
    url, asked = application
    pytester.makepyfile("def test_it(deploy_env): pass")
    assert not_passed(is_told(deploy, world, url)) == {}
    assert asked == []
    assert not_passed(is_told(deploy, world, url, "--verify-base-url")) == {}
    assert asked == ["/"]
