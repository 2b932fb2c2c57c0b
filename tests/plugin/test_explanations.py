from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Deploy, World


def failures(deploy: Deploy, pytester: pytest.Pytester, *bodies: str) -> list[str]:
    """Return for each failed assertion the lines that explain it, beginning with `E`."""
    fixtures = "deploy_logs, running_tasks, deployed_image"
    pytester.makepyfile("".join(f"def test_{n}({fixtures}):\n    {body}\n" for n, body in enumerate(bodies)))
    outcome = deploy("-k", "test_", env="shop")
    assert list(outcome.tests.values()) == ["failed"] * len(bodies)
    sections = re.split(r"\n_+ test_\d+\[backend\] _+\n", outcome.output.partition("= deployment =")[0])[1:]
    return ["\n".join(line for line in section.splitlines() if line.startswith("E ")) for section in sections]


@pytest.fixture
def said(world: World) -> World:
    """Return a world that said a line."""
    world.backend.log("hello")
    return world


def test_logs(deploy: Deploy, pytester: pytest.Pytester, said: World) -> None:
    """`in` and `not in` on the logs explain themselves: what was expected, and what was looked at."""
    missing, there = failures(
        deploy, pytester, "assert 'never said' in deploy_logs", "assert 'hello' not in deploy_logs"
    )
    assert "'never said' in" in missing
    assert said.backend.running_tasks[0].id in missing
    assert "'hello' not in" in there
    for text in (missing, there):
        assert "deploy_logs" in text
        assert " object at 0x" not in text


def digests(world: World) -> tuple[str, str]:
    """Return the digests of the images `old` and `new`."""
    old, new = (rollout.digests["app"] for rollout in world.backend.rollouts)
    assert old
    assert new
    return old, new


def test_digests(deploy: Deploy, pytester: pytest.Pytester, said: World) -> None:
    """A comparison of digests shows the two that disagree, whose they are, and what is known of them."""
    path = pytester.path / "deploycheck.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("backend:new", "backend:old"), encoding="utf-8")
    old, new = digests(said)
    for text in failures(
        deploy,
        pytester,
        "assert running_tasks.digests == {deployed_image.digest}",
        "assert running_tasks.digests <= {deployed_image.digest}",
        "assert running_tasks.digests == deployed_image.digests",
        "assert running_tasks.digests <= deployed_image.digests",
        "assert deployed_image.digest in running_tasks.digests",
    ):
        assert old in text
        assert new in text
        assert "running_tasks" in text
        assert "pushed" in text
        assert "frozenset" not in text


@pytest.mark.usefixtures("said")
def test_other_comparisons_are_pytests_own(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """An assertion that has nothing to do with a deployment is explained as ever."""
    ours, sets, lists, mixed = failures(
        deploy,
        pytester,
        "assert running_tasks[0].image_digest == 'x'",
        "assert {1} == {2}",
        "assert 1 in [2]",
        "assert running_tasks.digests == ['x']",
    )
    assert "== 'x'" in ours
    assert "assert {1} == {2}" in sets
    assert "Extra items in the left set" in sets
    assert "assert 1 in [2]" in lists
    assert "== ['x']" in mixed
    assert "only in" not in mixed


@pytest.mark.usefixtures("said")
def test_handles_read_well(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """The values that a test holds are shown in words and not as objects at an address."""
    names = ("deploy_logs", "running_tasks", "deployed_image")
    for text in failures(deploy, pytester, *(f"assert {name} is None" for name in names)):
        assert "is None" in text
        assert " object at 0x" not in text
