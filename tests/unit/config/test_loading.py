from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from pytest_deploycheck.config import loading
from pytest_deploycheck.config.settings import (
    EnvironmentSettings,
    Expectation,
    Pattern,
    ServiceSettings,
)
from pytest_deploycheck.errors import ConfigurationError

Load: TypeAlias = Callable[..., EnvironmentSettings]
Refuse: TypeAlias = Callable[..., list[str]]

EXAMPLE = r"""
[defaults]
cluster = "content-marketing-swarm-{env}-cluster"

[env.dev]
region = "us-east-1"
profile = "dev"
base_url = "https://{env}.example.com"

[env.dev.services.backend]
service = "content-marketing-swarm-{env}-backend-service"
container = "app"
image = "content-marketing-swarm-{env}-backend:2025.11.26-1"

[[env.dev.services.backend.logs]]
expect = "Found 3 platform sections"
[[env.dev.services.backend.logs]]
expect_regex = "Parsed content item #\\d+"
count = 3
tasks = "all"
[[env.dev.services.backend.logs]]
sequence = ["Requested platforms: ['linkedin', 'twitter', 'pitch_deck']", "Found 3 platform sections"]
within = "service"
[[env.dev.services.backend.logs]]
forbid = "platform='linkedin'"
[[env.dev.services.backend.logs]]
forbid_regex = "Traceback|ERROR"
"""


def _error(explicit_or_rootdir: Path, *, explicit: bool = False) -> str:
    with pytest.raises(ConfigurationError) as caught:
        loading.find(
            [explicit_or_rootdir.parent if explicit else explicit_or_rootdir],
            explicit_or_rootdir if explicit else None,
        )
    return caught.value.message


def test_example_loads(load: Load) -> None:
    """The whole example becomes settings: defaults merged, placeholders filled, expectations in their order."""
    assert load(EXAMPLE) == EnvironmentSettings(
        name="dev",
        cluster="content-marketing-swarm-dev-cluster",
        region="us-east-1",
        profile="dev",
        base_url="https://dev.example.com",
        services={
            "backend": ServiceSettings(
                name="backend",
                service="content-marketing-swarm-dev-backend-service",
                container="app",
                image="content-marketing-swarm-dev-backend:2025.11.26-1",
                logs=(
                    Expectation("expect", (Pattern("Found 3 platform sections"),)),
                    Expectation("expect", (Pattern(r"Parsed content item #\d+", regex=True),), count=3, tasks="all"),
                    Expectation(
                        "sequence",
                        (
                            Pattern("Requested platforms: ['linkedin', 'twitter', 'pitch_deck']"),
                            Pattern("Found 3 platform sections"),
                        ),
                        within="service",
                    ),
                    Expectation("forbid", (Pattern("platform='linkedin'"),)),
                    Expectation("forbid", (Pattern("Traceback|ERROR", regex=True),)),
                ),
            )
        },
    )


def test_every_setting_arrives(load: Load) -> None:
    """Each plain setting has `{env}` filled and lands in the field of its name."""
    keys = ["cluster", "region", "profile", "role_arn", "external_id", "endpoint_url", "base_url"]
    settings = load("[env.dev]\n" + "".join(f"{key} = '{key}-{{env}}-{{env}}'\n" for key in keys))
    assert {key: getattr(settings, key) for key in keys} == {key: f"{key}-dev-dev" for key in keys}


def test_empty_environment_has_the_defaults_of_the_product(load: Load) -> None:
    """Nothing is required: an empty table is the cluster `default`, the four links, no services."""
    assert load("[env.dev]") == EnvironmentSettings(name="dev")


def test_service_is_named_like_its_table(load: Load) -> None:
    """Without `service` the ECS service has the table's name."""
    assert load("[env.dev.services.backend]").services == {"backend": ServiceSettings("backend", "backend")}


