from __future__ import annotations

import gzip
import hashlib
import io
import lzma
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from support.promises import promise

from properties.layers import PATHS, STEPS, Drawn, image, reached, stacks, tar
from properties.unpacker import resolve, unpack
from pytest_deploycheck.oci.files.layer import LayerError, Limits, entries


@given(stack=stacks())
@promise(12)
def test_an_image_reads_as_if_it_were_unpacked(stack: Sequence[Drawn]) -> None:
    """Whatever the layers: each path is there or not, and holds what it does once all layers are unpacked."""
    files = unpack([drawn.items for drawn in stack])
    tree, _ = image(stack)
    for path in PATHS:
        kind = reached(files, path)
        assert tree.exists(path) is (kind is not None), path
        if kind == "file":
            assert tree.read_bytes(path) == files[resolve(files, path) or ""].content, path
        else:
            with pytest.raises(IsADirectoryError if kind == "folder" else FileNotFoundError):
                tree.read_bytes(path)


@given(stack=stacks())
@promise(20)
def test_many_files_are_read_as_if_they_were_unpacked(stack: Sequence[Drawn]) -> None:
    """All paths looked up at once: each has the digest and the layer of its file, or is missing."""
    files = unpack([drawn.items for drawn in stack])
    tree, store = image(stack)
    digests = tree.digests(PATHS)
    for path in PATHS:
        found = digests.found[path]
        if reached(files, path) != "file":
            assert found is None, path
            continue
        node = files[resolve(files, path) or ""]
        assert found, path
        assert found.sha256 == hashlib.sha256(node.content).hexdigest(), path
        assert found.text_sha256 == hashlib.sha256(node.content.replace(b"\r\n", b"\n")).hexdigest(), path
        assert digests.holder[path] == store.layers[node.layer], path


@given(stack=stacks())
@promise(12)
def test_files_are_listed_as_if_they_were_unpacked(stack: Sequence[Drawn]) -> None:
    """All files of the image and of any folder are listed: regular files and the links that lead to one."""
    files = unpack([drawn.items for drawn in stack])
    tree, _ = image(stack)
    leading = {place for place in files if reached(files, place) == "file"}
    there = {place for place in leading if files[place].type in {b"0", b"2"}}
    assert tree.files() == tuple(sorted(f"/{place}" for place in there))
    for path in PATHS:
        if reached(files, path) != "folder":
            continue
        folder = resolve(files, path) or ""
        inside = [place for place in there if not folder or place.startswith(f"{folder}/")]
        shown = tree.files(path)
        assert len(shown) == len(inside), path
        assert {resolve(files, one) for one in shown} == {resolve(files, one) for one in inside}, path


@given(stack=stacks(), steps=st.lists(st.sampled_from(STEPS), min_size=4, max_size=4))
@promise(10)
def test_the_history_changes_nothing(stack: Sequence[Drawn], steps: Sequence[str]) -> None:
    """Whatever the history claims, the answer and the layers that are opened for it are the same."""
    one, _ = image(stack)
    other, _ = image([replace(drawn, step=step) for drawn, step in zip(stack, steps, strict=False)])
    for path in PATHS:
        ours, theirs = one.digests([path]), other.digests([path])
        assert ours.found == theirs.found, path
        assert [layer.digest for layer in ours.opened] == [layer.digest for layer in theirs.opened], path


LIMITS = Limits(entries=20, unpacked=64 * 1024, file=1024)
COMPRESSIONS: tuple[Callable[[bytes], bytes], ...] = (bytes, gzip.compress, zstandard.compress, lzma.compress)
FIELDS = (b"\0", b"\xff", b"\x80", b"0", b"7", b"x", b"g", b"L", b"K", b"S", b"1", b"5", b"../", b"size=9\n", b"-1")
"""What means something where it stands in a header."""


@st.composite
def damaged_layers(draw: st.DrawFn) -> bytes:
    """Layers that were damaged before they were compressed, and again afterwards."""
    content = tar([item for drawn in draw(stacks()) for item in drawn.items])
    changed = mutated(draw, bytearray(content))
    if draw(st.booleans()):
        seal(changed)
    compress: Callable[[bytes], bytes] = draw(st.sampled_from(COMPRESSIONS))
    return bytes(mutated(draw, bytearray(compress(bytes(changed)))))


def seal(data: bytearray) -> None:
    """Give every header its checksum, so that what it says is taken at its word."""
    for start in range(0, len(data) - 511, 512):
        if data[start + 257 : start + 262] == b"ustar":
            data[start + 148 : start + 156] = b" " * 8
            data[start + 148 : start + 156] = b"%06o\0 " % sum(data[start : start + 512])


def mutated(draw: st.DrawFn, data: bytearray) -> bytearray:
    """These bytes with a few changes: something put over them, cut out, repeated or cut off."""
    for _ in range(draw(st.integers(0, 3))):
        start, size = draw(st.integers(0, len(data))), draw(st.sampled_from((1, 8, 100, 512, 2048)))
        field = draw(st.one_of(st.sampled_from(FIELDS), st.binary(max_size=12)))
        match draw(st.sampled_from(("put", "put", "put", "cut", "repeat", "end"))):
            case "put":
                data[start : start + len(field)] = field
            case "cut":
                del data[start : start + size]
            case "repeat":
                data[start:start] = data[start : start + size] * 3
            case _:
                del data[start:]
    return data


@given(data=st.one_of(damaged_layers(), damaged_layers(), st.binary(max_size=4096)))
@promise(40)
def test_damage_is_only_ever_a_layer_error(data: bytes) -> None:
    """Whatever bytes a layer has: it is read or refused, nothing else is raised, and no limit is passed."""
    count = size = 0
    try:
        for entry in entries(io.BytesIO(data), limits=LIMITS):
            assert not entry.path.startswith("/")
            assert ".." not in entry.path.split("/")
            count += 1
            size += sum(len(chunk) for chunk in entry.chunks())
    except LayerError:
        pass
    assert count <= LIMITS.entries
    assert size <= LIMITS.unpacked
