from __future__ import annotations

import pytest
from support.build_logs import CLASSIC, FOUR, MULTI_PLATFORM, ONE, PLAIN, SCREEN, THREE, TWO, copies

from pytest_deploycheck.facts.build import BuildLog, BuildStep
from pytest_deploycheck.oci.builds.log import parse_build_log


def test_plain_output_is_read() -> None:
    """Each step is read once, in the order of first appearance; the output of steps changes nothing."""
    assert parse_build_log(PLAIN) == BuildLog(
        "buildkit",
        (
            BuildStep("stage-1 1/4", f"FROM docker.io/library/python:3.12-slim@{FOUR}", is_cached=False),
            BuildStep("stage-1 2/4", "WORKDIR /srv", is_cached=True),
            BuildStep("stage-1 3/4", "COPY app/ ./app/", is_cached=True),
            BuildStep("stage-1 4/4", "RUN python -m compileall app", is_cached=False),
            BuildStep("build 2/2", "ADD schema.sql /srv/", is_cached=False),
        ),
        ONE,
    )


def test_progress_on_a_terminal_is_read() -> None:
    """A step that is drawn many times is read once, in the state drawn last; the output of steps changes nothing."""
    assert parse_build_log(SCREEN) == BuildLog(
        "buildkit",
        (
            BuildStep("4/6", "COPY app/ ./app/", is_cached=True),
            BuildStep("2/6", "WORKDIR /srv", is_cached=True),
            BuildStep("5/6", "RUN python -m compileall app", is_cached=False),
        ),
        ONE,
    )


def test_the_classic_builder_is_read() -> None:
    """Only the first line after a step is the builder's: the output of the step does not make it cached."""
    assert parse_build_log(CLASSIC) == BuildLog(
        "classic",
        (
            BuildStep("1/4", "FROM python:3.12-slim", is_cached=False),
            BuildStep("2/4", "COPY app/ ./app/", is_cached=True),
            BuildStep("3/4", "ADD schema.sql /srv/", is_cached=False),
            BuildStep("4/4", "RUN python -m compileall app", is_cached=False),
        ),
    )


def test_every_platform_has_steps_of_its_own() -> None:
    """A step from the cache for one platform that ran for another is there twice."""
    assert copies(MULTI_PLATFORM) == [
        ("linux/amd64 build 2/3", "COPY app/ ./app/", True),
        ("linux/arm64 build 2/3", "COPY app/ ./app/", False),
    ]
    assert parse_build_log(MULTI_PLATFORM).digest == THREE


def test_numbers_are_read_with_their_padding() -> None:
    """The builder aligns the numbers where there are more than nine steps."""
    assert copies("#6 [stage-1  4/12] COPY app/ ./app/\n#7 [ 5/12] ADD x /x\n") == [
        ("stage-1 4/12", "COPY app/ ./app/", False),
        ("5/12", "ADD x /x", False),
    ]


@pytest.mark.parametrize(
    ("drawn", "instruction"),
    [
        (("COPY app/ ./a", "COPY app/ ./app/"), "COPY app/ ./app/"),
        (("COPY app/ ./app/", "COPY app/ ./a"), "COPY app/ ./app/"),
        (("COPY app/ ./a…", "COPY app/ ./app/"), "COPY app/ ./app/"),
        (("COPY app/ ./a...",), "COPY app/ ./a..."),
        (("COPY ap\ufffd", "COPY app/ ./app/"), "COPY app/ ./app/"),
    ],
)
def test_a_step_that_was_cut_keeps_its_longest_text(drawn: tuple[str, ...], instruction: str) -> None:
    """The longest text of a step counts, as the terminal's width can change during a build."""
    log = "".join(f" => CACHED [2/2] {text}  0.0s\n" for text in drawn)
    assert copies(log) == [("2/2", instruction, True)]


def test_a_line_cut_within_its_number_is_passed_over() -> None:
    """Without its number a step cannot be told from others."""
    assert copies("[+] Building 0.1s (1/2)\n => CACHED [stage-1 4\n => CACHED [stage-1 4/6]\n") == []


@pytest.mark.parametrize(
    ("states", "is_cached"),
    [
        (("CACHED",), True),
        (("DONE 0.1s",), False),
        (("DONE 0.1s", "CACHED"), False),
        (("CACHED", "sha256:00 1.2MB / 1.2MB done", "extracting sha256:00 done", "DONE 1.2s"), True),
        (("ERROR: failed to compute cache key: app: not found",), False),
        (("CANCELED",), False),
        ((), False),
        (("CACHED by something else",), False),
    ],
)
def test_the_first_result_of_a_step_counts(states: tuple[str, ...], is_cached: bool) -> None:  # noqa: FBT001 - a table
    """A step that ran and is then found in the cache did run; a cached layer can be fetched later."""
    log = "".join(f"#6 [2/2] COPY app/ ./app/\n#6 {state}\n" for state in states or ("...",))
    assert copies(log) == [("2/2", "COPY app/ ./app/", is_cached)]


