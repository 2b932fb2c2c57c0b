"""One look at an environment of twelve services against the script one would write: the same calls, one by one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from unittest import mock

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from pytest_deploycheck.config.settings import EnvironmentSettings, Options, ServiceSettings
from pytest_deploycheck.run.verification import Verification
from pytest_deploycheck.sandbox import Sandbox

SERVICES = 12
LATENCY = 0.03
"""Seconds that each call takes on its way, about what a call to AWS takes within its region."""


def measure() -> str:
    """The ratios of time and calls, in one run on one world."""
    with Sandbox() as aws, mock.patch.dict(os.environ, aws.environ):
        names = [_service(aws, number) for number in range(SERVICES)]
        script = _timed(aws, lambda: _script(aws, names))
        ours = _timed(aws, lambda: _look(aws, names))
    return (
        f"{SERVICES} services, {LATENCY * 1000:.0f} ms a call: {ours[0] / script[0]:.2f} times the time and "
        f"{ours[1] / script[1]:.2f} times the calls of a script that asks one by one"
    )


def _service(aws: Sandbox, number: int) -> str:
    aws.push_image(f"shop-{number}:1.0", {"app/main.py": f"print({number})"}, tags=("latest",))
    aws.create_service(f"shop-{number}", cluster="default", image=f"shop-{number}:latest", desired=2)
    return f"shop-{number}"


def _timed(aws: Sandbox, look: Callable[[], None]) -> tuple[float, int]:
    aws.calls.clear()
    with _latency():
        start = time.perf_counter()
        look()
        return time.perf_counter() - start, len(aws.calls)


@contextmanager
def _latency() -> Generator[None]:
    """Make every call of botocore take as long as one over a network; the sandbox itself answers at once."""
    send = URLLib3Session.send

    def slow(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        time.sleep(LATENCY)
        return send(session, request)

    with mock.patch.object(URLLib3Session, "send", slow):
        yield


def _look(aws: Sandbox, names: list[str]) -> None:
    environment = EnvironmentSettings(
        name="bench",
        region=aws.region,
        endpoint_url=aws.endpoint_url,
        services={name: ServiceSettings(name, name) for name in names},
    )
    verification = Verification(environment, Options(tuple(names), wait=0))
    verification.observe()


def _script(aws: Sandbox, names: list[str]) -> None:
    session = boto3.Session()
    ecs = session.client("ecs", region_name=aws.region, endpoint_url=aws.endpoint_url)
    ecr = session.client("ecr", region_name=aws.region, endpoint_url=aws.endpoint_url)
    for name in names:
        ecs.describe_services(services=[name])
        for status in ("RUNNING", "STOPPED"):
            arns = ecs.list_tasks(serviceName=name, desiredStatus=status)["taskArns"]
            if arns:
                ecs.describe_tasks(tasks=arns)
        service = ecs.describe_services(services=[name])["services"][0]
        ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
        deployments = ecs.list_service_deployments(service=name)["serviceDeployments"]
        described = ecs.describe_service_deployments(
            serviceDeploymentArns=[one["serviceDeploymentArn"] for one in deployments]
        )["serviceDeployments"]
        ecs.describe_service_revisions(serviceRevisionArns=[one["targetServiceRevision"]["arn"] for one in described])
        digest = ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": "latest"}])["imageDetails"][0]
        ecr.batch_get_image(repositoryName=name, imageIds=[{"imageDigest": digest["imageDigest"]}])
