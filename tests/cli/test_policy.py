from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.run.policy.documents import as_json, as_terraform
from pytest_deploycheck.run.policy.statements import Statement

if TYPE_CHECKING:
    from cli.conftest import Script

CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/shop"


def test_the_policy_is_printed_and_the_notes_are_beside_it(script: Script) -> None:
    """The output is the policy alone, to be pasted or piped; notes are on stderr."""
    printed = script("policy", "sandbox", "--sandbox=alarm-went-off")
    assert printed.status == 0
    statements = {one["Sid"]: one for one in json.loads(printed.out)["Statement"]}
    assert statements["Alarms"]["Resource"] == [
        "arn:aws:cloudwatch:us-east-1:123456789012:alarm:content-marketing-swarm-dev-backend-5xx"
    ]
    assert "logs:StartQuery" in printed.err


def test_terraform_gets_a_data_block(script: Script) -> None:
    """The same statements, as Terraform writes them."""
    printed = script("policy", "sandbox", "--format=terraform")
    assert printed.out.startswith('data "aws_iam_policy_document" "deploycheck" {')
    assert printed.out.count("{") == printed.out.count("}")


def test_a_statement_in_both_formats() -> None:
    """Condition and lists are kept, and no text begins a template of Terraform."""
    one = Statement("ListTasks", ("ecs:ListTasks",), ("*",), CLUSTER)
    other = Statement("Logs", ("logs:A", "logs:B"), ("arn:${x}",))
    assert json.loads(as_json([one]))["Statement"] == [
        {
            "Sid": "ListTasks",
            "Effect": "Allow",
            "Action": ["ecs:ListTasks"],
            "Resource": "*",
            "Condition": {"ArnEquals": {"ecs:cluster": CLUSTER}},
        }
    ]
    assert as_terraform([one, other]) == (
        """data "aws_iam_policy_document" "deploycheck" {
  statement {
    sid       = "ListTasks"
    actions   = ["ecs:ListTasks"]
    resources = ["*"]

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = ["CLUSTER"]
    }
  }

  statement {
    sid       = "Logs"
    actions   = [
      "logs:A",
      "logs:B",
    ]
    resources = ["arn:$${x}"]
  }
}""".replace("CLUSTER", CLUSTER)
    )


@pytest.mark.parametrize(("arguments", "word"), [((), "No environment"), (("sandbox", "--format=yaml"), "yaml")])
def test_bad_input(script: Script, arguments: tuple[str, ...], word: str) -> None:
    """An environment that is missing and an unknown format are usage errors."""
    assert script("policy", *arguments).is_usage_error(word)
