from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support.promises import promise
from support.worlds import NOW, WAYS, Way, completed, never_restarted, rolled_back, superseded

from pytest_deploycheck.facts.baseline import Previous
from pytest_deploycheck.facts.codec import from_json, to_json
from pytest_deploycheck.facts.health import Alarm, AlarmChange, Health, Target, TargetGroup, Traffic
from pytest_deploycheck.facts.image import Child, Image, Layer, Manifest, Platform, Reference, Registry
from pytest_deploycheck.facts.log import LogEvent, LogScope, LogSight, LogStream
from pytest_deploycheck.facts.recorded.checks import MOST_FILES, SourceCompared
from pytest_deploycheck.facts.rollout import Deployment, Pause, Revision, RevisionImage, ServiceDeployment, TaskSet
from pytest_deploycheck.facts.service import ContainerDefinition, LoadBalancer, Service, ServiceEvent, TaskDefinition
from pytest_deploycheck.facts.snapshot import Identity, Judged, Lookup, Observation, Problem, ServiceFacts
from pytest_deploycheck.facts.source import Checkout, Compared, FileDigest, SourceFile, SourceTree
from pytest_deploycheck.facts.task import Container, Task
from pytest_deploycheck.judge.finding import IMAGE_EXISTS, Finding

# Few and small values: what is told apart is the shape, and the whole tree is large.
TEXTS = st.sampled_from(["", "a", "2025-11-26T11:00:00+00:00", "null", "ünïcode 🚀", "a\nb\t\x00\x1b[0m", '"quoted"'])
MOMENTS = st.datetimes(
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(minutes=-1))])
)
NUMBERS = st.integers(-(2**53), 2**53)


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The value, or None."""
    return st.none() | strategy


def several(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A tuple of a few."""
    return st.lists(strategy, max_size=2).map(tuple)


st.register_type_strategy(str, TEXTS)
st.register_type_strategy(datetime, MOMENTS)
st.register_type_strategy(int, NUMBERS)
# No fact is a number that does not equal itself.
st.register_type_strategy(float, st.floats(0, 1e9))

REGISTRIES = st.builds(Registry, TEXTS, TEXTS)
REFERENCES = st.builds(Reference, TEXTS, TEXTS, optional(TEXTS), optional(TEXTS), optional(REGISTRIES))
PLATFORMS = st.builds(Platform, TEXTS, TEXTS, optional(TEXTS), optional(TEXTS))
MANIFESTS = st.builds(
    Manifest,
    TEXTS,
    TEXTS,
    several(st.builds(Child, TEXTS, optional(PLATFORMS))),
    optional(TEXTS),
    several(st.builds(Layer, TEXTS, NUMBERS)),
)
IMAGES = st.builds(
    Image,
    REFERENCES,
    TEXTS,
    optional(TEXTS),
    optional(MOMENTS),
    several(TEXTS),
    optional(MANIFESTS),
    several(MANIFESTS),
)
PROBLEMS = st.builds(Problem, TEXTS, TEXTS, TEXTS, TEXTS)
LOOKUPS = st.builds(
    Lookup,
    REFERENCES,
    optional(IMAGES),
    optional(st.sampled_from(["repository", "tag", "digest"])),
    optional(PROBLEMS),
    st.booleans(),
)
JUDGED = st.builds(
    Judged, TEXTS, LOOKUPS, LOOKUPS, st.sampled_from(["option", "configuration", "task definition"]), st.booleans()
)
COUNTS = st.floats(0, 1e9)
MAPPINGS = st.dictionaries(TEXTS, TEXTS, max_size=2)
DEFINITIONS = st.builds(
    TaskDefinition,
    TEXTS,
    several(
        st.builds(
            ContainerDefinition, TEXTS, TEXTS, st.booleans(), optional(TEXTS), MAPPINGS, st.booleans(), st.booleans()
        )
    ),
    optional(TEXTS),
)
SMALL: Mapping[str, st.SearchStrategy[Any]] = {
    "containers": several(st.from_type(Container)),
    "deployments": several(st.from_type(Deployment)),
    "events": several(st.from_type(ServiceEvent)),
}
TASKS = st.builds(Task, containers=SMALL["containers"])
SERVICES = st.builds(
    Service,
    deployments=SMALL["deployments"],
    events=SMALL["events"],
    task_sets=several(st.from_type(TaskSet)),
    load_balancers=several(st.from_type(LoadBalancer)),
)
RECORDS = st.builds(ServiceDeployment, alarms=several(TEXTS), pauses=several(st.from_type(Pause)))
REVISIONS = st.builds(Revision, images=several(st.from_type(RevisionImage)))
HEALTH = st.builds(
    Health,
    groups=several(st.builds(TargetGroup, TEXTS, several(st.from_type(Target)))),
    alarms=several(
        st.builds(Alarm, changes=optional(several(st.builds(AlarmChange, MOMENTS))), since=optional(MOMENTS))
    ),
    no_alarms=st.dictionaries(TEXTS, several(TEXTS), max_size=2),
    traffic=optional(st.builds(Traffic, COUNTS, COUNTS, MOMENTS, MOMENTS, COUNTS)),
)
BASELINES = st.builds(
    Previous,
    pushed_at=optional(MOMENTS),
    layers=several(st.from_type(Layer)),
    source=MAPPINGS,
    seen_at=optional(MOMENTS),
    rollout_began_at=optional(MOMENTS),
    running=several(TEXTS),
)
SERVICE_FACTS = st.builds(
    ServiceFacts,
    TEXTS,
    optional(SERVICES),
    optional(DEFINITIONS),
    several(DEFINITIONS),
    optional(several(TASKS)),
    optional(several(RECORDS)),
    several(REVISIONS),
    several(JUDGED),
    several(IMAGES),
    HEALTH,
    optional(BASELINES),
    problems=st.dictionaries(TEXTS, PROBLEMS, max_size=2),
)
OBSERVATIONS = st.builds(
    Observation,
    st.builds(Identity, TEXTS, TEXTS, TEXTS, st.floats(allow_nan=False, allow_infinity=False), st.none() | TEXTS),
    MOMENTS,
    MOMENTS,
    several(SERVICE_FACTS),
    st.floats(0, 1e6),
)
STREAMS = st.builds(LogStream, settle=COUNTS)
SCOPES = st.builds(
    LogScope,
    MOMENTS,
    several(TEXTS),
    several(STREAMS),
    several(STREAMS),
    several(PROBLEMS),
    several(TEXTS),
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=6,
)
FINDINGS = st.builds(Finding, notes=several(TEXTS), evidence=st.dictionaries(TEXTS, JSON, max_size=3))


