"""The settings of a run: environments, services, expectations and options, as plain values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct, field

from pytest_deploycheck.config.patterns.bounded_search import Search, SlowPatternError, matches_no_text, searcher
from pytest_deploycheck.facts.baseline import Baseline
from pytest_deploycheck.facts.build import BuildLog
from pytest_deploycheck.facts.commit import Commit

CHAIN = ("image", "rollout", "tasks", "logs", "health")
"""The links of the chain of evidence, in its order."""

DEFAULT_REQUIRE = ("image", "rollout", "tasks", "logs")
"""The links that must be proven where an environment does not say otherwise."""

ExpectationKind = Literal["expect", "forbid", "sequence"]
Intent = Literal["release", "task-definition"]
TaskScope = Literal["any", "all"]
SequenceScope = Literal["task", "service"]


class Pattern(Struct, frozen=True):
    """A text or regular expression to find in a log message.

    Attributes:
        text: Literal text, or the source of a regular expression.
        regex: Whether `text` is a regular expression, searched for anywhere in the message.
        flags: Flags of the regular expression, as `re` numbers them.
    """

    text: str
    regex: bool = False
    flags: int = 0

    def is_in(self, message: str) -> bool:
        """Return True if a message has it: literal text anywhere, or a match of the regular expression.

        Raises:
            SlowPatternError: The expression backtracks for too long.
        """
        return bool(self.matcher()(message))

    def matcher(self) -> Callable[[str], object]:
        """As `is_in`, for many messages."""
        if self.regex:
            return self.search
        text = self.text
        return lambda message: text in message

    @property
    def search(self) -> Search:
        """The search for its first match in a text."""
        # An event may hold several lines, and a pattern is compared with each as a person reads it.
        return searcher(self.text if self.regex else re.escape(self.text), self.flags | re.MULTILINE)

    def span_in(self, shown: str) -> tuple[int, int] | None:
        """Return where its first match begins and ends in a text that is shown.

        None where there is none, or none with a text, and where the search takes too long: nothing hangs on it.
        """
        try:
            match = self.search(shown)
        except (SlowPatternError, re.error):
            return None
        return match.span() if match and match[0] else None

    @property
    def matches_no_text(self) -> bool:
        """True if it matches without any text, so that a match proves nothing."""
        return matches_no_text(self.text, self.flags | re.MULTILINE) if self.regex else not self.text

    def __str__(self) -> str:
        return f"/{self.text}/" if self.regex else repr(self.text)


EVERYTHING = Pattern("")
"""What every message has."""


class Expectation(Struct, frozen=True):
    """One declared `[[…logs]]` entry.

    Attributes:
        kind: `expect` and `sequence` want their patterns in the logs, `forbid` wants its pattern absent.
        patterns: One pattern, or for `sequence` two and more in their order.
        count: How many matching events are wanted, at least.
        tasks: Whether one task may bring them or each new task must.
        within: Whether a sequence must hold inside one task or over all tasks merged by time.
    """

    kind: ExpectationKind
    patterns: tuple[Pattern, ...]
    count: int = 1
    tasks: TaskScope = "any"
    within: SequenceScope = "task"

    def __str__(self) -> str:
        text = " then ".join(str(pattern) for pattern in self.patterns)
        prefix = {"expect": "", "forbid": "no ", "sequence": "in order "}[self.kind]
        times = f" at least {self.count} times" if self.count > 1 else ""
        scope = " in each new task" if self.tasks == "all" else ""
        merged = " over all new tasks" if self.within == "service" else ""
        return f"{prefix}{text}{times}{scope}{merged}"


class ErrorRate(Struct, frozen=True):
    """The share of requests that may go wrong.

    Attributes:
        max_share: The share of errors that is allowed, from 0 to 1.
        min_requests: The number of requests from which on the share says something.
        metric: Name of the metric that counts errors.
        requests: Name of the metric that counts requests.
        namespace: Namespace of both metrics.
        dimensions: Dimensions of both metrics; empty for those of the service's target groups.
    """

    max_share: float
    min_requests: int = 50
    metric: str = "HTTPCode_Target_5XX_Count"
    requests: str = "RequestCount"
    namespace: str = "AWS/ApplicationELB"
    dimensions: Mapping[str, str] = field(default_factory=dict)


class ServiceSettings(Struct, frozen=True):
    """One service of an environment.

    Attributes:
        name: The name it has in the configuration and in check ids.
        service: The name of the ECS service.
        container: The container to judge, or None to judge those that pull from the expected repository.
        image: The expected image, as written, or None for what the task definition names.
        source: Where local folders and files stand in the image: by their path in the project, the path in the image.
        source_exclude: What of them does not count, in the language of `.dockerignore`.
        log_group: The log group, where the task definition cannot tell it because a log router writes there.
        log_stream: How the streams are named in it, with the placeholders {container} and {task}; None for any name
            with the task's id in it.
        pushed_after: The image must have been pushed after this, unless an option names another moment; or None.
        alarms: The names of CloudWatch alarms that must not go off.
        error_rate: How many of the requests may go wrong, or None where that is not asked.
        logs: The declared expectations; the first is `logs-1`.
    """

    name: str
    service: str
    container: str | None = None
    image: str | None = None
    source: Mapping[str, str] = field(default_factory=dict)
    source_exclude: tuple[str, ...] = ()
    log_group: str | None = None
    log_stream: str | None = None
    pushed_after: When | None = None
    alarms: tuple[str, ...] = ()
    error_rate: ErrorRate | None = None
    logs: tuple[Expectation, ...] = ()


class Discovery(Struct, frozen=True):
    """The services to find in a cluster.

    Attributes:
        names: A pattern of their names, or None for any name.
        tags: Patterns of the values of tags that they have, by the keys.
    """

    names: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        tags = ", ".join(f"{key} = {value}" for key, value in self.tags.items())
        return f"the tags {tags}" if tags else repr(self.names)


class EnvironmentSettings(Struct, frozen=True):
    """One environment, defaults merged in and placeholders filled.

    Attributes:
        name: The name after `env.` in the configuration.
        cluster: Name or ARN of the ECS cluster.
        region: AWS region, or None for botocore's own choice.
        profile: Profile of the AWS configuration files, or None.
        role_arn: Role to assume before looking, or None.
        external_id: External id to give when assuming `role_arn`, or None.
        endpoint_url: The endpoint of the AWS APIs, or None for AWS itself.
        base_url: Where the deployed application answers, or None.
        require: The links of the chain that must be proven.
        log_settle: Seconds after CloudWatch took in an event until all that was written before it is visible; None for
            what is usual for the log driver.
        live_tail: Whether a wait for log lines may open a Live Tail session, which costs by the minute.
        strict_tags: Whether an image that is named by a tag which can be moved fails.
        mask: Regular expressions for secrets that are masked in everything written, beside the built-in ones.
        intent: What says which image was to be shipped: the release or the checkout, or the task definition for those
            who only watch for drift.
        max_unpacked_bytes: How many bytes a layer may unpack to, or None for the bound that is built in.
        max_layer_entries: How many entries a layer may have, or None for the bound that is built in.
        services: The services, by the name they have in the configuration, and those that were found by their own.
        discover: The services to find, or None where all are listed.
        service_defaults: The settings of a service that is found.
    """

    name: str
    cluster: str = "default"
    region: str | None = None
    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    endpoint_url: str | None = None
    base_url: str | None = None
    require: tuple[str, ...] = DEFAULT_REQUIRE
    log_settle: float | None = None
    live_tail: bool = False
    strict_tags: bool = False
    mask: tuple[str, ...] = ()
    intent: Intent = "release"
    max_unpacked_bytes: int | None = None
    max_layer_entries: int | None = None
    services: Mapping[str, ServiceSettings] = field(default_factory=dict)
    discover: Discovery | None = None
    service_defaults: ServiceSettings = ServiceSettings("", "")


class When(Struct, frozen=True):
    """A moment as a user names it.

    Attributes:
        text: As written.
        at: A fixed moment (aware), or None.
        ago: A duration back from now, or None.
        today: Whether the start of the current day (UTC) is meant.
    """

    text: str
    at: datetime | None = None
    ago: timedelta | None = None
    today: bool = False

    def resolve(self, now: datetime) -> datetime:
        """The moment expected, seen from `now` (aware, by the server's clock)."""
        if self.at is not None:
            return self.at
        if self.ago is not None:
            return now - self.ago
        return now.replace(hour=0, minute=0, second=0, microsecond=0)


class Options(Struct, frozen=True):
    """The options of a run.

    Attributes:
        services: The names of the services to verify, in the configuration's order.
        images: The expected image for a service, as written, by the service's name.
        wait: Seconds the rollout may take to settle.
        log_wait: Seconds an expected log line may take to arrive.
        since: Start of the log window, or None for the start of the rollout.
        pushed_after: The image must have been pushed after this, or None.
        baseline: What ran before, or None.
        build_log: What the build said, or None.
        commit: The commit of the checkout or of the CI's build, or None.
        command: The command that starts such a run, to propose more options for it, or an empty string.
    """

    services: tuple[str, ...]
    images: Mapping[str, str] = field(default_factory=dict)
    wait: float = 300.0
    log_wait: float = 60.0
    since: When | None = None
    pushed_after: When | None = None
    baseline: Baseline | None = None
    build_log: BuildLog | None = None
    commit: Commit | None = None
    command: str = ""


class EnvironmentRun(Struct, frozen=True):
    """One environment of a run, with what is asked of it.

    Attributes:
        environment: The environment.
        options: What is asked of it.
        prefix: The text before the names of its services where a run has several environments: `eu/`.
    """

    environment: EnvironmentSettings
    options: Options
    prefix: str = ""

    @property
    def labels(self) -> Mapping[str, str]:
        """The names of the selected services, by their labels, which no other service of the run has."""
        return {self.prefix + service: service for service in self.options.services}
