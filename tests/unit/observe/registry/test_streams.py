"""Files that are read from chunks of any size as they come."""

from __future__ import annotations

import pytest

from pytest_deploycheck.observe.registry.streams import CHUNK, Chunks, readable

WHOLE = bytes(range(256)) * (5 * CHUNK // 256)


@pytest.mark.parametrize("chunk", [1000, CHUNK, 3 * CHUNK + 1])
@pytest.mark.parametrize("piece", [CHUNK // 3, CHUNK, 2 * CHUNK + 7, -1])
def test_chunks_and_pieces_need_not_be_of_one_size(chunk: int, piece: int) -> None:
    """A chunk larger than what a reader asks for is read to its end, and an empty one is not the end of the file."""
    chunks = (part for start in range(0, len(WHOLE), chunk) for part in (WHOLE[start : start + chunk], b""))
    with readable(chunks) as file:
        assert b"".join(iter(lambda: file.read(piece), b"")) == WHOLE


def test_a_failure_is_not_the_end_of_the_file() -> None:
    """A reader who goes on after it has the same failure again, and never takes the part for the whole."""

    def failing() -> Chunks:
        yield b"beginning"
        raise ConnectionResetError

    with readable(failing()) as file:
        for _ in range(2):
            with pytest.raises(ConnectionResetError):
                file.read()
