"""Services that are discovered in a cluster: what the configuration says of them, and what becomes of the finds."""

from __future__ import annotations

import pytest

from pytest_deploycheck.config.building import with_found
from pytest_deploycheck.config.settings import Discovery
from pytest_deploycheck.errors import ConfigurationError
from unit.config.conftest import Load, Refuse


def test_a_pattern_of_names(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Placeholders hold in the pattern as in any text."""
    monkeypatch.setenv("TEAM", "shop")
    assert load('[defaults]\ndiscover = "${TEAM}-{env}-*"\n[env.dev]').discover == Discovery(names="shop-dev-*")


def test_tags(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Placeholders hold in the values of tags as well."""
    monkeypatch.setenv("TEAM", "shop")
    environment = load('[env.dev]\ndiscover = { tags = { team = "${TEAM}", stage = "{env}" } }')
    assert environment.discover == Discovery(tags={"team": "shop", "stage": "dev"})


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("5", "env.dev.discover: found 5; allowed: a string or a table"),
        ('""', "env.dev.discover: found an empty string; allowed: a string that is not empty"),
        ('"shop-{stage}-*"', "env.dev.discover: found the unknown placeholder '{stage}'; allowed: '{env}'"),
        ("{}", "env.dev.discover: needs the key tags"),
        (
            '{ tag = { team = "x" }, tags = { team = "x" } }',
            "env.dev.discover.tag: unknown key; did you mean 'tags'? Allowed here: tags",
        ),
        ("{ tags = {} }", "env.dev.discover.tags: found an empty table; allowed: a table of at least one key"),
        ("{ tags = { team = 1 } }", "env.dev.discover.tags.team: found 1; allowed: a string"),
    ],
)
def test_what_cannot_be_used(refuse: Refuse, value: str, line: str) -> None:
    """The message names the key, what was found and what is allowed."""
    assert any(line in one for one in refuse(f"[env.dev]\ndiscover = {value}")), refuse(
        f"[env.dev]\ndiscover = {value}"
    )


def test_a_misspelt_key(refuse: Refuse) -> None:
    """The nearest key is named."""
    assert "did you mean 'discover'?" in refuse('[env.dev]\ndiscovr = "x"')[0]
    assert "did you mean 'service_defaults'?" in refuse('[env.dev]\nservice_default = { image = "x" }')[0]
    assert "did you mean 'image'?" in refuse('[env.dev]\nservice_defaults = { imag = "x" }')[0]


@pytest.mark.parametrize("table", ["defaults", "env.dev"])
def test_the_defaults_of_services_name_no_service(refuse: Refuse, table: str) -> None:
    """All services would be one."""
    (line,) = refuse(f'[env.dev]\n[{table}.service_defaults]\nservice = "x"')
    assert line.startswith(f"deploycheck.toml: {table}.service_defaults.service: found the name of one ECS service")


CONFIGURATION = """
[env.dev]
discover = "shop-*"
[env.dev.service_defaults]
image = "v1"
alarms = ["5xx-{env}"]
[[env.dev.service_defaults.logs]]
expect = "ready"
[env.dev.services.web]
service = "shop-web"
alarms = []
"""


def test_defaults_are_merged_under_every_service(load: Load) -> None:
    """Services that are found have them, and those that are listed where they set nothing else."""
    environment = with_found(load(CONFIGURATION), ["shop-web", "shop-worker"])
    web, worker = environment.services["web"], environment.services["shop-worker"]
    assert list(environment.services) == ["web", "shop-worker"]
    assert (web.service, web.image, web.alarms) == ("shop-web", "v1", ())
    assert (worker.name, worker.service, worker.image, worker.alarms) == (
        "shop-worker",
        "shop-worker",
        "v1",
        ("5xx-dev",),
    )
    assert len(web.logs) == len(worker.logs) == 1


def test_a_service_that_is_listed_by_its_arn_is_found_once(load: Load) -> None:
    """The listed one keeps its name."""
    arn = "arn:aws:ecs:us-east-1:123456789012:service/shop/shop-web"
    environment = load(f'[env.dev]\ndiscover = "*"\n[env.dev.services.web]\nservice = "{arn}"')
    assert list(with_found(environment, ["shop-web"]).services) == ["web"]


def test_a_name_that_is_taken(load: Load) -> None:
    """A find does not take the place of another service that is listed under its name."""
    environment = load('[env.dev]\ndiscover = "*"\n[env.dev.services.shop-web]\nservice = "other"')
    with pytest.raises(
        ConfigurationError, match=r"found the service 'shop-web', a name under which .* another, 'other'"
    ):
        with_found(environment, ["shop-web"])


def test_a_log_stream_with_the_default_log_group(load: Load) -> None:
    """The defaults of services count for what goes together."""
    environment = load(
        '[env.dev.service_defaults]\nlog_group = "/x"\n[env.dev.services.a]\nlog_stream = "{container}-{task}"'
    )
    assert environment.services["a"].log_group == "/x"