def test_a_failed_step_on_a_terminal_is_not_cached() -> None:
    """The state before the step's number does not belong to the instruction."""
    assert copies(" => ERROR [2/2] COPY app/ ./app/    0.0s") == [("2/2", "COPY app/ ./app/", False)]


@pytest.mark.parametrize(
    "start",
    [
        '#0 building with "default" instance using docker driver\n',
        "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n",
    ],
)
def test_two_builds_in_a_plain_log_have_steps_of_their_own(start: str) -> None:
    """A build that was run and then run again from the cache did run once."""
    log = f"{start}#6 [2/2] COPY app/ ./app/\n#6 DONE 0.1s\n{start}#6 [2/2] COPY app/ ./app/\n#6 CACHED\n"
    assert [cached for *_, cached in copies(log)] == [False, True]


@pytest.mark.parametrize("first", ["[+] Building 0.0s (5/5) FINISHED", "[+] Building 2.1s (4/5)"])
def test_two_builds_on_a_terminal_have_steps_of_their_own(first: str) -> None:
    """The first one may have failed, or been as quick as the second."""
    log = (
        f"{first}\n => [2/2] COPY app/ ./app/  0.1s\n"
        "[+] Building 0.0s (0/1)\n[+] Building 0.1s (5/5) FINISHED\n => CACHED [2/2] COPY app/ ./app/  0.0s\n"
    )
    assert [cached for *_, cached in copies(log)] == [False, True]


def test_another_step_of_the_same_number_is_another() -> None:
    """Two builds at a time can use the same numbers, on a terminal and in a plain log."""
    log = " => CACHED [2/2] COPY app/ ./app/  0.0s\n => [2/2] COPY web/ ./web/  0.0s\n"
    assert copies(log) == [("2/2", "COPY app/ ./app/", True), ("2/2", "COPY web/ ./web/", False)]
    log = "#6 [2/2] COPY a /a\n#6 [3/9] COPY b /b\n#6 CACHED\n#6 [2/2] COPY a /a\n#6 DONE 0.1s\n"
    assert copies(log) == [("2/2", "COPY a /a", False), ("3/9", "COPY b /b", True)]


def test_steps_of_compose_have_the_service_in_their_number() -> None:
    """`docker compose build` puts the service before the stage."""
    log = "#1 [web internal] load build definition from Dockerfile\n#6 [web stage-1 4/6] COPY app/ ./app/\n#6 CACHED\n"
    assert copies(log) == [("web stage-1 4/6", "COPY app/ ./app/", True)]


@pytest.mark.parametrize(
    ("lines", "digest"),
    [
        ((), None),
        ((f"writing image {ONE} done",), ONE),
        ((f"writing image {ONE} done", f"exporting manifest {TWO} 0.0s done"), TWO),
        ((f"exporting manifest {ONE} done", f"exporting manifest list {TWO} done"), TWO),
        ((f"exporting manifest list {ONE} done", f"pushing manifest for shop.example/a:1@{TWO} 0.3s done"), TWO),
        ((f"pushing manifest for a:1@{ONE}", f"pushing manifest for a:2@{ONE} 0.3s done"), ONE),
        ((f"writing image {ONE} done", f"writing image {TWO} done"), None),
        ((f"exporting attestation manifest {ONE} done", f"exporting config {TWO} done"), None),
        ((f"writing image {ONE[:-1]}…",), None),
        ((f"0.123 writing image {ONE} done",), None),
    ],
)
def test_the_most_certain_digest_counts(lines: tuple[str, ...], digest: str | None) -> None:
    """The pushed digest counts, else the list's, else the manifest's, else the image's id; of several, none."""
    log = "#12 exporting to image\n" + "".join(f"#12 {line}\n" for line in lines)
    assert parse_build_log(log) == BuildLog("buildkit", (), digest)
    screen = "[+] Building 0.1s (1/1)\n" + "".join(f" => => {line}    0.0s\n" for line in lines)
    assert parse_build_log(screen) == BuildLog("buildkit", (), digest)


def test_the_digest_of_a_push_counts() -> None:
    """The classic builder does not push; the output of `docker push` after the build shows the digest."""
    assert parse_build_log(f"{CLASSIC}latest: digest: {TWO} size: 2841\n").digest == TWO
    assert parse_build_log(f"{PLAIN}latest: digest: {TWO} size: 2841\n").digest == TWO
