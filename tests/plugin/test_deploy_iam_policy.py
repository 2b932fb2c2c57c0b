from __future__ import annotations

import json

import pytest


def test_the_policy_is_printed_before_anything_is_collected(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    """The output is the policy alone, the status is 0, and no test module is imported."""
    pytester.makepyfile("raise SystemExit")
    assert pytester.inline_run("--deploy-env=sandbox", "--deploy-iam-policy").ret == 0
    printed = capsys.readouterr()
    statements = json.loads(printed.out)["Statement"]
    assert "ecs:DescribeServices" in statements[0]["Action"]
    assert printed.err.startswith("note: ")


@pytest.mark.parametrize(
    ("arguments", "word"), [((), "--deploy-env=NAME"), (("--deploy-env=dev",), "no configuration for the environment")]
)
def test_without_an_environment_it_is_a_usage_error(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], word: str
) -> None:
    """One message names what is missing; there is no traceback."""
    assert pytester.runpytest_inprocess(*arguments, "--deploy-iam-policy").ret == 4
    assert word in capsys.readouterr().err
