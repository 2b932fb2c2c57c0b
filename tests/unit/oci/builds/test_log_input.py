from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.build_logs import CLASSIC, MULTI_PLATFORM, ONE, PLAIN, SCREEN, TWO, copies

from pytest_deploycheck.oci.builds.log import parse_build_log


@pytest.mark.parametrize("log", [PLAIN, SCREEN, CLASSIC, MULTI_PLATFORM])
@pytest.mark.parametrize("end", ["\r\n", "\r", "\r\r\n", "\n\n"])
def test_line_ends_do_not_matter(log: str, end: str) -> None:
    """Windows, old and doubled line ends; a byte order mark."""
    assert parse_build_log("\ufeff" + log.replace("\n", end)) == parse_build_log(log)


@pytest.mark.parametrize("log", [PLAIN, SCREEN, CLASSIC])
@pytest.mark.parametrize(
    "prefix",
    [
        "2025-11-26T11:17:40.1234567Z ",
        "\ufeff2025-11-26T11:17:40.1234567Z ",
        "2025-11-26 11:17:40,123 ",
        "2025-11-26T11:17:40+01:00 ",
        "2025/11/26 11:17:40 ",
        "2025-11-26T11:17:40.123456Z 01O ",
        "[2025-11-26T11:17:40.123Z] ",
        "[11:17:40] ",
        "11:17:40 ",
        "[build] ",
        "[11:17:40][Step 2/5] ",
        "build  | ",
        "shop-1 | [build] ",
        "build-image\tBuild and push\t2025-11-26T11:17:40.1234567Z ",
        "Step #0: ",
        'Step #12 - "build": ',
        "build-image\tUNKNOWN STEP\t\ufeff2025-11-26T11:17:40.1234567Z ",
        "\t",
        "_bk;t=1764155860123",
        "2025-11-26T11:17:40.123456Z 01E+",
        "[11:17:40]W:\t [Step 1/2] ",
        "[11:17:40] :\t [Step 1/2] ",
        "26-Nov-2025 11:17:40 ",
        "Nov 26 11:17:40 ",
        "Nov  6 11:17:40 builder-7 docker[123]: ",
        "2025-11-26T11:17:40.123000+00:00 build/0a1b2c3d-4e5f-6a7b ",
        "│ ",
        "remote: ",
    ],
)
def test_prefixes_of_continuous_integration_do_not_matter(log: str, prefix: str) -> None:
    """Times, names of jobs and services in front of every line."""
    prefixed = "".join(f"{prefix}{line}" for line in log.splitlines(keepends=True))
    assert parse_build_log(prefixed) == parse_build_log(log)


def test_colours_do_not_matter() -> None:
    """Plain output that something coloured, with a link and a title of the terminal in it."""
    line = (
        "\x1b]0;build\x07\x1b[1m#6\x1b[0m \x1b]8;;file:app\x1b\\[2/2] COPY app/ ./app/\x1b]8;;\x1b\\\x1b[K\n#6 CACHED"
    )
    assert copies(line) == [("2/2", "COPY app/ ./app/", True)]


def test_a_cursor_that_jumps_ends_a_line_and_one_that_moves_on_is_a_blank() -> None:
    """As the console of Windows writes it."""
    assert copies("x\x1b[5;1H => CACHED [2/2] COPY app/ ./app/\x1b[9C0.0s\x1b[6;1Hy") == [
        ("2/2", "COPY app/ ./app/", True)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "make: nothing to be done for 'image'.\n",
        "fix #7 DONE\n#12 [Fix] the cache\n# 1\n#8 CACHED\n",
        "Step 1/3 : Installing dependencies\n",
        " ---> Using cache\n",
        "a => [x] b\n=> done\n",
        '{"vertexes": [{"name": "compile"}]}\n{"vertexes": 1}\n{"vertexes": [{"name": "[internal] x"',
        "INFO[0001] Copying files\nINFO[1] COPY a b\n",
    ],
)
def test_other_text_is_refused(text: str) -> None:
    """The message shows lines of a build log and how they are saved."""
    with pytest.raises(ValueError, match=r"^no output of docker build was found: .*COPY app/.*2>&1"):
        parse_build_log(text)


