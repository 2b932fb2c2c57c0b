"""The settings of one environment, built from its validated table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from pytest_deploycheck.config.settings import (
    DEFAULT_REQUIRE,
    Discovery,
    EnvironmentSettings,
    ErrorRate,
    Expectation,
    ExpectationKind,
    Pattern,
    ServiceSettings,
    When,
)
from pytest_deploycheck.config.values import commit_time, duration, when
from pytest_deploycheck.errors import ConfigurationError

KINDS: Final[Mapping[str, ExpectationKind]] = {
    "expect": "expect",
    "expect_regex": "expect",
    "forbid": "forbid",
    "forbid_regex": "forbid",
    "sequence": "sequence",
}
"""The keys of which a log expectation has exactly one, and the kind of expectation each makes."""

_ENVIRONMENT_TEXTS = (
    "cluster",
    "region",
    "profile",
    "role_arn",
    "external_id",
    "endpoint_url",
    "base_url",
)
_SERVICE_TEXTS = ("service", "container", "image", "log_group", "log_stream")
_METRIC_TEXTS = ("metric", "requests", "namespace")


def merged(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return `own` over `defaults`: tables merge, arrays and single values of `own` replace.

    Keys keep their order: first those of `defaults`, then what `own` adds.
    """
    result = dict(defaults)
    for key, value in own.items():
        below = result.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            result[key] = merged(below, value)
        else:
            result[key] = value
    return result


def build_environment(name: str, table: Mapping[str, Any]) -> EnvironmentSettings:
    """Return the settings of the environment `name`.

    Args:
        name: The environment's name.
        table: Its valid table, with the defaults merged in and the placeholders filled. Nothing is checked here.
    """
    defaults = table.get("service_defaults", {})
    services = table.get("services", {})
    return EnvironmentSettings(
        name=name,
        require=tuple(table.get("require", DEFAULT_REQUIRE)),
        log_settle=duration(table["log_settle"], f"env.{name}.log_settle") if "log_settle" in table else None,
        live_tail=table.get("live_tail", False),
        strict_tags=table.get("strict_tags", False),
        mask=tuple(table.get("mask", ())),
        intent=table.get("intent", "release"),
        max_unpacked_bytes=table.get("max_unpacked_bytes"),
        max_layer_entries=table.get("max_layer_entries"),
        services={
            service: _service(service, merged(defaults, settings), name) for service, settings in services.items()
        },
        discover=_discovery(table["discover"]) if "discover" in table else None,
        service_defaults=_service("", defaults, name),
        **_given(table, _ENVIRONMENT_TEXTS),
    )


def with_found(environment: EnvironmentSettings, names: Iterable[str]) -> EnvironmentSettings:
    """Return an environment with the services that were found in its cluster, each under its own name.

    Args:
        environment: The environment.
        names: The names of ECS services. One that is listed keeps its name and settings.

    Raises:
        ConfigurationError: One of them has the name under which another service is listed.
    """
    listed = {settings.service.rpartition("/")[2] for settings in environment.services.values()}
    found = [name for name in names if name not in listed]
    for name in found:
        if name in environment.services:
            raise ConfigurationError(
                f"env.{environment.name}.discover: found the service {name!r}, a name under which "
                f"env.{environment.name}.services lists another, {environment.services[name].service!r}",
                "List one of them under another name.",
            )
    added = {name: replace(environment.service_defaults, name=name, service=name) for name in found}
    return replace(environment, services={**environment.services, **added})


def _discovery(value: str | Mapping[str, Any]) -> Discovery:
    return Discovery(names=value) if isinstance(value, str) else Discovery(tags=dict(value["tags"]))


def _service(name: str, table: Mapping[str, Any], environment: str) -> ServiceSettings:
    place = f"env.{environment}.{f'services.{name}' if name else 'service_defaults'}"
    texts = {"service": name, **_given(table, _SERVICE_TEXTS)}
    return ServiceSettings(
        name=name,
        source=dict(table.get("source", {})),
        source_exclude=tuple(table.get("source_exclude", ())),
        pushed_after=_when(table["pushed_after"], f"{place}.pushed_after") if "pushed_after" in table else None,
        alarms=tuple(table.get("alarms", ())),
        error_rate=_error_rate(table["error_rate"]) if "error_rate" in table else None,
        logs=tuple(_expectation(entry) for entry in table.get("logs", ())),
        **texts,
    )


def _when(text: str, place: str) -> When:
    return when(text, place, commit_time=lambda: commit_time(Path.cwd()))


def _error_rate(table: Mapping[str, Any]) -> ErrorRate:
    named = {name: table[key] for key, name in (("max", "max_share"), ("min_requests", "min_requests")) if key in table}
    return ErrorRate(**named, **_given(table, _METRIC_TEXTS), dimensions=dict(table.get("dimensions", {})))


def _expectation(entry: Mapping[str, Any]) -> Expectation:
    key = next(key for key in KINDS if key in entry)
    texts = entry[key] if key == "sequence" else [entry[key]]
    return Expectation(
        kind=KINDS[key],
        patterns=tuple(Pattern(text, regex=key.endswith("_regex")) for text in texts),
        # JSON Schema calls 3.0 an integer too.
        count=int(entry.get("count", 1)),
        tasks=entry.get("tasks", "any"),
        within=entry.get("within", "task"),
    )


def _given(table: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: table[key] for key in keys if key in table}