def test_integral_float_counts_as_integer(load: Load) -> None:
    """`count = 3.0`, an integer to JSON Schema, arrives as one."""
    (entry,) = load("[[env.dev.services.a.logs]]\nexpect = 'x'\ncount = 3.0").services["a"].logs
    assert type(entry.count) is int


def test_services_keep_the_order_of_the_file(load: Load) -> None:
    """Services come in the file's order, not the alphabet's."""
    settings = load("".join(f"[env.dev.services.{name}]\n" for name in ("web", "api", "worker", "cron")))
    assert list(settings.services) == ["web", "api", "worker", "cron"]


def test_tables_merge_and_arrays_and_values_replace(load: Load) -> None:
    """Defaults merge table by table; an array or a value of the environment replaces the default's."""
    settings = load(
        """
        [defaults]
        cluster = "all"
        region = "us-east-1"
        require = ["image", "rollout"]
        [defaults.services.backend]
        service = "{env}-backend"
        container = "app"
        [[defaults.services.backend.logs]]
        expect = "default"
        [[defaults.services.backend.logs]]
        expect = "default too"
        [defaults.services.worker]
        [env.dev]
        region = "eu-west-1"
        require = ["tasks"]
        [env.dev.services.backend]
        container = "main"
        [[env.dev.services.backend.logs]]
        expect = "own"
        [env.dev.services.cron]
        """
    )
    assert (settings.cluster, settings.region, settings.require) == ("all", "eu-west-1", ("tasks",))
    assert list(settings.services) == ["backend", "worker", "cron"]
    assert settings.services["backend"] == ServiceSettings(
        "backend", "dev-backend", container="main", logs=(Expectation("expect", (Pattern("own"),)),)
    )


def test_environments_do_not_see_each_other(load: Load) -> None:
    """The settings of one environment are not in another."""
    toml = "[env.dev]\nregion = 'a'\n[env.dev.services.x]\n[env.prod]"
    assert load(toml, "prod") == EnvironmentSettings(name="prod")


def test_unknown_environment(refuse: Refuse) -> None:
    """An unknown environment: the file, the nearest name, and those there are."""
    assert refuse("[env.dev]\n[env.prod]", "production") == [
        "deploycheck.toml: no environment 'production'; did you mean 'prod'? There are: dev, prod, sandbox"
    ]


def test_unknown_environment_in_pyproject(tmp_path: Path) -> None:
    """In pyproject.toml the table that was looked in is named too."""
    (tmp_path / "pyproject.toml").write_text("[tool.deploycheck]")
    with pytest.raises(ConfigurationError, match=r"^pyproject\.toml \[tool\.deploycheck\]: no environment 'dev'"):
        loading.environments(loading.find([tmp_path], None), "dev")


def test_sandbox_without_its_table(refuse: Refuse) -> None:
    """If no built-in table is given, the sandbox is an environment like any other."""
    assert refuse("[env.dev]", "sandbox") == ["deploycheck.toml: no environment 'sandbox'. There are: dev"]
    assert refuse("", "sandbox") == ["deploycheck.toml: no environment 'sandbox'. There are none"]


def test_no_file_says_where_it_looked_and_how_to_start() -> None:
    """Without a file: the two places, and a file to start with that is valid."""
    with pytest.raises(ConfigurationError) as caught:
        loading.environments(None, "eu.prod", builtin={})
    assert "deploycheck.toml" in caught.value.message
    assert "pyproject.toml with [tool.deploycheck]" in caught.value.message
    example = caught.value.remedy.partition("\n\n")[2]
    file = loading.ConfigurationFile(Path("deploycheck.toml"), "deploycheck.toml", tomllib.loads(example))
    assert loading.environments(file, "eu.prod")[0].services["backend"].logs


def test_sandbox_needs_no_file() -> None:
    """The built-in environment is there without a file, in the same shape as one of a file."""
    settings = loading.environments(None, "sandbox", builtin={"cluster": "c-{env}", "services": {"backend": {}}})[0]
    assert settings == EnvironmentSettings(
        name="sandbox", cluster="c-sandbox", services={"backend": ServiceSettings("backend", "backend")}
    )


