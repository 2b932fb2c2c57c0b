from __future__ import annotations

import json
import tarfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.sandbox import sandbox_layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plugin.conftest import Deploy, Outcome
    from pytest_deploycheck.sandbox import Sandbox, SandboxLayer

TABLES = """
[env.shop]
region = "us-east-1"
cluster = "shop"
require = ["image", "rollout", "tasks"]

[env.shop.services.web]
service = "shop-web"
"""
BUILT = datetime(2025, 11, 26, 10, 30, tzinfo=UTC)
BASE = sandbox_layer({"etc/os-release": "ID=debian\n", "usr/bin/tool": b"\x7fELF\x00"}, "# debian.sh")
APP = sandbox_layer(
    {"app/main.py": "print('hällo')\n", "app/api/ws.py": "ws\n", "app/data.bin": b"\x00\xff", "app/gone.py": ""},
    "COPY app/ ./app/ # buildkit",
)
HARD = tarfile.TarInfo("app/hard.py")
HARD.type, HARD.linkname = tarfile.LNKTYPE, "app/main.py"
LINKS = sandbox_layer(
    {"app/.wh.gone.py": "", "srv/own.txt": "own\n"},
    "RUN ln -s # buildkit",
    links={
        "app/link.py": "main.py",
        "app/absolute.py": "/app/main.py",
        "code": "app",
        "out.txt": "../../../../../../srv/own.txt",
        "hostname": "../../../../../../etc/hostname",
        "loop": "loop",
        "dangling": "/nowhere",
    },
)
LAYERS = (BASE, APP, LINKS)


def run(aws: Sandbox, layers: Sequence[SandboxLayer] = LAYERS, **more: Any) -> None:
    """Let the service run an image of these layers."""
    when = aws.now() - timedelta(hours=1)
    aws.push_image("shop-web:1", layers=layers, created=BUILT, at=when, **more)
    aws.create_service("shop-web", cluster="shop", image="shop-web:1", at=when + timedelta(minutes=2))
    aws.calls.clear()


@pytest.fixture
def aws(empty_aws: Sandbox, pytester: pytest.Pytester) -> Sandbox:
    """Return a world with a project beside it."""
    (pytester.path / "deploycheck.toml").write_text(TABLES, encoding="utf-8")
    return empty_aws


def ask(deploy: Deploy, pytester: pytest.Pytester, text: str, *args: str) -> Outcome:
    """Run these tests and no check."""
    pytester.makepyfile(text)
    return deploy("-k", "test_", "--tb=short", *args, env="shop")


def downloads(aws: Sandbox) -> list[str]:
    """Return the blobs that were downloaded."""
    return [call.parameters["Key"] for call in aws.calls if call.operation == "s3:GetObject"]


def all_passed(outcome: Outcome) -> None:
    """Make sure that there were tests and all of them passed."""
    assert outcome.tests, outcome.output
    assert set(outcome.tests.values()) == {"passed"}, outcome.output


