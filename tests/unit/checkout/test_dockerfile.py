from __future__ import annotations

from pathlib import Path

import pytest

from pytest_deploycheck.checkout.dockerfile import copied_folders


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        ("FROM python\nWORKDIR /srv\nCOPY app/ ./app/\n", {"app": "/srv/app"}),
        ("FROM python\nCOPY --chown=1 app lib /code/\n", {"app": "/code", "lib": "/code"}),
        ("FROM a AS build\nCOPY lib /x\nFROM b\nCOPY --from=build /x /x\nADD app \\\n  /app\n", {"app": "/app"}),
        ('FROM python\nCOPY ["app", "/srv/app"]\n', {"app": "/srv/app"}),
        ("FROM python\nCOPY setup.py missing /srv/\nCOPY . /srv\n", {}),
        ("FROM python\nCOPY 'app /srv\n", {}),
        ("", {}),
    ],
)
def test_the_places_of_folders_are_read_from_the_dockerfile(tmp_path: Path, text: str, folders: dict[str, str]) -> None:
    """Only what the last stage copies from the checkout counts, and only folders that are there."""
    for name in ("app", "lib"):
        (tmp_path / name).mkdir()
    (tmp_path / "Dockerfile").write_text(text, encoding="utf-8")
    assert copied_folders(tmp_path) == folders


def test_without_a_dockerfile_nothing_is_proposed(tmp_path: Path) -> None:
    """A project may build its image elsewhere."""
    assert copied_folders(tmp_path) == {}
