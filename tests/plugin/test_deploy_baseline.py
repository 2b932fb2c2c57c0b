from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.report_schema import check_report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.conftest import Collect, Deploy, Outcome
    from pytest_deploycheck.sandbox import Sandbox, SandboxImage

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
    """A service that runs the old image, and a checkout."""

    def __init__(self, aws: Sandbox, pytester: pytest.Pytester, now: datetime) -> None:
        self.aws = aws
        self.root = pytester.path
        self.now = now
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

    def keep_report(self, text: str) -> None:
        """Keep this report of the old image as `before.json`."""
        (self.root / "before.json").write_text(text, encoding="utf-8")

    def edit_report(self, **changes: Any) -> None:
        """Change what `before.json` says."""
        path = self.root / "before.json"
        document = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**document, **changes}), encoding="utf-8")

    def ship(self, content: Mapping[str, str] | None = None, **more: Any) -> SandboxImage:
        """Push an image and roll it out."""
        when = self.now - timedelta(minutes=20)
        image = self.aws.push_image("shop-web:new", content, tags=["latest"], at=when, **more)
        self.service.roll_out(at=self.now - timedelta(minutes=10))
        return image

    def forget(self) -> None:
        """Delete the old image, so that nothing but the report knows of it."""
        self.aws.delete_image(f"shop-web@{self.old.digest}")


Reports = dict[timedelta, tuple[datetime, str]]
"""Reports of the old image, with the times that their stories are told from, by the offset of the clock."""


@pytest.fixture(scope="module")
def reports() -> Reports:
    """Return the reports so far: a story that is told again from the same time has the same images and rollouts."""
    return {}


@pytest.fixture
def story(
    empty_aws: Sandbox, pytester: pytest.Pytester, deploy: Deploy, reports: Reports, clock_offset: timedelta
) -> Story:
    """Return a service that runs the old image, and a report of that."""
    now, text = reports.get(clock_offset) or (empty_aws.now(), "")
    story = Story(empty_aws, pytester, now)
    story.checkout(OLD)
    if not text:
        deploy(env="shop")
        text = (story.root / "report.json").read_text(encoding="utf-8")
        (story.root / "report.json").unlink()
        reports[clock_offset] = now, text
    story.keep_report(text)
    return story


def check(outcome: Outcome, name: str = "image-layers") -> dict[str, Any]:
    """Return a check of the report's only service."""
    (service,) = outcome.report["services"]
    return next(each for each in service["checks"] if each["id"] == name)


def test_a_report_is_a_baseline(empty_aws: Sandbox, pytester: pytest.Pytester, deploy: Deploy) -> None:
    """The report has what a later run compares with: each layer with its content, and a hash per source tree."""
    story = Story(empty_aws, pytester, empty_aws.now())
    story.checkout(OLD)
    outcome = deploy(env="shop")
    assert outcome.verdict == ("VERIFIED", None)
    check_report(outcome.report)
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
    check_report(outcome.report)
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
    """The image that ran before is not known, so nothing is claimed of layers; the content still refutes."""
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


def test_a_baseline_of_another_environment(story: Story, deploy: Deploy) -> None:
    """A baseline of another environment does not count: the message names both, and all else is as without one."""
    story.edit_report(environment="staging", account="210987654321")
    story.checkout(NEW)
    story.ship(cached_from=story.old)
    story.forget()
    outcome = deploy("--deploy-baseline=before.json", env="shop")
    (note,) = [note for note in check(outcome, "rollout-complete")["notes"] if "baseline" in note]
    assert "before.json was recorded in 'staging' (account 210987654321, us-east-1)" in note
    assert "not in 'shop' (account 123456789012, us-east-1)" in note
    assert outcome.checks["image-layers"] == "skip"
    assert "nothing new was shipped" not in outcome.output
    assert "verified then" not in outcome.output


