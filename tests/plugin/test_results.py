"""Results of tests: which of them refute, which are broken, and which leave the run unproven."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Deploy, Outcome, World

PROOF = "def test_proof(deploy_logs):\n    assert 'hello' in deploy_logs\n"


class Ended(NamedTuple):
    """The ending of a run in which tests end so, and all else is proven.

    Attributes:
        word: How each of these tests ends.
        verdict: The verdict of the run, in which no link is broken.
        status: Its exit status.
    """

    word: str
    verdict: str
    status: int


REFUTED = Ended("failed", "REFUTED", 1)
BROKEN = Ended("error", "UNPROVEN", 1)
UNPROVEN = Ended("unproven", "UNPROVEN", 7)


@pytest.fixture
def proven(world: World, pytester: pytest.Pytester) -> World:
    """Return a world that one test proves."""
    world.backend.log("hello")
    pytester.makepyfile(test_a_proof=PROOF)
    return world


NOT_KNOWN = """
import pytest
import unittest
from pytest_deploycheck.errors import UnprovenError

def ask():
    raise UnprovenError("nothing was logged")
"""

REFUTING = {
    "assertion": "def test_it(deploy_env): assert deploy_env.name == 'other'",
    "pytest.fail": "def test_it(deploy_env): pytest.fail('no')",
    "only build_log": "def test_it(build_log): assert not build_log.copies",
    "only alarms": "def test_it(alarms): assert not alarms",
    "subtest": "def test_it(deploy_env, subtests):\n    with subtests.test('a'): assert False",
    "subtest beside one that is not known": """
def test_it(deploy_env, subtests):
    with subtests.test('a'): assert False
    with subtests.test('b'): ask()
""",
    "subtest before a skip": """
def test_it(deploy_env, subtests):
    with subtests.test('a'): assert False
    pytest.skip('rest')
""",
    "unittest subtest": """
