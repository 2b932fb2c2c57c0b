"""The classes of reasons for which tasks stop, each with its own remedy.

The words by which a class is told are those of ECS's documentation on stopped tasks.
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
    """The class of the reason for which a task stopped."""
    text = " ".join([task.stop_code, task.stopped_reason, *(one.reason for one in task.containers)])
    said = reason_in(text)
    if said:
        return said
    container = culprit(task)
    if container and container.exit_code is not None:
        return _by_exit_code(container.name, container.exit_code)
    return Reason(
        "other", "for a reason that is in no class", "Look at the task in the AWS console, and at the service's events."
    )


def reason_in(text: str) -> Reason | None:
    """The class of reason that ECS's words are of, or None where they are of none."""
    text = text.replace(_EITHER, "")
    return next((reason for pattern, reason in _BY_WORDS if pattern.search(text)), None)


def culprit(task: Task) -> Container | None:
    """The container that made a task stop: one that gives a reason or an error before one that just ended.

    When one ends, ECS stops the others: what those end with that were told to comes after an error of one's own.
    """
    ended = [one for one in task.containers if one.exit_code is not None or one.reason]
    return min(ended, key=lambda one: (not one.reason, one.exit_code in _TOLD_TO_STOP, not one.exit_code), default=None)


_TOLD_TO_STOP = frozenset({137, 143})
"""The exit codes of what a signal ended: SIGKILL and SIGTERM."""

