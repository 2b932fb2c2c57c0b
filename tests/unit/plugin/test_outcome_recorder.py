"""The recorder: what it attaches to the reports of a session that runs tests of every kind."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import pytest_deploycheck.plugin.fixtures  # noqa: F401  # it adds the names of the fixtures
from pytest_deploycheck.facts.codec import from_json
from pytest_deploycheck.judge.finding import TASKS_RUN_IMAGE, Finding
from pytest_deploycheck.plugin.collection.items import CheckItem
from pytest_deploycheck.plugin.outcomes.activity import Activity
from pytest_deploycheck.plugin.outcomes.recorder import Recorder
from pytest_deploycheck.plugin.outcomes.sent import attached
from pytest_deploycheck.plugin.state import FIXTURES, STATE

TESTS = """
import unittest
import pytest
from conftest import ours
from pytest_deploycheck.errors import UnprovenError

class TestPlain:
    def test_other_passes(self): pass
    def test_other_fails(self): assert False
    def test_other_is_not_known(self): raise UnprovenError("nothing was logged")

def test_passes(deploy_env): pass
def test_refutes(deploy_env): assert False
def test_breaks(deploy_env): deploy_env()
def test_is_not_known(deploy_env): raise UnprovenError("nothing was logged")
def test_is_skipped(deploy_env): pytest.skip("not now")
@pytest.mark.xfail
def test_is_expected_to_fail(deploy_env): assert False
@pytest.mark.xfail
def test_passes_unexpectedly(deploy_env): pass
@pytest.mark.xfail(strict=True)
def test_passes_unexpectedly_and_fails(deploy_env): pass
def test_misspells(deploy_envv): pass
def test_misspells_something_else(zzz): pass
def test_requests_late(request): request.getfixturevalue("deploy_env")

@pytest.fixture
def own(deploy_env): assert deploy_env == "other"
def test_own_fixture_refutes(own): pass

@pytest.fixture
def late(request):
    request.getfixturevalue("deploy_env")
    yield
    assert False
def test_tear_down_refutes(late): pass

@pytest.fixture(scope="session")
def on_own(request): return request.getfixturevalue("deploy_env")
@pytest.fixture
def above(on_own): assert False
def test_fixture_above_refutes(above): pass

@pytest.fixture
def foreign(): assert False
def test_foreign_fixture_breaks(foreign, deploy_env): pass

def test_check_of_ours(ours_is_not_known): pass
def test_calls_ours(): ours()

def test_asks(tail):
    tail.questions += 1
    tail.answers += 1
def test_asks_needlessly(tail):
    tail.questions += 1
    assert False

