"""Questions about an image, each in a process of its own: image_client.py read|compare|exists IMAGE CACHE ROOT."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from image_build import ABSENT, NEEDLE, PLACE, SOURCE

from pytest_deploycheck.config.settings import EnvironmentSettings
from pytest_deploycheck.handles.image_files import ImageFiles
from pytest_deploycheck.observe.images.contents import Contents
from pytest_deploycheck.observe.session import Session
from pytest_deploycheck.oci import reference as oci
from pytest_deploycheck.oci.files.decompression import DEFAULT_LIMITS


def ask(question: str, reference: str, cache: Path, root: Path) -> None:
    """Ask as a test does, and print the answer and the seconds that it took, without the start of the interpreter."""
    start = time.perf_counter()
    contents = Contents(Session(EnvironmentSettings(name="bench", region="us-east-1")), cache)
    found = contents.look_up(oci.parse(reference)).image
    assert found  # noqa: S101  # the registry has it
    image = contents.describe(found)
    assert image.manifest  # noqa: S101  # as above
    config = image.config_of(image.manifest)
    files = ImageFiles(image, image.manifest, config, contents.open_layer, DEFAULT_LIMITS, root)
    if question == "read":
        answer = str(len(files.read_bytes(NEEDLE)))
    elif question == "compare":
        answer = "equal" if files.comparison(SOURCE, PLACE, ()) else "different"
    else:
        answer = "there" if files.exists(ABSENT) else "absent"
    print(time.perf_counter() - start, answer)


if __name__ == "__main__":
    ask(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
