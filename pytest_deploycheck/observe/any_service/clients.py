"""The clients that tests open: of any service, with the guard that lets them read and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, NoReturn

from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.errors import ConfigurationError, RefusedOperationError
from pytest_deploycheck.observe.any_service.reads import changes_something
from pytest_deploycheck.observe.read_only import guard_by_names
from pytest_deploycheck.redaction.handed import HANDED

_LONGEST_NOTED = 200_000
"""Characters of an answer that are searched for secrets."""


def open_client(services: Collection[str], make: Callable[[], Any], service: str, allow: Collection[str]) -> Any:
    """Open a client that sends only operations which are named like reads.

    Args:
        services: The services that botocore knows.
        make: Makes the client, of a guarded session.
        service: botocore's name of the service.
        allow: Operations that hand out secrets and may be called nevertheless.

    Raises:
        ConfigurationError: The service or an operation of `allow` is not known, or changes something.
    """
    if service not in services:
        raise ConfigurationError(
            f"deploy_env.client: unknown AWS service {service!r}{did_you_mean(service, services)}",
            "Give the name that boto3.client() takes, such as 'dynamodb'.",
        )
    if isinstance(allow, str):
        raise ConfigurationError(
            f"deploy_env.client: `allow` is the text {allow!r}; expected a list of operations.",
            f"Write allow=[{allow!r}].",
        )
    client = make()
    known = client.meta.service_model.operation_names
    for operation in allow:
        if operation not in known:
            raise ConfigurationError(
                f"deploy_env.client: {service} has no operation {operation!r}{did_you_mean(operation, known)}",
                "Give the name that the API has for it, such as 'GetSecretValue'.",
            )
        if changes_something(service, operation):
            raise ConfigurationError(
                f"deploy_env.client: {operation!r} of {service} is not a read; only reads that hand out secrets can be "
                "allowed.",
                "Make changes with a client of your own.",
            )
    guard_by_names(client, allow)
    client.meta.events.register("after-call", _note)
    # What boto3 signs without an operation of the API, such as a form for uploads or a database's password.
    signers = {name for name in dir(client) if name.startswith("generate_")} - {"generate_presigned_url"}
    for name in signers - set(client.meta.method_to_api_mapping):
        setattr(client, name, partial(_refuse_signing, f"{service}.{name}"))
    return client


def _note(parsed: object, **_: object) -> None:
    """Note an answer that a test is given: no report of it may show the secrets in it."""
    HANDED.note(repr(parsed)[:_LONGEST_NOTED])


def _refuse_signing(what: str, *_: Any, **__: Any) -> NoReturn:
    raise RefusedOperationError(
        f"{what} was not carried out: it hands out a signature that others can use.", "Use a client of your own."
    )
