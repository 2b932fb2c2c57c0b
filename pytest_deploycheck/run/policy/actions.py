"""The IAM actions that the checks need: when, on which resources, and the consequences where one is denied."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

LOGS = "logs-N"
"""The name that stands for all checks of declared log expectations."""


class Trigger(StrEnum):
    """The circumstance in which an action is asked for, in words that end a sentence."""

    ALWAYS = "always"
    LOAD_BALANCER = "services with a load balancer"
    PRODUCTION_RULE = "blue/green deployments that name the production listener rule of an Application Load Balancer"
    PRODUCTION_LISTENER = "blue/green deployments behind a Network Load Balancer"
    INSTANCES = "targets without an address of their own (EC2 with the network modes `bridge` and `host`)"
    ALARMS = "`alarms`"
    ERROR_RATE = "`error_rate`"
    BALANCER_METRICS = "`error_rate` by the metrics of the load balancer"
    DISCOVERY = "`discover`"
    LIVE_TAIL = "`live_tail = true`"
    QUERIES = "log groups of the class INFREQUENT_ACCESS, and `deploy_logs.query()` in tests"


class ResourceKind(StrEnum):
    """The kind of resource on which an action is allowed."""

    SERVICE = "service"
    TASK = "task"
    SERVICE_DEPLOYMENT = "service-deployment"
    SERVICE_REVISION = "service-revision"
    CONTAINER_INSTANCE = "container-instance"
    CLUSTER_CONDITION = "any, on condition of the cluster"
    REPOSITORY = "repository"
    LOG_GROUP = "log group"
    ALARM = "alarm"
    ANY = "any"


class NeededAction(Struct, frozen=True):
    """An action that checks need.

    Attributes:
        name: The action, such as `ecr:DescribeImages`.
        resource: The kind of resource on which it is allowed.
        checks: The ids of the checks whose questions it answers; `logs-N` stands for all log expectations.
        trigger: When it is asked for.
        without: The answer where it is denied; empty where the checks end in `error` then.
    """

    name: str
    resource: ResourceKind
    checks: tuple[str, ...]
    trigger: Trigger = Trigger.ALWAYS
    without: str = ""


_NEW_TASKS = ("tasks-run-image", LOGS, "targets-healthy", "containers-healthy", "error-rate")
"""The checks that need to know which tasks are new."""

_BY_SERVICE_ALONE = "the outcome is judged by the service's own list of deployments"

ACTIONS = (
    NeededAction(
        "ecs:DescribeServices",
        ResourceKind.SERVICE,
        ("rollout-complete", "tasks-running", "targets-healthy", "error-rate"),
        without="the outcome is judged by the service deployments; the desired count is unknown",
    ),
    NeededAction("ecs:ListServiceDeployments", ResourceKind.SERVICE, ("rollout-complete",), without=_BY_SERVICE_ALONE),
    NeededAction(
        "ecs:DescribeTasks",
        ResourceKind.TASK,
        ("tasks-running", *_NEW_TASKS),
        without="`tasks-running` goes by the service's own count; the images of the tasks are unknown",
    ),
    NeededAction(
        "ecs:ListTasks",
        ResourceKind.CLUSTER_CONDITION,
        ("tasks-running", *_NEW_TASKS),
        without="as without `ecs:DescribeTasks`",
    ),
    NeededAction("ecs:ListServices", ResourceKind.CLUSTER_CONDITION, (), Trigger.DISCOVERY),
    NeededAction(
        "ecs:DescribeServiceDeployments",
        ResourceKind.SERVICE_DEPLOYMENT,
        ("rollout-complete",),
        without=_BY_SERVICE_ALONE,
    ),
    NeededAction(
        "ecs:DescribeServiceRevisions",
        ResourceKind.SERVICE_REVISION,
        ("rollout-complete",),
        without="the images of earlier rollouts are known from the registry alone",
    ),
    NeededAction(
        "ecs:DescribeTaskDefinition",
        ResourceKind.ANY,
        ("image-exists", "image-repository", LOGS, "containers-healthy"),
        without="the images are read from the tasks; their log streams are unknown",
    ),
    NeededAction(
        "ecs:DescribeContainerInstances",
        ResourceKind.CONTAINER_INSTANCE,
        ("targets-healthy",),
        trigger=Trigger.INSTANCES,
    ),
    NeededAction(
        "ecr:DescribeImages",
        ResourceKind.REPOSITORY,
        ("image-exists", "image-intended", "image-pushed", "rollout-complete"),
        without="`ecr:BatchGetImage` gives the digest, also of the usual tags with the commit; when the image was "
        "pushed and what is newer stays unknown, so `image-intended` needs the image named or a tag or label with the "
        "commit",
    ),
    NeededAction(
        "ecr:BatchGetImage",
        ResourceKind.REPOSITORY,
        ("image-exists", "image-intended", "image-content", "image-layers", "tasks-run-image"),
        without="digests are compared as they are; which platforms an index has stays unknown",
    ),
    NeededAction(
        "ecr:DescribeRepositories",
        ResourceKind.REPOSITORY,
        ("image-intended", "image-tag"),
        without="nothing; a tag without a digit of its own is taken for one that moves",
    ),
    NeededAction(
        "ecr:GetDownloadUrlForLayer",
        ResourceKind.REPOSITORY,
        ("image-intended", "image-content", "image-layers"),
        without="digests are compared as they are; the content of the image cannot be checked",
    ),
    NeededAction("logs:FilterLogEvents", ResourceKind.LOG_GROUP, (LOGS, "rollout-complete")),
    NeededAction(
        "logs:StartLiveTail",
        ResourceKind.LOG_GROUP,
        (LOGS,),
        trigger=Trigger.LIVE_TAIL,
        without="polling, as without it",
    ),
    NeededAction("logs:StartQuery", ResourceKind.LOG_GROUP, (LOGS,), trigger=Trigger.QUERIES),
    NeededAction("logs:GetQueryResults", ResourceKind.ANY, (LOGS,), trigger=Trigger.QUERIES),
    NeededAction(
        "elasticloadbalancing:DescribeTargetHealth",
        ResourceKind.ANY,
        ("targets-healthy",),
        trigger=Trigger.LOAD_BALANCER,
    ),
    NeededAction(
        "elasticloadbalancing:DescribeRules",
        ResourceKind.ANY,
        ("targets-healthy",),
        trigger=Trigger.PRODUCTION_RULE,
        without="which target group of a blue/green deployment serves production stays unknown: `targets-healthy` is "
        "unproven unless both agree",
    ),
    NeededAction(
        "elasticloadbalancing:DescribeListeners",
        ResourceKind.ANY,
        ("targets-healthy",),
        trigger=Trigger.PRODUCTION_LISTENER,
        without="as without `elasticloadbalancing:DescribeRules`",
    ),
    NeededAction(
        "elasticloadbalancing:DescribeTargetGroups",
        ResourceKind.ANY,
        ("error-rate",),
        trigger=Trigger.BALANCER_METRICS,
    ),
    NeededAction("cloudwatch:DescribeAlarms", ResourceKind.ALARM, ("alarms-ok",), trigger=Trigger.ALARMS),
    NeededAction(
        "cloudwatch:DescribeAlarmHistory",
        ResourceKind.ALARM,
        ("alarms-ok",),
        trigger=Trigger.ALARMS,
        without="an alarm whose state is from before the rollout is OK all the same; for others the check is an "
        "`error`",
    ),
    NeededAction("cloudwatch:GetMetricData", ResourceKind.ANY, ("error-rate",), trigger=Trigger.ERROR_RATE),
)
"""Every action that a run may ask for, but for sts:GetCallerIdentity, which needs no permission."""
