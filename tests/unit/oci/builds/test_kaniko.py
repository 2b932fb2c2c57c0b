from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from support.build_logs import ONE, copies

from pytest_deploycheck.facts.build import BuildLog, BuildStep
from pytest_deploycheck.oci.builds.log import parse_build_log

LOG = f"""\
INFO[0000] Retrieving image manifest python:3.12-slim
INFO[0001] Built cross stage deps: map[]
INFO[0001] Executing 0 build triggers
INFO[0001] Building stage 'python:3.12-slim' [idx: '0', base-idx: '-1']
INFO[0001] Checking for cached layer shop.example/cache:1f...
INFO[0001] Using caching version of cmd: COPY lib/ ./lib/
INFO[0001] Checking for cached layer shop.example/cache:2f...
INFO[0002] No cached layer found for cmd COPY app/ ./app/
INFO[0002] Unpacking rootfs as cmd COPY app/ ./app/ requires it.
INFO[0009] COPY lib/ ./lib/
INFO[0009] Found cached layer, extracting to filesystem
INFO[0009] COPY app/ ./app/
INFO[0009] Taking snapshot of files...
INFO[0010] RUN python -m compileall app
COPY is an instruction
INFO[0011] Pushed shop.example/shop@{ONE}
"""


def test_instructions_and_digest_are_read() -> None:
    """Each instruction that kaniko runs is a step, from the cache where kaniko found its layer there."""
    assert parse_build_log(LOG) == BuildLog(
        "kaniko",
        (
            BuildStep("", "COPY lib/ ./lib/", is_cached=True),
            BuildStep("", "COPY app/ ./app/", is_cached=False),
            BuildStep("", "RUN python -m compileall app", is_cached=False),
        ),
        ONE,
    )


@pytest.mark.parametrize("prefix", ["2025-11-26T11:17:40.1234567Z ", "\x1b[36m", "Step #0: ", 'Step #2 - "build": '])
def test_prefixes_do_not_matter(prefix: str) -> None:
    """Cloud Build's prefix, times and colours before kaniko's lines are passed over."""
    assert parse_build_log("".join(f"{prefix}{line}" for line in LOG.splitlines(keepends=True))) == parse_build_log(LOG)


def test_the_cache_of_one_stage_is_not_that_of_the_next() -> None:
    """The same instruction of a later stage counts as cached only where its own layer was found."""
    log = (
        "INFO[0001] Using caching version of cmd: COPY a b\nINFO[0001] COPY a b\n"
        "INFO[0002] Executing 0 build triggers\nINFO[0002] COPY a b\n"
    )
    assert [is_cached for *_, is_cached in copies(log)] == [True, False]


def _logfmt(message: str) -> str:
    text = json.dumps(message) if " " in message else message
    return f'time="2025-11-26T11:17:40Z" level=info msg={text}\n'


def _json(message: str) -> str:
    return json.dumps({"level": "info", "msg": message, "time": "2025-11-26T11:17:40Z"}) + "\n"


def _dated(message: str) -> str:
    return f"INFO[2025-11-26T11:17:40Z] {message}\n"


@pytest.mark.parametrize("write", [_logfmt, _json, _dated], ids=["text", "json", "timestamp"])
def test_each_form_of_its_log_is_read(write: Callable[[str], str]) -> None:
    """Its options `--log-format` and `--log-timestamp` make no difference, and neither do warnings and cut lines."""
    messages = [line.partition("] ")[2] for line in LOG.splitlines() if line.startswith("INFO[")]
    warning = (
        '{"level":"warning","msg":"COPY a b"}\ntime=x level=warning msg="COPY a b"\n{"level":"in\ntime="COPY a b\n'
    )
    assert parse_build_log("".join(map(write, messages)) + warning) == parse_build_log(LOG)
