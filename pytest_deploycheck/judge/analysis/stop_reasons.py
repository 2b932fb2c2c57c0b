"""The classes of reasons for which tasks stop or cannot be placed, each with its own remedy.

The words that identify a class are those of the ECS documentation on stopped tasks and service events.
"""

from __future__ import annotations

import re

from msgspec import Struct

from pytest_deploycheck.facts.task import Container, Task


class Reason(Struct, frozen=True):
    """A class of reasons for which tasks stop.

    Attributes:
        name: Its name, for machines: `out-of-memory`.
        cause: What happened, as the end of a sentence that begins with the number of tasks.
        remedy: What to do about it.
    """

    name: str
    cause: str
    remedy: str


def reason_of(task: Task) -> Reason:
    """Return the class of the reason for which a task stopped."""
    text = " ".join([task.stop_code, task.stopped_reason, *(one.reason for one in task.containers)])
    reason = reason_in(text)
    if reason:
        return reason
    container = culprit(task)
    if container and container.exit_code is not None:
        return _by_exit_code(container.name, container.exit_code)
    return Reason(
        "other",
        "for a reason that is not classified",
        "Look at the task in the AWS console, and at the events of the service.",
    )


def reason_in(text: str) -> Reason | None:
    """Return the class of reason that a text of ECS belongs to, or None where it belongs to none."""
    text = text.replace(_EITHER, "")
    return next((reason for pattern, reason in _BY_WORDS if pattern.search(text)), None)


def culprit(task: Task) -> Container | None:
    """Return the container that made a task stop: one with a reason or an error before one that just ended.

    When one container ends, ECS stops the others: their exit codes come after an error of another container.
    """
    ended = [one for one in task.containers if one.exit_code is not None or one.reason]
    return min(ended, key=lambda one: (not one.reason, one.exit_code in _TOLD_TO_STOP, not one.exit_code), default=None)


_TOLD_TO_STOP = frozenset({137, 143})
"""The exit codes of processes that a signal ended: SIGKILL and SIGTERM."""

_EITHER = "unable to pull secrets or registry auth"
"""The beginning of ECS's messages on the one and on the other."""

# Words alone: a number may be part of an account, a tag or a digest, and a single noun the name of a repository.
_NETWORK = (
    r"timeout|timed out|deadline exceeded|no route|connection refused|no such host|dial tcp|i/o error|"
    r"connection issue|network configuration|(?:request|context) cancell?ed|signal: killed"
)
_DENIED = r"denied|not authorized|unauthorized|no basic auth|forbidden|has the permissions"
_PULL = r"CannotPull\w*|pull (?:image|access|registry auth|command)|ecr registry auth|failed to resolve ref"
_SECRET = (
    r"(?:retrieve|fetch|pull) secrets?\b|Secrets Manager|secretsmanager:|ssm parameter|:ssm:|GetParameters|"
    r"parameter store"
)
_LOGS = r"logger args|logg?(?:ing)? driver|log ?group|CreateLogStream|awslogs"


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


