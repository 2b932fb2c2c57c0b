"""The resources of an environment, as far as its configuration and an observation name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct, field
from msgspec.structs import replace

from pytest_deploycheck.config.settings import EnvironmentSettings, Options, ServiceSettings
from pytest_deploycheck.facts.snapshot import Observation, ServiceFacts
from pytest_deploycheck.judge.analysis.logs.scope import LogSettings, log_scope
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.observe.endpoints import partition_of
from pytest_deploycheck.oci.reference import is_digest, is_tag, parse
from pytest_deploycheck.run.policy.actions import Trigger

ANY = "*"
UNKNOWN_ACCOUNT = "ACCOUNT"
"""The text in place of the account's number where that is not known."""


class OwnedName(Struct, frozen=True):
    """The name of a resource in an account and a region; `*` is every name."""

    account: str
    region: str
    name: str


class PolicyResources(Struct, frozen=True):
    """The resources that a policy is about.

    Attributes:
        partition: The partition of AWS, such as `aws`.
        account: The account's number, or `ACCOUNT` where it is not known.
        region: The region.
        cluster: The name of the cluster.
        services: The names of the ECS services.
        repositories: The repositories of their images.
        log_groups: The log groups of their tasks.
        alarms: The names of the declared alarms; `*` where one is composite.
        triggers: What applies: True and False where that is known, else it is taken for True.
        notes: What the policy leaves open, in sentences for its reader.
    """

    partition: str
    account: str
    region: str
    cluster: str
    services: tuple[str, ...]
    repositories: tuple[OwnedName, ...] = ()
    log_groups: tuple[OwnedName, ...] = ()
    alarms: tuple[str, ...] = ()
    triggers: Mapping[Trigger, bool] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def applies(self, trigger: Trigger) -> bool:
        """Tell if an action with this trigger is asked for, as far as that is known."""
        return trigger is Trigger.ALWAYS or self.triggers.get(trigger, True)


def account_of(environment: EnvironmentSettings) -> str | None:
    """Return the account that the configuration names, by the ARN of the cluster or of the role; None where none is."""
    arns = [environment.cluster, environment.role_arn or ""]
    return next((parts[4] for arn in arns if len(parts := arn.split(":")) > 4 and parts[4]), None)  # noqa: PLR2004


def configured(
    environment: EnvironmentSettings, options: Options, *, account: str | None, region: str
) -> PolicyResources:
    """Return the resources as far as the configuration and the options alone name them.

    Args:
        environment: The environment.
        options: The options of the run: the selected services and the named images.
        account: The account's number, or None where it is not known.
        region: The region.
    """
    chosen = [environment.services[name] for name in options.services]
    home = account or UNKNOWN_ACCOUNT
    rates = [one.error_rate for one in chosen if one.error_rate]
    named = [_named_repository(options.images.get(one.name) or one.image, home, region) for one in chosen]
    groups = [one.log_group for one in chosen]
    return PolicyResources(
        partition=partition_of(region),
        account=home,
        region=region,
        cluster=_last(environment.cluster),
        services=_services(environment, chosen),
        repositories=_each([one or OwnedName(home, region, ANY) for one in named]),
        log_groups=_each([OwnedName(home, region, group or ANY) for group in groups]),
        alarms=tuple(dict.fromkeys(name for one in chosen for name in one.alarms)),
        triggers={
            Trigger.ALARMS: any(one.alarms for one in chosen),
            Trigger.ERROR_RATE: bool(rates),
            Trigger.BALANCER_METRICS: any(not rate.dimensions for rate in rates),
            Trigger.DISCOVERY: environment.discover is not None,
            Trigger.LIVE_TAIL: environment.live_tail,
            # Not known before the logs are read, and rare.
            Trigger.QUERIES: False,
        },
        notes=_notes_of(home, named, groups),
    )


