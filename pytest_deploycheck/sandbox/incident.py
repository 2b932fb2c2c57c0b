"""The incident that the scenarios replay: its names, its code, its log lines and the log expectations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CLUSTER = "content-marketing-swarm-dev-cluster"
SERVICE = "content-marketing-swarm-dev-backend-service"
FAMILY = "content-marketing-swarm-dev-backend"
CONTAINER = "app"
REPOSITORY = "content-marketing-swarm-dev-backend"
OTHER_REPOSITORY = "content-marketing-swarm-backend"
LOG_GROUP = "/ecs/content-marketing-swarm-dev-backend"
EXPECTED_TAG = "2025.11.26-1"
EARLIER_TAG = "2025.11.25-1"
LATER_TAG = "2025.11.26-2"
TARGET_GROUP = "content-marketing-swarm-dev-backend-tg"
ALARM = "content-marketing-swarm-dev-backend-5xx"
DESIRED = 2

COMMIT_TAGS = ("9f8e7d6", "1a2b3c4")
"""The tags of a team that names its images by commits: of a week ago, and of today."""

_COMMON_FILES: Mapping[str, str] = {
    "app/__init__.py": '"""The content marketing swarm."""\n',
    "app/main.py": (
        "from fastapi import FastAPI\n\n"
        "from app.api import websocket\n\n"
        "app = FastAPI()\n"
        "app.include_router(websocket.router)\n"
    ),
    "app/api/__init__.py": "",
}

EARLIER_FILES: Mapping[str, str] = {
    **_COMMON_FILES,
    "app/api/websocket.py": (
        "import logging\n\n"
        "from app.agents.parser import parse\n\n"
        "logger = logging.getLogger(__name__)\n\n\n"
        "async def generate(request, swarm, store):\n"
        "    platform = request['platforms'][0]\n"
        "    logger.info('Starting content generation: platform=%r', platform)\n"
        "    await store.save(parse(await swarm.write(platform)))\n"
    ),
    "app/agents/parser.py": "def parse(text):\n    return [text.strip()]\n",
    "app/agents/store.py": "class Store:\n    async def save(self, items):\n        self.item = items[0]\n",
}
"""Yesterday's code."""

EXPECTED_FILES: Mapping[str, str] = {
    **_COMMON_FILES,
    "app/api/websocket.py": (
        "import logging\n\n"
        "from app.agents.parser import parse\n\n"
        "logger = logging.getLogger(__name__)\n\n\n"
        "async def generate(request, swarm, store):\n"
        "    requested_platforms = request['platforms']\n"
        "    logger.info('Starting content generation: requested_platforms=%r', requested_platforms)\n"
        "    logger.info('Requested platforms: %r', requested_platforms)\n"
        "    await store.save(parse(await swarm.write(requested_platforms)))\n"
    ),
    "app/agents/parser.py": (
        "import logging\nimport re\n\n"
        "logger = logging.getLogger(__name__)\n\n\n"
        "def parse(text):\n"
        "    sections = re.split(r'^## ', text, flags=re.MULTILINE)[1:]\n"
        "    logger.info('Found %d platform sections', len(sections))\n"
        "    for number, _ in enumerate(sections, start=1):\n"
        "        logger.info('Parsed content item #%d', number)\n"
        "    return sections\n"
    ),
    "app/agents/store.py": (
        "import logging\n\n"
        "logger = logging.getLogger(__name__)\n\n\n"
        "class Store:\n"
        "    async def save(self, items):\n"
        "        self.items = items\n"
        "        logger.info('Saved %d content items', len(items))\n"
    ),
}
"""The code with the three hotfixes."""

START_UP_LINES: Sequence[str] = (
    "INFO:     Started server process [1]",
    "INFO:     Waiting for application startup.",
    "INFO:     Application startup complete.",
    "INFO:     Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)",
)
"""The lines that each task logs when it starts, with yesterday's code and with the expected one."""

HEALTH_CHECK_LINE = 'INFO:     10.0.1.20:41234 - "GET /health HTTP/1.1" 200 OK'
"""The line that each task logs regularly."""

EARLIER_LINES: Sequence[str] = (
    "INFO app.api.websocket: Starting content generation: platform='linkedin'",
    "INFO app.agents.swarm: Content written for 1 platform",
)
"""The lines that yesterday's code logs for a request."""

EXPECTED_LINES: Sequence[str] = (
    "INFO app.api.websocket: Starting content generation: requested_platforms=['linkedin', 'twitter', 'pitch_deck']",
    "INFO app.api.websocket: Requested platforms: ['linkedin', 'twitter', 'pitch_deck']",
    "INFO app.agents.parser: Found 3 platform sections",
    "INFO app.agents.parser: Parsed content item #1",
    "INFO app.agents.parser: Parsed content item #2",
    "INFO app.agents.parser: Parsed content item #3",
    "INFO app.agents.store: Saved 3 content items",
)
"""The lines that the new code logs for a request."""

MISSED_PATH_LINE = "INFO app.api.retry: Retrying content generation: platform='linkedin'"
"""The line of a second code path, which the hotfix does not cover."""

CRASH_LINES: Sequence[str] = (
    "INFO:     Started server process [1]",
    "Traceback (most recent call last):",
    '  File "/app/main.py", line 3, in <module>',
    "    from app.api import websocket",
    "ModuleNotFoundError: No module named 'app.agents.sections'",
)
"""The lines of a task that cannot start."""

MEMORY_LINES: Sequence[str] = (
    "INFO:     Started server process [1]",
    "INFO:     Waiting for application startup.",
    "INFO app.agents.parser: Loading every section of 48211 campaigns into memory",
)
"""The lines of a task that exceeds its memory limit."""

EXPECTATIONS: Sequence[Mapping[str, Any]] = (
    {"expect": "Found 3 platform sections"},
    {"expect_regex": r"Parsed content item #\d+", "count": 3},
    {
        "sequence": [
            "Requested platforms: ['linkedin', 'twitter', 'pitch_deck']",
            "Found 3 platform sections",
        ]
    },
    {"forbid": "platform='linkedin'"},
    {"expect": "Application startup complete", "tasks": "all"},
    {"expect": "requested_platforms=['linkedin', 'twitter', 'pitch_deck']"},
    {"expect": "Saved 3 content items"},
)
"""The seven points of the incident's checklist."""
