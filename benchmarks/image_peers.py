"""Other programs that open an image without Docker: `skopeo copy` with `tar` and `grep`, and `umoci unpack`."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from image_build import ABSENT, NEEDLE, PLACE, SOURCE
from image_registry import ImageWorld

# The manifest names the configuration first, and then the layers from the bottom up.
_TOP_DOWN = "$(grep -o 'sha256:[0-9a-f]*' \"$COPY/manifest.json\" | cut -d : -f 2 | tail -n +2 | tac)"


@dataclass(frozen=True)
class Peer:
    """A way to open an image.

    Attributes:
        name: What people call it, with the versions.
        opening: A command for the shell that makes the image a folder; `$IMAGE` and `$COPY` tell which, and where.
        questions: A command for each question, which prints the answer; `$ROOT` has the checkout.
    """

    name: str
    opening: str
    questions: Mapping[str, str]

    def environ(self, world: ImageWorld, folder: Path) -> dict[str, str]:
        """The variables that the commands need."""
        return {"IMAGE": f"docker://{world.reference}", "COPY": str(folder), "ROOT": str(world.root)}


@cache
def peers() -> tuple[Peer, ...]:
    """Those that are installed."""
    return tuple(peer for peer in (_tar(), _umoci()) if peer)


def not_installed() -> str:
    """A sentence about those that are not, or an empty text."""
    return "".join(f"\n  {program}: not installed" for program in ("skopeo", "umoci") if not shutil.which(program))


def _tar() -> Peer | None:
    """A copy of the blobs, searched from the uppermost layer down."""
    if not shutil.which("skopeo"):
        return None
    needle, place, absent = (shlex.quote(path.strip("/")) for path in (NEEDLE, PLACE, ABSENT))
    each = f"for layer in {_TOP_DOWN}; do"
    out = "$COPY/out"
    return Peer(
        f"skopeo copy ({_version('skopeo')}) + tar",
        _copy("dir:$COPY"),
        {
            "read": f'{each} tar -xzOf "$COPY/$layer" {needle} 2>/dev/null && break; done | wc -c',
            "compare": f'mkdir "{out}"; {each} tar -xzf "$COPY/$layer" -C "{out}" {place} 2>/dev/null && break; '
            f'done; diff -r "$ROOT/{SOURCE}" "{out}/{place}" >/dev/null && echo equal',
            "exists": f'{each} tar -tzf "$COPY/$layer"; done | grep -qFx {absent} || echo absent',
        },
    )


def _umoci() -> Peer | None:
    """The whole root file system."""
    if not shutil.which("skopeo") or not shutil.which("umoci"):
        return None
    root = "$COPY/bundle/rootfs"
    return Peer(
        f"skopeo copy + umoci unpack ({_version('umoci')})",
        f'{_copy("oci:$COPY/oci:1")} && umoci unpack --image "$COPY/oci:1" "$COPY/bundle"',
        {
            "read": f'wc -c <"{root}{NEEDLE}"',
            "compare": f'diff -r "$ROOT/{SOURCE}" "{root}{PLACE}" >/dev/null && echo equal',
            "exists": f'test -e "{root}{ABSENT}" || echo absent',
        },
    )


def _copy(target: str) -> str:
    return f'skopeo --insecure-policy copy --quiet --src-tls-verify=false "$IMAGE" "{target}"'


def _version(program: str) -> str:
    said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True, timeout=30)
    found = re.search(r"\d[\w.]*", said.stdout)
    return found[0] if found else "of no known version"
