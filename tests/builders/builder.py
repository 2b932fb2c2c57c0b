"""Images built and pushed by the tools that people build them with: buildah and skopeo."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SECONDS = 60
"""How long a command may take."""


class ToolError(Exception):
    """A tool could not do what it was asked; the message is what it said."""


@dataclass(frozen=True)
class Builder:
    """A builder with a storage, and so a layer cache, of its own.

    Attributes:
        folder: Where all of it is.
        host: The registry that images are pushed to.
    """

    folder: Path
    host: str

    def buildah(self, command: str, *arguments: str) -> str:
        """Run a command of buildah; returns all that it said."""
        storage = ["--root", str(self.folder / "root"), "--runroot", str(self.folder / "runroot")]
        return self._run("buildah", "--storage-driver", "vfs", *storage, command, *arguments)

    def build(self, tag: str, context: Path, dockerfile: str, *, image_format: str = "oci", cache: bool = True) -> str:
        """Build an image, with the layer cache or without, and push it; returns what the build said."""
        said = self.make(tag, context, dockerfile, "--layers" if cache else "--no-cache", "--format", image_format)
        self.push(tag, image_format)
        return said

    def make(self, tag: str, context: Path, dockerfile: str, *options: str) -> str:
        """Build an image, or with `--manifest` an image of a list, and keep it; returns what the build said."""
        file = self.folder / "Dockerfile"
        file.write_text(dockerfile)
        name = () if "--manifest" in options else ("--tag", tag)
        return self.buildah("build", "--isolation", "chroot", *options, *name, "--file", str(file), str(context))

    def push(self, tag: str, image_format: str = "oci") -> None:
        """Push an image."""
        kind = {"oci": "oci", "docker": "v2s2"}[image_format]
        self.buildah("push", "--tls-verify=false", "--format", kind, tag, self.address(tag))

    def push_list(self, tag: str) -> None:
        """Push a manifest list with its images."""
        self.buildah("manifest", "push", "--all", "--tls-verify=false", tag, self.address(tag))

    def compress(self, tag: str, to: str, algorithm: str) -> None:
        """Copy an image within the registry, with its layers compressed in another way."""
        folder = f"dir:{self.folder / to}"
        # A layer that the registry is known to have would be taken as it is there: so they are unpacked first, and
        # then pushed to it by another name.
        self._run("skopeo", "copy", "--src-tls-verify=false", "--dest-decompress", self.address(tag), folder)
        compressed = ("--dest-compress-format", algorithm)
        self._run(
            "skopeo",
            "copy",
            "--dest-tls-verify=false",
            *compressed,
            folder,
            self.address(to).replace("127.0.0.1", "localhost"),
        )

    @contextmanager
    def mounted(self, tag: str, *, commit: str = "") -> Iterator[Path]:
        """The files of an image as a container has them; what is done to them may become another image."""
        container = self.buildah("from", "--pull-never", tag).split()[-1]
        try:
            yield Path(self.buildah("mount", container).split()[-1])
            self.buildah("umount", container)
            if commit:
                self.buildah("commit", container, commit)
        finally:
            self.buildah("rm", container)

    def address(self, tag: str) -> str:
        """An image in the registry, as the tools name it."""
        return f"docker://{self.host}/team/app:{tag}"

    def _run(self, *command: str) -> str:
        # What is configured for the user, such as credentials and mirrors, is none of a test's.
        home = {name: str(self.folder) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "TMPDIR")}
        outside = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        done = subprocess.run(
            command,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            env={**outside, **home},
        )
        if done.returncode:
            raise ToolError(f"{' '.join(command)}: {done.stdout}")
        return done.stdout


def why_not(folder: Path) -> str:
    """The reason why nothing can be built on this machine, or an empty text."""
    missing = [program for program in ("buildah", "skopeo") if shutil.which(program) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    context = folder / "context"
    context.mkdir()
    (context / "file").touch()
    try:
        Builder(folder, "").make("probe", context, "FROM scratch\nCOPY file /file\n")
    except ToolError as error:
        return f"buildah cannot build here: {str(error).strip().splitlines()[-1]}"
    return ""
