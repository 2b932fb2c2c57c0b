"""`--deploy-iam-policy`: the least IAM policy for the environment, printed before anything is collected."""

from __future__ import annotations

import sys
from contextlib import ExitStack

import pytest

from pytest_deploycheck.config import options
from pytest_deploycheck.errors import DeploycheckError
from pytest_deploycheck.plugin.hosting import host
from pytest_deploycheck.plugin.options import POLICY_FLAG, given, refuse_empty
from pytest_deploycheck.plugin.settings import resolve
from pytest_deploycheck.run.fleet.finder import ServiceFinder
from pytest_deploycheck.run.policy.environment_policy import policy_of_all


def print_policy(config: pytest.Config) -> int:
    """Print the policy as JSON, and what its reader has to know beside it; return the exit status.

    Raises:
        UsageError: No environment is given, or it cannot be used.
    """
    refuse_empty(config)
    env = given(config, options.ENV).text
    if env is None:
        raise pytest.UsageError(f"{POLICY_FLAG} needs an environment: give {options.ENV.flag}=NAME")
    with ExitStack() as stack:
        try:
            table = None
            if env == options.SANDBOX_ENVIRONMENT:
                sandbox = host(config)
                stack.callback(sandbox.close)
                table = sandbox.table
            settings = resolve(config, sandbox=table, baselines=(), find=ServiceFinder().find)
            policy = policy_of_all(settings.runs)
        except DeploycheckError as error:
            raise pytest.UsageError(str(error)) from error
    print(policy.text())  # noqa: T201  # the output of the option
    for note in policy.notes:
        print(f"note: {note}", file=sys.stderr)  # noqa: T201
    return int(pytest.ExitCode.OK)
