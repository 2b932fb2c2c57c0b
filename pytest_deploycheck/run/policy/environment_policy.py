"""The policy of an environment: what its configuration names, and what the credentials at hand can see of it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.config.settings import EnvironmentRun, EnvironmentSettings, Options
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.facts.snapshot import Observation
from pytest_deploycheck.polling import Overtime, SystemClock
from pytest_deploycheck.run.connections import Access
from pytest_deploycheck.run.policy.actions import Trigger
from pytest_deploycheck.run.policy.documents import FORMATS
from pytest_deploycheck.run.policy.resources import PolicyResources, account_of, configured, observed
from pytest_deploycheck.run.policy.statements import Statement, statements
from pytest_deploycheck.run.verification import Verification


class EnvironmentPolicy(Struct, frozen=True):
    """The least policy for an environment.

    Attributes:
        statements: Its statements.
        notes: What its reader has to know: what is left open, and what is left out.
    """

    statements: Sequence[Statement]
    notes: Sequence[str]

    def text(self, form: str = "json") -> str:
        """Return it as `json` or `terraform`."""
        return FORMATS[form](self.statements)


def policy_of_all(runs: Sequence[EnvironmentRun]) -> EnvironmentPolicy:
    """Return the least policy for all environments of a run; of several, each has statements of its own.

    Raises:
        EnvironmentUnusableError: The region of one is not known.
    """
    policies = [policy_of(run.environment, run.options) for run in runs]
    if len(runs) == 1:
        return policies[0]
    named = [(run.environment.name, policy) for run, policy in zip(runs, policies, strict=True)]
    return EnvironmentPolicy(
        [replace(one, sid=_sid(one.sid, name)) for name, policy in named for one in policy.statements],
        [f"{name}: {note}" for name, policy in named for note in policy.notes],
    )


def _sid(sid: str, environment: str) -> str:
    """Return the name of a statement with that of its environment; IAM allows letters and digits only."""
    return sid + "".join(letter for letter in environment.title() if letter.isascii() and letter.isalnum())


def policy_of(environment: EnvironmentSettings, options: Options) -> EnvironmentPolicy:
    """Return the least policy for the services of a run, with what the credentials at hand can see.

    Args:
        environment: The environment.
        options: The options of the run; its waits do not count.

    Raises:
        EnvironmentUnusableError: The region is not known.
    """
    access = Access(environment, Overtime(SystemClock()))
    region = access.session.region
    known = configured(environment, options, account=account_of(environment), region=region)
    try:
        known = configured(environment, options, account=access.identity.account, region=region)
        known = _seen(known, environment, options)
    except EnvironmentUnusableError as error:
        known = replace(known, notes=(f"The environment could not be read: {error.message}", *known.notes))
    return _policy(known, environment)


def policy_from(environment: EnvironmentSettings, options: Options, observation: Observation) -> EnvironmentPolicy:
    """Return the least policy for the services of a run, with what an observation has of them."""
    who = observation.identity
    known = configured(environment, options, account=who.account, region=who.region)
    return _policy(observed(known, environment, observation), environment)


def _policy(known: PolicyResources, environment: EnvironmentSettings) -> EnvironmentPolicy:
    return EnvironmentPolicy(statements(known), [*known.notes, *_left_out(environment)])


def _seen(known: PolicyResources, environment: EnvironmentSettings, options: Options) -> PolicyResources:
    verification = Verification(environment, replace(options, wait=0.0))
    try:
        return observed(known, environment, verification.observe())
    finally:
        verification.close()


def _left_out(environment: EnvironmentSettings) -> list[str]:
    notes = [
        "logs:StartQuery (on the log groups) and logs:GetQueryResults (on *) are not included: add them for "
        f"{Trigger.QUERIES}."
    ]
    if environment.role_arn:
        notes.append(f"It is for the role {environment.role_arn}; the caller needs sts:AssumeRole on that role.")
    return notes