_BY_WORDS: tuple[tuple[re.Pattern[str], Reason], ...] = (
    (
        _words(r"OutOfMemory|out of memory"),
        Reason(
            "out-of-memory",
            "a container used more memory than its limit",
            "Raise `memory` of the container or the task in the task definition, or find out why the new "
            "code needs more.",
        ),
    ),
    (
        _words(r"failed ELB health checks"),
        Reason(
            "load-balancer-health",
            "the load balancer's health checks failed",
            "Request the path of the health check from a new task; give the application more time with "
            "healthCheckGracePeriodSeconds, and see targets-healthy.",
        ),
    ),
    (
        _words(r"failed container health checks"),
        Reason(
            "container-health",
            "the health check of the container failed",
            "Run the command of the health check in the image; give it more time with startPeriod.",
        ),
    ),
    (
        _words(r"executable file not found|\bexec: .*no such file or directory|command not found"),
        Reason(
            "command-missing",
            "the command is not in the image",
            "Compare entryPoint and command of the task definition with the files in the image.",
        ),
    ),
    (
        _words(
            r"does not match the host operating system|operating system of the container does not match|"
            r"no matching manifest for windows"
        ),
        Reason(
            "windows-version",
            "the image is not built for the Windows version of its host",
            "Build it from a base image of the Windows version that the hosts run, or set operatingSystemFamily of "
            "runtimePlatform in the task definition to the version of the image.",
        ),
    ),
    (
        _words(r"no matching manifest|descriptor matching platform|exec format error|image operating system"),
        Reason(
            "image-platform",
            "the image is not built for the platform of its host",
            "Build it for that platform (docker buildx build --platform linux/amd64,linux/arm64), or set "
            "runtimePlatform in the task definition.",
        ),
    ),
    (
        _words(rf"(?:{_PULL}).*(?:toomanyrequests|too many requests|rate limit)"),
        Reason(
            "image-rate-limit",
            "the registry refused further pulls (rate limit)",
            "Copy the image to ECR, or use a pull-through cache or credentials for that registry.",
        ),
    ),
    (
        _words(rf"(?:{_SECRET}).*(?:{_DENIED})|(?:{_DENIED}).*(?:{_SECRET})"),
        Reason(
            "secret-denied",
            "the task execution role is not allowed to read a secret or parameter",
            "Allow secretsmanager:GetSecretValue or ssm:GetParameters (and kms:Decrypt for a customer managed key) "
            "to the task execution role.",
        ),
    ),
    (
        _words(rf"(?:{_SECRET}).*(?:{_NETWORK})"),
        Reason(
            "secret-unreachable",
            "Secrets Manager or SSM could not be reached",
            "Give the subnets of the task a route to Secrets Manager or SSM: a NAT gateway or VPC endpoints, and a "
            "security group that allows port 443.",
        ),
    ),
    (
        _words(_SECRET),
        Reason(
            "secret-missing",
            "a secret or parameter could not be read",
            "Compare `secrets` of the task definition with the secrets that exist: ARN, region, and JSON key.",
        ),
    ),
    (
        _words(rf"(?:{_PULL}).*(?:{_DENIED})"),
        Reason(
            "image-denied",
            "the registry denied the pull",
            "Allow ecr:GetAuthorizationToken, ecr:BatchGetImage and ecr:GetDownloadUrlForLayer to the task execution "
            "role (on EC2 to that of the instance); the policy of a repository in another account must allow it too, "
            "and other private registries need repositoryCredentials.",
        ),
    ),
    (
        _words(rf"(?:{_PULL}).*(?:not found|does not exist|manifest unknown|name unknown)"),
        Reason(
            "image-missing",
            "the image is not in its registry",
            "Push the image that the task definition names, or name one that is there (see image-exists).",
        ),
    ),
    (
        _words(r"thin ?pool"),
        Reason(
            "thin-pool-full",
            "the storage pool of Docker on the container instance was full",
            "Remove unused images and containers on the container instance (ECS_IMAGE_CLEANUP_INTERVAL, "
            "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION), or enlarge its Docker volume.",
        ),
    ),
    (
        _words(r"no space left on device"),
        Reason(
            "disk-full",
            "the disk was full",
            "Give the task more ephemeral storage, free space on the container instance, or make the image smaller.",
        ),
    ),
    (
        _words(rf"(?:{_PULL}).*(?:{_NETWORK})"),
        Reason(
            "registry-unreachable",
            "the registry could not be reached",
            "Give the subnets of the task a route to the registry: a public address, a NAT gateway, or the VPC "
            "endpoints for ECR and S3, and a security group that allows port 443.",
        ),
    ),
    (
        _words(_PULL),
        Reason(
            "image-pull",
            "the image could not be pulled",
            "Read the message of the registry, and pull the image by hand.",
        ),
    ),
    (
        _words(rf"(?:{_LOGS}).*(?:{_NETWORK})"),
        Reason(
            "logs-unreachable",
            "CloudWatch Logs could not be reached",
            "Give the subnets of the task a route to CloudWatch Logs: a public address, a NAT gateway or a VPC "
            "endpoint, and a security group that allows port 443.",
        ),
    ),
    (
        _words(_LOGS),
        Reason(
            "log-driver",
            "the log driver could not start",
            "Create the log group, and allow logs:CreateLogStream and logs:PutLogEvents to the task execution role.",
        ),
    ),
    (
        _words(r"\bEBS\b"),
        Reason(
            "ebs-volume",
            "an EBS volume could not be attached",
            "Check the infrastructure role of the service (AmazonECSInfrastructureRolePolicyForVolumes), the volume's "
            "type, size and snapshot, and the EBS quotas of the account.",
        ),
    ),
    (
        _words(r"\bEFS\b|file system|\bmount|\bvolumes?\b|CannotCreateVolume"),
        Reason(
            "volume",
            "a volume could not be mounted",
            "Check that the file system, its mount targets and its access point exist, and that the security group "
            "lets the task reach port 2049.",
        ),
    ),
    (
        _words(r"InsufficientFreeAddresses|free addresses|available IP|network interface|\bENI\b"),
        Reason(
            "network-interface",
            "no network interface could be created",
            "Check that the subnets have free addresses, and that the account has not reached its quota of network "
            "interfaces.",
        ),
    ),
    (
        _words(r"SpotInterruption|TerminationNotice|Host EC2|instance .*terminat|deregistration forced"),
        Reason(
            "capacity-taken",
            "the underlying capacity was taken away",
            "The image is not the cause: keep some tasks off Spot capacity, or find out what terminates the instances.",
        ),
    ),
    (
        _words(r"missing an attribute required"),
        Reason(
            "attribute-missing",
            "no container instance has an attribute that the task requires",
            "Compare requiresAttributes of the task definition and the placement constraints with the attributes of "
            "the container instances (aws ecs list-attributes); a newer ECS agent or another instance type adds them.",
        ),
    ),
    (
        _words(r"already using a port|port is already allocated|RESOURCE:PORTS"),
        Reason(
            "port-in-use",
            "a host port that the task requires is in use on every container instance",
            "Let ECS choose the host port (hostPort 0, or network mode awsvpc), or let old tasks stop first "
            "(minimumHealthyPercent below 100).",
        ),
    ),
    (
        _words(r"capacity is unavailable|insufficient capacity|RESOURCE:|unable to place|no container instance"),
        Reason(
            "no-capacity",
            "the cluster has no capacity left",
            "Add container instances or capacity providers, reserve less CPU or memory, or use other Availability "
            "Zones.",
        ),
    ),
    (
        _words(r"permission denied"),
        Reason(
            "command-denied",
            "the command is not allowed to be executed",
            "Make it executable in the image (chmod +x), and check which user the container runs as.",
        ),
    ),
    (
        _words(r"Cannot(?:Start|Create|Inspect)Container|ContainerRuntime|DockerTimeout"),
        Reason(
            "container-start",
            "a container could not be started",
            "Read the message of the container runtime, and start the image by hand with the settings of the task "
            "definition.",
        ),
    ),
    (
        _words(r"ResourceInitialization"),
        Reason(
            "task-set-up",
            "the resources of the task could not be set up",
            "Read the message of ECS: the cause is in the task definition, its roles or its network, not in the image.",
        ),
    ),
)
"""The classes that words identify; the first whose words are found is taken."""

REASONS = tuple(reason for _, reason in _BY_WORDS)
"""The classes that words identify."""

_READ_LOG = "Read its last log lines, fix the error, and deploy again."

_BY_EXIT_CODE: dict[int, tuple[str, str]] = {
    0: ("ended by itself without an error", "The container of a service must keep running: check its command."),
    126: ("has a command that cannot be executed", "Make the command executable in the image (chmod +x)."),
    127: ("has a command that is not in the image", "Compare entryPoint and command with the files in the image."),
    134: ("aborted", _READ_LOG),
    137: ("was killed", "It used too much memory, or did not stop in time (stopTimeout): read its last log lines."),
    139: ("crashed with a segmentation fault", _READ_LOG),
    143: (
        "ended on a signal to terminate",
        "Find out what sent the signal: a health check, or the application itself.",
    ),
}


def _by_exit_code(container: str, code: int) -> Reason:
    what, remedy = _BY_EXIT_CODE.get(code, ("ended with an error", _READ_LOG))
    return Reason(f"exit-{code}", f"container {container!r} {what}, exit code {code}", remedy)
