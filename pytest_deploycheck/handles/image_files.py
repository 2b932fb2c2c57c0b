"""The files of an image, to be read and to be compared with those of the checkout."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from pytest_deploycheck.checkout.source_tree import source_tree
from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.image import Image, ImageConfig, Layer, Manifest, Platform, Reference
from pytest_deploycheck.facts.source import Compared
from pytest_deploycheck.handles.comparison import Comparison, carriers_of, diff_of, extra_in, in_state, state_of
from pytest_deploycheck.judge.wording import plural
from pytest_deploycheck.oci.files.decompression import Limits
from pytest_deploycheck.oci.files.layer import LayerError
from pytest_deploycheck.oci.files.paths import is_within, place_of
from pytest_deploycheck.oci.files.tree import ImageTree
from pytest_deploycheck.oci.files.windows import plain_path

T = TypeVar("T")

_FILES_IN_DIFF = 3

OpenLayer = Callable[[Reference, Layer], AbstractContextManager[BinaryIO]]
"""Opens a layer of an image in a repository, to be read from its start to its end."""


class ImageFiles(Struct):
    """The files of an image, for one platform.

    Attributes:
        image: The image.
        manifest: The manifest of the platform.
        config: Its configuration, or None where it could not be read.
        open_layer: Opens its layers.
        limits: The limits on what is read of a layer.
        root: The project's root, to which local paths are relative.
        platform: The platform that the index names for the manifest, or None where it names none.
        mounts: The paths in the container at which volumes are mounted.
        differences: The differences that tests have found so far, in words.
    """

    image: Image
    manifest: Manifest
    config: ImageConfig | None
    open_layer: OpenLayer
    limits: Limits
    root: Path
    platform: Platform | None = None
    mounts: tuple[str, ...] = ()
    differences: list[str] = field(default_factory=list)

    @property
    def platform_name(self) -> str:
        """The platform in words, such as `linux/arm64`."""
        platform = self.platform or (self.config.platform if self.config else None)
        return str(platform) if platform else "an unknown platform"

    def read_bytes(self, path: str) -> bytes:
        """Return the content of a file; links are followed inside the image.

        Raises:
            FileNotFoundError: The image does not have the file.
            IsADirectoryError: It is a folder.
            UnprovenError: A layer that is needed cannot be fetched, is damaged, or exceeds the limits.
        """
        place = self._place(path)
        return _proven(lambda: self._tree().read_bytes(place))

    def exists(self, path: str) -> bool:
        """Return True if there is a file, a folder, or a link that leads to one.

        Raises:
            UnprovenError: As `read_bytes`.
        """
        place = self._place(path)
        return _proven(lambda: self._tree().exists(place))

    def files(self, prefix: str) -> list[str]:
        """Return the files in a folder and below it: absolute paths, sorted.

        Raises:
            FileNotFoundError: The prefix does not exist in the image.
            UnprovenError: As `read_bytes`.
        """
        place = self._place(prefix)
        return list(_proven(lambda: self._tree().files(place)))

    def compare(self, local: str, place: str, exclude: Sequence[str] = ()) -> Compared:
        """Compare a local folder or file with its place in the image.

        Args:
            local: Its path, relative to the project's root.
            place: Its place in the image, an absolute path.
            exclude: Patterns of files to leave out, in the language of `.dockerignore`.

        Raises:
            OSError: The local path does not exist or cannot be read.
            ValueError: A pattern is malformed.
            LayerError: A layer is damaged, or exceeds the limits.
            BlobError: A layer cannot be fetched.
        """
        place = self._place(place)
        tree = source_tree(self.root, local, exclude=exclude)
        places = {file.path: _joined(place, file.path) for file in tree.files}
        mounts = [mount for mount in self.mounts if any(self._is_below(one, mount) for one in places.values())]
        hidden = [path for path, one in places.items() if any(self._is_below(one, mount) for mount in mounts)]
        for path in hidden:
            del places[path]
        digests = self._tree().digests(places.values(), folders=[place])
        states = {
            file.path: state_of(file.digest, digests.found[places[file.path]])
            for file in tree.files
            if file.path in places
        }
        missing = in_state(states, "missing")
        different = in_state(states, "different")
        return Compared(
            tree=tree,
            place=place,
            missing=missing,
            different=different,
            line_endings=in_state(states, "line endings"),
            extra=extra_in(digests, tree, place, exclude),
            carriers=carriers_of(
                digests,
                self.manifest,
                self.config,
                different=[places[path] for path in different],
                missing=[places[path] for path in missing],
            ),
            diff=self._diff(local, different, places),
            hidden=tuple(hidden),
            mounts=tuple(mounts),
        )

    def comparison(self, local: str, place: str, exclude: Sequence[str]) -> Comparison:
        """Compare as `compare` does, for a test: what cannot be known is unproven.

        Raises:
            OSError: The local path does not exist or cannot be read.
            UnprovenError: A layer cannot be fetched or opened, or no file is to be compared.
        """
        self._place(place)
        compared = _proven(lambda: self.compare(local, place, exclude))
        if not compared.tree.files:
            raise UnprovenError(f"unproven: {local} has no file to compare")
        if compared.is_held and compared.hidden:
            raise UnprovenError(
                f"unproven: a volume is mounted at {', '.join(compared.mounts)}, over "
                f"{plural(len(compared.hidden), 'file')} of {local}"
            )
        comparison = Comparison(compared)
        if not comparison:
            self.differences.append(comparison.explain())
        return comparison

    def _tree(self) -> ImageTree:
        def open_layer(layer: Layer) -> AbstractContextManager[BinaryIO]:
            return self.open_layer(self.image.reference, layer)

        return ImageTree(self.manifest.layers, open_layer, self.limits, is_windows=self._is_windows)

    @property
    def _is_windows(self) -> bool:
        platform = self.platform or (self.config.platform if self.config else None)
        return platform is not None and platform.os == "windows"

    def _place(self, path: str) -> str:
        """Return an absolute path of the image in the one form that its layers are searched by.

        Raises:
            ValueError: It is not an absolute path.
        """
        if self._is_windows:
            path = plain_path(path)
        # A relative path is ambiguous: the image's working directory need not be the one that a test expects.
        if not path.startswith("/"):
            forms = r"C:\app\main.py or /app/main.py" if self._is_windows else "/app/main.py"
            raise ValueError(f"expected an absolute path in the image, such as {forms}; found {path!r}")
        return path

    def _is_below(self, path: str, mount: str) -> bool:
        """Return True if a path of the image is the place at which a volume is mounted, or below it."""
        return is_within(place_of(path), place_of(plain_path(mount) if self._is_windows else mount))

    def _diff(self, local: str, different: Sequence[str], places: Mapping[str, str]) -> tuple[str, ...]:
        lines: list[str] = []
        for path in different[:_FILES_IN_DIFF]:
            ours = (self.root / local / path if path else self.root / local).read_bytes()
            try:
                theirs = self._tree().read_bytes(places[path])
            except LayerError:
                # Too large to be read into memory: that it differs is known all the same.
                theirs = None
            lines += diff_of(ours, theirs, local=path or local, place=places[path])
        return tuple(lines)


class OpenedImage(Struct, frozen=True):
    """The files of an image for each platform that tasks run it on.

    Attributes:
        platforms: The files for each of them; empty where it is not known which manifest runs.
        doubt: The reason why it is not known.
    """

    platforms: tuple[ImageFiles, ...] = ()
    doubt: str = ""

    def rooted(self, root: Path) -> OpenedImage:
        """Return the same files, to be compared with local paths below another root."""
        return replace(self, platforms=tuple(replace(files, root=root) for files in self.platforms))

    def agreed(self, what: str, look: Callable[[ImageFiles], T]) -> T:
        """Return the result that is the same on every platform.

        Args:
            what: The thing that is looked up, for the message.
            look: Looks it up on one platform.

        Raises:
            UnprovenError: The platforms differ, or it is not known which manifest runs.
            FileNotFoundError: As `look`, on every platform.
            IsADirectoryError: As `look`, on every platform.
        """
        if not self.platforms:
            raise UnprovenError(f"unproven: the image cannot be opened: {self.doubt}")
        results: list[T | OSError] = []
        for files in self.platforms:
            try:
                results.append(look(files))
            except (FileNotFoundError, IsADirectoryError) as error:
                results.append(error)
        first = results[0]
        if any(_kind(one) != _kind(first) for one in results):
            names = ", ".join(files.platform_name for files in self.platforms)
            raise UnprovenError(f"unproven: {what} differs between the platforms that tasks run: {names}")
        if isinstance(first, OSError):
            raise first
        return first

    def comparison(self, local: str, place: str, exclude: Sequence[str]) -> Comparison:
        """Compare a local folder or file with its place in the image, on every platform; the first difference counts.

        Raises:
            OSError: The local path does not exist or cannot be read.
            UnprovenError: A layer cannot be fetched or opened, or no file is to be compared.
        """
        if not self.platforms:
            raise UnprovenError(f"unproven: the image cannot be opened: {self.doubt}")
        comparisons = [files.comparison(local, place, exclude) for files in self.platforms]
        return next((one for one in comparisons if not one), comparisons[0])


def _kind(result: object) -> object:
    return type(result) if isinstance(result, OSError) else result


def _proven(look: Callable[[], T]) -> T:
    try:
        return look()
    except LayerError as error:
        raise UnprovenError(f"unproven: the image cannot be opened: {error}") from error


def _joined(place: str, path: str) -> str:
    return f"{place.rstrip('/')}/{path}" if path else place
