"""The words of AWS on stopped tasks, by their class.

The sentences are those of the Amazon ECS Developer Guide ("Amazon ECS stopped tasks error messages" and the pages it
leads to), of the ECS agent and of tasks that users quote.
"""

from __future__ import annotations

from pytest_deploycheck.sandbox import stops as aws
from pytest_deploycheck.sandbox.stops import Stop

_SHOP = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:v2"
_PULL = "CannotPullContainerError: pull image manifest has been retried 5 time(s): "
_INIT = "ResourceInitializationError: "
_SECRETS = f"{_INIT}unable to pull secrets or registry auth: "
_ROLE = "User: arn:aws:sts::123456789012:assumed-role/execution/task is not authorized to perform: "


def _not_started(reason: str) -> Stop:
    return Stop(code="TaskFailedToStart", reason=reason)


def _not_startable(reason: str) -> Stop:
    return Stop(code="TaskFailedToStart", reason="Task failed to start", container_reason=reason)


def _exited(code: int) -> Stop:
    return Stop(code="EssentialContainerExited", reason=aws.EXITED, exit_code=code)


STOPPED_WORDS: dict[str, tuple[Stop, ...]] = {
    "out-of-memory": (
        aws.OUT_OF_MEMORY,
        Stop(
            code="EssentialContainerExited",
            reason="OutOfMemoryError: container killed due to high memory usage",
            exit_code=137,
        ),
    ),
    "image-platform": (
        _not_started(f"{_PULL}image Manifest does not contain descriptor matching platform 'linux/amd64'."),
        _not_started(f"{_PULL}no matching manifest for linux/arm64/v8 in the manifest list entries"),
        _not_startable(
            "CannotStartContainerError: Error response from daemon: failed to create shim task: OCI runtime create "
            'failed: exec: "/app/start": exec format error'
        ),
    ),
    "image-rate-limit": (
        _not_started(
            f"{_PULL}httpReadSeeker: failed open: unexpected status code "
            "https://registry-1.docker.io/v2/library/nginx/manifests/sha256:a: 429 Too Many Requests - Server message: "
            "toomanyrequests: You have reached your pull rate limit."
        ),
    ),
    "image-missing": (
        aws.cannot_pull(_SHOP),
        _not_started(
            f"{_PULL}failed to resolve ref docker.io/shop/web:v2: pulling from host registry-1.docker.io failed with "
            "status code [manifests v2]: manifest unknown"
        ),
        _not_started(
            f"CannotPullContainerError: Error response from daemon: manifest for {_SHOP} not found: manifest unknown: "
            "Requested image not found"
        ),
    ),
    "image-denied": (
        _not_started(
            f"{_SECRETS}unable to retrieve ecr registry auth: service call has been retried 1 time(s): "
            f"AccessDeniedException: {_ROLE}ecr:GetAuthorizationToken on resource: * because no identity-based policy "
            "allows the ecr:GetAuthorizationToken action"
        ),
        _not_started(
            "CannotPullContainerError: The task can't pull the image. Check that the role has the permissions to pull "
            "images from the registry."
        ),
        _not_started(
            "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed "
            "open: unexpected status code https://123456789012.dkr.ecr.us-east-1.amazonaws.com/v2/shop/blobs/sha256:a: "
            "403 Forbidden"
        ),
        _not_started(
            "CannotPullContainerError: Error response from daemon: pull access denied for "
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop, repository does not exist or may require 'docker "
            f"login': denied: {_ROLE}ecr:BatchGetImage on resource: arn:aws:ecr:us-east-1:123456789012:repository/shop"
        ),
    ),
    "registry-unreachable": (
        _not_started(
            f"{_SECRETS}The task cannot pull registry auth from Amazon ECR: There is a connection issue between the "
            "task and Amazon ECR. Check your task network configuration. operation error ECR: GetAuthorizationToken, "
            "exceeded maximum number of attempts, 3, https response error StatusCode: 0, request send failed, Post "
            '"https://api.ecr.us-east-1.amazonaws.com/": dial tcp 10.0.3.7:443: i/o timeout'
        ),
        _not_started(
            f"CannotPullContainerError: The task cannot pull {_SHOP} from the Amazon ECR repository. There is a "
            "connection issue between the task and Amazon ECR. Check your task network configuration."
        ),
        _not_started(
            f'{_PULL}failed to resolve ref {_SHOP}: failed to do request: Head "https://x": dial tcp: i/o timeout'
        ),
        _not_started(
            "CannotPullContainerError: Error response from daemon: Get "
            "https://123456789012.dkr.ecr.us-east-1.amazonaws.com/v2/: net/http: request canceled while waiting for "
            "connection"
        ),
        _not_started("CannotPullContainerError: context canceled"),
        _not_started("CannotPullContainerError: The task can't pull the image. Check your network configuration."),
    ),
    "image-pull": (
        _not_started(
            "CannotPullContainerError: pull command failed: panic: runtime error: invalid memory address or nil "
            "pointer dereference"
        ),
    ),
    "secret-denied": (
        aws.NO_SECRETS,
        _not_started(
            f"{_SECRETS}execution resource retrieval failed: unable to retrieve secrets from ssm: service call has "
            f"been retried 1 time(s): AccessDeniedException: {_ROLE}ssm:GetParameters on resource: "
            "arn:aws:ssm:us-east-1:123456789012:parameter/shop/db"
        ),
    ),
    "secret-unreachable": (
        _not_started(
            f"{_SECRETS}unable to retrieve secret from asm: There is a connection issue between the task and AWS "
            "Secrets Manager. Check your task network configuration. failed to fetch secret "
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/db from secrets manager: operation error "
            "Secrets Manager: GetSecretValue, https response error StatusCode: 0, canceled, context deadline exceeded"
        ),
        _not_started(
            f"{_SECRETS}unable to retrieve secrets from ssm: The task cannot pull secrets from AWS Systems Manager. "
            "There is a connection issue between the task and AWS Systems Manager Parameter Store. Check your task "
            "network configuration."
        ),
    ),
    "secret-missing": (
        _not_started(
            f"{_SECRETS}execution resource retrieval failed: unable to retrieve secret from asm: service call has been "
            "retried 1 time(s): failed to fetch secret arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/db "
            "from secrets manager: ResourceNotFoundException: Secrets Manager can't find the specified secret."
        ),
        _not_started(
            f"{_SECRETS}execution resource retrieval failed: unable to retrieve secrets from ssm: service call has "
            "been retried 1 time(s): invalid ssm parameters: /shop/db"
        ),
        _not_started(
            f"{_SECRETS}execution resource retrieval failed: unable to retrieve secret from asm: retrieved secret from "
            "Secrets Manager did not contain json key password"
        ),
    ),
    "disk-full": (
        _not_started(
            "CannotPullContainerError: write /var/lib/docker/tmp/GetImageBlob111111111: no space left on device"
        ),
    ),
    "log-driver": (
        aws.NO_LOG_GROUP,
        _not_started(
            f"{_INIT}failed to validate logger args: create stream has been retried 1 times: failed to create "
            f"Cloudwatch log stream: AccessDeniedException: {_ROLE}logs:CreateLogStream on resource: "
            "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/shop:log-stream:app/app/0123 : exit status 1"
        ),
    ),
    "logs-unreachable": (
        _not_started(
            f"{_INIT}failed to validate logger args: The task cannot find the Amazon CloudWatch log group defined in "
            "the task definition. There is a connection issue between the task and Amazon CloudWatch. Check your "
            "network configuration. : signal: killed"
        ),
    ),
    "volume": (
        _not_started(
            f"{_INIT}failed to invoke EFS utils commands to set up EFS volumes: stderr: b'mount.nfs4: access denied by "
            "server while mounting 127.0.0.1:/' : unsuccessful EFS utils command execution; code: 32"
        ),
        _not_startable("CannotCreateVolumeError: some docker error"),
    ),
    "network-interface": (
        _not_started("Timeout waiting for network interface provisioning to complete."),
        _not_started(
            "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment enabled in "
            "subnet 'subnet-0123456789abcdef0': InsufficientFreeAddressesInSubnet"
        ),
    ),
    "capacity-taken": (
        aws.SPOT,
        aws.MAINTENANCE,
        Stop(code="TerminationNotice", reason="Host EC2 (instance i-0123456789abcdef0) terminated."),
    ),
    "no-capacity": (
        _not_started(
            "Capacity is unavailable at this time. Please try again later or in a different availability zone."
        ),
        _not_started("RESOURCE:MEMORY"),
    ),
    "attribute-missing": (
        _not_started(
            "(service shop) was unable to place a task because no container instance met all of its requirements. The "
            "closest matching (container-instance 0123456789abcdef0123456789abcdef) is missing an attribute required "
            "by your task."
        ),
    ),
    "port-in-use": (
        _not_started(
            "(service shop) was unable to place a task because no container instance met all of its requirements. The "
            "closest matching (container-instance 0123456789abcdef0123456789abcdef) is already using a port required "
            "by your task."
        ),
        _not_started(
            "CannotStartContainerError: Error response from daemon: driver failed programming external connectivity: "
            "Bind for 0.0.0.0:80 failed: port is already allocated"
        ),
    ),
    "ebs-volume": (
        _not_started("Timed out waiting for the EBS volume to be attached"),
        _not_started("EBS volume attachment: ECS was unable to assume the infrastructure role."),
    ),
    "windows-version": (
        _not_started(
            "CannotPullContainerError: no matching manifest for windows/amd64 10.0.17763 in the manifest list entries"
        ),
        _not_started(
            "CannotStartContainerError: hcsshim::CreateComputeSystem: The container operating system does not match "
            "the host operating system."
        ),
    ),
    "thin-pool-full": (
        _not_started(
            "CannotCreateContainerError: Error response from daemon: devmapper: Thin Pool has 4350 free data blocks "
            "which is less than minimum required 4454 free data blocks."
        ),
    ),
    "load-balancer-health": (
        aws.unhealthy_target(
            "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop-blue/0123456789abcdef"
        ),
    ),
    "container-health": (aws.UNHEALTHY_CONTAINER,),
    "command-missing": (
        _not_startable(
            "CannotStartContainerError: Error response from daemon: failed to create task for container: failed to "
            'create shim task: OCI runtime create failed: runc create failed: exec: "/app/start.sh": stat '
            "/app/start.sh: no such file or directory"
        ),
        _not_startable(
            'CannotStartContainerError: OCI runtime create failed: exec: "gunicorn": executable file not found in $PATH'
        ),
    ),
    "command-denied": (aws.CANNOT_START,),
    "container-start": (
        _not_startable("CannotStartContainerError: failed to get container status"),
        _not_startable("ContainerRuntimeTimeoutError: Could not transition to running; timed out after waiting 1m"),
        _not_startable("CannotInspectContainerError: Could not transition to inspecting; timed out"),
        _not_startable("DockerTimeoutError: Could not transition to started; timed out after waiting 3m0s"),
    ),
    "task-set-up": (
        _not_started(f"{_INIT}failed to download env files: file download command: non empty error stream"),
    ),
    "exit-0": (_exited(0),),
    "exit-1": (aws.CRASHED,),
    "exit-126": (_exited(126),),
    "exit-127": (_exited(127),),
    "exit-134": (_exited(134),),
    "exit-137": (_exited(137),),
    "exit-139": (_exited(139),),
    "exit-143": (_exited(143),),
    "other": (_not_started("Task failed to start"), _not_started("InternalError")),
}
"""Sentences by class; the first of each is what a user is shown in the snapshots."""
