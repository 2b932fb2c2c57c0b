from __future__ import annotations

import pytest
from support.worlds import NEW, completed, found, gone, judged, reference

from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.commit import Commit
from pytest_deploycheck.facts.snapshot import Judged, Namer
from pytest_deploycheck.handles.release import Release, release

COMMIT = Commit("1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d", "HEAD")


def of(*containers: Judged, commit: Commit | None = None) -> Release:
    """Return the release of a service with these containers."""
    return release(completed(judged=list(containers)), commit)


@pytest.mark.parametrize("namer", ["option", "configuration", "commit"])
def test_an_image_that_was_named(namer: Namer) -> None:
    """An option, the configuration and the commit name the release: reference, tag and digest are known."""
    one = of(judged(found(named=reference("v2")), namer=namer), commit=COMMIT)
    assert (one.reference, one.tag, one.digest) == (str(reference("v2")), "v2", NEW)
    assert one.commit == COMMIT.sha
    assert "shop:v2" in repr(one)


@pytest.mark.parametrize("namer", ["task definition", "first observation"])
def test_an_image_that_nobody_named(namer: Namer) -> None:
    """The task definition names what runs, not what was to be shipped; the commit is known all the same."""
    one = of(judged(namer=namer), commit=COMMIT)
    assert (one.reference, one.tag, one.digest, one.commit) == (None, None, None, COMMIT.sha)
    assert "no image was named" in repr(one)


def test_an_image_that_was_named_by_its_digest() -> None:
    """No tag was named, so none is known."""
    one = of(judged(found(named=reference(None, pinned=NEW)), namer="option"))
    assert (one.tag, one.digest, one.commit) == (None, NEW, None)


def test_an_image_that_is_not_in_the_registry() -> None:
    """The tag that was named stays known; the digest of a tag that nobody pushed is not."""
    one = of(judged(gone("tag", named=reference("v3")), namer="option"))
    assert (one.tag, one.digest) == ("v3", None)


def test_containers_with_one_image() -> None:
    """Containers that run the same image have one release."""
    one = of(judged(namer="option"), judged(namer="option", container="worker"))
    assert (one.tag, one.digest) == ("v2", NEW)


def test_containers_with_images_of_their_own() -> None:
    """The commit is the same for all; which image is asked for is not known, and the message lists them."""
    other = judged(found(named=reference("v2", repository="jobs")), namer="commit", container="worker")
    one = of(judged(namer="commit"), other, commit=COMMIT)
    assert (one.commit, one.tag) == (COMMIT.sha, "v2")
    with pytest.raises(UnprovenError, match=r"app: .*shop:v2, worker: .*jobs:v2.*container = 'app'"):
        _ = one.reference


def test_a_service_without_a_known_container() -> None:
    """Nothing is known of an image where the task definition cannot be read."""
    assert of().reference is None