def test_builtin_is_the_sandbox_only(tmp_path: Path) -> None:
    """The built-in table is for no other name."""
    (tmp_path / "deploycheck.toml").write_text("[env.dev]")
    with pytest.raises(ConfigurationError, match="no environment 'stage'"):
        loading.environments(loading.find([tmp_path], None), "stage", builtin={"cluster": "c"})


def test_builtin_sandbox_does_not_take_the_defaults(tmp_path: Path) -> None:
    """The file's defaults are not expected for the built-in environment."""
    (tmp_path / "deploycheck.toml").write_text("[defaults]\nregion = 'eu-west-1'\nprofile = 'p'\n[env.dev]")
    settings = loading.environments(loading.find([tmp_path], None), "sandbox", builtin={"cluster": "c"})[0]
    assert settings == EnvironmentSettings(name="sandbox", cluster="c")


def test_sandbox_of_the_file_wins_entirely(tmp_path: Path) -> None:
    """A file's own [env.sandbox] is used instead of the built-in one, with the file's defaults."""
    (tmp_path / "deploycheck.toml").write_text("[defaults]\nregion = 'eu-west-1'\n[env.sandbox]\nprofile = 'p'")
    settings = loading.environments(loading.find([tmp_path], None), "sandbox", builtin={"cluster": "c"})[0]
    assert settings == EnvironmentSettings(name="sandbox", region="eu-west-1", profile="p")


def test_builtin_is_validated() -> None:
    """A mistake in the built-in table is found by the same rules."""
    with pytest.raises(ConfigurationError, match=r"^built-in environment: env\.sandbox\.clutser: unknown key"):
        loading.environments(None, "sandbox", builtin={"clutser": "c"})


def test_file_must_be_valid_for_the_sandbox_too(tmp_path: Path) -> None:
    """A file with mistakes is refused whatever environment is asked for."""
    (tmp_path / "deploycheck.toml").write_text("[env.dev]\nregion = 1")
    with pytest.raises(ConfigurationError, match=r"env\.dev\.region"):
        loading.environments(loading.find([tmp_path], None), "sandbox", builtin={})


def test_nothing_to_find(tmp_path: Path) -> None:
    """Without either file, or with a pyproject.toml that says nothing, nothing is found."""
    assert loading.find([tmp_path], None) is None
    for text in ("[project]\nname = 'x'", "[tool.other]", "tool = 3"):
        (tmp_path / "pyproject.toml").write_text(text)
        assert loading.find([tmp_path], None) is None


def test_own_file_comes_before_pyproject(tmp_path: Path) -> None:
    """deploycheck.toml is taken first, then [tool.deploycheck]."""
    (tmp_path / "pyproject.toml").write_text("[tool.deploycheck.env.dev]\nregion = 'from-pyproject'")
    found = loading.find([tmp_path], None)
    assert loading.environments(found, "dev")[0].region == "from-pyproject"
    assert str(found) == "pyproject.toml [tool.deploycheck]"
    (tmp_path / "deploycheck.toml").write_text("[env.dev]\nregion = 'from-own'")
    found = loading.find([tmp_path], None)
    assert loading.environments(found, "dev")[0].region == "from-own"
    assert str(found) == "deploycheck.toml"


def test_explicit_file(tmp_path: Path) -> None:
    """A file given is taken before any other, by whatever name, and errors name it as given."""
    (tmp_path / "deploycheck.toml").write_text("[env.dev]\nregion = 'wrong'")
    other = tmp_path / "ci" / "other.toml"
    other.parent.mkdir()
    other.write_text("[env.dev]\nregion = 'right'")
    found = loading.find([tmp_path], other)
    assert found is not None
    assert found.path == other
    assert loading.environments(found, "dev")[0].region == "right"
    other.write_text("[env.dev]\nregion = 1")
    with pytest.raises(ConfigurationError) as caught:
        loading.environments(loading.find([tmp_path], other), "dev")
    assert caught.value.message.startswith(f"{other}: env.dev.region: ")


