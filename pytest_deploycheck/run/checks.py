"""The checks of a service: those that it contributes, and those that its verdict needs."""

from __future__ import annotations

from pytest_deploycheck.config.settings import EnvironmentSettings, Options
from pytest_deploycheck.judge.checks.logs import log_check
from pytest_deploycheck.judge.finding import FIXED_CHECKS, HEALTH_CHECKS, Check
from pytest_deploycheck.oci.reference import is_digest, is_tag


def checks_of(environment: EnvironmentSettings, service: str) -> tuple[Check, ...]:
    """Return the checks that a service contributes, in the order of the chain."""
    expectations = environment.services[service].logs
    return (
        *FIXED_CHECKS,
        *(log_check(number, expectation) for number, expectation in enumerate(expectations, start=1)),
        *HEALTH_CHECKS,
    )


def needed_checks(environment: EnvironmentSettings, options: Options, service: str) -> tuple[Check, ...]:
    """Return the checks that must pass for their link to be proven: the telling ones, and those that are configured."""
    settings = environment.services[service]
    image = options.images.get(service) or settings.image
    configured = {
        "image-repository": image is not None and not is_tag(image) and not is_digest(image),
        "image-pushed": (options.pushed_after or settings.pushed_after) is not None,
        "image-content": bool(settings.source),
        "alarms-ok": bool(settings.alarms),
        "error-rate": settings.error_rate is not None,
    }
    return tuple(
        check
        for check in checks_of(environment, service)
        if check.is_telling or check.link == "logs" or configured.get(check.id, False)
    )
