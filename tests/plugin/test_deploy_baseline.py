from __future__ import annotations

import json
from datetime import timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.conftest import Collect, Deploy, Outcome
    from pytest_deploycheck.sandbox import Sandbox, SandboxImage

SCHEMA: dict[str, Any] = json.loads((files("pytest_deploycheck") / "schemas" / "report.schema.json").read_text("utf-8"))
OLD = {"app/main.py": "platform = 'linkedin'\n", "app/ws.py": "ws\n"}
NEW = {**OLD, "app/main.py": "platforms = ['linkedin', 'twitter']\n"}
STEP = "COPY app/ ./app/"
TABLES = """
[env.shop]
region = "us-east-1"
cluster = "shop"
require = ["image", "rollout", "tasks"]

[env.shop.services.web]
service = "shop-web"
source = { "backend/app" = "/app" }
"""


class Story:
    """A service that runs the old image, a checkout, and a report of that."""

    def __init__(self, aws: Sandbox, pytester: pytest.Pytester, deploy: Deploy) -> None:
        self.aws = aws
        self._deploy = deploy
        self.root = pytester.path
        self.now = aws.now()
        (self.root / "deploycheck.toml").write_text(TABLES, encoding="utf-8")
        self.old = aws.push_image("shop-web:old", OLD, tags=["latest"], at=self.now - timedelta(days=1))
        self.service = aws.create_service(
            "shop-web", cluster="shop", image="shop-web:latest", at=self.now - timedelta(hours=20)
        )

    def checkout(self, content: Mapping[str, str]) -> None:
        """Let the checkout hold this."""
        for name, text in content.items():
            path = self.root / "backend" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def keep_report(self) -> Outcome:
        """Verify the old image and keep the report as `before.json`."""
        self.checkout(OLD)
        outcome = self._deploy(env="shop")
        (self.root / "report.json").rename(self.root / "before.json")
        return outcome

    def ship(self, content: Mapping[str, str] | None = None, **more: Any) -> SandboxImage:
        """Push an image and roll it out."""
        when = self.now - timedelta(minutes=20)
        image = self.aws.push_image("shop-web:new", content, tags=["latest"], at=when, **more)
        self.service.roll_out(at=self.now - timedelta(minutes=10))
        return image

    def forget(self) -> None:
        """Delete the old image, so that nothing but the report knows of it."""
        self.aws.delete_image(f"shop-web@{self.old.digest}")


@pytest.fixture
def story(empty_aws: Sandbox, pytester: pytest.Pytester, deploy: Deploy) -> Story:
    """Return a service that runs the old image, and a report of that."""
    story = Story(empty_aws, pytester, deploy)
    story.keep_report()
    return story


def check(outcome: Outcome, name: str = "image-layers") -> dict[str, Any]:
    """Return a check of the report's only service."""
    (service,) = outcome.report["services"]
    return next(each for each in service["checks"] if each["id"] == name)


def test_a_report_is_a_baseline(empty_aws: Sandbox, pytester: pytest.Pytester, deploy: Deploy) -> None:
    """The report has what a later run compares with: each layer with its content, and a hash per source tree."""
    story = Story(empty_aws, pytester, deploy)
    story.checkout(OLD)
    outcome = deploy(env="shop")
    assert outcome.verdict == ("VERIFIED", None)
    jsonschema.validate(outcome.report, SCHEMA)
    (service,) = outcome.report["services"]
    assert [
        (layer["digest"], layer["diff_id"], layer["size"], layer["created_by"]) for layer in service["image"]["layers"]
    ] == [
        (layer.digest, layer.diff_id, len(layer.data), layer.created_by.removesuffix(" # buildkit"))
        for layer in story.old.layers
    ]
    assert list(service["source"]) == ["backend/app"]
    first = json.dumps(service["source"])
    story.checkout(NEW)
    (service,) = deploy("-k", "image", env="shop").report["services"]
    assert json.dumps(service["source"]) != first


def test_a_cached_layer_since_the_baseline(story: Story, deploy: Deploy, pytester: pytest.Pytester) -> None:
    """The source changed since the earlier report and the layer did not: step, first push and command are told."""
    story.checkout(NEW)
    story.ship(cached_from=story.old)
    story.forget()
    outcome = deploy("--deploy-baseline=before.json", env="shop")
    found = check(outcome)
    assert found["status"] == "fail"
    assert STEP in json.dumps(found)
    assert story.old.pushed_at.strftime("%Y-%m-%d %H:%M") in json.dumps(found)
    assert "docker buildx build" in found["command"]
    assert "--no-cache" in found["command"]
    assert found["remedy"]
    assert outcome.verdict == ("REFUTED", "image")
    assert outcome.status == 1
    assert STEP in outcome.output
    jsonschema.validate(outcome.report, SCHEMA)
    (pytester.path / "report.json").rename(pytester.path / "again.json")
    assert deploy("--deploy-baseline=again.json", "-k", "image", env="shop").checks["image-layers"] in {"fail", "pass"}


