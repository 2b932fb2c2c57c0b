"""An earlier report, read as the baseline of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_deploycheck.config.files import read_json
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.facts.baseline import Baseline, Previous
from pytest_deploycheck.facts.image import Layer

_REMEDY = "Give a report that `--deploy-report FILE.json` of an earlier run wrote."


def baseline_for(environment: str, baselines: Sequence[Baseline], *, is_one_of_several: bool) -> Baseline | None:
    """Return the baseline of an environment.

    Args:
        environment: The environment's name.
        baselines: The baselines of a report.
        is_one_of_several: Whether the run has other environments: one that the report does not have has no baseline
            then. A run over one environment is told that the baseline is that of another.
    """
    own = next((one for one in baselines if one.environment == environment), None)
    return own or (None if is_one_of_several else next(iter(baselines), None))


def read_baselines(path: Path, source: str) -> tuple[Baseline, ...]:
    """Read a JSON report, and return a baseline for each of its environments.

    Args:
        path: The file.
        source: The option it came from, for messages.

    Raises:
        ConfigurationError: It cannot be read, or is no report of this tool.
    """
    document = read_json(path, source, _REMEDY)
    violation = _violation(document)
    if violation:
        raise ConfigurationError(f"{source}: the file {path} is no report: {violation}", _REMEDY)
    try:
        if "environments" not in document:
            return (_baseline(path, document, document["environment"], document["services"]),)
        return tuple(
            _baseline(
                path,
                {**document, **one},
                one["name"],
                [service for service in document["services"] if service["environment"] == one["name"]],
            )
            for one in document["environments"]
        )
    except ValueError as error:
        raise ConfigurationError(f"{source}: the file {path} is no report: {error}", _REMEDY) from error


def _baseline(
    path: Path, document: Mapping[str, Any], environment: str, services: Sequence[Mapping[str, Any]]
) -> Baseline:
    observed_at = _moment(document["observed_at"])
    return Baseline(
        str(path),
        environment,
        document["account"],
        document["region"],
        observed_at,
        {service["name"]: _previous(service, observed_at) for service in services if service["image"]},
    )


def _violation(document: Any) -> str | None:
    # jsonschema is slow to load, and needed only here.
    from pytest_deploycheck.schemas.checking import first_violation, report_validator  # noqa: PLC0415

    return first_violation(document, report_validator())


def _previous(service: Mapping[str, Any], observed_at: datetime) -> Previous:
    image, rollout = service["image"], service["rollout"]
    return Previous(
        f"the baseline of {observed_at:%Y-%m-%d %H:%M:%S} UTC",
        image["digest"] or "",
        _time(image["pushed_at"]),
        tuple(
            Layer(layer["digest"], layer["size"], diff_id=layer.get("diff_id"), created_by=layer.get("created_by", ""))
            for layer in image["layers"]
        ),
        {local: tree["sha256"] for local, tree in service["source"].items()},
        seen_at=observed_at,
        reference=image["reference"],
        rollout=rollout["id"],
        rollout_began_at=_time(rollout["started_at"]),
        is_settled=rollout["outcome"] != "IN_PROGRESS",
        running=tuple(dict.fromkeys(task["digest"] for task in service["tasks"] if task["digest"])),
        by_container=_by_container(service["tasks"]),
        is_verified=service["verdict"] == "VERIFIED",
    )


def _by_container(tasks: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Return the digests that each container ran, without containers of which one is not known."""
    ran: dict[str, dict[str | None, None]] = {}
    for task in tasks:
        for container, digest in task["containers"].items():
            ran.setdefault(container, {})[digest] = None
    return {container: tuple(filter(None, digests)) for container, digests in ran.items() if None not in digests}


def _time(text: str | None) -> datetime | None:
    return _moment(text) if text else None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
