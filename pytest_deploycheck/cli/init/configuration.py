"""The commented `deploycheck.toml` of a first day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap

from msgspec import Struct

from pytest_deploycheck.cli import toml
from pytest_deploycheck.run.survey.found import FoundService, TagHabit

_HABITS = {
    TagHabit.COMMIT: "Its tags hold the commit: in a checkout of that commit, and in CI, the image of the commit is "
    "the expected one, and nothing has to be named.",
    TagHabit.FIXED: "Its images have tags of their own: name the one that was to be shipped, with --image (in CI the "
    "variable DEPLOYCHECK_IMAGE) or here.",
    TagHabit.MOVING: "Its tags move with each build, so none of them shows which image was to be shipped: push a tag "
    'with the commit as well. To watch for drift alone, set intent = "task-definition" above.',
    TagHabit.UNKNOWN: "Its tags could not be read: name the image that was to be shipped, with --image or here.",
}
_WIDTH = 100


class FirstEnvironment(Struct, frozen=True):
    """The environment that the configuration is written for.

    Attributes:
        name: Its name.
        account: The account's number.
        cluster: The name of the cluster.
        access: The keys that lead to it: region, profile, role, endpoint.
        services: Its services.
        source: The folders that the Dockerfile copies, by their local path, with their place in the image.
    """

    name: str
    account: str
    cluster: str
    access: Mapping[str, str]
    services: Sequence[FoundService]
    source: Mapping[str, str]


def configuration(first: FirstEnvironment) -> str:
    """Return the text of the file."""
    env = toml.key(first.name)
    lines = [
        f"# Written by `deploycheck init` from what was found in the account {first.account}.",
        f"# Verify with `deploycheck verify {first.name}`, or with your own tests: `pytest --deploy-env={first.name}`.",
        "# Completion in editors: python -m pytest_deploycheck.schemas config > deploycheck.schema.json, and then here",
        "# the line: #:schema ./deploycheck.schema.json",
        "",
        f"[env.{env}]",
        f"cluster = {toml.value(first.cluster)}",
        *(f"{key} = {toml.value(text)}" for key, text in first.access.items()),
        '# The links that must be proven. Add "logs" with the first log expectation below, and "health" where alarms',
        "# or a load balancer are part of the proof.",
        'require = ["image", "rollout", "tasks"]',
        '# intent = "task-definition"   # only watches for drift: the task definition says what was to be shipped',
    ]
    for service in first.services:
        lines += ["", *_service(env, service, first)]
    return "\n".join(lines) + "\n"


def _service(env: str, service: FoundService, first: FirstEnvironment) -> list[str]:
    table = f"env.{env}.services.{toml.key(service.key)}"
    lines = [f"[{table}]", f"service = {toml.value(service.name)}", *_containers(service), *_image(service)]
    lines += _source(first)
    if service.target_groups:
        lines.append(
            f"# Behind {', '.join(service.target_groups)}: `targets-healthy` wants each new task healthy there."
        )
    lines += _alarms(service)
    return [*lines, "", *_logs(table, service)]


def _containers(service: FoundService) -> list[str]:
    lines = []
    for one in service.containers:
        place = f"repository {one.repository}" if one.repository else f"image {one.image}"
        logs = f", logs to {one.log_group}" if one.log_group else ", log group not known"
        judged = "" if one.name in service.judged else "; not judged"
        lines.append(f"# Container {one.name}: {place}{logs}{judged}")
    if len(service.judged) > 1:
        lines.append(f"# container = {toml.value(service.judged[0])}   # judges this one alone")
    return lines


def _image(service: FoundService) -> list[str]:
    lines = _comment(_HABITS[service.habit])
    if service.tags:
        lines += _comment(f"Its newest tags: {', '.join(service.tags[:5])}")
    example = service.newest_tag or "2025.11.26-1"
    return [*lines, f"# image = {toml.value(example)}"]


def _source(first: FirstEnvironment) -> list[str]:
    if not first.source:
        return []
    head = (
        "What the Dockerfile copies. With this line the image must hold the files of the checkout, which ties it to "
        "the release."
    )
    return [*_comment(head), f"# source = {toml.value(first.source)}"]


def _alarms(service: FoundService) -> list[str]:
    lines = []
    if service.alarms:
        lines.append(f"alarms = {toml.value(service.alarms)}")
    if service.other_alarms:
        told = ", ".join(f"{name} ({state})" for name, state in service.other_alarms)
        lines += _comment(f"Alarms that are not OK now, and are left out: {told}")
    if service.target_groups:
        lines.append("# error_rate = { max = 0.01 }   # of the requests that the new tasks served")
    return lines


def _logs(table: str, service: FoundService) -> list[str]:
    lines = ['# A line that only the new code logs, literally or as expect_regex; then add "logs" to `require`.']
    if service.last_lines:
        lines += ["# The newest lines of its tasks:", *(f"#   {line}" for line in service.last_lines)]
    return [*lines, f"# [[{table}.logs]]", '# expect = "…"', '# tasks = "all"']


def _comment(text: str) -> list[str]:
    """Return a text as lines of a comment."""
    lines = wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return [f"# {line}" for line in lines]
