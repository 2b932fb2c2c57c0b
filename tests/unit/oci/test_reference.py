from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.promises import promise

from pytest_deploycheck.facts.image import Reference, Registry
from pytest_deploycheck.oci.reference import DOCKER_HUB, is_digest, is_tag, parse, parse_expected, same_place
from pytest_deploycheck.oci.registry_hosts import KNOWN_HOSTS, RegistryHosts

DIGEST = f"sha256:{'a1' * 32}"
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
HOME = Registry("123456789012", "us-east-1")


@pytest.mark.parametrize(
    ("text", "tag", "digest"),
    [
        ("team/app:1.2", "1.2", None),
        (f"team/app@{DIGEST}", None, DIGEST),
        (f"team/app:1.2@{DIGEST}", "1.2", DIGEST),
        ("team/app", "latest", None),
    ],
)
@pytest.mark.parametrize("host", [HOST, "ghcr.io", "localhost", "localhost:5000", "registry.example.com:443"])
def test_every_form_with_a_host(host: str, text: str, tag: str | None, digest: str | None) -> None:
    """`repo`, `repo:tag`, `repo@digest` and `repo:tag@digest` are taken apart; nothing named means `latest`."""
    reference = parse(f"{host}/{text}")
    assert (reference.host, reference.repository) == (host, "team/app")
    assert (reference.tag, reference.digest) == (tag, digest)
    assert (reference.ecr is not None) == (host == HOST)


def test_docker_hub_is_the_default_host() -> None:
    """A task definition that names no host means Docker Hub: no ECR registry is guessed."""
    for text in ("nginx:1.27", "team/app:1.27"):
        reference = parse(text)
        assert (reference.host, reference.tag, reference.ecr) == (DOCKER_HUB, "1.27", None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":tag",
        "@",
        "/app",
        "app/",
        "team//app",
        "Team/App:1",
        "app:",
        "app: 1",
        "app:.1",
        "app:-1",
        f"app:{'x' * 129}",
        "app:one:two",
        "app@sha256:abc",
        f"app@sha256:{'A' * 64}",
        f"app@sha256:{'a' * 63}",
        f"app@sha256:{'a' * 65}",
        f"app@sha512:{'a' * 64}",
        "app@",
        "app@latest",
        f"app@{DIGEST}@{DIGEST}",
        f"app@{DIGEST}:tag",
        "app:1\n",
        " app:1",
        "app:1 ",
        f"app@{DIGEST}\n",
        f"{HOST}/",
        "https://ghcr.io/app:1",
        "app_:1",
        "-app:1",
        "a/../b:1",
    ],
)
def test_other_text_than_a_reference_is_refused(text: str) -> None:
    """Every part is held to its grammar: what is not a reference is refused, not bent into one."""
    with pytest.raises(ValueError, match=r"is not a "):
        parse(text)


def test_the_longest_tag() -> None:
    """A tag may have 128 characters."""
    assert parse(f"app:{'x' * 128}").tag == "x" * 128


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com", "us-east-1"),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("123456789012.dkr-ecr.us-east-1.on.aws", "us-east-1"),
        ("123456789012.dkr-ecr-fips.us-east-1.on.aws", "us-east-1"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", "cn-north-1"),
    ],
)
def test_hosts_of_ecr(host: str, region: str) -> None:
    """Account and region are read off classic, FIPS, dual-stack and China hosts of ECR."""
    assert parse(f"{host}/app:1").ecr == Registry("123456789012", region)


@pytest.mark.parametrize(
    "host",
    [
        "public.ecr.aws",
        "12345.dkr.ecr.us-east-1.amazonaws.com",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example",
        "evil.123456789012.dkr.ecr.us-east-1.amazonaws.com",
        "123456789012.dkr.ecr.us-east-1.amazonaws.example.com",
        "123456789012xdkr.ecr.us-east-1.amazonaws.com",
        "123456789012.dkr.ecr.us-east-1.amazonawsxcom",
        "ghcr.io",
    ],
)
def test_other_hosts_than_private_ecr(host: str) -> None:
    """ECR Public, other registries and hosts that only look like ECR are no private ECR registry."""
    assert parse(f"{host}/app:1").ecr is None


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1", "cn-northwest-1"])
def test_the_usual_host_is_one_of_ecr(region: str) -> None:
    """The host written for a registry is read back as that registry."""
    registry = Registry("123456789012", region)
    assert parse(f"{KNOWN_HOSTS.usual_host(registry)}/app:1").ecr == registry


def emulated(endpoint: str, host: str) -> Registry | None:
    """Return the ECR registry that a host stands for where the environment's endpoint is on another host than AWS."""
    return parse(f"{host}/app:1", RegistryHosts(home=HOME, emulator=endpoint)).ecr


@pytest.mark.parametrize(
    ("endpoint", "host", "registry"),
    [
        ("localhost", "localhost:4510", HOME),
        ("127.0.0.1", "localhost.localstack.cloud:4510", HOME),
        ("localstack", "localstack:4566", HOME),
        ("localhost.localstack.cloud", "registry.localhost.localstack.cloud:4566", HOME),
        (
            "localhost",
            "000000000000.dkr.ecr.eu-west-1.localhost.localstack.cloud:4566",
            Registry("000000000000", "eu-west-1"),
        ),
        ("localstack", "ghcr.io:443", None),
        ("localstack", "notlocalstack:4566", None),
        ("localhost", "ghcr.io", None),
        ("localhost", HOST, HOME),
        ("", "localhost:4510", None),
    ],
)
def test_hosts_of_emulators(endpoint: str, host: str, registry: Registry | None) -> None:
    """A host with a port is the environment's own registry where its endpoint is there or on the loopback."""
    assert emulated(endpoint, host) == registry