def test_what_the_image_holds(aws: Sandbox, deploy: Deploy, pytester: pytest.Pytester) -> None:
    """Files are read as text and bytes, asked for, and listed; what a later layer removed is not there.

    Links lead to files of the image, through folders too, and never to files of this machine. A relative path is a
    mistake of the test, and is not answered with a no.
    """
    run(aws, settings={"WorkingDir": "/app"})
    all_passed(
        ask(
            deploy,
            pytester,
            """
            import pytest

            def test_read(deployed_image):
                assert deployed_image.read_text("/app/main.py") == "print('h\\u00e4llo')\\n"
                assert deployed_image.read_bytes("/app/data.bin") == b"\\x00\\xff"
                assert "ID=debian" in deployed_image.read_text("/etc/os-release")

            def test_exists(deployed_image):
                assert deployed_image.exists("/app/main.py")
                assert deployed_image.exists("/app")
                assert deployed_image.exists("/")
                assert not deployed_image.exists("/app/gone.py")
                assert not deployed_image.exists("/app/.wh.gone.py")
                assert not deployed_image.exists("/app/main.py/below")
                assert not deployed_image.exists("/ap")

            def test_files(deployed_image):
                found = deployed_image.files("/app")
                assert found == sorted(found)
                assert {"/app/main.py", "/app/api/ws.py", "/app/data.bin"} <= set(found)
                assert "/app/gone.py" not in found
                assert deployed_image.files("/app/api") == ["/app/api/ws.py"]
                assert {"/etc/os-release", "/usr/bin/tool", "/app/main.py"} <= set(deployed_image.files())

            @pytest.mark.parametrize("path", ["/app/gone.py", "/nowhere", "/app/main.py/below", "/dangling", "/loop"])
            def test_missing(deployed_image, path):
                with pytest.raises(FileNotFoundError, match=path):
                    deployed_image.read_text(path)

            def test_folder(deployed_image):
                with pytest.raises(IsADirectoryError):
                    deployed_image.read_bytes("/app")

            def test_nothing_there(deployed_image):
                with pytest.raises(FileNotFoundError):
                    deployed_image.files("/nowhere")

            def test_no_text(deployed_image):
                with pytest.raises(UnicodeDecodeError):
                    deployed_image.read_text("/app/data.bin")
                assert deployed_image.read_text("/app/main.py", encoding="latin-1")

            @pytest.mark.parametrize("path", ["/app/link.py", "/app/absolute.py", "/code/main.py"])
            def test_followed(deployed_image, path):
                assert deployed_image.read_text(path).startswith("print")
                assert deployed_image.exists(path)

            def test_never_out(deployed_image):
                assert deployed_image.read_text("/out.txt") == "own\\n"
                assert not deployed_image.exists("/hostname")
                with pytest.raises(FileNotFoundError):
                    deployed_image.read_text("/hostname")
                with pytest.raises(FileNotFoundError):
                    deployed_image.read_text("/../../../../../../etc/hostname")

            def test_listed_through_a_link(deployed_image):
                assert any(path.endswith("/api/ws.py") for path in deployed_image.files("/code"))

            def test_ends(deployed_image):
                assert not deployed_image.exists("/loop")
                assert not deployed_image.exists("/dangling")

            def test_relative(deployed_image):
                with pytest.raises(ValueError, match="main.py"):
                    deployed_image.exists("main.py")
            """,
        )
    )


