"""The output of a build: which steps it had, which of them came from the cache, and the digest it ended with."""

from __future__ import annotations

from pytest_deploycheck.facts.build import BuildLog
from pytest_deploycheck.oci.builds.classic import Classic
from pytest_deploycheck.oci.builds.digests import ImageDigests
from pytest_deploycheck.oci.builds.kaniko import STARTS, Kaniko
from pytest_deploycheck.oci.builds.lines import lines_of
from pytest_deploycheck.oci.builds.other_output import kind_of
from pytest_deploycheck.oci.builds.plain import Plain
from pytest_deploycheck.oci.builds.rawjson import RawJson
from pytest_deploycheck.oci.builds.screen import Screen

BUILDKIT = "buildkit"
CLASSIC = "classic"
KANIKO = "kaniko"


def parse_build_log(text: str) -> BuildLog:
    """Read the output of `docker build`, `docker buildx build`, `docker compose build`, buildah, podman or kaniko.

    BuildKit's output is read in its three forms: plain, as drawn on a terminal, and JSON. The prefixes of continuous
    integration make no difference. The builder's own steps, such as `[internal] load build context`, and lines that
    are not instructions are left out.

    Each step of each platform, and of each build in the log, is a step of its own: one that came from the cache for
    one platform and ran for another is there twice, with the platform in its number. In plain output and JSON the
    first result of a step counts: one that ran and is then found in the cache did run, and one from the cache is still
    from there when its layer is fetched later. On a terminal it is the state drawn last. A step without a result, such
    as one that failed, is not from the cache.

    The digest is the one that was pushed, else that of the manifest list, else that of the manifest, else the image's
    id, which is the digest of its configuration. Where a log has several of a kind, it does not show which is expected,
    and the digest is None.

    Args:
        text: The log. Lines may end in any way, and may be cut.

    Raises:
        ValueError: No part of the text is a build log.
    """
    plain, screen, rawjson, classic, kaniko = Plain(), Screen(), RawJson(), Classic(), Kaniko()
    digests = ImageDigests()
    for line in lines_of(text):
        if line.startswith("#"):
            digests.read(plain.read(line))
        elif line.startswith(("=>", "[+]")):
            digests.read(screen.read(line))
        elif line.startswith("{"):
            for export in (*rawjson.read(line), kaniko.read(line)):
                digests.read(export)
        elif line.startswith(STARTS):
            digests.read(kaniko.read(line))
        else:
            classic.read(line)
            digests.read(line)
    of_buildkit = [reader for reader in (plain, screen, rawjson) if reader.is_seen]
    if of_buildkit:
        builder, steps = BUILDKIT, [step for reader in of_buildkit for step in reader.steps]
    elif classic.steps:
        builder, steps = CLASSIC, classic.steps
    elif kaniko.steps:
        builder, steps = KANIKO, kaniko.steps
    else:
        raise ValueError(_refusal(text))
    return BuildLog(builder, tuple(step.fact() for step in steps), digests.best())


def _refusal(text: str) -> str:
    kind = kind_of(text)
    found = f"this looks like {kind}, which holds no build steps" if kind else "no output of docker build was found"
    return (
        f"{found}: expected lines such as '#7 [4/6] COPY app/ ./app/' or 'Step 4/6 : COPY app/ ./app/', which docker"
        " writes to the standard error (2>&1 saves them too)"
    )
