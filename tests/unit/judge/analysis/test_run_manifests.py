"""The manifests of an index that tasks run."""

from __future__ import annotations

from support.worlds import AMD64, ARM64, FOR_AMD64, completed, found, gone, judged, task

from pytest_deploycheck.facts.image import Child
from pytest_deploycheck.judge.analysis.run_manifests import RunManifests, run_manifests


def test_a_manifest_for_several_platforms_is_one() -> None:
    """A task shows the digest of a manifest that the index lists for two platforms: it runs that one manifest."""
    index = judged(found(children=(Child(FOR_AMD64, AMD64), Child(FOR_AMD64, ARM64))))
    world = completed(judged=[index], tasks=[task("one", FOR_AMD64), task("two", FOR_AMD64)])
    assert run_manifests(index, world) == RunManifests((FOR_AMD64,))


def test_an_image_that_is_not_there_has_no_manifest() -> None:
    """Without the manifest of the expected image it is not known what runs, and that is the reason."""
    absent = judged(gone("tag"))
    world = completed(judged=[absent])
    assert run_manifests(absent, world) == RunManifests(doubt="the manifest of the expected image is not known")
