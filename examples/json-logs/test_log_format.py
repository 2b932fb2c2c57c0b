"""Whoever reads the logs relies on their format: pytest --deploy-env=dev."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_deploycheck import LogTail

SCHEMA = json.loads((Path(__file__).parent / "order.schema.json").read_text(encoding="utf-8"))


def test_orders_are_logged_in_the_agreed_format(deploy_logs: LogTail) -> None:
    assert '"event": "placed"' in deploy_logs

    records = deploy_logs.records(SCHEMA)

    placed = [record for record in records if record["event"] == "placed"]
    assert all("total" in record for record in placed)