def test_hard_links(aws: Sandbox, deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A hard link is the file it is linked to, also one of a layer below."""
    run(aws, [BASE, APP, sandbox_layer(created_by="RUN ln", entries=[(HARD, b"")])])
    all_passed(
        ask(
            deploy,
            pytester,
            """
            def test_hard(deployed_image):
                assert deployed_image.read_text("/app/hard.py") == deployed_image.read_text("/app/main.py")
            """,
        )
    )


def test_compare(aws: Sandbox, deploy: Deploy, pytester: pytest.Pytester) -> None:
    """`compare` is true when all is equal, and otherwise tells missing, extra and different files."""
    run(aws, [BASE, sandbox_layer({"app/main.py": "main\n", "app/api/ws.py": "ws\n"})])
    for name, text in {"main.py": "main\n", "api/ws.py": "ws\n", "__pycache__/main.cpython-311.pyc": "x"}.items():
        path = pytester.path / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    all_passed(
        ask(
            deploy,
            pytester,
            """
            import pathlib
            import pytest

            def test_compare(deployed_image):
                assert deployed_image.compare("app", "/app")
                assert deployed_image.compare(pathlib.Path("app").absolute(), "/app")
                assert deployed_image.compare("app/main.py", "/app/main.py")
                same = deployed_image.compare("app", "/app")
                assert (list(same.missing), list(same.extra), list(same.different)) == ([], [], [])
                root = pathlib.Path("app")
                (root / "api" / "ws.py").write_bytes(b"ws\\r\\n")
                assert deployed_image.compare("app", "/app")
                (root / "new.py").write_text("new")
                assert deployed_image.compare("app", "/app", exclude=["new.py"])
                (root / "main.py").write_text("changed")
                (root / "api" / "ws.py").unlink()
                found = deployed_image.compare("app", "/app")
                assert not found
                assert isinstance(found.missing, list)
                assert [path.rpartition("/")[2] for path in found.missing] == ["new.py"]
                assert [path.rpartition("/")[2] for path in found.different] == ["main.py"]
                assert [path.rpartition("/")[2] for path in found.extra] == ["ws.py"]
                assert "main.py" in repr(found)

            def test_nothing_to_compare(deployed_image):
                with pytest.raises(OSError, match="nowhere"):
                    deployed_image.compare("nowhere", "/app")
            """,
        )
    )


def test_an_assertion_on_compare_explains_itself(aws: Sandbox, deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A comparison that fails names the files in the message of the test, and refutes the deployment."""
    run(aws, [BASE, sandbox_layer({"app/main.py": "old\n"})])
    (pytester.path / "app").mkdir()
    (pytester.path / "app" / "main.py").write_text("new\n", encoding="utf-8")
    outcome = ask(deploy, pytester, "def test_it(deployed_image): assert deployed_image.compare('app', '/app')\n")
    assert outcome.tests == {"test_it[web]": "failed"}
    assert "main.py" in outcome.output
    assert outcome.report["verdict"] == "REFUTED"


def test_what_the_image_says_of_itself(aws: Sandbox, deploy: Deploy, pytester: pytest.Pytester) -> None:
    """Layers, labels, revision, build time, platforms and configuration; of the environment the names alone."""
    labels = {"org.opencontainers.image.revision": "abc1234", "team": "shop"}
    settings = {"User": "app", "Env": ["PATH=/usr/bin", "SECRET=hunter2222"], "Entrypoint": ["python", "-m", "app"]}
    run(aws, labels=labels, settings=settings)
    layers = [(layer.digest, layer.diff_id, len(layer.data)) for layer in LAYERS]
    outcome = ask(
        deploy,
        pytester,
        f"""
        import datetime

        def test_it(deployed_image):
            layers = [(layer.digest, layer.diff_id, layer.size) for layer in deployed_image.layers]
            assert layers == {layers!r}
            assert deployed_image.layers[1].created_by.startswith("COPY app/ ./app/")
            assert deployed_image.labels == {labels!r}
            assert deployed_image.revision == "abc1234"
            assert deployed_image.created_at == datetime.datetime(2025, 11, 26, 10, 30, tzinfo=datetime.timezone.utc)
            assert list(deployed_image.platforms) == ["linux/amd64"]
            assert set(deployed_image.config.env) == {{"PATH", "SECRET"}}
            assert tuple(deployed_image.config.entrypoint) == ("python", "-m", "app")
            assert deployed_image.config.user == "app"
            assert "hunter2222" not in repr(deployed_image) + repr(deployed_image.config)
        """,
    )
    all_passed(outcome)
    assert "hunter2222" not in json.dumps(outcome.report)


def test_an_index_has_its_platforms(aws: Sandbox, deploy: Deploy, pytester: pytest.Pytester) -> None:
    """An image for several platforms tells them, attestations left out, and is opened for the tasks' own."""
    run(aws, platforms=("linux/arm64", "linux/amd64"))
    all_passed(
        ask(
            deploy,
            pytester,
            """
            def test_it(deployed_image):
                assert set(deployed_image.platforms) == {"linux/arm64", "linux/amd64"}
                assert len(deployed_image.layers) == 3
                assert str(deployed_image.config.platform) == "linux/amd64"
                assert deployed_image.exists("/app/main.py")
            """,
        )
    )


def test_what_may_not_be_opened_is_unproven(aws: Sandbox, deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A test that asks for files which may not be downloaded counts as unproven, and the action is named."""
    run(aws)
    aws.deny("ecr:GetDownloadUrlForLayer")
    outcome = ask(
        deploy,
        pytester,
        """
        def test_read(deployed_image): assert "print" in deployed_image.read_text("/app/main.py")
        def test_not(deployed_image): assert not deployed_image.exists("/app/.env")
        def test_files(deployed_image): assert deployed_image.files("/app")
        def test_digest(deployed_image): assert deployed_image.digest
        """,
    )
    assert outcome.tests == {
        "test_read[web]": "unproven",
        "test_not[web]": "unproven",
        "test_files[web]": "unproven",
        "test_digest[web]": "passed",
    }
    assert "ecr:GetDownloadUrlForLayer" in outcome.output
    assert outcome.report["verdict"] == "UNPROVEN"
    assert outcome.status == 7


def test_a_layer_that_is_broken_is_unproven(aws: Sandbox, deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A blob that is not what its digest says answers nothing, neither yes nor no."""
    run(aws)
    aws.replace_blob("shop-web", APP.digest, APP.data[:-20])
    outcome = ask(
        deploy,
        pytester,
        """
        def test_read(deployed_image): assert deployed_image.read_text("/app/main.py")
        def test_not(deployed_image): assert not deployed_image.exists("/app/nothing.py")
        """,
    )
    assert set(outcome.tests.values()) == {"unproven"}


def test_a_second_run_downloads_nothing(aws: Sandbox, deploy: Deploy, pytester: pytest.Pytester) -> None:
    """Blobs are kept in pytest's cache: the second run reads the same files and downloads no layer again."""
    run(aws)
    text = "def test_it(deployed_image): assert 'print' in deployed_image.read_text('/app/main.py')\n"
    all_passed(ask(deploy, pytester, text))
    assert APP.digest in downloads(aws)
    assert BASE.digest not in downloads(aws)
    aws.calls.clear()
    all_passed(ask(deploy, pytester, text))
    assert downloads(aws) == []
    aws.calls.clear()
    all_passed(ask(deploy, pytester, text, "-p", "no:cacheprovider"))
    assert APP.digest in downloads(aws)


def test_a_cache_that_cannot_be_written_is_done_without(
    aws: Sandbox, deploy: Deploy, pytester: pytest.Pytester
) -> None:
    """A folder that is not writable, such as that of a checkout in CI, costs a download."""
    run(aws)
    (pytester.path / "blocked").write_text("a file", encoding="utf-8")
    text = "def test_it(deployed_image): assert 'print' in deployed_image.read_text('/app/main.py')\n"
    all_passed(ask(deploy, pytester, text, "-o", "cache_dir=blocked/cache", "-W", "ignore"))
    assert APP.digest in downloads(aws)


def test_a_cached_blob_is_not_believed_blindly(aws: Sandbox, deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A file of the cache that was changed is not taken for the layer."""
    run(aws)
    text = "def test_it(deployed_image): assert 'print' in deployed_image.read_text('/app/main.py')\n"
    all_passed(ask(deploy, pytester, text))
    kept = [path for path in pytester.path.rglob("*") if path.is_file() and path.read_bytes() == APP.data]
    assert len(kept) == 1
    other = sandbox_layer({"app/main.py": "exit()\n"})
    kept[0].write_bytes(other.data)
    outcome = ask(deploy, pytester, text)
    assert set(outcome.tests.values()) <= {"passed", "unproven"}, outcome.output


def test_layers_are_taken_from_the_top(aws: Sandbox, deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A path costs the layers down to the one that settles it; one that is nowhere costs all of them, once."""
    run(aws, [BASE, sandbox_layer({"srv/deep.txt": "deep\n"}, "RUN make # buildkit"), APP])
    all_passed(
        ask(
            deploy,
            pytester,
            """
            def test_one(deployed_image):
                assert deployed_image.read_text("/app/main.py")
                assert deployed_image.read_text("/app/api/ws.py")
            """,
        )
    )
    assert [digest for digest in downloads(aws) if digest in {BASE.digest, APP.digest}] == [APP.digest]
    aws.calls.clear()
    all_passed(
        ask(
            deploy,
            pytester,
            """
            def test_one(deployed_image):
                assert not deployed_image.exists("/nowhere")
                assert not deployed_image.exists("/elsewhere")
            """,
            "-p",
            "no:cacheprovider",
        )
    )
    for layer in (BASE, APP):
        assert downloads(aws).count(layer.digest) == 1


def test_the_source_is_relative_to_the_root(
    aws: Sandbox, deploy: Deploy, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Local paths of the configuration start at the rootdir, wherever pytest is started."""
    run(aws, [BASE, sandbox_layer({"app/main.py": "main\n"})])
    (pytester.path / "backend" / "app").mkdir(parents=True)
    (pytester.path / "backend" / "app" / "main.py").write_text("main\n", encoding="utf-8")
    text = f'{TABLES}source = {{ "backend/app" = "/app" }}\n'
    (pytester.path / "deploycheck.toml").write_text(text, encoding="utf-8")
    pytester.makeini("[pytest]")
    below = pytester.mkdir("tests")
    (below / "test_one.py").write_text("def test_one(): pass\n", encoding="utf-8")
    monkeypatch.chdir(below)
    assert deploy("--deploy-report=../report.json", env="shop").checks["image-content"] == "pass"


def test_what_files_and_steps_say_is_data(aws: Sandbox, deploy: Deploy, pytester: pytest.Pytester) -> None:
    """Neither control characters nor credentials of a file or a build step get to the terminal or the report."""
    secret = "AKIAIOSFODNN7EXAMPLE"
    hostile = f"\x1b[2J\x1b]0;owned\x07 password=hunter2222 {secret}\n"
    run(aws, [BASE, sandbox_layer({"app/main.py": hostile}, f"COPY \x1b[31mapp/ {secret} ./app/ # buildkit")])
    (pytester.path / "backend" / "app").mkdir(parents=True)
    (pytester.path / "backend" / "app" / "main.py").write_text(f"password=hunter3333 {secret}\n", encoding="utf-8")
    text = f'{TABLES}source = {{ "backend/app" = "/app" }}\n'
    (pytester.path / "deploycheck.toml").write_text(text, encoding="utf-8")
    outcome = deploy("-k", "image", "--color=no", env="shop")
    assert outcome.checks["image-content"] == "fail"
    for written in (outcome.output, (pytester.path / "report.json").read_text(encoding="utf-8")):
        assert "main.py" in written
        for bad in ("\x1b", "\\u001b", "\x07", "hunter2222", "hunter3333", secret):
            assert bad not in written, bad
