from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Deploy, World

SAYS_HELLO = "def test_says(deploy_logs):\n    assert 'hello' in deploy_logs\n"


@pytest.fixture
def proven(world: World, pytester: pytest.Pytester) -> World:
    """Return a world that is proven by one test."""
    world.backend.log("hello")
    pytester.makepyfile(test_says=SAYS_HELLO)
    return world


@pytest.mark.usefixtures("proven")
def test_verified_is_0(deploy: Deploy) -> None:
    """All links hold: 0."""
    outcome = deploy(env="shop")
    assert (outcome.status, outcome.verdict) == (0, ("VERIFIED", None))


@pytest.mark.parametrize(
    "other", ["def test_other(): assert False", "import pytest\n@pytest.fixture\ndef f(): 1 / 0\ndef test_other(f): 0"]
)
@pytest.mark.usefixtures("proven")
def test_another_failure_beside_verified_is_1(deploy: Deploy, pytester: pytest.Pytester, other: str) -> None:
    """A test that has nothing to do with the deployment fails the session, and not the verdict."""
    pytester.makepyfile(test_other=other)
    outcome = deploy(env="shop")
    assert (outcome.status, outcome.verdict) == (1, ("VERIFIED", None))
    assert "test_other" not in outcome.tests


@pytest.mark.usefixtures("world")
def test_another_failure_beside_unproven_is_1(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """7 is only for a session in which all that failed is unproven, such as one test."""
    pytester.makepyfile(
        test_open="""
        from pytest_deploycheck.errors import UnprovenError

        def test_open(deploy_env): raise UnprovenError("not known")
        """,
        test_other="def test_other(): assert False",
    )
    outcome = deploy(env="shop")
    assert (outcome.status, outcome.report["verdict"]) == (1, "UNPROVEN")
    assert outcome.tests == {"test_open": "unproven"}


@pytest.mark.usefixtures("proven")
def test_a_file_that_cannot_be_collected(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A collection error keeps pytest's status 2 and nothing counts as verified."""
    pytester.makepyfile(test_broken="import nothing_of_this_name")
    outcome = deploy(env="shop")
    assert outcome.status == 2
    assert not outcome.has_report or outcome.report["verdict"] == "UNPROVEN"
    assert (outcome.report["verdict"], outcome.report["complete"]) == ("UNPROVEN", False)


@pytest.mark.usefixtures("proven")
def test_a_test_that_ends_the_session_is_2(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """An interrupted run keeps status 2 and is UNPROVEN at best."""
    pytester.makepyfile(test_zzz="import pytest\ndef test_stop(): pytest.exit('enough')")
    outcome = deploy(env="shop")
    assert (outcome.status, outcome.report["verdict"]) == (2, "UNPROVEN")


def test_no_way_in_is_4(deploy: Deploy, world: World) -> None:
    """Credentials that do not work, a service that is not there: one message, no traceback, no report."""
    world.aws.fail("sts:GetCallerIdentity", code="InvalidClientTokenId", message="The token is invalid", status=403)
    message = deploy(env="shop").refused()
    assert "InvalidClientTokenId" in message or "credentials" in message.lower()
    world.aws.allow()
    world.configure("nobody")
    assert "shop-nobody" in deploy(env="shop").refused()
    world.configure("backend")
    world.aws.deny("*")
    assert deploy(env="shop").refused()


@pytest.mark.usefixtures("proven")
def test_without_a_terminal(deploy: Deploy) -> None:
    """`-p no:terminal` changes neither status nor report."""
    outcome = deploy("-p", "no:terminal", env="shop")
    assert (outcome.status, outcome.verdict) == (0, ("VERIFIED", None))
    outcome = deploy("-p", "no:terminal", "-k", "image-exists", env="shop")
    assert (outcome.status, outcome.report["verdict"]) == (7, "UNPROVEN")


@pytest.mark.usefixtures("proven")
def test_without_a_summary(deploy: Deploy) -> None:
    """`--no-summary` leaves our summary out too, and changes neither status nor report."""
    outcome = deploy("--no-summary", "-k", "image-exists", env="shop")
    assert (outcome.status, outcome.report["verdict"]) == (7, "UNPROVEN")
    assert "UNPROVEN: " not in outcome.output


@pytest.mark.usefixtures("proven")
def test_pytests_own_words_in_the_report(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """Skipped, xfailed and xpassed tests are told as pytest does, and do not stand against the verdict."""
    pytester.makepyfile(
        test_more="""
        import pytest

        def test_skips(deploy_env): pytest.skip("not here")

        @pytest.mark.skip(reason="never")
        def test_never(deploy_env): pass

        @pytest.mark.xfail(strict=False)
        def test_xfails(deploy_env): assert False

        @pytest.mark.xfail(strict=False)
        def test_xpasses(deploy_env): pass

        @pytest.mark.xfail(strict=False)
        def test_logs_xfail(deploy_logs): assert "never said" in deploy_logs

        @pytest.mark.parametrize("n", [1, 2])
        def test_param(deploy_env, n): pass

        def test_unrelated(): pass
        """
    )
    outcome = deploy(env="shop")
    assert outcome.tests == {
        "test_says[backend]": "passed",
        "test_skips": "skipped",
        "test_never": "skipped",
        "test_xfails": "xfailed",
        "test_xpasses": "xpassed",
        "test_logs_xfail[backend]": "xfailed",
        "test_param[1]": "passed",
        "test_param[2]": "passed",
    }
    assert (outcome.status, outcome.verdict) == (0, ("VERIFIED", None))


@pytest.mark.usefixtures("proven")
def test_another_plugin_that_fails_the_session(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A failure that another plugin sets, such as too little coverage, is not hidden by VERIFIED."""
    pytester.makeconftest("def pytest_sessionfinish(session): session.exitstatus = 1")
    outcome = deploy(env="shop")
    assert (outcome.status, outcome.verdict) == (1, ("VERIFIED", None))


def test_an_error_of_the_session_alone_is_7(deploy: Deploy, world: World) -> None:
    """All that failed could not be looked at: 7."""
    world.aws.deny("logs:*")
    world.configure("backend", logs='[[env.shop.services.backend.logs]]\nexpect = "hello"\n')
    outcome = deploy(env="shop")
    assert (outcome.status, outcome.verdict) == (7, ("UNPROVEN", "logs"))
    assert outcome.checks["logs-1"] == "error"


@pytest.mark.usefixtures("proven")
def test_a_session_that_a_test_ends_with_0_is_not_green(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """pytest.exit leaves tests out, whatever status it asks for: nothing is verified."""
    pytester.makepyfile(
        test_z="import pytest\ndef test_ends(): pytest.exit('enough', returncode=0)\ndef test_b(): pass"
    )
    outcome = deploy(env="shop")
    assert (outcome.status, outcome.verdict[0]) == (7, "UNPROVEN")
    assert outcome.report["complete"] is False


@pytest.mark.usefixtures("proven")
def test_another_plugins_words_change_no_verdict(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """The word of a plugin for a failed test in the terminal is its own affair."""
    pytester.makeconftest(
        "def pytest_report_teststatus(report):\n    if report.failed: return 'broken', 'B', 'BROKEN'\n"
    )
    pytester.makepyfile(test_more="def test_more(deploy_env): assert False")
    outcome = deploy(env="shop")
    assert (outcome.status, outcome.verdict) == (1, ("REFUTED", None))


def test_the_scenario_alone_is_refused(pytester: pytest.Pytester) -> None:
    """A scenario without its environment would be ignored, and the run green with nothing looked at."""
    ended = pytester.runpytest_inprocess("--deploy-sandbox=silent")
    assert ended.ret == 4
    ended.stderr.fnmatch_lines(["*--deploy-sandbox needs --deploy-env=sandbox*"])


def test_the_sandbox_without_its_packages_is_one_message(pytester: pytest.Pytester) -> None:
    """A user who installed the package without the extra reads how to install it."""
    start = "import sys; sys.modules['moto'] = None; import pytest; sys.exit(pytest.main(['--deploy-env=sandbox']))"
    ended = pytester.run(sys.executable, "-c", start)
    assert ended.ret == 4
    assert "pytest-deploycheck[sandbox]" in str(ended.stderr)
    assert "Traceback" not in str(ended.stderr)
