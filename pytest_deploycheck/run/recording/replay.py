"""An earlier report, read to be judged again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.config.files import read_json
from pytest_deploycheck.config.settings import EnvironmentSettings, Options
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.facts.codec import from_plain
from pytest_deploycheck.facts.recorded.checks import SourceCompared
from pytest_deploycheck.facts.snapshot import Observation
from pytest_deploycheck.judge.checks.logs import log_check
from pytest_deploycheck.judge.record import RunRecord
from pytest_deploycheck.polling import Overtime
from pytest_deploycheck.report.document import FACTS_FORMAT, SCHEMA_VERSION
from pytest_deploycheck.run.recording.access import RecordedAccess
from pytest_deploycheck.run.recording.reader import RecordedReader

_REMEDY = "Give a report that `--deploy-report FILE.json` of an earlier run wrote."


class Replay(Struct, frozen=True):
    """A report that is judged again.

    Attributes:
        name: Its file, as it was named.
        record: The settings and the facts that it holds.
    """

    name: str
    record: RunRecord

    def of(self, services: tuple[str, ...]) -> Replay:
        """Return the replay of some of its services."""
        record = self.record
        observation = replace(
            record.observation, services=tuple(one for one in record.observation.services if one.name in services)
        )
        options = replace(record.options, services=services)
        return replace(self, record=replace(record, observation=observation, options=options))

    @property
    def verified_environment(self) -> EnvironmentSettings:
        """The settings of the environment with those of its services that were verified."""
        verified = self.record.options.services
        services = {name: one for name, one in self.environment.services.items() if name in verified}
        return replace(self.environment, services=services)

    @property
    def environment(self) -> EnvironmentSettings:
        """The settings of the environment at that time."""
        return self.record.environment

    @property
    def options(self) -> Options:
        """The options of the run, without a wait, as nothing changes any more."""
        return replace(self.record.options, wait=0.0, log_wait=0.0)

    @property
    def observation(self) -> Observation:
        """The observation of that time."""
        return self.record.observation

    @property
    def sources(self) -> Mapping[str, SourceCompared]:
        """The source trees that the run compared, by service."""
        return {name: one.source for name, one in self.record.services.items() if one.source}

    def access(self, overtime: Overtime) -> RecordedAccess:
        """Return what the replay has in the place of the connections to AWS."""
        return RecordedAccess(self.environment, overtime, observation=self.observation, reader=self._reader())

    def _reader(self) -> RecordedReader:
        """Return the log events that were recorded."""
        services = self.record.services
        read = [
            (expectation, one)
            for name, settings in self.environment.services.items()
            for number, expectation in enumerate(settings.logs, start=1)
            if name in services and (one := services[name].logs.get(log_check(number, expectation).id))
        ]
        read += [(asked.expectation, asked.read) for one in services.values() for asked in one.asked]
        return RecordedReader(read, [lines for one in services.values() for lines in one.last_lines])


def read_replays(path: Path, source: str) -> tuple[Replay, ...]:
    """Read a JSON report with its facts, for each environment that it is of.

    Args:
        path: The file.
        source: The option it came from, for messages.

    Raises:
        ConfigurationError: It cannot be read, is not a report, or is one of a version that cannot be replayed.
    """
    document = read_json(path, source, _REMEDY)
    _refuse_others(document, path, source)
    parts = [one for one in document.get("environments", [document]) if "problem" not in one]
    try:
        return tuple(Replay(str(path), _record(part, document, path, source)) for part in parts)
    except ValueError as error:
        raise ConfigurationError(
            f"{source}: the report {path} has facts that cannot be read: {error}", _REMEDY
        ) from None


def _refuse_others(document: Any, path: Path, source: str) -> None:
    """See that a file is a report of a version that this one reads."""
    # jsonschema is slow to load, and needed only here.
    from pytest_deploycheck.schemas.checking import first_violation, report_validator  # noqa: PLC0415

    version = document.get("schema_version") if isinstance(document, dict) else None
    if version is not None and version != SCHEMA_VERSION:
        raise ConfigurationError(
            f"{source}: the report {path} has the schema_version {version!r}; this version of pytest-deploycheck reads "
            f"{SCHEMA_VERSION}.",
            "Replay it with the version that wrote it.",
        )
    violation = first_violation(document, report_validator())
    if violation:
        raise ConfigurationError(f"{source}: the file {path} is no report: {violation}", _REMEDY)


def _record(part: Mapping[str, Any], document: Mapping[str, Any], path: Path, source: str) -> RunRecord:
    """Return the facts that a report records of an environment."""
    version = document.get("versions", {}).get("pytest-deploycheck")
    by = f"written by pytest-deploycheck {version}" if version else "written by a version that does not name itself"
    if "facts" not in part:
        raise ConfigurationError(
            f"{source}: the report {path}, {by}, records no facts that could be judged again.",
            "Verify the environment again with this version, which records them.",
        )
    facts = part["facts"]
    if facts["format"] != FACTS_FORMAT:
        raise ConfigurationError(
            f"{source}: the report {path}, {by}, records its facts in format {facts['format']}; this version reads "
            f"{FACTS_FORMAT}.",
            "Replay it with the version that wrote it.",
        )
    record = from_plain({key: value for key, value in facts.items() if key != "format"}, RunRecord)
    _refuse_gaps(record)
    return record


def _refuse_gaps(record: RunRecord) -> None:
    """See that what a record refers to is there, which a report lacks that was edited or cut short.

    Raises:
        ValueError: A verified service has no settings or no facts, or an expectation of it has no pattern.
    """
    observed = {one.name for one in record.observation.services}
    for name in record.options.services:
        settings = record.environment.services.get(name)
        if settings is None or name not in observed:
            raise ValueError(f"the service {name!r} was verified, and has no {'facts' if settings else 'settings'}")
        for number, expectation in enumerate(settings.logs, start=1):
            if not expectation.patterns:
                raise ValueError(f"logs-{number} of the service {name!r} has no pattern")