class TestCase(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _env(self, deploy_env): pass
    def tearDown(self): self.assertEqual(1, 2)
    def test_tear_down_of_unittest(self): pass
    def test_skip_of_unittest(self): self.skipTest("not now")
"""


OPTIONS = ("-pno:deploycheck", "-pno:hypothesispytest", "-pno:terminal", "-pno:cacheprovider")
"""The plugin itself would skip tests, as no environment is given."""


class _Tail(SimpleNamespace):
    """A log tail, of which only the counts matter."""

    asked: tuple[str, ...] = ()

    def account(self) -> str:
        """Return the last lines."""
        return "11:10 hello\n11:11 ready"


class _Session:
    """Provides the fixtures of the plugin, and gathers the reports of a run."""

    def __init__(self) -> None:
        self.asked = _Tail(questions=0, answers=0, longest_no=0.0)
        self.reports: dict[str, dict[str, pytest.TestReport]] = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        """Register the recorder and the mark of checks as the plugin does."""
        config.addinivalue_line("markers", "deploycheck: a check")
        config.stash[STATE] = state = _state(self.asked)
        config.pluginmanager.register(Recorder(state))

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the report."""
        self.reports.setdefault(report.nodeid.rpartition("::")[2], {})[report.when or ""] = report

    @pytest.fixture
    def tail(self) -> Any:
        """Return what tests ask."""
        return self.asked

    def sent(self, test: str, when: str = "call") -> dict[str, Any]:
        """Return what is attached to the report of a phase."""
        return attached(self.reports[test][when])


def _state(tail: _Tail) -> Any:
    run = SimpleNamespace(labels={"shop": "shop"}, environment=SimpleNamespace(name="dev"), prefix="")
    return SimpleNamespace(
        fleet=SimpleNamespace(log_tails={"shop": tail}, image_differences=[]),
        settings=SimpleNamespace(runs=(run,)),
        services=("shop",),
        environments=("dev",),
        is_fleet=False,
    )


@pytest.fixture(scope="module")
def over() -> list[_Session]:
    """Return the sessions that are over: at most one, which all tests here look at."""
    return []


@pytest.fixture
def session(request: pytest.FixtureRequest, over: list[_Session]) -> _Session:
    """Return a session that is over."""
    if not over:
        over.append(_run(request.getfixturevalue("pytester")))
    return over[0]


def _run(pytester: pytest.Pytester) -> _Session:
    """Run the tests."""
    pytester.makepyfile(TESTS)
    pytester.makeconftest(
        """
        import pytest
        from pytest_deploycheck.plugin.state import FIXTURES

        def _deploy_env(): return "dev"
        _deploy_env.__module__ = "pytest_deploycheck.plugin.fixtures"
        deploy_env = pytest.fixture(name="deploy_env", scope="session")(_deploy_env)

        import pytest_deploycheck

        # Code whose file is one of the package's.
        code = "from pytest_deploycheck.errors import UnprovenError\\ndef ours(): raise UnprovenError('not known')"
        exec(compile(code, pytest_deploycheck.__file__, "exec"), globals())
        ours_is_not_known = pytest.fixture(name="ours_is_not_known")(ours)
        """
    )
    assert "deploy_env" in FIXTURES
    session = _Session()
    pytester.inline_run(*OPTIONS, plugins=[session])
    return session


OUTCOMES = {
    "test_passes": "passed",
    "test_refutes": "failed",
    "test_breaks": "error",
    "test_is_not_known": "unproven",
    "test_is_skipped": "skipped",
    "test_is_expected_to_fail": "xfailed",
    "test_passes_unexpectedly": "xpassed",
    "test_passes_unexpectedly_and_fails": "error",
    "test_requests_late": "passed",
    "test_tear_down_of_unittest": "failed",
    "test_skip_of_unittest": "skipped",
    "test_foreign_fixture_breaks": "error",
    "test_own_fixture_refutes": "failed",
    "test_fixture_above_refutes": "failed",
    "test_misspells": "error",
}
"""Tests about the deployment, and what the recorder makes of the phase that says most."""

IN_SET_UP = {"test_foreign_fixture_breaks", "test_own_fixture_refutes", "test_fixture_above_refutes", "test_misspells"}


def test_the_outcomes_of_a_session(session: _Session) -> None:
    """Each test is refuted, broken, not known or in order, whichever way it ended, and has its services."""
    for test, outcome in OUTCOMES.items():
        sent = session.sent(test, "setup" if test in IN_SET_UP else "call")
        assert sent["outcome"] == outcome, test
        assert sent["services"] == ([] if test in _WITHOUT_SERVICE else ["shop"]), test
        assert sent["has_answers"] is False, test
    for test in ("test_passes", "test_refutes"):
        assert session.sent(test, "setup")["outcome"] == session.sent(test, "teardown")["outcome"] == ""


_WITHOUT_SERVICE = set(OUTCOMES)
"""Tests of which only `deploy_env` is known, which all services share."""


def test_the_tear_down_of_a_fixture_on_ours_refutes(session: _Session) -> None:
    """A fixture that requested ours late, in a tear-down that fails."""
    assert session.sent("test_tear_down_refutes")["outcome"] == "passed"
    assert session.sent("test_tear_down_refutes", "teardown")["outcome"] == "failed"


def test_tests_about_something_else(session: _Session) -> None:
    """They have an outcome and no services, unless it turns out that their question is not known."""
    assert session.sent("test_other_passes") == {"outcome": "passed"}
    assert session.sent("test_other_fails") == {"outcome": "error"}
    assert session.sent("test_misspells_something_else", "setup") == {"outcome": "error"}
    assert session.sent("test_other_is_not_known") == {"outcome": "unproven", "services": [], "has_answers": False}


def test_a_test_that_asks_the_logs_is_about_their_service(session: _Session) -> None:
    """Without a fixture of ours, by what it asked; its report shows the last lines where it failed."""
    assert session.sent("test_asks") == {"outcome": "passed", "services": ["shop"], "has_answers": True}
    assert session.reports["test_asks"]["call"].sections == []
    assert session.sent("test_asks_needlessly") == {"outcome": "failed", "services": ["shop"], "has_answers": False}
    ((title, lines),) = session.reports["test_asks_needlessly"]["call"].sections
    assert title.startswith("deploy logs of shop, the last ")
    assert lines == "11:10 hello\n11:11 ready"


def test_what_is_not_known_is_reported_in_a_sentence(session: _Session) -> None:
    """A traceback is shown where it leads to, or through, the code of the user."""
    assert "def test_is_not_known" in session.reports["test_is_not_known"]["call"].longreprtext
    assert "def test_calls_ours" in session.reports["test_calls_ours"]["call"].longreprtext
    assert session.reports["test_check_of_ours"]["setup"].longreprtext == "unproven: not known"


# Checks.


class _Check(CheckItem):
    """A check of this module."""


def _checked(pytester: pytest.Pytester, carry_out: Any, *, skip: bool = False) -> dict[str, Any]:
    """Return what is attached to the report of a check."""

    class Collects:
        def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
            item = _Check.from_parent(
                session,
                name="check",
                nodeid="deploycheck::shop::c",
                check=TASKS_RUN_IMAGE,
                service="shop",
                carry_out=carry_out,
            )
            if skip:
                item.add_marker(pytest.mark.skip(reason="by hand"))
            items[:] = [item]

    over = _Session()
    pytester.inline_run(*OPTIONS, plugins=[over, Collects()])
    (phases,) = over.reports.values()
    found = [attached(report) for report in phases.values() if attached(report)]
    assert len(found) == 1
    return found[0]


def test_checks_have_their_findings(pytester: pytest.Pytester) -> None:
    """The finding of a check, a skip by others that leaves it out, an error for an exception that is no part of it."""
    pytester.makepyfile("def test_it(): pass")
    failed = TASKS_RUN_IMAGE.fails("2 tasks run another", remedy="roll out")

    def breaks(_: CheckItem) -> Finding:
        raise ValueError("oh")

    assert _checked(pytester, lambda _: failed)["outcome"] == "fail"
    assert _checked(pytester, lambda _: TASKS_RUN_IMAGE.passes("2 tasks run it"))["outcome"] == "pass"
    assert _checked(pytester, lambda _: TASKS_RUN_IMAGE.skips("not asked for"))["outcome"] == "skip"
    skipped = _checked(pytester, lambda _: failed, skip=True)
    assert (skipped["outcome"], skipped["service"]) == ("skip", "shop")
    assert "by hand" in skipped["finding"]
    assert from_json(skipped["finding"], Finding).is_left_out
    broken = _checked(pytester, breaks)
    assert broken["outcome"] == "error"
    assert "An exception that is not part of a check: ValueError('oh')" in broken["finding"]
    assert from_json(broken["finding"], Finding).remedy == "See the traceback above."


# What a test asks.


def test_activity_is_what_was_asked_since_the_test_began() -> None:
    """Questions of earlier tests do not count, and neither do their differences."""
    asked = _Tail(questions=2, answers=1, longest_no=3.0)
    quiet = _Tail(questions=5, answers=5, longest_no=1.0)
    fleet: Any = SimpleNamespace(log_tails={"shop": asked, "web": quiet}, image_differences=["old"])
    activity = Activity(fleet)
    activity.begin()
    assert (activity.asked, activity.answered, activity.differences) == ((), (), ())
    asked.questions += 1
    fleet.image_differences.append("new")
    assert (activity.asked, activity.answered, activity.differences) == (("shop",), (), ("new",))
    asked.answers += 1
    assert activity.answered == ("shop",)
    assert activity.longest_no == 3.0
    asked.asked = ("first",)
    activity.begin()
    asked.asked = ("first", "second")
    asked.questions += 1
    assert dict[str, Any](activity.asked_logs) == {"shop": ("second",)}
    fleet.log_tails["late"] = _Tail(questions=1, answers=0, longest_no=0.0)
    assert activity.asked == ("shop", "late")
    assert Activity(SimpleNamespace(log_tails={}, image_differences=[])).longest_no == 0.0  # type: ignore[arg-type]


def test_the_last_lines_are_shown_once() -> None:
    """A report that has the lines already is not given them again; differences have a section of their own."""
    tail = _Tail(questions=0, answers=0, longest_no=0.0)
    fleet: Any = SimpleNamespace(log_tails={"shop": tail}, image_differences=[])
    activity = Activity(fleet)
    activity.begin()
    tail.questions += 1
    has_them = pytest.TestReport("a", ("a", 1, "b"), {}, "failed", "x\n 11:10 hello\n 11:11 ready", "call")
    activity.show(has_them)
    assert has_them.sections == []
    has_one = pytest.TestReport("a", ("a", 1, "b"), {}, "failed", "11:10 hello", "call")
    fleet.image_differences += ["main.py differs", "x.py is missing"]
    activity.show(has_one)
    assert [title for title, _ in has_one.sections][1] == "image and checkout"
    assert has_one.sections[1][1] == "main.py differs\n\nx.py is missing"
