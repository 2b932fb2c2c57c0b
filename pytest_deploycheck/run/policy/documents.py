"""The policy as text: a JSON document of IAM, or a data block of Terraform."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_deploycheck.run.policy.resources import ANY
from pytest_deploycheck.run.policy.statements import Statement

_CLUSTER_KEY = "ecs:cluster"


def document(statements: Sequence[Statement]) -> dict[str, Any]:
    """Return the policy as IAM has it."""
    return {"Version": "2012-10-17", "Statement": [_statement(one) for one in statements]}


def as_json(statements: Sequence[Statement]) -> str:
    """Return the policy as JSON, to be pasted."""
    return json.dumps(document(statements), indent=2, ensure_ascii=False)


def as_terraform(statements: Sequence[Statement]) -> str:
    """Return the policy as a data block `aws_iam_policy_document`."""
    blocks = ['data "aws_iam_policy_document" "deploycheck" {']
    for one in statements:
        blocks += ["  statement {", f"    sid       = {_text(one.sid)}"]
        blocks += _list("actions  ", one.actions) + _list("resources", one.resources)
        if one.cluster:
            blocks += [
                "",
                "    condition {",
                '      test     = "ArnEquals"',
                f"      variable = {_text(_CLUSTER_KEY)}",
                f"      values   = [{_text(one.cluster)}]",
                "    }",
            ]
        blocks += ["  }", ""]
    return "\n".join([*blocks[:-1], "}"])


FORMATS: Mapping[str, Callable[[Sequence[Statement]], str]] = {"json": as_json, "terraform": as_terraform}
"""The formats of the policy, by name."""


def _statement(one: Statement) -> dict[str, Any]:
    condition = {"Condition": {"ArnEquals": {_CLUSTER_KEY: one.cluster}}} if one.cluster else {}
    return {
        "Sid": one.sid,
        "Effect": "Allow",
        "Action": list(one.actions),
        "Resource": ANY if list(one.resources) == [ANY] else list(one.resources),
        **condition,
    }


def _list(name: str, texts: Sequence[str]) -> list[str]:
    if len(texts) == 1:
        return [f"    {name} = [{_text(texts[0])}]"]
    return [f"    {name} = [", *(f"      {_text(text)}," for text in texts), "    ]"]


def _text(text: str) -> str:
    """Return a text as Terraform writes it, in which `${` and `%{` would begin a template."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
