"""The environments of a run by their names and patterns."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_deploycheck.config import loading
from pytest_deploycheck.errors import ConfigurationError

CONFIGURATION = "[env.prod-eu]\n[env.prod-us]\n[env.dev]\n"


def names(folder: Path, text: str, configuration: str = CONFIGURATION) -> list[str]:
    """Return the names of the environments that a text names."""
    (folder / "deploycheck.toml").write_text(configuration, encoding="utf-8")
    return [one.name for one in loading.environments(loading.find([folder]), text, {})]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("dev", ["dev"]),
        ("dev,prod-us", ["dev", "prod-us"]),
        (" dev , prod-us ", ["dev", "prod-us"]),
        ("prod-*", ["prod-eu", "prod-us"]),
        ("prod-u?,prod-*", ["prod-us", "prod-eu"]),
        ("prod-[e]*", ["prod-eu"]),
        ("dev,dev", ["dev"]),
        ("*", ["prod-eu", "prod-us", "dev"]),
        ("sandbox", ["sandbox"]),
    ],
)
def test_names_and_patterns(tmp_path: Path, text: str, found: list[str]) -> None:
    """Each environment is there once, in the order of the text; patterns match configured names alone."""
    assert names(tmp_path, text) == found


def test_a_name_with_special_characters(tmp_path: Path) -> None:
    """A configured name is a name before it is a list or a pattern."""
    assert names(tmp_path, "a,b", '[env."a,b"]\n[env.a]\n[env.b]') == ["a,b"]
    assert names(tmp_path, "x*", '[env."x*"]\n[env.xy]') == ["x*"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stage-*", "no environment matches 'stage-*'. There are: prod-eu, prod-us, dev"),
        ("dev,prod-uk", "no environment 'prod-uk'; did you mean 'prod-us'?"),
        ("dev,", "found 'dev,' for the environments, in which a name is empty"),
        ("dev, ,prod-us", "in which a name is empty"),
        ("dev,sandbox", "'sandbox' is built in, and cannot be verified beside others"),
    ],
)
def test_what_there_is_not(tmp_path: Path, text: str, message: str) -> None:
    """The message lists what there is."""
    with pytest.raises(ConfigurationError) as caught:
        names(tmp_path, text)
    assert message in caught.value.message


def test_a_pattern_without_a_configuration(tmp_path: Path) -> None:
    """Nothing matches where there is no file."""
    with pytest.raises(ConfigurationError, match="no environment matches"):
        loading.environments(loading.find([tmp_path]), "prod-*")
