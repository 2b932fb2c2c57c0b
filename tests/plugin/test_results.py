"""Results of tests: which of them refute, which are broken, and which leave the run unproven."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Deploy, Outcome, World

PROOF = "def test_proof(deploy_logs):\n    assert 'hello' in deploy_logs\n"
REFUTED, BROKEN, UNPROVEN = ("REFUTED", 1), ("UNPROVEN", 1), ("UNPROVEN", 7)
"""The verdict and the exit status of a run in which one test ends so, and all else is proven."""


@pytest.fixture
def proven(world: World, pytester: pytest.Pytester) -> World:
    """Return a world that one test proves."""
    world.backend.log("hello")
    pytester.makepyfile(test_a_proof=PROOF)
    return world


def ended(outcome: Outcome) -> tuple[str, int]:
    """Return the verdict and the exit status of a run."""
    return outcome.report["verdict"], outcome.status


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
    "tear-down of a session fixture on ours, under another test": """
@pytest.fixture(scope='session')
def own(deploy_logs):
    yield
    assert deploy_logs is None
def test_it(own): pass
def test_unrelated(): pass
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
    "value of a fixture held elsewhere": """
HELD = []
@pytest.fixture(scope='session', autouse=True)
def hold(request): HELD.append(request.getfixturevalue('deploy_logs'))
def test_it(): assert 'goodbye' in HELD[0]
""",
    "getfixturevalue": "def test_it(request): assert request.getfixturevalue('deploy_env').name == 'other'",
    "group with an assertion": """
def test_it(deploy_env):
    raise ExceptionGroup('several', [ValueError('a'), AssertionError('b')])
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
    "error in a subtest": "def test_it(deploy_env, subtests):\n    with subtests.test('a'): 1 / 0",
    "error in the tear-down of a session fixture on ours": """
@pytest.fixture(scope='session')
def own(deploy_logs):
    yield
    1 / 0
def test_it(own): pass
def test_unrelated(): pass
""",
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
}

OPEN = {
    "test": "def test_it(deploy_env): ask()",
    "fixture": "@pytest.fixture\ndef own(deploy_env): ask()\ndef test_it(own): pass",
    "tear-down under another test": """
@pytest.fixture(scope='session')
def own(deploy_env):
    yield
    ask()
def test_it(own): pass
def test_unrelated(): pass
""",
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
}

CASES = [
    *(pytest.param(text, REFUTED, id=f"refutes: {name}") for name, text in REFUTING.items()),
    *(pytest.param(text, BROKEN, id=f"is broken: {name}") for name, text in BROKEN_TESTS.items()),
    *(pytest.param(text, UNPROVEN, id=f"is unproven: {name}") for name, text in OPEN.items()),
]

BUILD_LOG = "#1 [1/2] FROM docker.io/library/python\n#1 DONE 0.0s\n#2 [2/2] COPY app /app\n#2 CACHED\n"


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_one_result_decides(
    deploy: Deploy, pytester: pytest.Pytester, proven: World, text: str, expected: tuple[str, int]
) -> None:
    """An assertion about the deployment refutes, any other failure is broken, and what is not known is unproven."""
    proven.aws.create_alarm("high")
    proven.configure("backend", keys='alarms = ["high"]')
    (pytester.path / "build.log").write_text(BUILD_LOG, encoding="utf-8")
    pytester.makepyfile(test_b=f"{NOT_KNOWN}\n{text}")
    outcome = deploy("--deploy-build-log=build.log", env="shop")
    assert ended(outcome) == expected
    assert set(outcome.tests.values()) >= {{REFUTED: "failed", BROKEN: "error", UNPROVEN: "unproven"}[expected]}
