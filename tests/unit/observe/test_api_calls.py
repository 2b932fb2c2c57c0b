"""Every call of every client: responses that cannot be used, time limits, and the messages about them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders

from pytest_deploycheck.config.settings import EnvironmentSettings
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.observe import api_calls
from pytest_deploycheck.observe.problems import attempt
from pytest_deploycheck.observe.read_only import READS, iam_action
from pytest_deploycheck.observe.session import Session

HTML = "<!DOCTYPE html><html><body>Sign in to the proxy, secret-of-the-body</body></html>"
ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop/1"

CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "sts:GetCallerIdentity": ("get_caller_identity", {}),
    "cloudwatch:DescribeAlarmHistory": ("describe_alarm_history", {"AlarmName": "x"}),
    "cloudwatch:DescribeAlarms": ("describe_alarms", {"AlarmNames": ["x"]}),
    "cloudwatch:GetMetricData": ("get_metric_data", {"MetricDataQueries": [], "StartTime": 0, "EndTime": 1}),
    "ecs:DescribeContainerInstances": ("describe_container_instances", {"containerInstances": ["x"]}),
    "ecs:DescribeServiceDeployments": ("describe_service_deployments", {"serviceDeploymentArns": ["x"]}),
    "ecs:DescribeServiceRevisions": ("describe_service_revisions", {"serviceRevisionArns": ["x"]}),
    "ecs:DescribeServices": ("describe_services", {"services": ["x"]}),
    "ecs:DescribeTaskDefinition": ("describe_task_definition", {"taskDefinition": "x"}),
    "ecs:DescribeTasks": ("describe_tasks", {"tasks": ["x"]}),
    "ecs:ListServiceDeployments": ("list_service_deployments", {"service": "x"}),
    "ecs:ListServices": ("list_services", {}),
    "ecs:ListTasks": ("list_tasks", {}),
    "elasticloadbalancing:DescribeListeners": ("describe_listeners", {"ListenerArns": [ARN]}),
    "elasticloadbalancing:DescribeRules": ("describe_rules", {"RuleArns": [ARN]}),
    "elasticloadbalancing:DescribeTargetGroups": ("describe_target_groups", {"TargetGroupArns": [ARN]}),
    "elasticloadbalancing:DescribeTargetHealth": ("describe_target_health", {"TargetGroupArn": ARN}),
    "ecr:BatchGetImage": ("batch_get_image", {"repositoryName": "shop", "imageIds": [{"imageTag": "x"}]}),
    "ecr:DescribeImages": ("describe_images", {"repositoryName": "shop", "imageIds": [{"imageTag": "x"}]}),
    "ecr:DescribeRepositories": ("describe_repositories", {"repositoryNames": ["shop"]}),
    "ecr:GetDownloadUrlForLayer": (
        "get_download_url_for_layer",
        {"repositoryName": "shop", "layerDigest": f"sha256:{'0' * 64}"},
    ),
    "logs:FilterLogEvents": ("filter_log_events", {"logGroupName": "x"}),
    "logs:GetQueryResults": ("get_query_results", {"queryId": "x"}),
    "logs:StartQuery": ("start_query", {"startTime": 0, "endTime": 1, "queryString": "x", "logGroupName": "x"}),
}
"""How each operation is called."""

CLIENTS: dict[str, Callable[[Session], Any]] = {
    "sts": lambda session: session.sts(),
    "ecs": lambda session: session.ecs(),
    "ecr": lambda session: session.ecr("us-east-1"),
    "elasticloadbalancing": lambda session: session.elb(),
    "cloudwatch": lambda session: session.cloudwatch(),
    "logs": lambda session: session.logs("us-east-1"),
}


class _Body(BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.getvalue()


class Wire:
    """Responses in AWS's place: the same to every request, or one after the other, the last again and again."""

    def __init__(self, *bodies: str | Exception, status: int = 200) -> None:
        self.bodies = bodies
        self.status = status
        self.requests = 0

    def __call__(self, request: AWSRequest, **_: Any) -> AWSResponse:
        """Answer a request."""
        body = self.bodies[min(self.requests, len(self.bodies) - 1)]
        self.requests += 1
        if isinstance(body, Exception):
            raise body
        return AWSResponse(str(request.url), self.status, HTTPHeaders(), _Body(body.encode()))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without pauses."""
    monkeypatch.setattr(api_calls, "_PAUSES", (0.0, 0.0))


@pytest.fixture(scope="module")
def session() -> Session:
    """Return a session whose clients are made once, as that takes longer than all their calls."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        session = Session(EnvironmentSettings(name="dev", region="us-east-1", endpoint_url="http://127.0.0.1:1"))
        for client in CLIENTS.values():
            client(session)
    return session


