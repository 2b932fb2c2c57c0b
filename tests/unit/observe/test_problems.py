"""The problem that an error of AWS is: what of its message is shown."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, DataNotFoundError

from pytest_deploycheck.observe.problems import problem_of


@pytest.mark.parametrize("code", ["AccessDeniedException", "ExpiredTokenException", "ValidationException", "New"])
@pytest.mark.parametrize("injected", ["::error::x", "  ::set-output name=a::x", "##[error]x", "\u200b::warning::x"])
@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r", "\u2028", "\x1b[0m\n"])
def test_a_message_of_aws_is_no_command_to_ci(code: str, injected: str, separator: str) -> None:
    """A line break in a message starts no command in the log of a CI, and a secret in it is masked."""
    answer = {"Error": {"Code": code, "Message": f"no{separator}{injected} password=hunter2222"}}
    problem = problem_of(ClientError(answer, "DescribeServices"), "ecs:DescribeServices")  # type: ignore[arg-type]
    for shown in (problem.message, problem.remedy):
        assert "hunter2222" not in shown
        assert "##[" not in shown
        assert not [line for line in shown.splitlines() if line.strip("\u200b \t").startswith("::")]


def test_an_error_that_is_not_known() -> None:
    """It names the call and is passed on in its own words."""
    problem = problem_of(DataNotFoundError(data_path="endpoints"), "ecs:ListTasks")
    assert (problem.operation, problem.code) == ("ecs:ListTasks", "DataNotFoundError")
    assert problem.message == "ecs:ListTasks could not be called: Unable to load data for: endpoints"
    assert problem.remedy
