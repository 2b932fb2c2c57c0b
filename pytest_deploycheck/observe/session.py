"""The clients of an environment: credentials, time limits, retries, the read-only guard, and the caller's identity."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.model import OperationModel

from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.facts.image import Registry
from pytest_deploycheck.facts.snapshot import Identity
from pytest_deploycheck.observe import api_calls
from pytest_deploycheck.observe.any_service.clients import open_client
from pytest_deploycheck.observe.call_counts import CallCounts
from pytest_deploycheck.observe.credentials import fetching as credentials
from pytest_deploycheck.observe.credentials.core_session import assume, core_session
from pytest_deploycheck.observe.credentials.unusable import unusable, without_credentials
from pytest_deploycheck.observe.endpoints import configured_endpoint, known_regions, registry_hosts
from pytest_deploycheck.observe.problems import CALL_ERRORS, THROTTLED
from pytest_deploycheck.observe.rates import Budgets
from pytest_deploycheck.observe.read_only import iam_action
from pytest_deploycheck.oci.registry_hosts import RegistryHosts
from pytest_deploycheck.polling import Overtime, SystemClock
from pytest_deploycheck.redaction import one_line

if TYPE_CHECKING:
    from botocore.session import Session as CoreSession
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sts import STSClient

    from pytest_deploycheck.config.settings import EnvironmentSettings

PARALLEL_CALLS = 12
"""Services, or other things to ask about, that are asked about at the same time."""

_CONNECTIONS = 3 * PARALLEL_CALLS
"""Connections that a client keeps: for a service some calls are made at the same time."""


def _config(*, is_polled: bool = False, **more: Any) -> Config:
    """The settings of one client: botocore keeps in the retries that it is given what it finds in variables.

    Logs are polled: a poll is repeated anyway, so one retry is enough.
    """
    return Config(
        retries={"mode": "standard", "total_max_attempts": 2} if is_polled else {"mode": "standard"},
        connect_timeout=5,
        read_timeout=20 if is_polled else 10,
        max_pool_connections=_CONNECTIONS,
        user_agent_extra="pytest-deploycheck",
        **more,
    )


_AWS_HOST = re.compile(r"\.amazonaws\.[a-z.]+(?:[:/]|$)")


class Session:
    """Clients for one environment; each is made once, and none of them can write.

    Everything that botocore reads from variables and files (AWS_PROFILE, AWS_ENDPOINT_URL, retries, proxies …)
    holds here too; what the environment's configuration names comes before it.

    Args:
        environment: The environment.
        overtime: The time that calls may take.
        local_now: The time by this machine's clock (UTC).
        budgets: The budgets of calls, one for each account; default: of this session alone.

    Attributes:
        region: The region of the environment.
        budget: The budget of calls of the account.
        counts: The calls that its clients made.
        overtime: The time that calls may take.

    Raises:
        EnvironmentUnusableError: The profile does not exist or no region is set.
    """

    def __init__(
        self,
        environment: EnvironmentSettings,
        *,
        overtime: Overtime | None = None,
        local_now: Callable[[], datetime] = lambda: datetime.now(UTC),
        budgets: Budgets | None = None,
    ) -> None:
        self._environment = environment
        self._local_now = local_now
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._throttled: Counter[str] = Counter()
        self.counts = CallCounts(local_now)
        self._budgets = budgets or Budgets()
        self.budget = self._budgets.unknown()
        self._is_refused = False
        self.overtime = overtime or Overtime(SystemClock())
        # Calls that are held back, as AWS allows no more of them, take nothing from the time for the others.
        self.overtime.held = lambda: self._budgets.granted
        try:
            self._core = core_session(environment)
            api_calls.install(self._core, self._time_left, self.counts.add, lambda: self.budget)
            self._session = boto3.Session(botocore_session=self._core, region_name=environment.region)
            region = self._session.region_name
            if environment.role_arn:
                with credentials.explained(self._core):
                    assume(self._core, environment.role_arn, environment)
        except credentials.CredentialsError as error:
            raise without_credentials(error, environment, self._core) from None
        except CALL_ERRORS as error:
            raise unusable(error, environment) from None
        if region is None:
            raise EnvironmentUnusableError(
                f"No AWS region is set for the environment {environment.name!r}.",
                f"Set `region` in [env.{environment.name}] of the configuration, or AWS_DEFAULT_REGION.",
            )
        self.region: str = region

    def identify(self, meanwhile: Callable[[], None] = lambda: None) -> Identity:
        """Return the caller's identity (sts:GetCallerIdentity, which needs no permission) and the servers' time.

        Args:
            meanwhile: Begins other calls, once there are credentials. Where the caller cannot be identified, they are
                not repeated, and nobody waits for them.

        Raises:
            EnvironmentUnusableError: The credentials do not work, or AWS cannot be reached.
        """
        self._is_refused = False
        try:
            answer = self._identified(meanwhile)
        except BaseException:
            self._is_refused = True
            raise
        self.belongs_to(answer["Account"])
        offset = _clock_offset(answer["ResponseMetadata"]["HTTPHeaders"], self._local_now())
        endpoint = self._environment.endpoint_url or configured_endpoint(self._core, self.region)
        return Identity(answer["Account"], answer.get("Arn", ""), self.region, offset, endpoint)

    def _identified(self, meanwhile: Callable[[], None]) -> Mapping[str, Any]:
        try:
            credentials.fetch(self._core, self.overtime)
            with self.overtime.step():
                meanwhile()
                return self.sts().get_caller_identity()
        except credentials.CredentialsError as error:
            raise without_credentials(error, self._environment, self._core) from None
        except CALL_ERRORS as error:
            raise unusable(error, self._environment, _unknown_region(self._core, self.region)) from None
        except ValueError as error:
            # botocore's error for an endpoint that is not a URL, and for settings of another type.
            remedy = "Check the profile in ~/.aws/config, and the variables that begin with AWS_."
            if "endpoint" in str(error).lower():
                remedy = (
                    "Check `endpoint_url` and AWS_ENDPOINT_URL: a whole URL is expected, like http://localhost:4566."
                )
            raise EnvironmentUnusableError(
                f"The environment {self._environment.name!r} cannot be observed: {one_line(str(error))}.", remedy
            ) from error

    def belongs_to(self, account: str) -> None:
        """Note the account whose calls they are, for their rates."""
        self.budget = self._budgets.identified(self.budget, account)

    def _time_left(self) -> float:
        """Seconds that calls may take; none where the credentials are refused."""
        return 0.0 if self._is_refused else self.overtime.time_left()

    def sts(self) -> STSClient:
        """The client for the caller's identity."""
        return cast("STSClient", self._client("sts", self.region))

    def ecs(self) -> ECSClient:
        """The client for services and tasks, in the environment's region."""
        return cast("ECSClient", self._client("ecs", self.region))

    def ecr(self, region: str) -> ECRClient:
        """The client for images in the registry of `region`."""
        return cast("ECRClient", self._client("ecr", region))

    def registry_hosts(self, home: Registry) -> RegistryHosts:
        """Return the hosts that stand for ECR registries, by botocore's endpoint data and the endpoint of ECR.

        Args:
            home: The registry of the environment's own account and region.
        """
        return registry_hosts(self._core, home, str(self.ecr(home.region).meta.endpoint_url))

    def elb(self) -> ElasticLoadBalancingv2Client:
        """The client for target groups, in the environment's region."""
        return cast("ElasticLoadBalancingv2Client", self._client("elbv2", self.region))

    def cloudwatch(self) -> CloudWatchClient:
        """The client for alarms and metrics, in the environment's region."""
        return cast("CloudWatchClient", self._client("cloudwatch", self.region))

    def logs(self, region: str) -> CloudWatchLogsClient:
        """The client for log groups in `region`."""
        return cast("CloudWatchLogsClient", self._client("logs", region, is_polled=True))

    def live_logs(self, region: str) -> CloudWatchLogsClient:
        """The client for Live Tail in `region`, a new one for each session as it is closed with it."""
        endpoint = str(self.logs(region).meta.endpoint_url)
        # botocore puts a prefix before the host, which only AWS's own names resolve.
        config = _config(inject_host_prefix=_AWS_HOST.search(endpoint) is not None)
        with self._lock:
            return cast("CloudWatchLogsClient", self._make_client("logs", region, config))

    def log_throttles(self, region: str) -> int:
        """Return the number of calls that CloudWatch Logs has throttled in a region, with those that were retried."""
        return self._throttled[region]

    def reading_client(self, service: str, region: str | None = None, allow: Collection[str] = ()) -> Any:
        """Open a client of any service that sends only operations which are named like reads.

        Args:
            service: botocore's name of the service, such as `dynamodb`.
            region: Another region than the environment's.
            allow: Operations that hand out secrets, such as `GetSecretValue`, and may be called nevertheless.

        Raises:
            ConfigurationError: The service or an operation of `allow` is not known, or changes something.
        """
        with self._lock:
            return open_client(
                self._session.get_available_services(),
                lambda: self._make_client(service, region or self.region, _config()),
                service,
                allow,
            )

    def _client(self, service: str, region: str, *, is_polled: bool = False) -> Any:
        # boto3 sessions are not safe to share between threads while they make clients; clients are.
        with self._lock:
            key = (service, region)
            if key not in self._clients:
                client = self._clients[key] = self._make_client(service, region, _config(is_polled=is_polled))
                name = client.meta.service_model.service_id.hyphenize()
                client.meta.events.register(f"needs-retry.{name}", partial(self._note_throttle, service, region))
                client.meta.events.register(f"before-send.{name}", partial(self._pace_retry, service, region))
            return self._clients[key]

    def _make_client(self, service: str, region: str, config: Config) -> Any:
        return self._session.client(
            service,  # type: ignore[call-overload]  # the stubs know literal names only
            region_name=region,
            endpoint_url=self._environment.endpoint_url,
            config=config,
        )

    def _pace_retry(self, service: str, region: str, request: AWSPreparedRequest, event_name: str, **_: Any) -> None:
        """Let a call that botocore repeats wait as well; the first attempt did before."""
        if b"attempt=1" not in _as_bytes(request.headers.get("amz-sdk-request", b"attempt=1")):
            self.budget.take(iam_action(service, event_name.rpartition(".")[2]), region)

    def _note_throttle(
        self,
        service: str,
        region: str,
        response: tuple[object, Mapping[str, Any]] | None,
        operation: OperationModel,
        **_: Any,
    ) -> None:
        if response and response[1].get("Error", {}).get("Code") in THROTTLED:
            self.budget.throttled(iam_action(service, operation.name), region)
            if service == "logs":
                self._throttled[region] += 1


def _as_bytes(header: str | bytes) -> bytes:
    return header.encode() if isinstance(header, str) else header


def _unknown_region(core: CoreSession, region: str) -> str:
    """Return a sentence on the region where botocore does not know it; an empty text where it does."""
    known = known_regions(core)
    if region in known:
        return ""
    return f" The region {region!r} is not one that botocore knows{did_you_mean(region, known)}"


def _clock_offset(headers: Mapping[str, str], local_now: datetime) -> float:
    """Seconds by which the server's clock is ahead; 0 where it does not say.

    The header has whole seconds, so less than two seconds are noise.
    """
    date = headers.get("date")
    if not date:
        return 0.0
    offset = (parsedate_to_datetime(date) - local_now).total_seconds()
    return offset if abs(offset) >= 2 else 0.0  # noqa: PLR2004
