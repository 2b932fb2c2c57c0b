"""The accounts and regions of a run, for its header."""

from __future__ import annotations

import os
from collections.abc import Sequence

from pytest_deploycheck.config.settings import EnvironmentSettings
from pytest_deploycheck.redaction import clean
from pytest_deploycheck.report.summary import clock_of_this_machine
from pytest_deploycheck.run.verification import Verification


def places(verifications: Sequence[Verification]) -> list[str]:
    """Return the account and region of each environment, with its endpoint where one is set."""
    if len(verifications) == 1:
        return _place(verifications[0])
    return [f"{one.environment.name}: {' '.join(_place(one))}" for one in verifications]


def listed_places(environments: Sequence[EnvironmentSettings]) -> list[str]:
    """Return the endpoints of a run that only lists its tests, and what it does not know of its services."""
    # What single services or a profile set is known only to the AWS library, which a listing does not load.
    endpoints = {one.endpoint_url or os.environ.get("AWS_ENDPOINT_URL") for one in environments}
    parts = [f"endpoint {endpoint}" for endpoint in sorted(filter(None, endpoints))]
    undiscovered = [one.name for one in environments if one.discover]
    if undiscovered:
        parts.append(f"so the services that {' and '.join(undiscovered)} would discover are not listed")
    return parts


def _place(verification: Verification) -> list[str]:
    if verification.problem:
        return ["cannot be observed"]
    who = verification.identity
    parts = [f"account {who.account}", who.region]
    parts += [clock_of_this_machine(who.clock_offset)] if who.clock_offset else []
    parts += [f"endpoint {who.endpoint}"] if who.endpoint else []
    return [clean(part, own=verification.environment.mask) for part in parts]