def test_a_new_layer_since_the_baseline(story: Story, deploy: Deploy) -> None:
    """The source changed and its layer is new: verified."""
    story.checkout(NEW)
    story.ship(NEW)
    story.forget()
    outcome = deploy("--deploy-baseline=before.json", env="shop")
    assert outcome.checks["image-layers"] == "pass"
    assert outcome.verdict == ("VERIFIED", None)
    assert outcome.status == 0


def test_an_unchanged_source_since_the_baseline(story: Story, deploy: Deploy) -> None:
    """The same source in the same layer under a new digest: verified."""
    story.ship(cached_from=story.old)
    story.forget()
    assert deploy("--deploy-baseline=before.json", env="shop").checks["image-layers"] == "pass"


def test_without_the_baseline_and_an_earlier_image_it_is_skipped(story: Story, deploy: Deploy) -> None:
    """What ran before is not known, so nothing is claimed of layers; the content still refutes."""
    story.checkout(NEW)
    story.ship(cached_from=story.old)
    story.forget()
    outcome = deploy(env="shop")
    assert outcome.checks["image-layers"] == "skip"
    assert outcome.checks["image-content"] == "fail"


def test_a_baseline_that_does_not_know_the_service(story: Story, deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A report of other services is no ground for a pass where nothing else is known."""
    path = pytester.path / "before.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["services"][0]["name"] = "other"
    path.write_text(json.dumps(document), encoding="utf-8")
    story.checkout(NEW)
    story.ship(NEW)
    story.forget()
    assert deploy("--deploy-baseline=before.json", "-k", "image", env="shop").checks["image-layers"] != "pass"


def test_a_baseline_of_a_run_without_an_image(story: Story, deploy: Deploy, pytester: pytest.Pytester) -> None:
    """The report of a run that found no image can be given: it says nothing of layers, and nothing breaks."""
    story.aws.delete_tag("shop-web:latest")
    deploy(env="shop")
    (pytester.path / "report.json").rename(pytester.path / "nothing.json")
    story.checkout(NEW)
    story.ship(NEW)
    story.forget()
    outcome = deploy("--deploy-baseline=nothing.json", "-k", "image", env="shop")
    assert outcome.checks["image-layers"] in {"skip", "pass"}
    assert "INTERNALERROR" not in outcome.output


@pytest.mark.usefixtures("story")
def test_the_header_names_the_baseline(collect: Collect) -> None:
    """Which file is compared with stands in the header."""
    header = collect("--deploy-env=shop", "--deploy-baseline=before.json").header
    assert "before.json" in header
    assert "(from --deploy-baseline)" in header


def nested(depth: int) -> bytes:
    """Return JSON that is nested deeply."""
    return b"[" * depth + b"]" * depth


BAD: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"VERIFIED: backend in dev\n",
    "binary": b"\xff\xfe\x00\x01",
    "a list": b"[]",
    "a number": b"1",
    "nested": nested(100_000),
    "another document": b'{"containerimage.digest": "sha256:abc"}',
    "a later version": b'{"schema_version": 999, "services": []}',
    "services of another kind": b'{"schema_version": 1, "environment": "shop", "services": {"web": 1}}',
    "layers of another kind": json.dumps(
        {
            "schema_version": 1,
            "environment": "shop",
            "observed_at": "2025-11-26T11:17:40Z",
            "services": [{"name": "web", "image": {"digest": "sha256:1", "layers": [1, None]}, "source": 7}],
        }
    ).encode(),
    "a time that is none": json.dumps(
        {"schema_version": 1, "environment": "shop", "observed_at": "yesterday", "services": []}
    ).encode(),
    "huge numbers": b'{"schema_version": ' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
@pytest.mark.usefixtures("configured")
def test_a_file_that_is_no_report_is_refused(collect: Collect, pytester: pytest.Pytester, text: bytes) -> None:
    """What is not an earlier report ends the run before it begins, with the option and the file."""
    (pytester.path / "before.json").write_bytes(text)
    message = collect("--deploy-env=dev", "--deploy-baseline=before.json").refused()
    assert "--deploy-baseline" in message
    assert "before.json" in message
    assert len(message) < 2000


@pytest.mark.parametrize("value", ["nowhere.json", "folder", ""])
@pytest.mark.usefixtures("configured")
def test_a_file_that_cannot_be_read_is_refused(collect: Collect, pytester: pytest.Pytester, value: str) -> None:
    """A file that is not there, a folder and no name at all are refused by name."""
    pytester.mkdir("folder")
    message = collect("--deploy-env=dev", f"--deploy-baseline={value}").refused()
    assert "--deploy-baseline" in message
    assert value in message