@contextmanager
def answered(session: Session, service: str, wire: Callable[..., Any]) -> Iterator[Any]:
    """Let `wire` answer the requests of a client."""
    client = CLIENTS[service](session)
    client.meta.events.register("before-send", wire)
    try:
        yield client
    finally:
        client.meta.events.unregister("before-send", wire)


def call(session: Session, action: str, wire: Callable[..., Any]) -> tuple[Any, Problem | None]:
    """Make one call of an operation, which `wire` answers."""
    method, parameters = CALLS[action]
    with answered(session, action.partition(":")[0], wire) as client:
        return attempt(action, lambda: getattr(client, method)(**parameters))


def test_every_operation_is_tried() -> None:
    """No operation that the package reads is left out of these tests; Live Tail answers with a stream of its own."""
    reads = {iam_action(service, name) for service, names in READS.items() for name in names}
    assert reads - set(CALLS) == {"logs:StartLiveTail"}


@pytest.mark.parametrize("action", CALLS)
@pytest.mark.parametrize(
    "body",
    ["", "{}", "null", "[]", '"text"', "7", HTML, '{"services": [{"serv', "\x00\xff", "<a><b></a>", "<a/>"],
    ids=["empty", "object", "null", "list", "text", "number", "html", "cut", "bytes", "broken-xml", "xml"],
)
def test_a_response_that_is_none_is_a_problem_of_its_call(session: Session, action: str, body: str) -> None:
    """It is retried, and then a problem that names the operation, without the body and without a traceback."""
    wire = Wire(body)
    value, problem = call(session, action, wire)
    assert value is None
    assert problem is not None
    assert problem.operation == action
    assert action in problem.message
    assert "secret-of-the-body" not in problem.message
    assert problem.passing
    assert wire.requests == 3


def _service(**changes: Any) -> str:
    service = {
        "serviceArn": "a",
        "serviceName": "n",
        "status": "ACTIVE",
        "desiredCount": 1,
        "runningCount": 1,
        "pendingCount": 0,
        "createdAt": 1.7e9,
        "deployments": [{"id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": "t", "createdAt": 1.7e9}],
    }
    return json.dumps({"services": [{**service, **changes}]})


@pytest.mark.parametrize(
    "changes",
    [
        {"runningCount": "2"},
        {"runningCount": 2.5},
        {"runningCount": True},
        {"runningCount": None},
        {"serviceName": 7},
        {"serviceName": ["n"]},
        {"createdAt": 1e30},
        {"createdAt": -1e30},
        {"createdAt": "yesterday"},
        {"createdAt": {}},
        {"deployments": "none"},
        {"deployments": {"id": "x"}},
        {"deployments": [None]},
        {"deployments": [{"id": "ecs-svc/1"}]},
        {"loadBalancers": [{"containerPort": "80"}]},
        {"deploymentController": []},
        {"events": [{"message": "no time"}]},
    ],
    ids=str,
)
def test_a_member_of_another_type_is_a_problem_of_its_call(session: Session, changes: dict[str, Any]) -> None:
    """Values of the wrong type, absurd times and missing members are never taken for facts."""
    value, problem = call(session, "ecs:DescribeServices", Wire(_service(**changes)))
    assert value is None
    assert problem is not None
    assert "ecs:DescribeServices" in problem.message


def test_the_problem_names_the_member_that_is_missing(session: Session) -> None:
    """The path of the member is in the message, so that a broken endpoint can be fixed."""
    _, problem = call(session, "ecs:DescribeServices", Wire(_service(deployments=[{"id": "ecs-svc/1"}])))
    assert problem is not None
    assert "services[0].deployments[0].status" in problem.message


