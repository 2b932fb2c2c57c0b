"""Fill an emulator of AWS with a service, as a deployment would: python fill.py http://localhost:4566.

The task definition names the image by its digest: emulators do not show which digest a tag was resolved to.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from typing import Any

import boto3

CONFIG = b'{"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}'
TYPES = "application/vnd.docker"


def descriptor(content: bytes, kind: str) -> dict[str, Any]:
    """Return the descriptor of a blob."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return {"mediaType": f"{TYPES}.{kind}", "size": len(content), "digest": digest}


def main(endpoint_url: str) -> int:
    """Push an image, start a service of one task, and write the line that its new code logs."""
    session = boto3.Session("test", "test", region_name="us-east-1")
    ecr = session.client("ecr", endpoint_url=endpoint_url)
    ecs = session.client("ecs", endpoint_url=endpoint_url)
    logs = session.client("logs", endpoint_url=endpoint_url)

    repository = ecr.create_repository(repositoryName="shop")["repository"]["repositoryUri"]
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": f"{TYPES}.distribution.manifest.v2+json",
            "config": descriptor(CONFIG, "container.image.v1+json"),
            "layers": [],
        }
    )
    pushed = ecr.put_image(repositoryName="shop", imageManifest=manifest, imageTag="1.0")["image"]

    logs.create_log_group(logGroupName="/ecs/shop")
    options = {"awslogs-group": "/ecs/shop", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "ecs"}
    container: Any = {
        "name": "app",
        "image": f"{repository}@{pushed['imageId']['imageDigest']}",
        "essential": True,
        "memory": 128,
        "logConfiguration": {"logDriver": "awslogs", "options": options},
    }
    ecs.create_cluster(clusterName="shop")
    ecs.register_task_definition(family="shop", containerDefinitions=[container])
    ecs.create_service(cluster="shop", serviceName="shop", taskDefinition="shop", desiredCount=1)

    for arn in ecs.list_tasks(cluster="shop", serviceName="shop")["taskArns"]:
        stream = f"ecs/app/{arn.rpartition('/')[2]}"
        logs.create_log_stream(logGroupName="/ecs/shop", logStreamName=stream)
        line: Any = {"timestamp": int(time.time() * 1000), "message": "ready"}
        logs.put_log_events(logGroupName="/ecs/shop", logStreamName=stream, logEvents=[line])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
