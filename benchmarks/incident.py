"""One service verified, against the `aws` commands that one types after an incident: python benchmarks/incident.py."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
from pathlib import Path

from fleet import verified
from fleet_world import CLUSTER, LINE, FleetWorld, configuration, names
from meter import Run, metered

ROUNDS = 3
LIMIT = 120.0
"""Seconds after which a script is stopped."""

_SCRIPT = """
set -e
run() { aws --endpoint-url "$AWS_ENDPOINT_URL" --output text "$@"; }
run ecs describe-services --cluster "$1" --services "$2" >&2
definition=$(run ecs describe-services --cluster "$1" --services "$2" --query 'services[0].taskDefinition')
tasks=$(run ecs list-tasks --cluster "$1" --service-name "$2" --query taskArns)
run ecs describe-tasks --cluster "$1" --tasks $tasks >&2
run ecs describe-task-definition --task-definition "$definition" >&2
run ecr describe-images --repository-name "$2" --image-ids imageTag=1.0 >&2
run logs filter-log-events --log-group-name "/ecs/$2" --filter-pattern "\\"$3\\"" --query 'events[0].message'
"""
"""What runs, of which image, what the registry has, and whether the new line was logged: for a person to compare."""


def measure() -> str:
    """Return the times of both, in turns on one world."""
    if shutil.which("aws") is None:
        return "the aws commands of an incident report: aws is not installed"
    with tempfile.TemporaryDirectory() as folder, FleetWorld(1) as world:
        file = Path(folder) / "deploycheck.toml"
        file.write_text(configuration(1))
        world.behave(has_limits=True)
        command = ["sh", "-c", _SCRIPT, "sh", CLUSTER, *names(1), LINE]
        runs = [
            (metered(command, os.environ | world.environ, limit=LIMIT), verified(file, ["fleet"], world.environ))
            for _ in range(ROUNDS)
        ]
    if not all(script.is_done and LINE in script.output for script, _ in runs):
        return "the aws commands of an incident report: they failed"
    script, ours = _median([script for script, _ in runs]), _median([run for _, run in runs])
    return (
        f"one service: verified in {ours:.2f} s; the aws commands of an incident report take {script:.2f} s, "
        f"{script / ours:.1f} times that, and leave it to the reader to compare what they print"
    )


def _median(runs: list[Run]) -> float:
    return statistics.median(run.seconds for run in runs)


if __name__ == "__main__":
    print(measure())