@pytest.mark.parametrize("is_rolled_out", [True, False])
def test_nothing_new_was_shipped(story: Story, deploy: Deploy, *, is_rolled_out: bool) -> None:
    """The image of the baseline runs again, or still: that passes, and the message gives the time of the baseline."""
    if is_rolled_out:
        story.service.roll_out(at=story.now - timedelta(minutes=1))
    outcome = deploy("--deploy-baseline=before.json", env="shop")
    assert (outcome.status, outcome.verdict) == (0, ("VERIFIED", None))
    (note,) = check(outcome, "rollout-complete")["notes"]
    assert note.startswith("nothing new was shipped: the tasks already ran this digest at the time of the baseline of ")
    assert note.endswith("a rollout began since" if is_rolled_out else "no rollout began since")


def test_a_push_that_was_never_rolled_out(story: Story, deploy: Deploy) -> None:
    """With the baseline it is certain, not inferred, that no rollout began since."""
    story.aws.push_image("shop-web:new", NEW, tags=["latest"])
    story.checkout(NEW)
    outcome = deploy("--deploy-baseline=before.json", env="shop")
    found = check(outcome, "rollout-complete")
    assert (outcome.verdict, found["status"]) == (("REFUTED", "rollout"), "fail")
    assert "NOT_STARTED: no rollout began since the baseline of " in found["reason"]
    assert "inferred" not in json.dumps(found)
    found = check(deploy(env="shop"), "rollout-complete")
    assert "inferred from" in json.dumps(found["notes"])


def ship_a_bad_one(story: Story) -> None:
    """Ship an image that does not hold what the checkout does."""
    story.ship(NEW)
    story.checkout({**NEW, "app/main.py": "platforms = []\n"})


def test_the_way_back_of_a_refuted_run(story: Story, deploy: Deploy) -> None:
    """The report names the image that was verified then, with the command; the summary proposes no rollback.

    That the image holds other files than the checkout is no harm that users suffer.
    """
    ship_a_bad_one(story)
    outcome = deploy("--deploy-baseline=before.json", env="shop")
    assert outcome.verdict == ("REFUTED", "image")
    assert "roll back" not in outcome.output
    (service,) = outcome.report["services"]
    command = service["rollback"]["command"]
    assert f"shop-web:latest 123456789012.dkr.ecr.us-east-1.amazonaws.com/shop-web@{story.old.digest}" in command
    assert command.endswith(
        "aws ecs update-service --cluster shop --service shop-web --force-new-deployment --region us-east-1"
    )
    assert (service["rollback"]["digest"], service["rollback"]["verified"]) == (story.old.digest, True)


def test_the_way_back_without_a_baseline(story: Story, deploy: Deploy) -> None:
    """The earlier image is known without one too, but not that it was verified."""
    ship_a_bad_one(story)
    outcome = deploy(env="shop")
    (service,) = outcome.report["services"]
    assert (service["rollback"]["digest"], service["rollback"]["verified"]) == (story.old.digest, False)


def test_the_way_back_by_a_task_definition(story: Story, deploy: Deploy) -> None:
    """If a task definition still names the image, that is what the service is updated to."""
    story.aws.push_image("shop-web:new", NEW, at=story.now - timedelta(minutes=20))
    story.aws.push_image("shop-web:newer", OLD, at=story.now - timedelta(minutes=19))
    story.service.roll_out("shop-web:new", at=story.now - timedelta(minutes=18))
    story.service.roll_out("shop-web:newer", at=story.now - timedelta(minutes=10))
    story.checkout(NEW)
    outcome = deploy(env="shop")
    assert outcome.verdict == ("REFUTED", "image")
    (service,) = outcome.report["services"]
    command = service["rollback"]["command"]
    assert "--service shop-web --task-definition shop-web:2 --region" in command
    assert "buildx" not in command


def test_a_verified_run_shows_no_way_back(story: Story, deploy: Deploy) -> None:
    """If all is well nobody reads of rolling back."""
    story.ship(NEW)
    story.checkout(NEW)
    outcome = deploy("--deploy-baseline=before.json", env="shop")
    assert outcome.verdict == ("VERIFIED", None)
    assert "roll back" not in outcome.output