_PIECES = st.sampled_from(
    [
        "#1 ", "#7 ", "#0 ", "[internal] ", "[stage-1 4/6] ", "[4/", "]", "COPY a b", "CACHED", "DONE 0.1s", "ERROR: ",
        " => ", "=> => ", "[+] Building ", "3.2s ", "(1/2)", " FINISHED", "Step 1/2 : ", "ADD x y", "---> ",
        "Using cache", "\n", "\r", "\x1b[1A", "\x1b[", "\x1b", "\ufeff", "2025-11-26T11:17:40Z ", "build | ",
        '{"vertexes":[', '{"name":"[1/2] COPY a b","cached":true}', "]}", "INFO[0001] ", "Step #0: ",
        "writing image ", "pushing manifest for a@", ONE, TWO, 'building with "', " ", "\t", "…", "9" * 5000,
    ]
)  # fmt: skip


@given(st.text() | st.lists(_PIECES | st.text(max_size=5), max_size=60).map("".join))
def test_no_text_does_harm(text: str) -> None:
    """Any text is a build log or refused with the one error."""
    try:
        log = parse_build_log(text)
    except ValueError as error:
        assert "expected lines such as" in str(error)  # noqa: PT017 - it need not be raised
    else:
        assert log.builder in {"buildkit", "classic", "kaniko"}
        assert all(step.instruction for step in log.copies)


_STARTS = ("", '{"vertexes":[', "INFO[0001] ", "#7 ", "#7 [", "=> [", "Step 1/2 : COPY ", "[", "a\t", "\x1b[")


@pytest.mark.parametrize(
    "piece",
    [
        "a", " ", "\t", "1", "#", "#7 ", "=> ", "[", "]", "a/", "1/", "[ ", "\x1b", "\x1b[", "\x1b[1", "\x1b]", "-",
        "a ", "a@", "DONE 1", "\ufeff", "a |", "[a] ", "11:17:40 ", "9/", "…", "#7 [4/6] COPY a b\n", "#8 1.2 Ready\n",
        "[+] Building 1.0s (1/2)\n", " => CACHED [4/6] COPY a b   0.0s\n", "Step 1/2 : COPY a b\n",
        '{"a":', '{"vertexes":[{"name":"[1/2] COPY a b"}]}\n', "INFO[0001] COPY a b\n", "# a\n", "FROM ", "\n", "===> ",
    ],
)  # fmt: skip
def test_a_hostile_log_costs_no_more_than_its_length(piece: str) -> None:
    """A long line and a long log of anything that a parser could stumble over."""
    before = time.process_time()
    for start in _STARTS:
        with contextlib.suppress(ValueError):
            parse_build_log(start + piece * (40_000 // len(piece)) + "!")
    assert time.process_time() - before < 1


def test_prefixes_of_buildkite_do_not_matter() -> None:
    """Buildkite writes the time of every line as a control string, which ends in a bell."""
    for log in (PLAIN, CLASSIC):
        prefixed = "".join(f"\x1b_bk;t=1764155860123\x07{line}" for line in log.splitlines(keepends=True))
        assert parse_build_log(prefixed) == parse_build_log(log)


@pytest.mark.parametrize("stage", ["", "[2/2] "])
def test_buildah_and_podman_are_read(stage: str) -> None:
    """Their steps are read, with what came from the cache, also of a build of several stages."""
    log = (
        f"{stage}STEP 1/3: FROM alpine\n{stage}STEP 2/3: COPY app/ ./app/\n--> Using cache {ONE[7:]}\n--> {ONE[7:19]}\n"
        f"{stage}STEP 3/3: COPY lib/ ./lib/\n--> {TWO[7:19]}\nCOMMIT shop:2\n"
    )
    assert copies(log) == [("2/3", "COPY app/ ./app/", True), ("3/3", "COPY lib/ ./lib/", False)]


def test_steps_that_are_not_counted_are_read() -> None:
    """Early versions of buildah number their steps without saying how many there are; sentences are no steps."""
    log = f"STEP 1: FROM alpine\nSTEP 2: COPY app/ ./app/\n--> Using cache {ONE[7:]}\nStep 3: Copy the files\n"
    assert copies(log) == [("2", "COPY app/ ./app/", True)]
