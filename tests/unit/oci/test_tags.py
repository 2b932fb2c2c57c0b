from __future__ import annotations

import pytest

from pytest_deploycheck.oci.tags import commit_in, commit_tags, holds_commit, is_commit, moves, stands_for_commit

COMMIT = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"


@pytest.mark.parametrize(
    "tag",
    [
        "latest",
        "main",
        "prod",
        "v1",
        "1",
        "v12",
        "main-amd64",
        "latest-arm64",
        "arm64v8",
        "v1-linux-x86_64",
        "us-east-1",
        "dev2-latest",
        "main-us-east-1-dev2",
        "windows-ltsc2022",
        "Latest",
        "latest-v1",
        "1.2-latest",
        "latest-node20",
        "amd64v2",
        "main-x86_64-v3",
    ],
)
def test_a_tag_without_a_digit_of_its_own_moves(tag: str) -> None:
    """Digits of a platform, the environment, the region or a major version fix no tag, nor does `latest`."""
    assert moves(tag, ("dev2", "us-east-1"))


@pytest.mark.parametrize(
    "tag",
    [
        "1a2b3c4",
        "v1.2",
        "1.27",
        "2025.11.26-1",
        "20251126",
        "482",
        "build-482",
        "main-1a2b3c4-arm64",
        "dev2-7f",
        "v1.2.3-amd64",
        "dev20-abc",
        "1.4-python3.11",
        "20251126-alpine3",
        "node-482",
        "python3.11-7f",
        "python3.11-slim",
        "3.12-alpine",
        "node20",
        "v2-jdk17",
        "main-node20-alpine3.19-arm64",
    ],
)
def test_a_tag_with_a_digit_of_its_own_is_fixed(tag: str) -> None:
    """A version, that of a runtime included, a date, the number of a build or a commit fixes a tag."""
    assert not moves(tag, ("dev2", "us-east-1"))


@pytest.mark.parametrize(
    "tag",
    [COMMIT, COMMIT[:7], f"sha-{COMMIT[:12]}", f"v1.2-3-g{COMMIT[:9]}", f"main_{COMMIT[:8]}", COMMIT[:10].upper()],
)
def test_a_tag_holds_a_commit_by_its_first_seven_digits_or_more(tag: str) -> None:
    """The commit stands apart from other words, whatever is before and after it."""
    assert holds_commit(tag, COMMIT)


@pytest.mark.parametrize(
    ("text", "sha", "holds"),
    [
        (COMMIT, COMMIT[:7], True),
        (COMMIT[:12], COMMIT[:7], True),
        (COMMIT[:7], COMMIT[:12], True),
        ("ab" * 32, "ab" * 32, True),
        (COMMIT, COMMIT[1:9], False),
        (f"{COMMIT[:7]}0", COMMIT[:8], False),
    ],
)
def test_an_abbreviated_commit_is_compared_by_its_digits(text: str, sha: str, holds: bool) -> None:  # noqa: FBT001 - a table
    """A label or a tag contains a commit that is abbreviated itself, or one of SHA-256, by the digits both have."""
    assert holds_commit(text, sha) is holds


@pytest.mark.parametrize(("text", "is_one"), [(COMMIT, True), ("ab" * 32, True), (COMMIT[:6], False), ("main", False)])
def test_a_commit_is_known_by_its_digits(text: str, is_one: bool) -> None:  # noqa: FBT001 - a table
    """Seven to 64 hex digits can be a commit; other text cannot."""
    assert is_commit(text) is is_one


@pytest.mark.parametrize(
    "tag", [COMMIT[:6], f"x{COMMIT[:8]}", COMMIT[1:9], f"{COMMIT[:7]}0", "latest", f"{COMMIT[:7]}z", ""]
)
def test_fewer_digits_or_others_are_not_the_commit(tag: str) -> None:
    """Six digits, digits from its middle, and digits that go on otherwise name something else."""
    assert not holds_commit(tag, COMMIT)


@pytest.mark.parametrize("tag", ["eu-west-1", "ap-southeast-2", "main-eu-central-1-arm64", "us-gov-east-1"])
def test_the_digit_of_any_region_is_no_digit_of_a_build(tag: str) -> None:
    """A tag for each region moves with each build, in whichever region the environment is."""
    assert moves(tag, ("prod", "us-east-1"))
    assert not moves(f"{tag}-482", ("prod", "us-east-1"))


@pytest.mark.parametrize("tag", [f"v1.2-3-g{COMMIT[:9]}-dirty", f"{COMMIT}-dirty", f"{COMMIT[:7]}.DIRTY"])
def test_a_changed_checkout_is_not_the_commit(tag: str) -> None:
    """A tag that `git describe --dirty` marked holds other code than the commit in it."""
    assert not holds_commit(tag, COMMIT)
    assert holds_commit(f"dirtyfix-{COMMIT[:7]}", COMMIT)


@pytest.mark.parametrize(
    ("tag", "own"),
    [
        (COMMIT, None),
        (COMMIT[:7], "latest"),
        (f"sha-{COMMIT[:10]}", None),
        (f"git-{COMMIT}", None),
        (f"v1.4-{COMMIT[:12]}", None),
        (f"main-{COMMIT[:7]}-arm64", "main-9f8e7d6-arm64"),
        (f"api_{COMMIT[:8]}", "api_9f8e7d65"),
    ],
)
def test_a_tag_names_the_image_of_a_commit(tag: str, own: str | None) -> None:
    """It is the commit alone, follows one of the usual prefixes, or replaces the commit in the tag of the service."""
    assert stands_for_commit(tag, COMMIT, own)


@pytest.mark.parametrize(
    ("tag", "own"),
    [
        (f"debug-{COMMIT[:7]}", None),
        (f"debug-{COMMIT[:7]}", "main-9f8e7d6"),
        (f"{COMMIT[:7]}-test", "9f8e7d6"),
        (COMMIT[:6], None),
        (COMMIT[:13], None),
        ("9f8e7d6", "9f8e7d6"),
    ],
)
def test_other_tags_with_a_commit_name_something_else(tag: str, own: str | None) -> None:
    """A build for another purpose of the same commit is not the image to be shipped."""
    assert not stands_for_commit(tag, COMMIT, own)


def test_all_tags_to_ask_for_name_the_commit() -> None:
    """If the tags cannot be listed, those that are requested are such as would have counted in the list."""
    own = "main-9f8e7d6-arm64"
    tags = commit_tags(COMMIT, own)
    assert {COMMIT, COMMIT[:7], f"sha-{COMMIT[:7]}", f"main-{COMMIT[:7]}-arm64"} <= set(tags)
    assert len(tags) <= 100
    assert all(stands_for_commit(tag, COMMIT, own) for tag in tags)


def test_a_commit_is_found_in_a_tag_and_a_date_is_not_one() -> None:
    """Hex digits with letters among them look like a commit; digits alone are a date or a number."""
    match = commit_in("main-1a2b3c4")
    assert match is not None
    assert match["sha"] == "1a2b3c4"
    assert commit_in("2025-20251126") is None
    assert commit_in("latest") is None
