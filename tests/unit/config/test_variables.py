from __future__ import annotations

import pytest

from unit.config.conftest import Load, Refuse


def test_a_variable_is_filled_in(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """`${NAME}` stands for the variable of that name, anywhere in a text."""
    monkeypatch.setenv("TEAM", "shop")
    assert load('[env.dev]\ncluster = "${TEAM}-{env}"\n').cluster == "shop-dev"


def test_texts_in_arrays_and_nested_tables_are_filled(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every text of the environment may name a variable, a path of `source` included."""
    monkeypatch.setenv("HOME_IN_IMAGE", "/srv")
    toml = """
[env.dev.services.api]
alarms = ["${HOME_IN_IMAGE}-5xx"]
source = { "app" = "${HOME_IN_IMAGE}/app" }
"""
    service = load(toml).services["api"]
    assert service.alarms == ("/srv-5xx",)
    assert service.source == {"app": "/srv/app"}


@pytest.mark.parametrize("value", [None, ""])
def test_a_default_stands_for_a_variable_without_a_value(
    load: Load, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    """An empty variable counts as unset, as elsewhere."""
    monkeypatch.delenv("TEAM", raising=False)
    if value is not None:
        monkeypatch.setenv("TEAM", value)
    assert load('[env.dev]\ncluster = "${TEAM:-shop}"\n').cluster == "shop"


def test_a_default_may_be_empty(load: Load) -> None:
    """`${NAME:-}` adds nothing where the variable is not set."""
    assert load('[env.dev]\ncluster = "shop${SUFFIX_THAT_IS_NOT_SET:-}"\n').cluster == "shop"


def test_a_missing_variable_is_refused(refuse: Refuse) -> None:
    """The message names the key and the variable."""
    lines = refuse('[env.dev.services.api]\nimage = "api:${RELEASE_THAT_IS_NOT_SET}"\n')
    assert lines == ["env.dev.services.api.image: the environment variable RELEASE_THAT_IS_NOT_SET is not set"]


def test_an_empty_variable_is_refused_as_empty(refuse: Refuse, monkeypatch: pytest.MonkeyPatch) -> None:
    """An earlier CI step without output leaves an empty variable, and the message says so."""
    monkeypatch.setenv("RELEASE", "")
    assert refuse('[env.dev]\ncluster = "${RELEASE}"\n') == [
        "env.dev.cluster: the environment variable RELEASE is empty"
    ]


def test_other_environments_may_name_missing_variables(load: Load) -> None:
    """Only the selected environment needs its variables."""
    assert load('[env.dev]\n[env.prod]\ncluster = "${ONLY_IN_PROD}"\n').cluster == "default"


def test_a_doubled_dollar_is_a_literal_one(load: Load) -> None:
    """`$${` is the text `${`."""
    assert load('[env.dev]\ncluster = "a$${B}"\n').cluster == "a${B}"


def test_patterns_of_logs_stay_as_written(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log line may hold `${NAME}` itself."""
    monkeypatch.setenv("TEAM", "shop")
    toml = '[env.dev.services.api]\n[[env.dev.services.api.logs]]\nexpect = "${TEAM}"\n'
    (expectation,) = load(toml).services["api"].logs
    assert expectation.patterns[0].text == "${TEAM}"


def test_the_value_of_a_variable_is_literal(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Braces in the value of a variable are no placeholders."""
    monkeypatch.setenv("TEAM", "{env}${OTHER}")
    assert load('[env.dev]\ncluster = "${TEAM}"\n').cluster == "{env}${OTHER}"


def test_the_value_of_a_variable_is_validated(refuse: Refuse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable cannot smuggle in what the file itself may not say."""
    monkeypatch.setenv("PLACE", "relative")
    (line,) = refuse('[env.dev.services.api]\nsource = { "app" = "${PLACE}/app" }\n')
    assert "env.dev.services.api.source.app" in line
    assert "absolute path" in line


def test_a_misspelt_variable_is_an_unknown_placeholder(refuse: Refuse) -> None:
    """A brace that is not closed, or a name that no variable can have, is refused."""
    assert "unknown placeholder" in refuse('[env.dev]\ncluster = "${1A}"\n')[0]
    assert "unknown placeholder" in refuse('[env.dev]\ncluster = "${TEAM"\n')[0]


def test_a_duration_and_a_stream_may_be_variables(load: Load, refuse: Refuse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key with a format of its own is judged by the value of the variable, and not by its name."""
    toml = """
[env.dev]
log_settle = "${SETTLE}"
[env.dev.services.api]
log_group = "/ecs/api"
log_stream = "${STREAM}"
"""
    monkeypatch.setenv("SETTLE", "2m")
    monkeypatch.setenv("STREAM", "api/{task}")
    settings = load(toml)
    assert (settings.log_settle, settings.services["api"].log_stream) == (120.0, "api/{task}")
    monkeypatch.setenv("SETTLE", "soon")
    (line,) = refuse(toml)
    assert "env.dev.log_settle: found 'soon'" in line
    monkeypatch.setenv("SETTLE", "20s")
    monkeypatch.setenv("STREAM", "all")
    (line,) = refuse(toml)
    assert "env.dev.services.api.log_stream: found 'all'" in line