@pytest.mark.parametrize("is_good", [True, False])
def test_nothing_to_roll_back_to(story: Story, deploy: Deploy, *, is_good: bool) -> None:
    """If the registry holds no earlier image any more, each run says so as advice, and offers none."""
    ship_a_bad_one(story)
    if is_good:
        story.checkout(NEW)
    story.forget()
    outcome = deploy("--deploy-baseline=before.json", env="shop")
    assert outcome.verdict == (("VERIFIED", None) if is_good else ("REFUTED", "image"))
    assert outcome.output.count("advice: no earlier image is left in the repository to roll back to") == 1
    assert "roll back to:" not in outcome.output
    assert outcome.report["services"][0]["rollback"] is None


OFFSETS = {"3 h behind": timedelta(hours=3), "3 h ahead": timedelta(hours=-3)}


@pytest.mark.parametrize(("told", "clock_offset"), OFFSETS.items(), ids=OFFSETS)
def test_a_clock_that_is_wrong(story: Story, deploy: Deploy, told: str) -> None:
    """It is said at the start, and beside the times where something is wrong; the order of events is the servers'."""
    ship_a_bad_one(story)
    outcome = deploy("--deploy-baseline=before.json", env="shop")
    assert f"this machine's clock is {told}" in outcome.header
    assert f"Times are those of the servers: this machine's clock is {told}." in outcome.output
    assert outcome.checks["rollout-complete"] == "pass"
    assert abs(outcome.report["clock_offset_seconds"] - OFFSETS[told].total_seconds()) < 60
    moments = timeline(outcome)
    assert [at for at, _, _ in moments] == sorted(at for at, _, _ in moments)
    assert moments[-1][0] <= story.aws.now()


def timeline(outcome: Outcome) -> list[tuple[datetime, str, str]]:
    """Return when what happened, by which source, of the report's only service."""
    (service,) = outcome.report["services"]
    return [(datetime.fromisoformat(one["at"]), one["what"], one["source"]) for one in service["timeline"]]


def test_the_timeline(story: Story, deploy: Deploy) -> None:
    """The events since the baseline are in their order, each with its source."""
    story.edit_report(observed_at=(story.now - timedelta(hours=1)).isoformat())
    story.ship(NEW)
    story.checkout(NEW)
    outcome = deploy("--deploy-baseline=before.json", env="shop")
    moments = timeline(outcome)
    assert [at for at, _, _ in moments] == sorted(at for at, _, _ in moments)
    order = [what for _, what, _ in moments]
    expected = ["image pushed", "rollout started", "task started", "rollout ended", "service event"]
    assert sorted(expected, key=lambda what: len(order) - order[::-1].index(what)) == expected
    sources = {what: source for _, what, source in moments}
    assert sources["image built"] == "image config"
    assert sources["image pushed"] == "ecr:DescribeImages"
    assert sources["rollout started"] == "ecs:DescribeServiceDeployments"
    assert sources["task started"] == sources["task stopped"] == "ecs:DescribeTasks"
    assert sources["service event"] == "ecs:DescribeServices"
    assert sources["tag moved"] == "ecs:DescribeServiceRevisions"
    (moved,) = [one for one in outcome.report["services"][0]["timeline"] if one["what"] == "tag moved"]
    assert story.old.digest[:19] in moved["detail"]


@pytest.mark.usefixtures("story")
def test_the_header_names_the_baseline(collect: Collect) -> None:
    """The header names the file that is compared with."""
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
    """A file that is not an earlier report ends the run before it begins, with the option and the file."""
    (pytester.path / "before.json").write_bytes(text)
    message = collect("--deploy-env=dev", "--deploy-baseline=before.json").refused()
    assert "--deploy-baseline" in message
    assert "before.json" in message
    assert len(message) < 2000


@pytest.mark.parametrize("value", ["nowhere.json", "folder"])
@pytest.mark.usefixtures("configured")
def test_a_file_that_cannot_be_read_is_refused(collect: Collect, pytester: pytest.Pytester, value: str) -> None:
    """A file that is not there, and a folder are refused by name."""
    pytester.mkdir("folder")
    message = collect("--deploy-env=dev", f"--deploy-baseline={value}").refused()
    assert "--deploy-baseline" in message
    assert value in message
