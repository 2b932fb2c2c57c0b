"""A request is sent over a WebSocket and has to appear in the logs of the new code: pytest --deploy-env=dev."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from websockets.sync.client import connect

if TYPE_CHECKING:
    from pytest_deploycheck import LogTail

PLATFORMS = ["linkedin", "twitter", "pitch_deck"]


@pytest.fixture
def websocket_url(base_url: str) -> str:
    """The same address, with wss in the place of https and ws in the place of http."""
    return f"{base_url.replace('http', 'ws', 1)}/ws/generate"


def test_every_platform_gets_its_content(websocket_url: str, deploy_logs: LogTail) -> None:
    with deploy_logs.capture() as captured, connect(websocket_url) as websocket:
        websocket.send(json.dumps({"platforms": PLATFORMS}))
        captured.wait_for_sequence(f"Requested platforms: {PLATFORMS}", "Found 3 platform sections")
        answer = json.loads(websocket.recv(timeout=60))

    # The code of before gave this answer as well; only the logs tell which code gave it.
    assert answer == {"status": "done"}
    captured.wait_for(re.compile(r"Parsed content item #\d+"), count=3)
    assert "Saved 3 content items" in captured
