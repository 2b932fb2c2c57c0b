from __future__ import annotations

import json
from typing import Any

import pytest
from support.build_logs import FOUR, MULTI_PLATFORM, ONE, THREE, TWO, copies

from pytest_deploycheck.facts.build import BuildLog, BuildStep
from pytest_deploycheck.oci.builds.log import parse_build_log

DEFINITION = "[internal] load build definition from Dockerfile"
START, END = "2025-11-26T11:17:40.1Z", "2025-11-26T11:17:41.1Z"


def vertex(name: str, digest: str = TWO, *, completed: bool = True, **fields: Any) -> dict[str, Any]:
    """Return the state of a step, as BuildKit writes it."""
    end = {"completed": END} if completed else {}
    return {"digest": digest, "inputs": [FOUR], "name": name, "started": START, **end, **fields}


def log_of(*vertexes: dict[str, Any], exports: tuple[str, ...] = ()) -> str:
    """Return a log with a line for each state of a step and each export."""
    lines: list[dict[str, Any]] = [{"vertexes": [one]} for one in vertexes]
    lines += [{"statuses": [{"id": text, "vertex": TWO, "current": 0, "timestamp": END}]} for text in exports]
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def test_steps_and_digest_are_read() -> None:
    """Each step is read once, with its result and the digest of the export; the output of steps changes nothing."""
    log = log_of(
        vertex(DEFINITION, ONE),
        vertex("[stage-1 3/4] COPY app/ ./app/", cached=True),
        vertex("[stage-1 4/4] RUN make", THREE, completed=False),
        vertex("[stage-1 4/4] RUN make", THREE),
        vertex("exporting to image", FOUR),
        exports=(f"exporting manifest {TWO}", f"exporting manifest list {ONE}"),
    )
    output = json.dumps({"logs": [{"vertex": THREE, "stream": 1, "data": "I1sxLzJd", "timestamp": END}]})
    assert parse_build_log(f"{log}{output}\n") == BuildLog(
        "buildkit",
        (
            BuildStep("stage-1 3/4", "COPY app/ ./app/", is_cached=True),
            BuildStep("stage-1 4/4", "RUN make", is_cached=False),
        ),
        ONE,
    )


@pytest.mark.parametrize("prefix", ["2025-11-26T11:17:40.1234567Z ", "build  | ", "Step #0: "])
def test_prefixes_do_not_matter(prefix: str) -> None:
    """JSON lines with times and names of continuous integration before them are read."""
    assert copies(f"{prefix}{log_of(vertex('[2/2] COPY a b', cached=True))}") == [("2/2", "COPY a b", True)]


@pytest.mark.parametrize(
    ("states", "is_cached"),
    [
        ([{"cached": True}], True),
        ([{"cached": True, "completed": None}], False),
        ([{}, {"cached": True}], False),
        ([{"cached": True}, {}], True),
        ([{"error": "failed to compute cache key"}], False),
    ],
)
def test_the_first_result_of_a_step_counts(states: list[dict[str, Any]], is_cached: bool) -> None:  # noqa: FBT001 - a table
    """A step that ran and is then found in the cache did run; a step without a result is not from the cache."""
    log = log_of(*(vertex("[2/2] COPY a b", **state) for state in states))
    assert copies(log) == [("2/2", "COPY a b", is_cached)]


@pytest.mark.parametrize("second", [{"digest": THREE}, {"started": END}])
def test_two_builds_have_steps_of_their_own(second: dict[str, str]) -> None:
    """A Dockerfile that is loaded again begins another build, whose cached step did run in the first one."""
    step = "[2/2] COPY a b"
    log = log_of(
        vertex(DEFINITION, ONE),
        vertex(DEFINITION, ONE),
        vertex(step),
        vertex(step, cached=True),
        {**vertex(DEFINITION, ONE), **second},
        vertex(step, cached=True),
    )
    assert [is_cached for *_, is_cached in copies(log)] == [False, True]


def test_services_of_one_build_are_distinguished() -> None:
    """Targets that are built at a time load a Dockerfile each, which does not begin another build."""
    log = log_of(
        vertex(f"[web {DEFINITION[1:]}", ONE),
        vertex("[web 2/2] COPY a b", TWO),
        vertex(f"[api {DEFINITION[1:]}", THREE),
        vertex("[web 2/2] COPY a b", TWO, cached=True),
    )
    assert copies(log) == [("web 2/2", "COPY a b", False)]


@pytest.mark.parametrize(
    "line", ['{"vertexes": null}', '{"vertexes": [{"name": 1}]}', '{"vertexes": [{"na', '{"a":' * 9]
)
def test_other_lines_with_braces_do_no_harm(line: str) -> None:
    """JSON of other programs and lines that were cut are passed over."""
    assert copies(f"{line}\n{MULTI_PLATFORM}") == copies(MULTI_PLATFORM)