def test_a_retry_that_succeeds_is_no_problem(session: Session) -> None:
    """One response cut short on its way changes nothing."""
    value, problem = call(session, "ecs:DescribeServices", Wire('{"services": [', HTML, _service()))
    assert problem is None
    assert value["services"][0]["runningCount"] == 1


def test_unknown_members_and_words_are_no_problem(session: Session) -> None:
    """A newer AWS may send members and status words that this version does not know."""
    value, problem = call(session, "ecs:DescribeServices", Wire(_service(status="HIBERNATING", news={"a": [1]})))
    assert problem is None
    assert value["services"][0]["status"] == "HIBERNATING"


def test_half_a_surrogate_pair_is_replaced(session: Session) -> None:
    """A text that cannot be encoded would break every report that shows it."""
    line = {"eventId": "1", "timestamp": 1, "logStreamName": "s", "message": "caf\ud800é"}
    value, problem = call(session, "logs:FilterLogEvents", Wire(json.dumps({"events": [line]})))
    assert problem is None
    assert value["events"][0]["message"] == "caf?é"


@pytest.mark.parametrize(
    "error", [AttributeError("x"), RuntimeError("x"), UnicodeEncodeError("utf-8", "x", 0, 1, "y"), MemoryError("x")]
)
def test_whatever_botocore_raises_is_a_problem_of_its_call(session: Session, error: Exception) -> None:
    """The parsers of botocore let their errors pass as they are; no traceback of them reaches a user."""
    value, problem = call(session, "ecr:DescribeImages", Wire(error))
    assert value is None
    assert problem is not None
    assert problem.operation == "ecr:DescribeImages"
    assert type(error).__name__ in problem.message


def test_the_page_of_a_proxy_is_not_shown(session: Session) -> None:
    """For botocore the whole body is the message of an error that is not JSON."""
    _, problem = call(session, "ecs:ListTasks", Wire(HTML, status=403))
    assert problem is not None
    assert "secret-of-the-body" not in problem.message
    assert "403" in problem.message


def test_a_call_has_a_time_limit(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A response that never ends is given up, and the thread that waits for it does not hold up the run."""
    over = threading.Event()
    monkeypatch.setattr(session.overtime, "_seconds", 0.05)
    try:
        with session.overtime.step():
            value, problem = call(session, "ecs:ListTasks", lambda **_: over.wait(30))
    finally:
        over.set()
    assert value is None
    assert problem is not None
    assert problem.code == "CallTimeoutError"
    assert problem.passing


def test_no_call_is_made_when_no_time_is_left(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the end of an observation nothing is sent, and the problem says what was not read."""
    wire = Wire("{}")
    monkeypatch.setattr(session.overtime, "_seconds", 0.0)
    with session.overtime.step():
        _, problem = call(session, "ecs:ListTasks", wire)
    assert wire.requests == 0
    assert problem is not None
    assert "ecs:ListTasks was not read" in problem.message
    assert "--deploy-wait" in problem.remedy


@pytest.mark.parametrize("body", ["", HTML, "null", "<GetCallerIdentityResponse/>"])
def test_an_identity_that_is_none_ends_the_run_at_the_start(session: Session, body: str) -> None:
    """Before anything else is asked, a response that does not come from AWS is one clear message."""
    with answered(session, "sts", Wire(body)), pytest.raises(EnvironmentUnusableError) as unusable:
        session.identify()
    assert "sts:GetCallerIdentity" in unusable.value.message
    assert "secret-of-the-body" not in unusable.value.message
    assert "endpoint_url" in unusable.value.remedy
    assert "token file" not in unusable.value.message


def test_sts_that_does_not_answer_is_not_blamed_on_a_token_file(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cause is the time limit of the call, whatever kind of error botocore makes of a silent server."""
    monkeypatch.setattr(api_calls, "CALL_LIMIT", 0.05)
    over = threading.Event()
    timely = pytest.raises(EnvironmentUnusableError, match="does not answer in time")
    try:
        with answered(session, "sts", lambda **_: over.wait(30)), timely as unusable:
            session.identify()
    finally:
        over.set()
    assert "token" not in str(unusable.value)