def observed(known: PolicyResources, environment: EnvironmentSettings, observation: Observation) -> PolicyResources:
    """Return the resources with what an observation adds: repositories, log groups, load balancers, instances."""
    everything = observation.services
    home = (observation.identity.account, observation.identity.region)
    repositories = [_repositories(facts) for facts in everything]
    groups = [_log_groups(facts, environment.services[facts.name], observation) for facts in everything]
    balancers = [one for facts in everything if facts.service for one in facts.service.load_balancers]
    rules = [one.production_rule for one in balancers if one.production_rule]
    is_seen = all(facts.service for facts in everything)
    triggers = dict(known.triggers)
    if is_seen:
        triggers[Trigger.LOAD_BALANCER] = any(one.target_groups for one in balancers)
        triggers[Trigger.PRODUCTION_RULE] = any(":listener-rule/" in rule for rule in rules)
        triggers[Trigger.PRODUCTION_LISTENER] = any(":listener-rule/" not in rule for rule in rules)
    if is_seen and all(facts.tasks for facts in everything):
        on_instances = any(_needs_instance(facts) for facts in everything)
        triggers[Trigger.INSTANCES] = on_instances and triggers[Trigger.LOAD_BALANCER]
    composite = any(alarm.is_composite for facts in everything for alarm in facts.health.alarms)
    notes = ["An alarm is composite, which cloudwatch:DescribeAlarms finds on all alarms only."] if composite else []
    notes += [
        f"{facts.name}: the repository of its image could not be read, so all repositories are allowed."
        for facts, found in zip(everything, repositories, strict=True)
        if not found
    ]
    notes += [
        f"{facts.name}: no log group is known for it, so all log groups are allowed."
        for facts, found in zip(everything, groups, strict=True)
        if not found
    ]
    return replace(
        known,
        partition=_partition_of_arn(observation.identity.arn) or known.partition,
        account=home[0],
        region=home[1],
        repositories=_each([one for found in repositories for one in found or [OwnedName(*home, ANY)]]),
        log_groups=_each([one for found in groups for one in found or [OwnedName(*home, ANY)]]),
        alarms=(ANY,) if composite else known.alarms,
        triggers=triggers,
        notes=tuple(notes),
    )


def _repositories(facts: ServiceFacts) -> list[OwnedName]:
    """Return the ECR repositories of the expected image and of the one that the task definition names."""
    references = [one for judged in facts.judged for one in (judged.expected.reference, judged.pulled.reference)]
    return [OwnedName(one.ecr.account, one.ecr.region, one.repository) for one in references if one.ecr]


def _log_groups(facts: ServiceFacts, settings: ServiceSettings, observation: Observation) -> list[OwnedName]:
    region = observation.identity.region
    where = LogSettings(region, settings.log_group, settings.log_stream)
    scope = log_scope(ServiceAnalysis(facts), where, since=None, now=observation.observed_at)
    account = observation.identity.account
    found = [OwnedName(account, stream.region, stream.group) for stream in (*scope.streams, *scope.old_streams)]
    if settings.log_group:
        found.append(OwnedName(account, region, settings.log_group))
    return found or _defined_groups(facts, account, region)


def _defined_groups(facts: ServiceFacts, account: str, region: str) -> list[OwnedName]:
    """Return the log groups that the task definition names, where no task tells them."""
    judged = {one.container for one in facts.judged}
    containers = facts.definition.containers if facts.definition else ()
    return [
        OwnedName(account, one.log_options.get("awslogs-region", region), one.log_options["awslogs-group"])
        for one in containers
        if one.name in judged and "awslogs-group" in one.log_options
    ]


def _needs_instance(facts: ServiceFacts) -> bool:
    """Tell if a target group knows a task of a service by its container instance."""
    return any(task.instance and all(one.startswith("i-") for one in task.addresses) for task in facts.tasks or ())


def _services(environment: EnvironmentSettings, chosen: Sequence[ServiceSettings]) -> tuple[str, ...]:
    """Return the names of the ECS services; where they are discovered, a pattern that those to come match as well."""
    names = [_last(one.service) for one in chosen]
    if environment.discover:
        # In an ARN of a policy, * and ? have the meaning that they have in `discover`, and brackets have none.
        pattern = environment.discover.names or ANY
        pattern = ANY if "[" in pattern else pattern
        names = [pattern, *(name for name in names if not fnmatchcase(name, pattern))]
    return tuple(dict.fromkeys(names))


def _named_repository(image: str | None, account: str, region: str) -> OwnedName | None:
    """Return the repository that the configuration names, or None where it names none."""
    if image is None or is_tag(image) or is_digest(image):
        return None
    reference = parse(image.partition(",")[0])
    if reference.ecr:
        return OwnedName(reference.ecr.account, reference.ecr.region, reference.repository)
    return OwnedName(account, region, reference.repository)


def _notes_of(account: str, named: Sequence[OwnedName | None], groups: Sequence[str | None]) -> tuple[str, ...]:
    notes = []
    if account == UNKNOWN_ACCOUNT:
        notes.append(f"The account is not known: write its number in place of {UNKNOWN_ACCOUNT}.")
    if not all(named):
        notes.append("Which repositories the services pull from is not known, so all are allowed.")
    if not all(groups):
        notes.append("Which log groups the tasks write to is not known, so all are allowed.")
    return tuple(notes)


def _each(places: Iterable[OwnedName]) -> tuple[OwnedName, ...]:
    """Return each place once; where all names are allowed, those of the same account and region are left out."""
    unique = list(dict.fromkeys(places))
    wide = {(one.account, one.region) for one in unique if one.name == ANY}
    return tuple(one for one in unique if one.name == ANY or (one.account, one.region) not in wide)


def _last(name_or_arn: str) -> str:
    return name_or_arn.rpartition("/")[2]


def _partition_of_arn(arn: str) -> str:
    return arn.split(":")[1] if arn.startswith("arn:") else ""
