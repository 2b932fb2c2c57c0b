"""ECS's records of rollouts and their service revisions: the newest of each service, and those before it on demand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_deploycheck.facts.rollout import Revision, ServiceDeployment
from pytest_deploycheck.observe.ecs import rollouts
from pytest_deploycheck.observe.problems import THROTTLED, Answered, IncompleteAnswerError, attempt
from pytest_deploycheck.observe.together import Together

if TYPE_CHECKING:
    from pytest_deploycheck.facts.service import Service
    from pytest_deploycheck.facts.snapshot import Problem
    from pytest_deploycheck.observe.session import Session

_LIST, _DESCRIBE = "ecs:ListServiceDeployments", "ecs:DescribeServiceDeployments"
_REVISIONS = "ecs:DescribeServiceRevisions"

_FINAL = frozenset({"SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"})
"""The states in which a record does not change any more, once it has an end."""


class RolloutRecords:
    """Reads records of rollouts, twenty a call over all services; one that is final is asked for once.

    Args:
        session: The clients.
        cluster: Name or ARN of the cluster.
    """

    def __init__(self, session: Session, cluster: str) -> None:
        self._session = session
        self._cluster = cluster
        self._final: dict[str, ServiceDeployment] = {}
        self._refused: dict[tuple[str, bool], Problem] = {}
        self._listed: dict[str, tuple[str, list[str]]] = {}
        self._records = self._asked_anew()
        self._revisions: Together[str, Revision | None] = Together(
            _REVISIONS, lambda arns: rollouts.revisions(session.ecs(), arns), rollouts.MOST_PER_CALL
        )

    def begin(self, services: Iterable[Service]) -> None:
        """Begin an observation, in which these services are going to be asked about."""
        found = list(services)
        self._records = self._asked_anew()
        self._records.expect(
            one.service_deployment
            for one in found
            if one.service_deployment and one.service_deployment not in self._final
        )
        self._revisions.expect(arn for one in found for arn in one.service_revisions)

    def service_deployments(
        self, name: str, service: Service | None, *, with_history: bool = False
    ) -> Answered[tuple[ServiceDeployment, ...]]:
        """Return the records of a service, the newest first: that of its newest rollout, or of the last few.

        A role or an endpoint that refuses them once will refuse them again: the refusal is kept for the run.
        """
        if service and service.controller != "ECS":
            # Other deployment controllers keep their own records of rollouts.
            return (), None
        refused = self._refused.get((name, with_history))
        if refused:
            return None, refused
        current = service.service_deployment if service else ""
        records, problem = attempt(_DESCRIBE, lambda: self._read(name, current, with_history=with_history))
        if problem and problem.code not in THROTTLED:
            self._refused[name, with_history] = problem
        return records, problem

    def read_revisions(self, service: Service) -> None:
        """Read the service revisions that the tasks of a service run; a problem is of those who ask for them."""
        attempt(_REVISIONS, lambda: [self._revisions.get(arn) for arn in service.service_revisions])

    def revisions(self, records: Sequence[ServiceDeployment]) -> Answered[tuple[Revision, ...]]:
        """Return the service revisions that rollouts bring, and those that the oldest of them replaced."""
        targets = [record.target for record in records if record.target]
        targets += records[-1].sources if records else ()
        arns = list(dict.fromkeys(targets))
        self._revisions.expect(arns)
        return attempt(_REVISIONS, lambda: tuple(one for arn in arns if (one := self._revisions.get(arn))))

    def _read(self, name: str, current: str, *, with_history: bool) -> tuple[ServiceDeployment, ...]:
        if current and not with_history:
            try:
                return (self._record(current),)
            except IncompleteAnswerError:
                # ECS keeps a record for about three months; the service goes on naming it.
                pass
        arns = self._list(name, current)
        self._records.expect(arn for arn in arns if arn not in self._final)
        return tuple(sorted(map(self._record, arns), key=lambda one: one.created_at, reverse=True))

    def _list(self, name: str, current: str) -> list[str]:
        """Return the ARNs of the newest records, listed again where the newest one is another than before."""
        known, arns = self._listed.get(name, ("", []))
        if not current or known != current:
            arns = rollouts.newest_arns(self._session.ecs(), self._cluster, name)
            self._listed[name] = (current, arns)
        return arns

    def _record(self, arn: str) -> ServiceDeployment:
        if arn in self._final:
            return self._final[arn]
        record = self._records.get(arn)
        if record.status in _FINAL and record.finished_at:
            self._final[arn] = record
        return record

    def _asked_anew(self) -> Together[str, ServiceDeployment]:
        def ask(arns: Sequence[str]) -> Mapping[str, ServiceDeployment]:
            return rollouts.service_deployments(self._session.ecs(), arns)

        return Together(_DESCRIBE, ask, rollouts.MOST_PER_CALL)
