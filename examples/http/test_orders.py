"""An order is placed over HTTP and has to appear in the logs of the new code: pytest --deploy-env=dev."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import uuid4

import requests

if TYPE_CHECKING:
    from pytest_deploycheck import LogTail


def test_all_that_is_ordered_is_reserved(base_url: str, deploy_logs: LogTail) -> None:
    # A number of its own tells this order from those of others, and from those of an earlier run.
    number = f"smoke-{uuid4().hex[:8]}"

    with deploy_logs.capture() as captured:
        answer = requests.post(f"{base_url}/orders", json={"number": number, "items": ["cup", "saucer"]}, timeout=10)

    # The code of before gave this answer as well; only the logs tell which code gave it.
    assert answer.status_code == requests.codes.accepted
    assert f"order {number}: 2 items" in captured
    reserved = captured.wait_for(re.compile(rf"order {number}: reserved (\w+)"), count=2)
    assert {item.groups[0] for item in reserved} == {"cup", "saucer"}
