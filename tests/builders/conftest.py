"""The fixtures of the tests with real tools."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders.builder import Builder, why_not
from builders.registry import PushedTo, serving
from pytest_deploycheck.config.settings import EnvironmentSettings
from pytest_deploycheck.handles.image_files import ImageFiles
from pytest_deploycheck.observe.images.contents import Contents
from pytest_deploycheck.observe.session import Session
from pytest_deploycheck.oci import reference as oci
from pytest_deploycheck.oci.files.decompression import DEFAULT_LIMITS
from pytest_deploycheck.sandbox import Sandbox


@dataclass(frozen=True)
class Bench:
    """A builder, a registry that it pushes to, and a checkout beside them.

    Attributes:
        builder: The builder, with nothing in its cache at first.
        registry: The registry.
        checkout: The folder with the source.
    """

    builder: Builder
    registry: PushedTo
    checkout: Path


@dataclass(frozen=True)
class Room(Bench):
    """A bench whose checkout is the current folder, and what opens the images of its registry.

    Attributes:
        contents: What opens images in a verification; nothing is downloaded yet.
    """

    contents: Contents

    def uri(self, tag: str) -> str:
        """An image of the registry by its digest."""
        return f"{self.registry.host}/team/app@{self.open(tag).image.digest}"

    def open(self, tag: str, architecture: str = "amd64") -> ImageFiles:
        """Open an image of the registry, of an index the one for an architecture, as a verification does."""
        reference = oci.parse(f"{self.registry.host}/team/app:{tag}")
        found = self.contents.look_up(reference).image
        assert found
        assert found.manifest
        manifest = found.manifest
        if manifest.is_index:
            by_architecture = {one.platform.architecture: one.digest for one in manifest.children if one.platform}
            manifest = self.contents.manifest(reference, by_architecture[architecture])
        image = self.contents.describe(replace(found, manifest=manifest))
        assert image.manifest
        config = image.config_of(image.manifest)
        assert config
        return ImageFiles(image, image.manifest, config, self.contents.open_layer, DEFAULT_LIMITS, self.checkout)


@pytest.fixture(scope="session")
def obstacle(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return why images cannot be built here, or an empty text."""
    return why_not(tmp_path_factory.mktemp("probe"))


@contextmanager
def set_up(place: Path) -> Iterator[Bench]:
    """Set up a bench in a folder."""
    folder, checkout = place / "builder", place / "checkout"
    folder.mkdir()
    checkout.mkdir()
    with serving() as registry:
        yield Bench(Builder(folder, registry.host), registry, checkout)


@pytest.fixture(scope="module")
def benches(obstacle: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Bench]]:
    """Return the bench of a name, on which several tests look at one build; without the tools they are skipped."""
    if obstacle:
        pytest.skip(obstacle)
    with ExitStack() as stack:
        yield cache(lambda name: stack.enter_context(set_up(tmp_path_factory.mktemp(name))))


@pytest.fixture
def enter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Bench], Room]:
    """Return what makes the checkout of a bench the current folder."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    def entered(bench: Bench) -> Room:
        monkeypatch.chdir(bench.checkout)
        session = Session(EnvironmentSettings(name="dev", region="us-east-1"))
        return Room(bench.builder, bench.registry, bench.checkout, Contents(session, tmp_path / "blobs"))

    return entered


@pytest.fixture
def room(obstacle: str, tmp_path: Path, enter: Callable[[Bench], Room]) -> Iterator[Room]:
    """Return a builder and a registry of the test's own; without the tools the test is skipped."""
    if obstacle:
        pytest.skip(obstacle)
    with set_up(tmp_path) as bench:
        yield enter(bench)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Return a sandbox that this process's variables lead to."""
    with Sandbox() as sandbox:
        for name, value in sandbox.environ.items():
            monkeypatch.setenv(name, value)
        yield sandbox
