"""A run over several environments in the shape of a run over one, for formats that have no more levels than that."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from pytest_deploycheck.facts.recorded.calls import joined
from pytest_deploycheck.facts.snapshot import Observation
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.report.model import FleetReport, RunReport, ServiceReport


def as_one(report: RunReport | FleetReport) -> RunReport:
    """Return a run over one environment as it is, and a run over several in the shape of one."""
    if isinstance(report, RunReport):
        return report
    return report.environments[0] if len(report.environments) == 1 else flattened(report)


def flattened(report: FleetReport) -> RunReport:
    """Return a run over one environment whose services are those of all, each by its label `ENVIRONMENT/SERVICE`."""
    environments = report.environments
    observations = [one.observation for one in environments]
    first = observations[0]
    services = tuple(_labelled(service, one.environment) for one in environments for service in one.services)
    identity = replace(
        first.identity,
        account=_each(one.identity.account for one in observations),
        region=_each(one.identity.region for one in observations),
        endpoint=_each(one.identity.endpoint or "" for one in observations) or None,
    )
    return RunReport(
        environment=", ".join(
            f"{one.environment} (could not be observed)" if one.observation.problem else one.environment
            for one in environments
        ),
        observation=Observation(
            identity,
            max(one.observed_at for one in observations),
            min(one.began_at for one in observations),
            tuple(service.facts for service in services),
            max(one.waited for one in observations),
        ),
        services=services,
        tests=report.tests,
        judgement=report.judgement,
        complete=report.complete,
        mask=tuple(dict.fromkeys(text for one in environments for text in one.mask)),
        versions=environments[0].versions,
        replay_of=environments[0].replay_of,
        calls=joined(*(one.calls for one in environments)),
    )


def _labelled(service: ServiceReport, environment: str) -> ServiceReport:
    facts = replace(service.facts, name=f"{environment}/{service.name}")
    return replace(service, analysis=ServiceAnalysis(facts))


def _each(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(text for text in texts if text))