@given(OBSERVATIONS)
@promise(40)
def test_an_observation_survives_the_journey(observation: Observation) -> None:
    """Whatever was seen of an environment turns into plain JSON and back without loss."""
    text = to_json(observation)
    json.loads(text)
    assert from_json(text, Observation) == observation


@given(FINDINGS)
def test_a_finding_survives_the_journey(finding: Finding) -> None:
    """A finding, its evidence of any plain JSON included, turns into JSON and back without loss."""
    back = from_json(to_json(finding), Finding)
    assert back == finding
    assert back.status is finding.status


@given(st.builds(LogSight, SCOPES, several(st.from_type(LogEvent)), several(PROBLEMS)))
def test_what_was_read_survives_the_journey(sight: LogSight) -> None:
    """Log events, their streams and their scope turn into JSON and back without loss."""
    assert from_json(to_json(sight), LogSight) == sight


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("world", [completed, never_restarted, rolled_back, superseded])
def test_a_whole_deployment_survives_the_journey(way: Way, world: Any) -> None:
    """The facts of real situations come back equal, and still know their properties."""
    observation = Observation(Identity("123456789012", "arn", "us-east-1", 1.5), NOW, NOW, (world(way),), waited=12.25)
    back = from_json(to_json(observation), Observation)
    assert back == observation
    assert back.service("backend").running == observation.service("backend").running


@pytest.mark.parametrize("moment", [NOW, NOW.replace(microsecond=1), NOW.astimezone(timezone(timedelta(hours=-3)))])
def test_times_keep_their_zone_and_their_microseconds(moment: datetime) -> None:
    """A time comes back to the microsecond, in the zone it had."""
    back = from_json(to_json(ServiceEvent(moment, "said")), ServiceEvent)
    assert back.at == moment
    assert back.at.utcoffset() == moment.utcoffset()


def test_nothing_is_not_the_same_as_not_observed() -> None:
    """No tasks and tasks that could not be looked at are told apart after the journey too."""
    for tasks in (None, ()):
        back = from_json(to_json(ServiceFacts("backend", tasks=tasks)), ServiceFacts)
        assert back.tasks == tasks


@given(st.text())
def test_any_text_survives_the_journey(text: str) -> None:
    """A message of any characters comes back as it was."""
    assert from_json(to_json(ServiceEvent(NOW, text)), ServiceEvent).message == text


@pytest.mark.parametrize("text", ["a\ud800b", "\x00\x1f\x7f\u2028\u202e", "</script>", "\U0001f680"])
def test_odd_text_survives_the_journey(text: str) -> None:
    """Lone surrogates and control characters, which logs do hold, come back as they were."""
    assert from_json(to_json(ServiceEvent(NOW, text)), ServiceEvent).message == text


def test_a_read_only_mapping_becomes_a_plain_one() -> None:
    """Evidence that nobody may change is sent to another process as well."""
    finding = IMAGE_EXISTS.passes("there", evidence=MappingProxyType({"seen": 1}))
    assert from_json(to_json(finding), Finding).evidence == {"seen": 1}


def test_a_source_tree_that_is_too_large_is_not_recorded() -> None:
    """A report stays readable: of a tree of many thousand files it records nothing, and a replay is then unproven."""
    files = tuple(SourceFile(f"{number}.py", FileDigest(1, "a", "b")) for number in range(MOST_FILES + 1))
    tree = SourceTree("app", files)
    known = SourceCompared((Compared(replace(tree, files=files[:2]), "/app"),), Checkout())
    bounded = known.bounded()
    assert bounded is not None
    assert [one.path for one in bounded.trees[0].tree.files] == ["0.py", "1.py"]
    assert SourceCompared((*known.trees, Compared(tree, "/app")), Checkout()).bounded() is None
