"""The pages on the built-in checks, from which `deploycheck explain` and the page on checks are made."""

from __future__ import annotations

from msgspec import Struct

from pytest_deploycheck.judge.checks.logs import number_of
from pytest_deploycheck.judge.finding import Link
from pytest_deploycheck.run.policy.actions import ACTIONS, LOGS, NeededAction


class CheckPage(Struct, frozen=True):
    """The page on one check.

    Attributes:
        id: The id of the check; `logs-N` stands for all declared log expectations.
        link: The link of the chain that it belongs to.
        proves: What it proves when it passes.
        fails: When it fails.
        unproven: When the evidence does not exist.
        skipped: When it is skipped; empty for a check that always counts.
        remedy: What helps, most often.
    """

    id: str
    link: Link
    proves: str
    fails: str
    unproven: str
    remedy: str
    skipped: str = ""

    @property
    def actions(self) -> tuple[NeededAction, ...]:
        """The IAM actions that answer its question."""
        return tuple(one for one in ACTIONS if self.id in one.checks)


PAGES = (
    CheckPage(
        id="image-exists",
        link="image",
        proves="The expected image, by its tag or digest, is in its registry now.",
        fails="The repository, the tag or the digest is not there: it was never pushed, was pushed under another name "
        "or to another account, or a lifecycle policy deleted it.",
        unproven="No task definition names an image and none was named. Where the registry may not be read it is in "
        "error.",
        remedy="Push the image, or correct the name in --deploy-image or `image`.",
    ),
    CheckPage(
        id="image-intended",
        link="image",
        proves="Something outside the cluster ties the expected image to this release or this checkout: it was named "
        "by a tag that does not move or by its digest, a tag or label holds the commit, or push time, content or "
        "baseline show it where no newer image is in the repository.",
        fails="Never: without evidence it is unproven.",
        unproven="Nothing but the task definition, or a tag that moves such as `latest`, names the image.",
        skipped='`intent = "task-definition"`, for those who only watch for drift.',
        remedy="Name the image: --deploy-image with the tag or digest that the build pushed.",
    ),
    CheckPage(
        id="image-tag",
        link="image",
        proves="The service names its image by a tag that cannot be moved, or by its digest.",
        fails="The tag of the task definition can be moved, so that the next task may run another image.",
        unproven="No task definition of the service was found.",
        skipped="`strict_tags` is not set. As a policy it is considered last and never hides a diagnosis.",
        remedy="Name the image in the task definition by a tag of its own or by its digest, or make tags immutable.",
    ),
    CheckPage(
        id="image-repository",
        link="image",
        proves="The service pulls from the repository, account and region that the expected image was named with.",
        fails="It pulls from another repository, account or region: the push went to a place that nothing pulls from.",
        unproven="Neither the task definition nor the tasks name an image.",
        skipped="No image was named, or by a bare tag or digest, which keeps the repository of the task definition.",
        remedy="Push to the repository that the message names, or change the task definition.",
    ),
    CheckPage(
        id="image-pushed",
        link="image",
        proves="The expected image was pushed after the time that was given.",
        fails="It was pushed before: the build or its push did not happen, or an older image is deployed.",
        unproven="The registry does not tell when it was pushed.",
        skipped="--deploy-pushed-after was not given.",
        remedy="Find out why the build pushed nothing new.",
    ),
    CheckPage(
        id="image-content",
        link="image",
        proves="Every file of `source` is in the image with the content that it has in the checkout.",
        fails="A file differs or is missing: the image was built from other code, or from a layer of Docker's cache.",
        unproven="A volume is mounted over the path, a layer could not be read whole, or a source has no file.",
        skipped="`source` is not configured.",
        remedy="Build again from this checkout, without the cache where a COPY step was cached wrongly.",
    ),
    CheckPage(
        id="image-layers",
        link="image",
        proves="The layer that carries the source is a new one where the source changed.",
        fails="The source changed since the baseline and the layer is the same, or the build log shows a cached COPY "
        "step whose source differs from what the image holds.",
        unproven="It is not known which layer carries a source tree, as where a volume is mounted over it.",
        skipped="Neither --deploy-baseline nor --deploy-build-log was given.",
        remedy="Build with --no-cache, and find out why the step was cached.",
    ),
    CheckPage(
        id="rollout-complete",
        link="rollout",
        proves="A rollout to the expected image began and completed, and none has taken its place.",
        fails="Its outcome is IN_PROGRESS after --deploy-wait, FAILED, ROLLED_BACK, SUPERSEDED or NOT_STARTED.",
        unproven="The outcome is UNKNOWN, such as for a status that this version does not know.",
        remedy="Start the rollout, or fix what stopped its tasks: the message has their reasons and last lines.",
    ),
    CheckPage(
        id="tasks-running",
        link="tasks",
        proves="As many tasks run as the service wants, at least one.",
        fails="No task runs, or fewer than desired; with a desired count of 0 too.",
        unproven="The counts of the service and of the listed tasks disagree.",
        remedy="Read why tasks stopped, in the message or in the events of the service.",
    ),
    CheckPage(
        id="tasks-run-image",
        link="tasks",
        proves="The judged containers of every running task run exactly the expected image, by its digest.",
        fails="A task runs another digest: it was not restarted, ECS kept the digest of an older rollout, or its "
        "definition pins another image.",
        unproven="A task shows no digest, or no task runs.",
        remedy="Start a rollout of the expected image.",
    ),
    CheckPage(
        id=LOGS,
        link="logs",
        proves="The N-th declared expectation holds for the tasks that run the expected image, since its rollout.",
        fails="An expected line did not come within --deploy-log-wait, or a forbidden line was logged.",
        unproven="No task runs the image, the new tasks have logged nothing at all, or the logs were not read far "
        "enough to know that a line is absent.",
        remedy="Compare the pattern with the last lines that the message shows; trigger what logs the line.",
    ),
    CheckPage(
        id="targets-healthy",
        link="health",
        proves="Every new task is healthy in a target group that serves production.",
        fails="A new task is not healthy within --deploy-wait; the message has the reason of the load balancer.",
        unproven="No running task runs the expected image, no target group reports it, or it is not known which target "
        "group of a blue/green deployment serves production and the two disagree.",
        skipped="The service has no load balancer.",
        remedy="Fix what the health check of the target group asks for: path, port, time limit.",
    ),
    CheckPage(
        id="containers-healthy",
        link="health",
        proves="The health checks of the task definition pass for the containers of the new tasks.",
        fails="A container of a new task is UNHEALTHY.",
        unproven="A health check has not answered yet.",
        skipped="No container has a health check in the task definition; that of a Dockerfile is not monitored by ECS.",
        remedy="Run the command of the health check in the container, and read its logs.",
    ),
    CheckPage(
        id="alarms-ok",
        link="health",
        proves="No declared alarm is in ALARM, and none went off since the rollout began.",
        fails="An alarm is in ALARM, or was since the rollout began.",
        unproven="An alarm has INSUFFICIENT_DATA, or it is not known when the rollout began.",
        skipped="`alarms` is not configured.",
        remedy="Read the history of the alarm, and fix what set it off or roll back.",
    ),
    CheckPage(
        id="error-rate",
        link="health",
        proves="Of the requests that the new tasks alone served, no more went wrong than `error_rate` allows.",
        fails="The share of errors is larger than `max`.",
        unproven="Fewer requests than `min_requests` were counted, or no metric counts them.",
        skipped="`error_rate` is not configured.",
        remedy="Read the logs of the failing requests, and fix them or roll back.",
    ),
)
"""The pages, in the order of the chain."""


def page_of(check: str) -> CheckPage | None:
    """Return the page on a check, also on one such as `logs-3`; None for an unknown id."""
    name = check if number_of(check) is None else LOGS
    return next((page for page in PAGES if page.id == name), None)