class TestIt(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _own(self, deploy_env): pass
    def test_it(self):
        with self.subTest(n=1): self.assertEqual(1, 2)
""",
    "unittest subtest before a skip": """
class TestIt(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _own(self, deploy_env): pass
    def test_it(self):
        with self.subTest(n=1): self.assertEqual(1, 2)
        self.skipTest('rest')
""",
    "unittest tearDown": """
class TestIt(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _own(self, deploy_env): self.env = deploy_env
    def tearDown(self): self.assertEqual(self.env.name, 'other')
    def test_it(self): pass
""",
    "teardown_method": """
class TestIt:
    @pytest.fixture(autouse=True)
    def _own(self, deploy_env): self.env = deploy_env
    def teardown_method(self): assert self.env.name == 'other'
    def test_it(self): pass
""",
    "set-up of a fixture on ours": """
@pytest.fixture
def own(deploy_env): assert deploy_env.name == 'other'
def test_it(own): pass
""",
    "getfixturevalue": "def test_it(request): assert request.getfixturevalue('deploy_env').name == 'other'",
    "group with an assertion": """
def test_it(deploy_env):
    raise ExceptionGroup('several', [ValueError('a'), AssertionError('b')])
""",
    "tear-down of a session fixture on ours, under another test": """
@pytest.fixture(scope='session')
def own(deploy_logs):
    yield
    assert deploy_logs is None
def test_it(own): pass
def test_unrelated(): pass
""",
}

BROKEN_TESTS = {
    "unknown fixture": "def test_it(deploy_env, deploy_log): pass",
    "unknown fixture alone": "def test_it(deploy_log): pass",
    "TypeError": "def test_it(deploy_env): deploy_env()",
    "strict XPASS": "@pytest.mark.xfail(strict=True)\ndef test_it(deploy_env): pass",
    "unexpected success of unittest": """
class TestIt(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _own(self, deploy_env): pass
    @unittest.expectedFailure
    def test_it(self): pass
""",
    "assertion in a fixture that does not request ours": """
@pytest.fixture
def own(): assert False
def test_it(own, deploy_env): pass
""",
    "error in the set-up of a fixture on ours": """
@pytest.fixture
def own(deploy_env): raise ValueError("no")
def test_it(own): pass
""",
    "error in the tear-down of a fixture on ours": """
@pytest.fixture
def own(deploy_env):
    yield
    raise ValueError("no")
def test_it(own): pass
""",
    "error in a subtest": "def test_it(deploy_env, subtests):\n    with subtests.test('a'): 1 / 0",
    "timeout": """
import time
@pytest.mark.timeout(0.05, method='signal')
def test_it(deploy_env): time.sleep(5)
""",
    "broken beside one that is not known": """
def test_it(deploy_env, subtests):
    with subtests.test('a'): 1 / 0
    with subtests.test('b'): ask()
""",
    "error in the tear-down of a session fixture on ours": """
@pytest.fixture(scope='session')
def own(deploy_logs):
    yield
    1 / 0
def test_it(own): pass
def test_unrelated(): pass
""",
}

OPEN = {
    "test": "def test_it(deploy_env): ask()",
    "fixture": "@pytest.fixture\ndef own(deploy_env): ask()\ndef test_it(own): pass",
    "subtest": "def test_it(deploy_env, subtests):\n    with subtests.test('a'): ask()",
    "unittest subtest": """
class TestIt(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _own(self, deploy_env): pass
    def test_it(self):
        with self.subTest(n=1): ask()
""",
    "test without a fixture": "def test_it(): ask()",
    "group": "def test_it(deploy_env):\n    raise ExceptionGroup('all', [UnprovenError('a'), UnprovenError('b')])",
    "tear-down under another test": """
@pytest.fixture(scope='session')
def own(deploy_env):
    yield
    ask()
def test_it(own): pass
def test_unrelated(): pass
""",
}

LATE = {
    "value of a fixture held elsewhere": """
HELD = []
@pytest.fixture(scope='session', autouse=True)
def hold(request): HELD.append(request.getfixturevalue('deploy_logs'))
def test_it(): assert 'goodbye' in HELD[0]
""",
    "session fixture that asks for ours late": """
@pytest.fixture(scope='session')
def own(request):
    env = request.getfixturevalue('deploy_env')
    yield
    assert env.name == 'other'
def test_it(own): pass
def test_unrelated(): pass
""",
}

RUNS = {
    "refute": (REFUTING, REFUTED),
    "refutes late": (LATE, REFUTED),
    "are broken": (BROKEN_TESTS, BROKEN),
    "are unproven": (OPEN, UNPROVEN),
}
"""The tests of a run, each a file of its own. What the end of a session tears down can only come last, once a run."""

BUILD_LOG = "#1 [1/2] FROM docker.io/library/python\n#1 DONE 0.0s\n#2 [2/2] COPY app /app\n#2 CACHED\n"


@pytest.mark.parametrize(("cases", "expected"), RUNS.values(), ids=RUNS)
def test_each_result_counts_for_what_it_says(
    deploy: Deploy, pytester: pytest.Pytester, proven: World, cases: dict[str, str], expected: Ended
) -> None:
    """An assertion about the deployment refutes, any other failure is broken, and what is not known is unproven.

    Each test is found to have ended so, and tests that all ended so decide the verdict and the exit status.
    """
    proven.aws.create_alarm("high")
    proven.configure("backend", keys='alarms = ["high"]')
    (pytester.path / "build.log").write_text(BUILD_LOG, encoding="utf-8")
    files = {f"test_b{number:02}": name for number, name in enumerate(cases)}
    pytester.makepyfile(**{file: f"{NOT_KNOWN}\n{cases[name]}" for file, name in files.items()})
    outcome = deploy("--deploy-build-log=build.log", "--tb=no", env="shop")
    assert by_case(outcome, files) == {name: {expected.word} for name in cases}, outcome.output
    assert (outcome.verdict, outcome.status) == ((expected.verdict, None), expected.status)


def by_case(outcome: Outcome, files: dict[str, str]) -> dict[str, set[str]]:
    """Return how the tests of each case ended, those that passed left out."""
    ends: dict[str, set[str]] = {name: set() for name in files.values()}
    for test in outcome.report["tests"]:
        if test["outcome"] != "passed":
            ends[files[test["nodeid"].partition(".py")[0]]].add(test["outcome"])
    return ends
