"""The command: it surveys the account, writes the files, and prints the policy and the next steps."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.cli.init.choosing import Chooser
from pytest_deploycheck.cli.init.configuration import FirstEnvironment, configuration
from pytest_deploycheck.cli.init.jobs import FIRST_TEST, TEST_PATH, jobs_of
from pytest_deploycheck.config.building import build_environment
from pytest_deploycheck.config.loading import find
from pytest_deploycheck.config.settings import Options
from pytest_deploycheck.errors import ConfigurationError

if TYPE_CHECKING:
    from pytest_deploycheck.run.survey.survey import Survey

_CONFIG = "deploycheck.toml"
_KNOWN_ENVIRONMENTS = ("dev", "development", "test", "qa", "uat", "stage", "staging", "prod", "production", "live")
_DEFAULT = "dev"
_NAME = re.compile(r"[A-Za-z0-9_-]+")


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "init",
        help="write a first configuration, test and CI job from what the account has",
        description="Look at the account with the credentials at hand, and write a commented deploycheck.toml, a first "
        "test and a CI job. Nothing that exists is overwritten.",
        allow_abbrev=False,
    )
    parser.add_argument("--cluster", metavar="NAME", help="the cluster; default: the only one, or asked for")
    parser.add_argument("--service", metavar="NAME", action="append", default=[], help="an ECS service; repeatable")
    parser.add_argument("--env", metavar="NAME", help="the name of the environment; default: as in the cluster's name")
    parser.add_argument("--region", metavar="NAME", help="default: that of the AWS configuration")
    parser.add_argument("--profile", metavar="NAME", help="the profile of the AWS configuration")
    parser.add_argument("--role-arn", metavar="ARN", help="the role to assume")
    parser.add_argument("--endpoint-url", metavar="URL", help="the endpoint of an emulator or of a standing sandbox")
    parser.add_argument("--yes", action="store_true", help="ask nothing: all services of the cluster")
    parser.add_argument("--dry-run", action="store_true", help="show what would be written, and write nothing")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Survey, write, and print the policy and the next steps."""
    from pytest_deploycheck.run.survey.survey import Survey, proposed_source  # noqa: PLC0415  # loaded when needed

    folder = Path.cwd()
    if parsed.env is not None and not _NAME.fullmatch(parsed.env):
        raise ConfigurationError(f"--env: found {parsed.env!r}; allowed: letters, digits, - and _")
    access = _access(parsed)
    survey = Survey(build_environment(parsed.env or _DEFAULT, access))
    identity = survey.identity
    where = [f"account {identity.account}", identity.region, *([identity.endpoint] if identity.endpoint else [])]
    print(", ".join(where))
    chooser = Chooser(yes=parsed.yes)
    cluster = chooser.one("cluster", parsed.cluster, survey.clusters())
    services = chooser.some("service", parsed.service, survey.services(cluster))
    env = parsed.env or _environment_in(cluster)
    survey = Survey(build_environment(env, access))
    first = FirstEnvironment(
        name=env,
        account=identity.account,
        cluster=cluster,
        access={"region": identity.region, **access},
        services=survey.observe(cluster, services),
        source=proposed_source(folder),
    )
    for note in survey.notes:
        print(f"note: {note}")
    _write(folder, _files(folder, first, identity.region), dry_run=parsed.dry_run)
    _print_policy(first, survey)
    _print_next(folder, first)
    return 0


def _access(parsed: argparse.Namespace) -> dict[str, str]:
    given = {
        "region": parsed.region,
        "profile": parsed.profile,
        "role_arn": parsed.role_arn,
        "endpoint_url": parsed.endpoint_url,
    }
    return {key: text for key, text in given.items() if text}


def _environment_in(cluster: str) -> str:
    """Return the environment that a cluster is named for; `dev` where it is named for none."""
    words = re.split(r"[^a-z0-9]+", cluster.lower())
    return next((name for name in _KNOWN_ENVIRONMENTS if name in words), _DEFAULT)


def _files(folder: Path, first: FirstEnvironment, region: str) -> dict[str, str]:
    files = {_CONFIG: configuration(first), TEST_PATH: FIRST_TEST.format(env=first.name)}
    return files | {job.path: job.text(first.name, region) for job in jobs_of(folder)}


def _write(folder: Path, files: Mapping[str, str], *, dry_run: bool) -> None:
    """Write the files that do not exist, or show them all."""
    above = find([folder])
    for name, text in files.items():
        path = folder / name
        if dry_run:
            print(f"\n--- {name}{' (exists, and would be kept)' if path.exists() else ''}\n{text}", end="")
        elif path.exists():
            print(f"kept: {name} exists; --dry-run shows what would be in it")
        elif name == _CONFIG and above is not None:
            print(f"kept: {above} is the configuration; --dry-run shows what would be in {name}")
        else:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("x", encoding="utf-8") as file:
                    file.write(text)
            except OSError as error:
                raise ConfigurationError(f"{name} cannot be written: {error.strerror}") from error
            print(f"written: {name}")


def _print_policy(first: FirstEnvironment, survey: Survey) -> None:
    """Print the policy for the role of the CI."""
    from pytest_deploycheck.run.policy.environment_policy import policy_from  # noqa: PLC0415  # loaded when needed

    services = {one.key: {"service": one.name, "alarms": list(one.alarms)} for one in first.services}
    environment = build_environment(first.name, {"cluster": first.cluster, **first.access, "services": services})
    if survey.observation:
        policy = policy_from(environment, Options(tuple(services)), survey.observation)
        print(f"\nThe IAM policy for the role of the CI (again: deploycheck policy {first.name}):\n{policy.text()}")


def _print_next(folder: Path, first: FirstEnvironment) -> None:
    print("\nNext:")
    for step in _steps(folder, first):
        print(f"  {step}")


def _steps(folder: Path, first: FirstEnvironment) -> Sequence[str]:
    named = [f"{one.key}={one.newest_tag}" for one in first.services if one.newest_tag]
    images = "".join(f" --image {shlex.quote(one)}" for one in named)
    kept = find([folder])
    steps = []
    if kept is not None and first.name not in kept.environment_names:
        steps.append(f"add [env.{first.name}] to {kept}: this command with --dry-run shows what would be in it")
    steps.append(f"deploycheck verify {first.name}{images}")
    jobs = [f"{job.name}: {job.next_step}" for job in jobs_of(folder)]
    steps += jobs or ["run it in the CI after each deployment: docs/ci.md of pytest-deploycheck has jobs for each CI"]
    return [*steps, "declare a line that only the new code logs in deploycheck.toml"]
