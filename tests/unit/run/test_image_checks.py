from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from msgspec.structs import replace
from support.layer_files import Built, built, file
from support.worlds import NEW, completed, container, definition, denied, digest, found, judged, task

from pytest_deploycheck.config.settings import EnvironmentSettings, Options, ServiceSettings
from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.image import Child, ImageConfig, Layer, Manifest, Platform, Reference
from pytest_deploycheck.facts.recorded.checks import SourceCompared
from pytest_deploycheck.facts.snapshot import Judged, Lookup, ServiceFacts
from pytest_deploycheck.facts.source import Checkout
from pytest_deploycheck.handles.image import DeployedImage, deployed_image
from pytest_deploycheck.judge.finding import Finding, Status
from pytest_deploycheck.oci.files.decompression import Limits
from pytest_deploycheck.oci.manifest import OCI_MANIFEST
from pytest_deploycheck.redaction.handed import HandedTexts
from pytest_deploycheck.run.image_checks import ImageChecks

AMD, ARM, WINDOWS = Platform("linux", "amd64"), Platform("linux", "arm64"), Platform("windows", "amd64")
FRESH, STALE = b"print('new')\n", b"print('old')\n"


class Images:
    """An index whose platforms hold different code, and the checks that open it.

    Attributes:
        judged: The container whose image it is.
    """

    def __init__(
        self, root: Path, contents: Sequence[tuple[Platform | None, bytes]], *, source: Mapping[str, str]
    ) -> None:
        self._layers: dict[str, bytes] = {}
        self._root = root
        self._source = source
        children, manifests, configs = [], [], []
        for number, (platform, code) in enumerate(contents):
            name = "Files/app/main.py" if platform and platform.os == "windows" else "app/main.py"
            layer = self._add(built(file(name, code), file(f"unique/{number}")))
            child, config = digest("3456"[number]), digest("789c"[number])
            children.append(Child(child, platform))
            manifests.append(Manifest(child, OCI_MANIFEST, config=config, layers=(layer,)))
            configs.append(ImageConfig(config, platform=platform))
        lookup = found(NEW, children=children)
        assert lookup.image
        image = replace(lookup.image, platforms=tuple(manifests), configs=tuple(configs))
        self.judged = judged(replace(lookup, image=image))

    def _add(self, one: Built) -> Layer:
        self._layers[one.layer.digest] = one.data
        return one.layer

    @contextmanager
    def _open(self, _: Reference, layer: Layer) -> Iterator[BinaryIO]:
        yield BytesIO(self._layers[layer.digest])

    @property
    def checks(self) -> ImageChecks:
        """The checks of a service with a source."""
        service = ServiceSettings("backend", "backend", source=self._source)
        environment = EnvironmentSettings("dev", services={"backend": service})
        return ImageChecks(environment, Options(services=("backend",)), self._root, self._open)

    def damage(self) -> None:
        """Let the registry hand out the beginnings of the layers only."""
        self._layers = {digest: data[: len(data) // 2] for digest, data in self._layers.items()}

    def content(self, facts: ServiceFacts) -> Finding:
        """Return what `image-content` finds."""
        return self.checks.judge_content(facts)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a checkout with the new code."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_bytes(FRESH)
    return tmp_path


def images(project: Path, *contents: tuple[Platform | None, bytes], **source: str) -> Images:
    """Return an index of these platforms, each with its code."""
    return Images(project, contents, source=source or {"app": "/app"})


def seen(of: Judged, *tasks: dict[str, Any], **changes: Any) -> ServiceFacts:
    """Return a service whose tasks show the index, or another digest."""
    return completed(judged=[of], tasks=[task(str(at), **one) for at, one in enumerate(tasks)], **changes)


def handle(of: Images, **changes: Any) -> DeployedImage:
    """Return the image as a test holds it, in a service whose only task runs on linux/amd64."""
    facts = seen(of.judged, ON_AMD, **changes)
    return deployed_image(facts, of.checks.opened(facts))


ON_AMD = {"architecture": "x86_64", "os": "Linux"}
ON_ARM = {"architecture": "arm64", "os": "Linux"}
ON_WINDOWS = {"architecture": "x86_64", "os": "WINDOWS_SERVER_2022_CORE"}


@pytest.mark.parametrize(
    ("contents", "tasks", "status"),
    [
        ([(AMD, FRESH), (ARM, STALE)], [ON_AMD, ON_ARM], Status.FAIL),
        ([(AMD, STALE), (ARM, FRESH)], [ON_AMD, ON_ARM], Status.FAIL),
        ([(AMD, FRESH), (ARM, FRESH)], [ON_AMD, ON_ARM], Status.PASS),
        ([(AMD, FRESH), (ARM, STALE)], [ON_AMD, ON_AMD], Status.PASS),
        ([(AMD, FRESH), (ARM, STALE)], [ON_ARM], Status.FAIL),
        ([(WINDOWS, FRESH), (AMD, STALE)], [ON_AMD], Status.FAIL),
        ([(WINDOWS, STALE), (AMD, FRESH)], [ON_AMD], Status.PASS),
        ([(AMD, STALE), (WINDOWS, FRESH)], [ON_WINDOWS], Status.PASS),
        ([(AMD, FRESH), (WINDOWS, STALE)], [ON_WINDOWS, ON_AMD], Status.FAIL),
        ([(AMD, FRESH), (AMD, FRESH)], [ON_AMD], Status.UNPROVEN),
        (
            [(Platform("linux", "arm64", "v8"), FRESH), (Platform("linux", "arm64", "v9"), STALE)],
            [ON_ARM],
            Status.UNPROVEN,
        ),
        ([(AMD, FRESH), (ARM, FRESH)], [{}], Status.UNPROVEN),
        ([(ARM, FRESH)], [ON_AMD], Status.UNPROVEN),
        ([(None, FRESH)], [{}], Status.PASS),
    ],
)
def test_content_is_judged_for_each_platform_that_runs(
    project: Path, contents: list[tuple[Platform | None, bytes]], tasks: list[dict[str, Any]], status: Status
) -> None:
    """The child that each task runs is opened, by os and architecture; where that is open, nothing is proven."""
    several = images(project, *contents)
    finding = several.content(seen(several.judged, *tasks))
    assert finding.status is status, finding


def test_the_digest_that_a_task_shows_decides(project: Path) -> None:
    """Of two children for one platform the task runs the one whose digest it shows."""
    twice = images(project, (AMD, FRESH), (AMD, STALE))
    for letter, status in (("3", Status.PASS), ("4", Status.FAIL)):
        facts = seen(twice.judged, {**ON_AMD, "containers": [container(of=digest(letter))]})
        assert twice.content(facts).status is status


def test_the_task_definition_names_the_platform(project: Path) -> None:
    """Without a platform on the task, or without a task, `runtimePlatform` counts."""
    several = images(project, (AMD, STALE), (ARM, FRESH))
    arm = [replace(definition(), architecture="ARM64", os="LINUX")]
    cases: tuple[list[dict[str, Any]], ...] = ([{}], [])
    for tasks in cases:
        assert several.content(seen(several.judged, *tasks, definitions=arm)).status is Status.PASS


def test_the_message_names_the_platform_and_the_open_choice(project: Path) -> None:
    """A difference on one of several platforms names it; an open choice names the manifests that fit."""
    several = images(project, (AMD, FRESH), (ARM, STALE))
    assert "app in /app of linux/arm64" in several.content(seen(several.judged, ON_AMD, ON_ARM)).summary
    twice = images(project, (AMD, FRESH), (AMD, STALE))
    summary = twice.content(seen(twice.judged, ON_AMD)).summary
    assert "several manifests that fit tasks on linux/amd64: linux/amd64 (sha256:3333" in summary


@pytest.mark.parametrize(
    ("mounts", "status"),
    [
        (("/app",), Status.UNPROVEN),
        (("/app/",), Status.UNPROVEN),
        (("/",), Status.UNPROVEN),
        (("/app/main.py",), Status.UNPROVEN),
        (("/app/data", "/application"), Status.PASS),
        ((), Status.PASS),
    ],
)
def test_a_volume_over_the_source_hides_the_image(project: Path, mounts: tuple[str, ...], status: Status) -> None:
    """Files below a volume are not proven by the image; a volume beside the files makes no difference."""
    one = images(project, (AMD, FRESH))
    app = definition()
    mounted = replace(app, containers=(replace(app.containers[0], mounts=mounts),))
    finding = one.content(seen(one.judged, ON_AMD, definitions=[mounted]))
    assert finding.status is status
    if status is Status.UNPROVEN:
        assert f"{mounts[0]} hides 1 file of app" in finding.summary


def test_other_files_are_judged_beside_a_volume(project: Path) -> None:
    """A file that differs outside of the volume fails, whatever the volume hides."""
    (project / "app" / "other.py").write_bytes(STALE)
    one = images(project, (AMD, FRESH))
    app = definition()
    mounted = replace(app, containers=(replace(app.containers[0], mounts=("/app/main.py",)),))
    assert one.content(seen(one.judged, ON_AMD, definitions=[mounted])).status is Status.FAIL


def test_one_of_several_sources_without_a_file(project: Path) -> None:
    """A folder without a file, as of a submodule that was not checked out, leaves the check unproven by its name."""
    (project / "vendored").mkdir()
    one = images(project, (AMD, FRESH), app="/app", vendored="/vendored")
    finding = one.content(seen(one.judged, ON_AMD))
    assert finding.status is Status.UNPROVEN
    assert "vendored" in finding.summary
    assert "submodule" in finding.remedy


@pytest.mark.parametrize("path", ["C:\\app\\main.py", "c:/app/main.py", "/app/main.py"])
def test_files_of_a_windows_image(project: Path, path: str) -> None:
    """The files of a Windows image are found by either form of their path."""
    one = images(project, (WINDOWS, FRESH))
    facts = seen(one.judged, ON_WINDOWS)
    image = deployed_image(facts, one.checks.opened(facts))
    assert image.exists(path)
    assert image.read_bytes(path) == FRESH
    assert image.files("C:\\app") == image.files("/app") == ["/app/main.py"]
    assert not image.exists("/unique/0")
    assert image.compare("app", "C:\\app")


def test_windows_paths_are_not_those_of_a_linux_image(project: Path) -> None:
    """In a Linux image a path with a drive is a mistake."""
    one = images(project, (AMD, FRESH))
    facts = seen(one.judged, ON_AMD)
    with pytest.raises(ValueError, match="expected an absolute path"):
        deployed_image(facts, one.checks.opened(facts)).exists("C:\\app\\main.py")


def test_a_folder_outside_of_the_project_is_compared(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A path that is absolute may lead out of the project, as to what a test has built or cloned elsewhere."""
    one = images(project, (AMD, FRESH))
    facts = seen(one.judged, ON_AMD)
    image = deployed_image(facts, one.checks.opened(facts))
    clone = tmp_path_factory.mktemp("clone") / "app"
    clone.mkdir()
    (clone / "main.py").write_bytes(FRESH)
    assert image.compare(clone, "/app")
    assert image.compare(str(clone / "main.py"), "/app/main.py")
    (clone / "main.py").write_bytes(STALE)
    (clone / "new.py").write_bytes(b"")
    found = image.compare(clone, "/app")
    assert (found.missing, found.extra, found.different) == (["new.py"], [], ["main.py"])


def test_an_empty_prefix_is_the_root(project: Path) -> None:
    """Every file of the image begins with nothing."""
    one = images(project, (AMD, FRESH))
    facts = seen(one.judged, ON_AMD)
    image = deployed_image(facts, one.checks.opened(facts))
    assert image.files("") == image.files("/") == image.files()


def test_platforms_that_differ_leave_a_question_of_a_test_open(project: Path) -> None:
    """The result of a test is the same on every platform that runs, or is unproven."""
    several = images(project, (AMD, FRESH), (ARM, STALE))
    facts = seen(several.judged, ON_AMD, ON_ARM)
    image = deployed_image(facts, several.checks.opened(facts))
    assert image.exists("/app/main.py")
    assert not image.exists("/app/other.py")
    assert not image.compare("app", "/app")
    with pytest.raises(UnprovenError, match="differs between the platforms that tasks run: linux/amd64, linux/arm64"):
        image.read_text("/app/main.py")
    with pytest.raises(FileNotFoundError):
        image.read_text("/app/other.py")


def test_what_a_comparison_found_reads_well(project: Path) -> None:
    """An assertion on a comparison that is equal, or that is not, names both sides and what was found."""
    one = images(project, (AMD, FRESH))
    image = handle(one)
    assert repr(image.compare("app", "/app")) == "<app and /app are equal: 1 file>"
    (project / "app" / "main.py").write_bytes(STALE)
    assert repr(image.compare("app", "/app")) == "<app and /app differ: 1 different (main.py)>"


def test_a_comparison_of_nothing_is_unproven(project: Path) -> None:
    """A folder without files, or one whose place is hidden by a volume, is equal to nothing."""
    one = images(project, (AMD, FRESH))
    (project / "empty").mkdir()
    with pytest.raises(UnprovenError, match="empty has no file to compare"):
        handle(one).compare("empty", "/app")
    app = definition()
    mounted = replace(app, containers=(replace(app.containers[0], mounts=("/app",)),))
    with pytest.raises(UnprovenError, match="a volume is mounted at /app, over 1 file of app"):
        handle(one, definitions=[mounted]).compare("app", "/app")


def test_an_image_that_cannot_be_opened_is_unproven(project: Path) -> None:
    """As long as the manifest that runs is not known, neither a file nor a comparison is an answer; the reason is."""
    twice = images(project, (AMD, FRESH), (AMD, FRESH))
    image = handle(twice)
    for ask in (lambda: image.read_text("/app/main.py"), lambda: image.compare("app", "/app")):
        with pytest.raises(UnprovenError, match=r"cannot be opened: .*several manifests"):
            ask()


def test_a_damaged_layer_leaves_a_question_of_a_test_open(project: Path) -> None:
    """A file may be in a layer that cannot be read."""
    one = images(project, (AMD, FRESH))
    one.damage()
    with pytest.raises(UnprovenError, match="the image cannot be opened"):
        handle(one).exists("/app/main.py")
    assert one.content(seen(one.judged, ON_AMD)).status is Status.UNPROVEN


def test_a_file_that_is_too_large_to_be_shown_differs_all_the_same(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is not read into memory is compared by its digest, and the difference says that it is not shown."""
    monkeypatch.setattr("pytest_deploycheck.run.image_checks.Limits", partial(Limits, file=4))
    one = images(project, (AMD, STALE))
    found = handle(one).compare("app", "/app")
    assert found.different == ["main.py"]
    assert "main.py: not shown, as it is not text or too large" in found.explain()


def test_a_manifest_that_could_not_be_read_is_named(project: Path) -> None:
    """The index names the manifest that the tasks run, and the registry did not give it."""
    several = images(project, (AMD, FRESH), (ARM, FRESH))
    image = several.judged.expected.image
    assert image is not None
    lookup = replace(several.judged.expected, image=replace(image, platforms=image.platforms[:1]))
    finding = several.content(seen(judged(lookup), ON_ARM))
    assert finding.status is Status.UNPROVEN
    assert "sha256:4444" in finding.summary
    assert "could not be read" in finding.summary


def test_the_source_of_several_containers_is_not_known(project: Path) -> None:
    """Each of the judged containers could hold the source: they are listed, with the key that names one."""
    one = images(project, (AMD, FRESH))
    finding = one.content(completed(judged=[one.judged, replace(one.judged, container="worker")]))
    assert finding.status is Status.UNPROVEN
    assert "(app, worker)" in finding.summary
    assert "`container`" in finding.remedy


def test_an_image_that_could_not_be_looked_up_is_an_error(project: Path) -> None:
    """The action that is denied is named, as by `image-exists`."""
    one = images(project, (AMD, FRESH))
    lookup = Lookup(one.judged.expected.reference, problem=denied("ecr:BatchGetImage"))
    finding = one.content(completed(judged=[judged(lookup)]))
    assert finding.status is Status.ERROR
    assert "ecr:BatchGetImage" in finding.summary


def test_a_source_that_was_not_recorded_is_unproven(project: Path) -> None:
    """A replay compares nothing itself: it has the trees of that time, or none."""
    one = images(project, (AMD, FRESH))
    facts = seen(one.judged, ON_AMD)
    checks = one.checks
    (compared,) = [files.compare("app", "/app") for files in checks.opened(facts).platforms]
    known = SourceCompared((replace(compared, different=("main.py",)),), Checkout())
    (project / "app" / "main.py").unlink()
    for recorded, status in (({}, Status.UNPROVEN), ({facts.name: known}, Status.FAIL)):
        assert replace(one.checks, recorded=recorded).judge_content(facts).status is status


def test_a_large_file_is_not_searched_for_secrets(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of a gigabyte is handed out in no time; a small file is searched, so that no report shows its secrets."""
    monkeypatch.setattr("pytest_deploycheck.handles.image.HANDED", handed := HandedTexts())
    one = images(project, (AMD, b"password=hunter2222"))
    assert handle(one).read_text("/app/main.py") == "password=hunter2222"
    assert handed.secrets().secrets == ("hunter2222",)
    monkeypatch.setattr("pytest_deploycheck.handles.image.HANDED", unsearched := HandedTexts())
    monkeypatch.setattr("pytest_deploycheck.handles.image._LONGEST_SEARCHED", 18)
    assert handle(one).read_bytes("/app/main.py") == b"password=hunter2222"
    assert unsearched.secrets().secrets == ()