def test_a_partition_that_the_endpoint_data_names() -> None:
    """Hosts of further partitions are those of ECR once the endpoint data names their suffix, and no others."""
    hosts = RegistryHosts(suffixes=("amazonaws.eu",), suffix="amazonaws.eu")
    host = "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu"
    home = Registry("123456789012", "eusc-de-east-1")
    assert parse(f"{host}/app:1", hosts).ecr == home
    assert parse(f"{host}/app:1").ecr is None
    assert parse_expected("app:1", home=home, hosts=hosts).host == host


def test_bare_tags_and_digests() -> None:
    """A bare tag and a bare digest are told from each other and from whole references."""
    assert is_digest(DIGEST)
    assert not is_tag(DIGEST)
    for tag in ("latest", "2025.11.26-1", "_x", "v1", "A.b-c_d"):
        assert is_tag(tag)
        assert not is_digest(tag)
    for text in ("app:1", "team/app", f"app@{DIGEST}", "", ".1", "-1", "x" * 129, "tag\n", "a b"):
        assert not is_tag(text)
    for text in (DIGEST[:-1], f"{DIGEST}0", DIGEST.upper(), f"{DIGEST}\n", f"app@{DIGEST}", "sha256:"):
        assert not is_digest(text)


@pytest.mark.parametrize("text", ["app:1", "team/app:1"])
def test_what_a_user_names_without_a_host_is_at_home(text: str) -> None:
    """Without a registry host, the environment's own account and region are meant."""
    reference = parse_expected(text, home=HOME)
    assert (reference.host, reference.ecr, reference.tag) == (HOST, HOME, "1")
    assert reference.repository == text.partition(":")[0]


@pytest.mark.parametrize("host", ["999999999999.dkr.ecr.eu-west-1.amazonaws.com", "ghcr.io", "localhost:5000"])
def test_what_a_user_names_with_a_host_stays_there(host: str) -> None:
    """A whole reference with its registry is taken as it is, never moved home."""
    reference = parse_expected(f"{host}/app:1", home=HOME)
    assert reference == parse(f"{host}/app:1")
    assert reference.ecr != HOME


def test_same_place() -> None:
    """Two references are to one place when repository, account and region are one, whatever the host and the tag."""
    base = parse(f"{HOST}/app:1")
    for other in (
        f"{HOST}/app:2",
        f"{HOST}/app@{DIGEST}",
        "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/app:1",
        "123456789012.dkr-ecr.us-east-1.on.aws/app:1",
    ):
        assert same_place(base, parse(other)), other
        assert same_place(parse(other), base), other


@pytest.mark.parametrize(
    "other",
    [
        f"{HOST}/app2:1",
        f"{HOST}/team/app:1",
        "999999999999.dkr.ecr.us-east-1.amazonaws.com/app:1",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1",
        "ghcr.io/app:1",
        "app:1",
    ],
)
def test_other_places(other: str) -> None:
    """Another repository, account, region or registry is another place."""
    base = parse(f"{HOST}/app:1")
    assert not same_place(base, parse(other))
    assert not same_place(parse(other), base)


LETTERS = "abz059"
WORD = st.builds(
    lambda words, join: join.join(words),
    st.lists(st.text(LETTERS, min_size=1, max_size=4), min_size=1, max_size=3),
    st.sampled_from("._-"),
)
REPOSITORIES = st.lists(WORD, min_size=1, max_size=3).map("/".join)
TAGS = st.builds(str.__add__, st.sampled_from("aZ0_"), st.text("aZ09_.-", max_size=20))
DIGESTS = st.integers(0, 16**64 - 1).map("sha256:{:064x}".format)
HOSTS = st.one_of(
    st.builds(
        lambda account, region: f"{account}.dkr.ecr.{region}.amazonaws.com",
        st.integers(0, 10**12 - 1).map("{:012}".format),
        st.sampled_from(["us-east-1", "eu-west-1"]),
    ),
    st.sampled_from(["ghcr.io", "localhost", "localhost:5000", "public.ecr.aws", "docker.io"]),
)


@st.composite
def written(draw: st.DrawFn, repositories: st.SearchStrategy[str] = REPOSITORIES) -> str:
    """A reference as it may be written, always with a host and a tag or a digest."""
    tag, digest = draw(st.one_of(st.none(), TAGS)), draw(st.one_of(st.none(), DIGESTS))
    if tag is None and digest is None:
        tag = "latest"
    end = (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    return f"{draw(HOSTS)}/{draw(repositories)}{end}"


@given(written())
@promise(60)
def test_a_reference_is_written_as_it_was_read(text: str) -> None:
    """Taking a reference apart loses nothing: written again it is what was read, and is read the same."""
    reference = parse(text)
    assert str(reference) == text
    assert parse(str(reference)) == reference


@given(st.text(max_size=60))
@promise(60)
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    """Whatever is written: a reference that reads back as itself, or a ValueError that says what is wrong."""
    try:
        reference = parse(text)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - most texts are refused
    else:
        assert parse(str(reference)) == reference
        assert isinstance(reference, Reference)


FEW_REPOSITORIES = st.sampled_from(["app", "team/app"])


@given(written(FEW_REPOSITORIES), written(FEW_REPOSITORIES))
@promise(60)
def test_places_are_equal_both_ways(one: str, other: str) -> None:
    """The comparison of the places of two references is symmetric."""
    first, second = parse(one), parse(other)
    assert same_place(first, first)
    assert same_place(first, second) == same_place(second, first)
