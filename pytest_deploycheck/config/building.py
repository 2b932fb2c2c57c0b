"""From one environment's validated table to its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pytest_deploycheck.config.placeholders import fill
from pytest_deploycheck.config.settings import (
    DEFAULT_REQUIRE,
    EnvironmentSettings,
    ErrorRate,
    Expectation,
    ExpectationKind,
    Pattern,
    ServiceSettings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def build_environment(name: str, table: Mapping[str, Any]) -> EnvironmentSettings:
    """The settings of the environment `name`, from its table with the defaults merged in.

    The table must be valid: nothing is checked here.
    """
    return EnvironmentSettings(
        name=name,
        require=tuple(table.get("require", DEFAULT_REQUIRE)),
        live_tail=table.get("live_tail", False),
        strict_tags=table.get("strict_tags", False),
        max_unpacked_bytes=table.get("max_unpacked_bytes"),
        max_layer_entries=table.get("max_layer_entries"),
        services={
            service: _service(service, settings, environment=name)
            for service, settings in table.get("services", {}).items()
        },
        **_filled(table, _ENVIRONMENT_TEXTS, environment=name),
    )


def _service(name: str, table: Mapping[str, Any], *, environment: str) -> ServiceSettings:
    texts = {"service": name, **_filled(table, _SERVICE_TEXTS, environment=environment)}
    return ServiceSettings(
        name=name,
        source=dict(table.get("source", {})),
        source_exclude=tuple(table.get("source_exclude", ())),
        alarms=tuple(fill(alarm, environment) for alarm in table.get("alarms", ())),
        error_rate=_error_rate(table["error_rate"], environment=environment) if "error_rate" in table else None,
        logs=tuple(_expectation(entry) for entry in table.get("logs", ())),
        **texts,
    )


def _error_rate(table: Mapping[str, Any], *, environment: str) -> ErrorRate:
    named = {name: table[key] for key, name in (("max", "max_share"), ("min_requests", "min_requests")) if key in table}
    dimensions = {name: fill(value, environment) for name, value in table.get("dimensions", {}).items()}
    return ErrorRate(**named, **_filled(table, _METRIC_TEXTS, environment=environment), dimensions=dimensions)


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


def _filled(table: Mapping[str, Any], keys: tuple[str, ...], *, environment: str) -> dict[str, Any]:
    return {key: fill(table[key], environment) for key in keys if key in table}