_EITHER = "unable to pull secrets or registry auth"
"""How ECS begins whatever it says of the one or the other."""

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
            "a container used more memory than it may",
            "Raise `memory` of the container or the task in the task definition, or find what the new code keeps.",
        ),
    ),
    (
        _words(r"failed ELB health checks"),
        Reason(
            "load-balancer-health",
            "the load balancer's health checks failed",
            "Ask the health check's path of a new task by hand; give the application more time with "
            "healthCheckGracePeriodSeconds, and see targets-healthy.",
        ),
    ),
    (
        _words(r"failed container health checks"),
        Reason(
            "container-health",
            "the container's own health check failed",
            "Run the health check's command in the image; give it more time with startPeriod.",
        ),
    ),
    (
        _words(r"executable file not found|\bexec: .*no such file or directory|command not found"),
        Reason(
            "command-missing",
            "the command is not in the image",
            "Compare entryPoint and command of the task definition with what the image holds.",
        ),
    ),
    (
        _words(r"no matching manifest|descriptor matching platform|exec format error|image operating system"),
        Reason(
            "image-platform",
            "the image is not built for the processor or system it is to run on",
            "Build it for that platform (docker buildx build --platform linux/amd64,linux/arm64), or set "
            "runtimePlatform in the task definition.",
        ),
    ),
    (
        _words(rf"(?:{_PULL}).*(?:toomanyrequests|too many requests|rate limit)"),
        Reason(
            "image-rate-limit",
            "the registry refused to be pulled from so often",
            "Keep the image in ECR, or use a pull-through cache or credentials for that registry.",
        ),
    ),
    (
        _words(rf"(?:{_SECRET}).*(?:{_DENIED})|(?:{_DENIED}).*(?:{_SECRET})"),
        Reason(
            "secret-denied",
            "the task execution role may not read a secret or parameter",
            "Allow secretsmanager:GetSecretValue or ssm:GetParameters (and kms:Decrypt for a key of your own) to the "
            "task execution role.",
        ),
    ),
    (
        _words(rf"(?:{_SECRET}).*(?:{_NETWORK})"),
        Reason(
            "secret-unreachable",
            "the service that keeps a secret or parameter could not be reached",
            "Give the task's subnets a way to Secrets Manager or SSM: a NAT gateway or VPC endpoints, and a security "
            "group that allows port 443.",
        ),
    ),
    (
        _words(_SECRET),
        Reason(
            "secret-missing",
            "a secret or parameter could not be read",
            "Compare `secrets` of the task definition with what there is: the ARN, the region, and the JSON key.",
        ),
    ),
    (
        _words(rf"(?:{_PULL}).*(?:{_DENIED})"),
        Reason(
            "image-denied",
            "the registry does not let the image be pulled",
            "Allow ecr:GetAuthorizationToken, ecr:BatchGetImage and ecr:GetDownloadUrlForLayer to the task execution "
            "role (on EC2 to that of the instance); for a repository of another account its policy must allow it too, "
            "and other registries want repositoryCredentials.",
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
        _words(r"no space left on device"),
        Reason(
            "disk-full",
            "the disk was full",
            "Give the task more ephemeral storage, or clean up the container instance; see how large the image is.",
        ),
    ),
    (
        _words(rf"(?:{_PULL}).*(?:{_NETWORK})"),
        Reason(
            "registry-unreachable",
            "the registry could not be reached",
            "Give the task's subnets a way to the registry: a public address, a NAT gateway, or the VPC endpoints for "
            "ECR and S3, and a security group that allows port 443.",
        ),
    ),
    (
        _words(_PULL),
        Reason("image-pull", "the image could not be pulled", "Read what the registry said, and pull it by hand."),
    ),
    (
        _words(rf"(?:{_LOGS}).*(?:{_NETWORK})"),
        Reason(
            "logs-unreachable",
            "CloudWatch Logs could not be reached",
            "Give the task's subnets a way to CloudWatch Logs: a public address, a NAT gateway or a VPC endpoint, and "
            "a security group that allows port 443.",
        ),
    ),
    (
        _words(_LOGS),
        Reason(
            "log-driver",
            "the log driver could not begin",
            "Make the log group, and allow logs:CreateLogStream and logs:PutLogEvents to the task execution role.",
        ),
    ),
    (
        _words(r"\bEFS\b|file system|\bmount|\bvolumes?\b|CannotCreateVolume"),
        Reason(
            "volume",
            "a volume could not be mounted",
            "See that the file system, its mount targets and its access point are there, and that the security group "
            "lets the task reach port 2049.",
        ),
    ),
    (
        _words(r"InsufficientFreeAddresses|free addresses|available IP|network interface|\bENI\b"),
        Reason(
            "network-interface",
            "no network interface could be made",
            "See that the subnets have free addresses and the account's limit of network interfaces is not reached.",
        ),
    ),
    (
        _words(r"SpotInterruption|TerminationNotice|Host EC2|instance .*terminat|deregistration forced"),
        Reason(
            "capacity-taken",
            "the machine below was taken away",
            "Nothing is wrong with the image: keep some tasks off Spot capacity, or see who ends the instances.",
        ),
    ),
    (
        _words(r"capacity is unavailable|insufficient capacity|RESOURCE:|unable to place|no container instance"),
        Reason(
            "no-capacity",
            "there is no room in the cluster",
            "Add container instances or capacity providers, ask for less CPU or memory, or try other zones.",
        ),
    ),
    (
        _words(r"permission denied"),
        Reason(
            "command-denied",
            "the command may not be carried out",
            "Make it executable in the image (chmod +x), and see which user the container runs as.",
        ),
    ),
    (
        _words(r"Cannot(?:Start|Create|Inspect)Container|ContainerRuntime|DockerTimeout"),
        Reason(
            "container-start",
            "a container could not be started",
            "Read what the container runtime said; start the image by hand with the task definition's settings.",
        ),
    ),
    (
        _words(r"ResourceInitialization"),
        Reason(
            "task-set-up",
            "what a task needs could not be set up",
            "Read what ECS said; it is about the task definition, its roles or its network, not about the image.",
        ),
    ),
)
"""The classes that are told by words; the first whose words are found is taken."""

REASONS = tuple(reason for _, reason in _BY_WORDS)
"""The classes that are told by words."""

_READ_LOG = "Read its last lines, mend what it complains of, and deploy again."

_BY_EXIT_CODE: dict[int, tuple[str, str]] = {
    0: ("ended by itself without an error", "A service's container must go on running: see what its command does."),
    126: ("has a command that cannot be carried out", "Make the command executable in the image (chmod +x)."),
    127: ("has a command that is not in the image", "Compare entryPoint and command with what the image holds."),
    134: ("aborted", _READ_LOG),
    137: ("was killed", "It used too much memory, or did not stop in time (stopTimeout): read its last lines."),
    139: ("crashed with a segmentation fault", _READ_LOG),
    143: ("ended as it was asked to terminate", "See who sent it a signal: a health check, or the application itself."),
}


def _by_exit_code(container: str, code: int) -> Reason:
    what, remedy = _BY_EXIT_CODE.get(code, ("ended with an error", _READ_LOG))
    return Reason(f"exit-{code}", f"container {container!r} {what}, exit code {code}", remedy)
