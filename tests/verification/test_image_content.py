from __future__ import annotations

import io
import json
import re
import subprocess
import tarfile
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.observe.registry import blobs
from pytest_deploycheck.observe.registry.retry import Retries
from pytest_deploycheck.sandbox import SandboxLayer, sandbox_layer
from verification.conftest import Room, served

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pytest_deploycheck.judge.finding import Finding
    from pytest_deploycheck.sandbox import SandboxImage
    from verification.conftest import Seen

OLD = {"app/main.py": "one\nplatform = 'linkedin'\nlast\n", "app/api/ws.py": "ws\n"}
NEW = {"app/main.py": "one\nplatforms = ['linkedin', 'twitter']\nlast\n", "app/api/ws.py": "ws\n"}
SOURCE = {"backend/app": "/app"}
STEP = "COPY app/ ./app/"
BASE = sandbox_layer({"etc/os-release": "ID=debian\n", "usr/bin/tool": "tool"}, "# debian.sh")
TOP = sandbox_layer(NEW)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout with the code that is expected, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, NEW)
    return tmp_path


def write(project: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files of the image into the checkout, below `backend`."""
    for name, content in files.items():
        path = project / "backend" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def ship(
    room: Room, *layers: SandboxLayer, files: Mapping[str, str | bytes] | None = None, **more: Any
) -> SandboxImage:
    """Roll out `shop:2` over `shop:1`: with these layers on a base, or with these files."""
    room.aws.push_image("shop:1", OLD, at=room.ago(90))
    service = room.aws.create_service("shop", cluster="shop", image="shop:1", at=room.ago(60))
    image = room.aws.push_image(
        "shop:2", files or NEW, layers=(BASE, *layers) if layers else (), at=room.ago(10), **more
    )
    service.roll_out("shop:2", at=room.ago(8))
    return image


def verified(
    room: Room, *, source: Mapping[str, str] | None = None, environment: Mapping[str, Any] | None = None, **service: Any
) -> Seen:
    """Verify that `shop:2` runs and holds the source; nothing is asked of the logs."""
    table: dict[str, Any] = {"service": "shop", "image": "shop:2", **service}
    if source is None or source:
        table["source"] = dict(source or SOURCE)
    need = {"require": ["image", "rollout", "tasks"], **(environment or {})}
    return room.verify(services={"shop": table}, environment=need)


def content(room: Room, **options: Any) -> Finding:
    """Return what `image-content` finds."""
    return verified(room, **options).finding("image-content")


def ship_several(
    room: Room, cases: Mapping[str, Sequence[SandboxLayer]], *, apart: bool = False, **more: Any
) -> dict[str, str]:
    """Make a service for each case, which runs an image of these layers on a base; return their names by case.

    Args:
        room: Where they are made.
        cases: The layers of each.
        apart: Whether each image has a repository of its own.
        more: Further settings of the images.
    """
    services = {case: f"shop-{number}" for number, case in enumerate(cases)}
    for case, name in services.items():
        image = f"{name}:2" if apart else f"several:{name}"
        room.aws.push_image(image, layers=(BASE, *cases[case]), at=room.ago(70), **more)
        room.aws.create_service(name, cluster="shop", image=image, at=room.ago(60))
    return services


def contents(room: Room, services: Mapping[str, str]) -> dict[str, Finding]:
    """Return what `image-content` finds in each case: one verification of several services."""
    tables = {name: {"service": name, "source": SOURCE} for name in services.values()}
    report = room.verify(services=tables, environment={"require": ["image", "rollout", "tasks"]}).report
    found = {one.name: next(each for each in one.findings if each.id == "image-content") for one in report.services}
    return {case: found[name] for case, name in services.items()}


LAYERED: dict[str, Sequence[SandboxLayer]] = {}
"""The layers of images that are opened in one verification, with the code that is expected in the checkout."""


def layered(cases: Mapping[str, Sequence[SandboxLayer]]) -> Mapping[str, Sequence[SandboxLayer]]:
    """Let images be opened in the one verification, and return them by their names."""
    assert not LAYERED.keys() & cases.keys()
    LAYERED.update(cases)
    return cases


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Finding]:
    """Return what `image-content` finds in each of the images: one verification of a service for each."""
    folder = tmp_path_factory.mktemp("opened")
    with pytest.MonkeyPatch.context() as patch, served(patch) as aws:
        patch.chdir(folder)
        write(folder, NEW)
        room = Room(aws, folder)
        return contents(room, ship_several(room, LAYERED))


def within(opened: Mapping[str, Finding], cases: Iterable[str]) -> dict[str, Finding]:
    """Return what was found in some of the images."""
    return {case: opened[case] for case in cases}


def statuses(found: Mapping[str, Finding]) -> dict[str, str]:
    """Return how each case ended."""
    return {case: str(finding.status) for case, finding in found.items()}


def words(finding: Finding) -> str:
    """All that a finding says."""
    return "\n".join(
        [
            finding.summary,
            finding.cause,
            finding.remedy,
            finding.command,
            finding.details,
            *finding.notes,
            json.dumps(dict(finding.evidence), default=str),
        ]
    )


def fetched(seen: Seen, layer: SandboxLayer) -> int:
    """Return how often a layer was downloaded."""
    return [asked["Key"] for asked in seen.parameters("s3:GetObject")].count(layer.digest)


def git(project: Path, *words: str) -> str:
    """Run git in the checkout."""
    names = {f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", *words],  # noqa: S607  # any git will do
        cwd=project,
        env={**names, "PATH": "/usr/bin:/bin:/usr/local/bin", "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(project)},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def head(project: Path) -> str:
    """Return the revision of the checkout, all of it committed."""
    git(project, "init", "-q")
    git(project, "add", "backend")
    git(project, "commit", "-q", "-m", "x")
    return git(project, "rev-parse", "HEAD")


@pytest.mark.usefixtures("project")
def test_without_a_source_nothing_is_opened(room: Room) -> None:
    """Nobody asked what is in the image: the check is skipped, and no layer is downloaded."""
    image = ship(room)
    seen = verified(room, source={})
    assert seen.report.verdict == "VERIFIED"
    assert seen.finding("image-content").status == "skip"
    assert not any(fetched(seen, layer) for layer in image.layers)


@pytest.mark.usefixtures("project")
def test_an_image_with_the_code_of_the_checkout(room: Room) -> None:
    """Every file is there with the same content: it passes, with a digest for the source tree."""
    ship(room)
    seen = verified(room)
    assert seen.report.verdict == "VERIFIED"
    finding = seen.finding("image-content")
    assert finding.status == "pass"
    assert re.search(r"\b[0-9a-f]{64}\b", json.dumps(dict(finding.evidence), default=str))


@pytest.mark.usefixtures("project")
def test_a_file_that_differs(room: Room) -> None:
    """It fails, names the file and the build step that made its layer, and shows the difference."""
    ship(room, files=OLD)
    seen = verified(room)
    finding = seen.finding("image-content")
    assert (seen.report.verdict, seen.report.broken_link) == ("REFUTED", "image")
    assert finding.status == "fail"
    assert "main.py" in finding.summary
    assert "ws.py" not in words(finding)
    assert "-platform = 'linkedin'" in words(finding)
    assert "+platforms = ['linkedin', 'twitter']" in words(finding)
    assert STEP in words(finding)
    assert finding.remedy


@pytest.mark.usefixtures("project")
def test_a_file_that_is_missing(room: Room) -> None:
    """A file that the image lacks fails by its name, as missing and not as different."""
    ship(room, files={"app/main.py": NEW["app/main.py"]})
    finding = content(room)
    assert finding.status == "fail"
    assert "api/ws.py" in finding.summary
    assert "missing" in finding.summary
    assert STEP in words(finding)


@pytest.mark.usefixtures("project")
def test_a_folder_that_is_not_in_the_image_at_all(room: Room) -> None:
    """If nothing of the source is in the image, that is a failure and no pass for want of differences."""
    ship(room)
    finding = content(room, source={"backend/app": "/srv/elsewhere"})
    assert finding.status == "fail"
    assert "/srv/elsewhere" in words(finding)


def test_an_empty_source_proves_nothing(room: Room, project: Path) -> None:
    """A folder in which no file counts is never a pass."""
    (project / "backend" / "empty").mkdir()
    ship(room)
    finding = content(room, source={"backend/empty": "/app"})
    assert finding.status not in {"pass", "skip"}
    assert "backend/empty" in words(finding)


def test_by_products_make_no_difference(room: Room, project: Path) -> None:
    """Compiled files and caches of the checkout are not looked for in the image."""
    ship(room)
    write(project, {"app/__pycache__/main.cpython-312.pyc": b"\x00", "app/old.pyc": b"\x00", "app/old.pyo": b"\x00"})
    assert content(room).status == "pass"


def test_ignored_files_make_no_difference(room: Room, project: Path) -> None:
    """The `.dockerignore` nearest to the source counts, exceptions included."""
    ship(room, files={**NEW, "app/keep.md": "keep"})
    write(project, {"app/notes.md": "notes", "app/keep.md": "keep", "app/secret/.env": "A=1", "app/one/two/x.log": ""})
    assert content(room).status == "fail"
    (project / "backend" / ".dockerignore").write_text("**/*.md\n!**/keep.md\napp/secret\n**/*.log\n", encoding="utf-8")
    assert content(room).status == "pass"
    write(project, {"app/keep.md": "changed"})
    finding = content(room)
    assert finding.status == "fail"
    assert "keep.md" in finding.summary


def test_excluded_files_make_no_difference(room: Room, project: Path) -> None:
    """`source_exclude` leaves files out in the language of `.dockerignore`."""
    ship(room)
    write(project, {"app/README.md": "docs", "app/tests/test_one.py": "pass"})
    assert content(room).status == "fail"
    assert content(room, source_exclude=["*.md", "tests"]).status == "pass"


def test_line_endings_alone_pass_with_a_note(room: Room, project: Path) -> None:
    """A checkout with CRLF has the same code: it passes, and that is said."""
    ship(room)
    write(project, {"app/main.py": NEW["app/main.py"].replace("\n", "\r\n")})
    finding = content(room)
    assert finding.status == "pass"
    assert "line ending" in " ".join(finding.notes)
    assert "main.py" in " ".join(finding.notes)


def test_a_source_may_be_a_file(room: Room, project: Path) -> None:
    """A local file is compared with the file in its place."""
    ship(room)
    source = {"backend/app/main.py": "/app/main.py"}
    assert content(room, source=source).status == "pass"
    write(project, {"app/main.py": "changed\n"})
    finding = content(room, source=source)
    assert finding.status == "fail"
    assert "/app/main.py" in words(finding)


@pytest.mark.usefixtures("project")
def test_several_sources_each_have_a_digest(room: Room) -> None:
    """Each tree is compared, one that is wrong fails the check and is named; the evidence has a digest of each."""
    ship(room)
    seen = verified(room, source={"backend/app/api": "/app/api", "backend/app/main.py": "/app/other.py"})
    finding = seen.finding("image-content")
    assert finding.status == "fail"
    assert "/app/other.py" in words(finding)
    evidence = json.dumps(dict(finding.evidence), default=str)
    assert "backend/app/api" in evidence
    assert len(set(re.findall(r"\b[0-9a-f]{64}\b", evidence))) >= 2


@pytest.mark.usefixtures("project")
def test_a_source_that_is_not_there_is_an_error(room: Room) -> None:
    """A local path that does not exist proves nothing; it is named, and what to do is said."""
    ship(room)
    seen = verified(room, source={"backend/ap": "/app"})
    finding = seen.finding("image-content")
    assert finding.status == "error"
    assert "backend/ap" in finding.summary
    assert finding.remedy
    assert seen.report.verdict == "UNPROVEN"


@pytest.mark.usefixtures("project")
def test_downloads_that_are_denied_are_an_error(room: Room) -> None:
    """An image that may not be opened is not proven: the missing action is named, and the other checks go on."""
    ship(room)
    room.aws.deny("ecr:GetDownloadUrlForLayer")
    seen = verified(room)
    finding = seen.finding("image-content")
    assert finding.status == "error"
    assert "ecr:GetDownloadUrlForLayer" in words(finding)
    assert seen.statuses["image-exists"] == seen.statuses["tasks-run-image"] == "pass"
    assert seen.statuses.get("image-layers") != "pass"
    assert seen.report.verdict == "UNPROVEN"
    assert verified(room, source={}).report.verdict == "VERIFIED"


@pytest.mark.usefixtures("project")
def test_repositories_that_may_not_be_described(room: Room) -> None:
    """That permission serves advice alone: without it every check ends as before."""
    ship(room)
    before = verified(room).statuses
    room.aws.deny("ecr:DescribeRepositories")
    seen = verified(room)
    assert seen.statuses == before
    assert seen.report.verdict == "VERIFIED"


def test_the_evidence_names_the_revision(room: Room, head: str, project: Path) -> None:
    """The revision at HEAD, whether the checkout is dirty, and the revision that the label claims are evidence."""
    ship(room, labels={"org.opencontainers.image.revision": head})
    finding = content(room)
    assert finding.status == "pass"
    assert head in json.dumps(dict(finding.evidence), default=str)
    assert not finding.notes
    assert "true" not in json.dumps(dict(finding.evidence))
    write(project, {"app/main.py": "changed\n"})
    dirty = content(room)
    assert dirty.status == "fail"
    assert "true" in json.dumps(dict(dirty.evidence))


def test_a_label_that_disagrees_is_noted(room: Room, head: str) -> None:
    """A label is the builder's claim: where it is not HEAD that is noted, and the files decide."""
    other = "f" * 40
    ship(room, labels={"org.opencontainers.image.revision": other})
    finding = content(room)
    assert finding.status == "pass"
    notes = " ".join(finding.notes)
    assert other[:7] in notes
    assert head[:7] in notes


def test_a_shortened_revision_in_the_label_agrees(room: Room, head: str) -> None:
    """A label with the first characters of HEAD names HEAD."""
    ship(room, labels={"org.opencontainers.image.revision": head[:8]})
    assert not content(room).notes


def test_a_new_label_on_old_files_fails(room: Room, head: str) -> None:
    """That the label names HEAD does not save files that are not those of HEAD."""
    ship(room, files=OLD, labels={"org.opencontainers.image.revision": head})
    seen = verified(room)
    assert seen.statuses["image-content"] == "fail"
    assert seen.report.broken_link == "image"


@pytest.mark.usefixtures("project")
def test_another_digest_with_the_same_files_passes(room: Room) -> None:
    """A rebuild without changes has another digest; it passes and nothing claims that the content changed."""
    room.aws.push_image("shop:1", NEW, at=room.ago(90))
    service = room.aws.create_service("shop", cluster="shop", image="shop:1", at=room.ago(60))
    room.aws.push_image("shop:2", NEW, at=room.ago(10))
    service.roll_out("shop:2", at=room.ago(8))
    seen = verified(room)
    assert seen.report.verdict == "VERIFIED"
    assert seen.statuses["image-content"] == seen.statuses["image-layers"] == "pass"
    for check in ("image-content", "image-layers"):
        assert not re.search(r"\b(content|source|files?) changed\b", words(seen.finding(check)))


@pytest.mark.usefixtures("project")
def test_the_same_digest_as_before_is_noted(room: Room) -> None:
    """A reproducible rebuild under a new tag passes, with the note that nothing new was shipped."""
    built = room.ago(90)
    room.aws.push_image("shop:1", NEW, at=built, created=built)
    service = room.aws.create_service("shop", cluster="shop", image="shop:1", at=room.ago(60))
    room.aws.push_image("shop:2", NEW, at=room.ago(10), created=built)
    service.roll_out("shop:2", at=room.ago(8))
    seen = verified(room)
    assert seen.report.verdict == "VERIFIED"
    notes = [note for finding in seen.service.findings for note in finding.notes]
    assert any("nothing new was shipped" in note for note in notes)


@pytest.mark.usefixtures("project")
def test_a_tag_that_moved_back(room: Room) -> None:
    """After a retag the image is older than the rollout; what it holds is what counts."""
    room.aws.push_image("shop:1", NEW, at=room.ago(900))
    service = room.aws.create_service("shop", cluster="shop", image="shop:1", at=room.ago(800))
    room.aws.push_image("shop:bad", OLD, at=room.ago(60))
    service.roll_out("shop:bad", at=room.ago(50))
    room.aws.tag_image("shop:1", "2")
    service.roll_out("shop:2", at=room.ago(8))
    seen = verified(room)
    assert seen.statuses["image-content"] == "pass"
    assert seen.statuses["tasks-run-image"] == "pass"
    assert seen.report.verdict == "VERIFIED"


# How layers lie on each other.


REMOVED = layered(
    {
        f"removed by {name}": [TOP, sandbox_layer({name: ""}, "RUN rm -r app # buildkit")]
        for name in ("app/.wh.main.py", "app/.wh..wh..opq", ".wh.app")
    }
)


def test_what_a_higher_layer_takes_away_is_missing(opened: Mapping[str, Finding]) -> None:
    """A file that a later step removed is not in the image, though a layer below has it."""
    found = within(opened, REMOVED)
    assert statuses(found) == dict.fromkeys(REMOVED, "fail")
    assert all("main.py" in words(finding) for finding in found.values())


layered({"put back": [sandbox_layer(OLD), sandbox_layer({".wh.app": ""}, "RUN rm -r app"), TOP]})


def test_what_is_put_back_is_there(opened: Mapping[str, Finding]) -> None:
    """A whiteout hides the layers below it, not those above."""
    assert opened["put back"].status == "pass"


layered(
    {"old over new": [TOP, sandbox_layer({"app/main.py": OLD["app/main.py"]}, "COPY patches/ /app/ # buildkit")]},
)


def test_the_uppermost_layer_counts(opened: Mapping[str, Finding]) -> None:
    """A later step that puts an old file over the new one is found out, and is the step that is named."""
    finding = opened["old over new"]
    assert finding.status == "fail"
    assert "COPY patches/ /app/" in words(finding)


layered(
    {"rewritten": [TOP, sandbox_layer({"app/main.py": "rewritten\n"}, "RUN sed -i s/a/b/ app/main.py # buildkit")]},
)


def test_a_later_step_that_changes_a_file_is_seen(opened: Mapping[str, Finding]) -> None:
    """A RUN step may rewrite what COPY brought: what it left is what is compared."""
    assert opened["rewritten"].status == "fail"


MOVED = sandbox_layer(
    {name.replace("app/", "srv/code/", 1): text for name, text in NEW.items()}, "COPY app/ /srv/code/"
)
LINKED = layered(
    {
        f"app linked to {target}": [MOVED, sandbox_layer(links={"app": target}, created_by="RUN ln")]
        for target in ("/srv/code", "srv/code", "../srv/code", "../../../../srv/code")
    }
)


def test_a_place_that_is_a_link(opened: Mapping[str, Finding]) -> None:
    """A folder that is a link in the image is followed, and never out of the image."""
    assert statuses(within(opened, LINKED)) == dict.fromkeys(LINKED, "pass")


def hard_linked() -> SandboxLayer:
    """Return a layer that holds a file as a hard link."""
    link = tarfile.TarInfo("app/main.py")
    link.type, link.linkname = tarfile.LNKTYPE, "app/first.py"
    files = {"app/first.py": NEW["app/main.py"], "app/api/ws.py": NEW["app/api/ws.py"]}
    return sandbox_layer(files, entries=[(link, b"")])


layered({"hard link": [hard_linked()]})


def test_a_hard_link_is_the_file(opened: Mapping[str, Finding]) -> None:
    """A file that is there as a hard link holds what it is linked to."""
    assert opened["hard link"].status == "pass"


NOWHERE = layered(
    {
        f"main.py linked to {target}": [sandbox_layer({"app/api/ws.py": "ws\n"}, links={"app/main.py": target})]
        for target in ("/app", "main.py", "/nowhere")
    }
)


def test_links_that_lead_nowhere(opened: Mapping[str, Finding]) -> None:
    """A loop or a dangling link holds nothing: never a pass, and no crash."""
    found = within(opened, NOWHERE)
    assert set(statuses(found).values()) <= {"fail", "unproven"}, statuses(found)
    assert all("main.py" in words(finding) for finding in found.values())


@pytest.mark.parametrize("link", ["/proc/self/environ", "../../../../../../etc/hostname"])
def test_links_never_lead_out_of_the_image(room: Room, project: Path, link: str) -> None:
    """A link in the image to a file that this machine has is not followed on this machine."""
    here = b""
    try:
        with open("/" + link.lstrip("./"), "rb") as file:  # noqa: PTH123
            here = file.read()
    except OSError:
        pytest.skip("this machine has no such file")
    ship(room, sandbox_layer({"app/api/ws.py": "ws\n"}, links={"app/main.py": link}))
    write(project, {"app/main.py": here})
    assert content(room).status in {"fail", "unproven"}


@pytest.mark.parametrize("image_format", ["oci", "docker"])
@pytest.mark.usefixtures("project")
def test_each_kind_of_layer(room: Room, image_format: Any) -> None:
    """Layers are read as gzip, zstd and plain tar, in the words of OCI and of Docker."""
    cases = {
        "gzip": [sandbox_layer(NEW, compression="gzip")],
        "zstd": [sandbox_layer(NEW, compression="zstd")],
        "plain": [sandbox_layer(NEW, compression="")],
    }
    found = contents(room, ship_several(room, cases, image_format=image_format))
    assert statuses(found) == dict.fromkeys(cases, "pass")


@pytest.mark.usefixtures("project")
def test_an_index_is_opened_for_the_tasks_platform(room: Room) -> None:
    """Of an image for several platforms the one that the tasks run is opened, attestations aside."""
    ship(room, platforms=("linux/arm64", "linux/amd64"))
    assert content(room).status == "pass"


@pytest.mark.usefixtures("project")
def test_an_index_with_old_code_fails(room: Room) -> None:
    """An image for several platforms is opened like any other."""
    ship(room, files=OLD, platforms=("linux/amd64", "linux/arm64"))
    assert content(room).status == "fail"


@pytest.mark.usefixtures("project")
def test_layers_below_are_left_alone(room: Room) -> None:
    """If every file is found above it, the base layer is never downloaded."""
    ship(room, TOP)
    seen = verified(room)
    assert seen.statuses["image-content"] == "pass"
    assert fetched(seen, TOP) == 1
    assert fetched(seen, BASE) == 0


@pytest.mark.usefixtures("project")
def test_a_layer_is_downloaded_once(room: Room) -> None:
    """Several sources in one layer cost one download."""
    ship(room, TOP)
    seen = verified(room, source={"backend/app/api": "/app/api", "backend/app/main.py": "/app/main.py"})
    assert seen.statuses["image-content"] == "pass"
    assert fetched(seen, TOP) == 1


# What is broken or hostile.


def entry(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, target: str = "") -> SandboxLayer:
    """Return a layer of one entry, as it is."""
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, len(content), target
    return sandbox_layer(created_by="RUN something", entries=[(info, content)])


def open_questions(finding: Finding) -> None:
    """Make sure that a check says neither yes nor no, and why."""
    assert finding.status in {"error", "unproven"}, words(finding)
    assert finding.summary
    assert "Traceback" not in words(finding)


HUGE = sandbox_layer({**NEW, "app/zeros.bin": b"\x00" * 30_000_000})


@pytest.mark.usefixtures("project")
def test_a_bomb_is_not_unpacked(room: Room) -> None:
    """A layer that unpacks to more than it may is left open, with the bound named."""
    assert len(HUGE.data) < 100_000
    ship(room, HUGE)
    finding = content(room, environment={"max_unpacked_bytes": 1_000_000})
    open_questions(finding)
    assert finding.status == "unproven"
    assert "max_unpacked_bytes" in words(finding)
    assert content(room, environment={"max_unpacked_bytes": 100_000_000}).status == "pass"


@pytest.mark.usefixtures("project")
def test_too_many_entries_are_not_unpacked(room: Room) -> None:
    """A layer with more files than it may have is left open, with the bound named."""
    ship(room, sandbox_layer({**NEW, **{f"app/many/{number}": "" for number in range(200)}}))
    finding = content(room, environment={"max_layer_entries": 100})
    open_questions(finding)
    assert finding.status == "unproven"
    assert "max_layer_entries" in words(finding)
    assert content(room, environment={"max_layer_entries": 1000}).status == "pass"


ODD = layered(
    {
        f"named {name}": [TOP, entry(name, OLD["app/main.py"].encode())]
        for name in ("../app/main.py", "/app/main.py", "etc/../app/main.py", "./app/main.py", "app//main.py")
    }
)


def test_odd_names_hide_nothing(opened: Mapping[str, Finding]) -> None:
    """An old file under an odd name of the same place is never overlooked."""
    found = within(opened, ODD)
    assert set(statuses(found).values()) <= {"fail", "error", "unproven"}, statuses(found)
    assert not any("Traceback" in words(finding) for finding in found.values())


KINDS = {
    "character device": tarfile.CHRTYPE,
    "block device": tarfile.BLKTYPE,
    "pipe": tarfile.FIFOTYPE,
    "folder": tarfile.DIRTYPE,
    "unknown kind": b"Z",
}
GONE = sandbox_layer({"app/.wh.main.py": ""}, "RUN rm")
NO_FILES = layered({name: [TOP, GONE, entry("app/main.py", kind=kind)] for name, kind in KINDS.items()})


def test_other_entries_are_not_files(opened: Mapping[str, Finding]) -> None:
    """A device, a pipe or a folder in the place of a file is never a pass."""
    found = within(opened, NO_FILES)
    assert set(statuses(found).values()) <= {"fail", "error", "unproven"}, statuses(found)


layered({"device elsewhere": [entry("dev/console", kind=tarfile.CHRTYPE), TOP]})


def test_a_device_elsewhere_makes_no_difference(opened: Mapping[str, Finding]) -> None:
    """A device that nobody asked for does not stand in the way."""
    assert opened["device elsewhere"].status == "pass"


BROKEN: dict[str, bytes | None] = {
    "truncated": TOP.data[: len(TOP.data) // 2],
    "empty": b"",
    "other bytes of the same length": bytes(len(TOP.data)),
    "one bit": bytes([*TOP.data[:-1], TOP.data[-1] ^ 1]),
    "another layer": sandbox_layer({**NEW, "app/more.py": ""}).data,
    "longer": TOP.data + b"more",
    "gone": None,
}


@pytest.mark.usefixtures("project")
def test_a_blob_with_another_digest(room: Room) -> None:
    """Truncated, exchanged, corrupted or missing: what does not hash to its digest proves nothing."""
    services = ship_several(room, {case: [TOP] for case in BROKEN}, apart=True)
    for case, name in services.items():
        room.aws.replace_blob(name, TOP.digest, BROKEN[case])
    for finding in contents(room, services).values():
        open_questions(finding)


@pytest.mark.usefixtures("project")
def test_a_configuration_with_another_digest(room: Room) -> None:
    """A config that was exchanged is not believed: no step and no label of it is shown."""
    image = ship(room, TOP, labels={"org.opencontainers.image.revision": "a" * 40})
    (digest,) = (
        {asked["Key"] for asked in verified(room).parameters("s3:GetObject")}
        - {layer.digest for layer in (*image.layers, TOP, BASE)}
        - old_blobs(room)
    )
    room.aws.replace_blob("shop", digest, b'{"config": {"Labels": {"org.opencontainers.image.revision": "lie"}}}')
    finding = content(room)
    assert finding.status in {"pass", "error", "unproven"}
    assert "lie" not in words(finding)


def old_blobs(room: Room) -> set[str]:
    """Return the blobs that `shop:1` names."""
    manifest = room.aws._world.registries.existing(room.aws._world.account.reference("shop:1"))
    document = json.loads(manifest[0].images[manifest[1]].manifest.data)
    return {document["config"]["digest"], *(layer["digest"] for layer in document["layers"])}


def lying(data: bytes, *, diff_id: str = "", compression: Any = "gzip", media_type: str = "") -> SandboxLayer:
    """Return a layer of any bytes."""
    digest = f"sha256:{sha256(data).hexdigest()}"
    return SandboxLayer(digest, diff_id or digest, STEP, data, compression, media_type)


OCI = "application/vnd.oci.image.layer.v1.tar"
STRANGE = {
    "encrypted": lying(TOP.data, media_type=f"{OCI}+gzip+encrypted"),
    "unknown": lying(TOP.data, media_type="application/vnd.acme.layer.v9"),
    "another compression": lying(b"BZh9" + bytes(100), media_type=f"{OCI}+bzip2"),
    "no gzip": lying(b"this is no gzip at all" * 50),
    "no tar": lying(b"this is no tar at all" * 500, compression=""),
    "gzip cut short": lying(TOP.data[:-12], diff_id=TOP.diff_id),
    "tar cut short": lying(sandbox_layer(NEW, compression="").data[:700], compression=""),
    "another diff id": lying(TOP.data, diff_id="sha256:" + "0" * 64),
}


layered({case: [layer] for case, layer in STRANGE.items()})


def test_a_layer_that_cannot_be_opened(opened: Mapping[str, Finding]) -> None:
    """Encrypted, of an unknown kind, cut short or not what the config says: it stays open, with the reason."""
    for finding in within(opened, STRANGE).values():
        open_questions(finding)


layered({"encrypted above": [TOP, lying(TOP.data, media_type=f"{OCI}+encrypted")]})


def test_a_strange_layer_above_all_that_is_needed(opened: Mapping[str, Finding]) -> None:
    """A layer that cannot be opened may hide old files, so that nothing above an answer is passed over."""
    open_questions(opened["encrypted above"])


@pytest.mark.parametrize("code", ["LayersNotFoundException", "ImageNotFoundException", "ServerException"])
@pytest.mark.usefixtures("project")
def test_an_image_that_is_deleted_in_between(room: Room, code: str) -> None:
    """A layer that ECR no longer finds leaves the question open."""
    ship(room)
    room.aws.fail("ecr:GetDownloadUrlForLayer", code=code)
    open_questions(content(room))


@pytest.mark.usefixtures("project")
def test_a_store_that_throttles_for_good(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of layers that answers 429 and nothing else is an error, not a pass."""
    monkeypatch.setattr(blobs, "Retries", lambda: Retries(backoff=0))
    ship(room)
    room.aws.fail("s3:GetObject", code="TooManyRequests", status=429)
    finding = content(room)
    assert finding.status == "error"
    assert "429" in words(finding)
    assert "X-Amz-Signature" not in words(finding)


@pytest.mark.usefixtures("project")
def test_a_store_that_throttles_once(room: Room) -> None:
    """One 429 or 503 is tried again, and all is well."""
    ship(room)
    room.aws.fail("s3:GetObject", code="TooManyRequests", status=429, times=1)
    assert content(room).status == "pass"


@pytest.mark.usefixtures("project")
def test_an_old_kind_of_manifest(room: Room) -> None:
    """A schema 1 manifest has no layers that could be checked by digest: unproven or an error, with its kind named."""
    document = {
        "schemaVersion": 1,
        "name": "shop",
        "tag": "2",
        "architecture": "amd64",
        "fsLayers": [{"blobSum": TOP.digest}],
        "history": [{"v1Compatibility": "{}"}],
    }
    room.aws.push_manifest(
        "shop:2",
        json.dumps(document).encode(),
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        at=room.ago(60),
    )
    room.aws.create_service("shop", cluster="shop", image="shop:2", at=room.ago(50))
    open_questions(content(room))


def test_file_contents_never_reach_the_terminal_raw(room: Room, project: Path) -> None:
    """Control characters in a file that differs are shown, not sent."""
    ship(room, files={**NEW, "app/main.py": "\x1b[2J\x1b]0;owned\x07\n"})
    write(project, {"app/main.py": "\x1b[31mred\u202e\n"})
    finding = content(room)
    assert finding.status == "fail"
    assert "\x1b" not in finding.summary + finding.details
    assert "\u202e" not in finding.summary + finding.details


def test_binary_files_are_not_shown(room: Room, project: Path) -> None:
    """A binary file that differs is named; its bytes are not printed."""
    ship(room, files={**NEW, "app/logo.png": b"\x89PNG\x00\x01\xff"})
    write(project, {"app/logo.png": b"\x89PNG\x00\x02\xff"})
    finding = content(room)
    assert finding.status == "fail"
    assert "logo.png" in finding.summary
    assert "\x00" not in words(finding)


# Where the image is, and where it is not.


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "elsewhere",
    [
        "shop-other",
        "999999999999.dkr.ecr.us-east-1.amazonaws.com/shop",
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop",
    ],
)
def test_the_right_code_in_the_wrong_place(room: Room, elsewhere: str) -> None:
    """The expected image holds the code, but the service pulls from another repository, account or region."""
    ship(room, files=OLD)
    room.aws.push_image(f"{elsewhere}:2", NEW, at=room.ago(9))
    seen = verified(room, image=f"{elsewhere}:2")
    assert seen.statuses["image-content"] == "pass"
    assert seen.statuses["image-repository"] == "fail"
    assert seen.report.broken_link == "image"


@pytest.mark.usefixtures("project")
def test_an_image_that_was_deleted_is_never_proven(room: Room) -> None:
    """Deleted while it runs: there is nothing to open, so its content is not proven."""
    ship(room)
    room.aws.delete_image("shop:2")
    seen = verified(room)
    assert seen.statuses["image-exists"] == "fail"
    assert "cannot start another task" in seen.finding("image-exists").remedy
    assert seen.statuses["image-content"] != "pass"


@pytest.mark.usefixtures("project")
def test_a_tag_that_is_gone_while_its_digest_is_there(room: Room) -> None:
    """The tag fails; the tasks are judged by the digest."""
    ship(room)
    room.aws.delete_tag("shop:2")
    seen = verified(room)
    assert seen.statuses["image-exists"] == "fail"
    assert seen.statuses["tasks-run-image"] == "pass"
    assert seen.statuses["image-content"] in {"pass", "unproven", "error"}


@pytest.mark.usefixtures("project")
def test_a_host_that_prefers_its_own_copy(room: Room) -> None:
    """A rollout can complete with the old image from the host's cache: the tasks fail, the content is right."""
    image = ship(room)
    service = next(iter(room.aws._world.services.values()))
    for task in service.running_tasks:
        task.digests = {"app": room.aws.push_image("shop:1", OLD, at=room.ago(95)).digest}
    seen = verified(room)
    assert image.digest
    assert seen.statuses["image-content"] == "pass"
    assert seen.statuses["rollout-complete"] == "pass"
    assert seen.statuses["tasks-run-image"] == "fail"
    assert seen.report.broken_link == "tasks"


# Advice.


def notes(seen: Seen) -> str:
    """Return the notes and the advice of `image-exists`."""
    found = seen.finding("image-exists")
    return "\n".join([*found.notes, *found.advice])


def test_a_tag_that_can_be_moved_is_advice(room: Room) -> None:
    """A service that names its image by `latest` is told so; with `strict_tags` that is a failure."""
    room.aws.push_image("shop:1", OLD, at=room.ago(90))
    room.aws.push_image("shop:latest", NEW, tags=["2"], at=room.ago(70))
    room.aws.create_service("shop", cluster="shop", image="shop:latest", at=room.ago(60))
    seen = verified(room, source={})
    assert seen.report.verdict == "VERIFIED"
    assert "latest" in notes(seen)
    strict = verified(room, source={}, environment={"strict_tags": True})
    assert strict.statuses["image-tag"] == "fail"
    assert "latest" in words(strict.finding("image-tag"))
    assert strict.report.broken_link == "image"


def test_strict_tags_are_content_with_a_digest(room: Room) -> None:
    """A service that names its image by digest has nothing that could be moved."""
    room.aws.push_image("shop:1", OLD, at=room.ago(90))
    image = room.aws.push_image("shop:2", NEW, at=room.ago(70))
    room.aws.create_service("shop", cluster="shop", image=image.uri_by_digest, at=room.ago(60))
    seen = verified(room, source={}, environment={"strict_tags": True})
    assert seen.report.verdict == "VERIFIED"


def test_strict_tags_are_content_with_tags_that_stay(room: Room) -> None:
    """In a repository whose tags cannot be moved, a version tag is as good as a digest."""
    ship(room)
    room.aws.set_tag_mutability("shop", "IMMUTABLE")
    seen = verified(room, source={}, environment={"strict_tags": True})
    assert seen.report.verdict == "VERIFIED"


def test_a_repository_that_lets_tags_be_moved_is_advice(room: Room) -> None:
    """Movable tags of the repository are noted, and only those."""
    ship(room)
    room.aws.set_tag_mutability("shop", "MUTABLE")
    movable = notes(verified(room, source={}))
    assert "moved" in movable
    room.aws.set_tag_mutability("shop", "IMMUTABLE")
    seen = verified(room, source={})
    assert "moved" not in notes(seen)
    assert seen.report.verdict == "VERIFIED"


def test_nothing_to_roll_back_to_is_advice(room: Room) -> None:
    """If the repository holds no earlier image, that is said before it is needed."""
    room.aws.push_image("shop:2", NEW, at=room.ago(70))
    room.aws.create_service("shop", cluster="shop", image="shop:2", at=room.ago(60))
    seen = verified(room, source={})
    assert "roll back" in notes(seen)
    assert seen.report.verdict == "VERIFIED"


def test_that_advice_is_left_out_with_an_earlier_image(room: Room) -> None:
    """An earlier image in the repository is something to roll back to."""
    ship(room)
    assert "roll back" not in notes(verified(room, source={}))


def test_a_tar_is_what_the_builder_packs() -> None:
    """The layers of these tests are tars with the files in them."""
    with tarfile.open(fileobj=io.BytesIO(TOP.data)) as archive:
        assert {"app/main.py", "app/api/ws.py"} <= set(archive.getnames())