def test_explicit_pyproject(tmp_path: Path) -> None:
    """A pyproject.toml given is read at its [tool.deploycheck]."""
    (tmp_path / "deploycheck.toml").write_text("[env.dev]\nregion = 'wrong'")
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text("[tool.deploycheck.env.dev]\nregion = 'right'")
    assert loading.environments(loading.find([tmp_path], pyproject), "dev")[0].region == "right"


def test_explicit_pyproject_without_the_table(tmp_path: Path) -> None:
    """A pyproject.toml given without [tool.deploycheck] is an error, not silence."""
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text("[tool.other]")
    message = _error(pyproject, explicit=True)
    assert str(pyproject) in message
    assert "has no table [tool.deploycheck]" in message


def test_explicit_file_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file given that does not exist: what was given and where that is."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        loading.find([tmp_path], Path("ci/deploy.toml"))
    assert caught.value.message.startswith(f"{Path('ci/deploy.toml')}: no such configuration file")
    assert str(tmp_path / "ci" / "deploy.toml") in caught.value.message


@pytest.mark.parametrize("name", ["deploycheck.toml", "pyproject.toml"])
def test_toml_that_does_not_parse(tmp_path: Path, name: str) -> None:
    """The file, tomllib's words, line and column."""
    (tmp_path / name).write_text("[env.dev]\nregion 'x'\n")
    assert _error(tmp_path) == (
        f"{name}: not valid TOML: Expected '=' after a key in a key/value pair (at line 2, column 8)"
    )


@pytest.mark.parametrize("text", ['x = "\\d+"', 'x = "\\uzzzz"'])
def test_a_backslash_is_explained(tmp_path: Path, text: str) -> None:
    """A pattern between double quotes is the usual mistake: the message shows both ways to write a backslash."""
    (tmp_path / "deploycheck.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as error:
        loading.find([tmp_path])
    assert r"'item #\d+'" in error.value.remedy
    assert r'"item #\\d+"' in error.value.remedy


def test_number_of_too_many_digits(tmp_path: Path) -> None:
    """A number that Python refuses to read is a configuration error too."""
    (tmp_path / "deploycheck.toml").write_text(f"x = {'9' * 5000}")
    assert _error(tmp_path).startswith("deploycheck.toml: not valid TOML: ")


def test_file_that_is_not_utf8(tmp_path: Path) -> None:
    """TOML is UTF-8; where it is not, the byte is named."""
    (tmp_path / "deploycheck.toml").write_bytes(b"# caf\xe9\n")
    message = _error(tmp_path)
    assert message.startswith("deploycheck.toml: not UTF-8")
    assert "byte 5" in message


def test_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    """A file saved with a byte order mark loads."""
    (tmp_path / "deploycheck.toml").write_bytes(b"\xef\xbb\xbf[env.dev]\r\nregion = 'x'\r\n")
    assert loading.environments(loading.find([tmp_path], None), "dev")[0].region == "x"


@pytest.mark.parametrize("explicit", [True, False])
def test_directory(tmp_path: Path, *, explicit: bool) -> None:
    """A directory in the place of the file is said to be one."""
    directory = tmp_path / "deploycheck.toml"
    directory.mkdir()
    message = _error(directory if explicit else tmp_path, explicit=explicit)
    assert "deploycheck.toml: found a directory; allowed: a TOML file" in message


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be read: the system's words."""
    file = tmp_path / "deploycheck.toml"
    file.write_text("")

    def denied(_self: Path) -> bytes:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "read_bytes", denied)
    assert _error(tmp_path) == f"deploycheck.toml: cannot be read: {os.strerror(13)}"


def test_found_file_is_plain_data(tmp_path: Path) -> None:
    """Finding a file parses it and does not validate it."""
    (tmp_path / "deploycheck.toml").write_text("anything = 1")
    found = loading.find([tmp_path], None)
    assert found is not None
    assert found.content == {"anything": 1}
