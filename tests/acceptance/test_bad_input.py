from __future__ import annotations

import os
import signal
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.sandbox import SandboxContainer

if TYPE_CHECKING:
    from conftest import BetweenPolls

    from acceptance.conftest import Run, Runs, Shop


def test_an_environment_that_is_not_configured(shop: Shop, runs: Runs) -> None:
    """It is named, with the nearest one and the file; nothing is asked of AWS."""
    assert runs("--deploy-env=dve").is_usage_error("'dve'", "did you mean", "dev", "deploycheck.toml")
    assert shop.asked() == []


def test_a_service_that_does_not_exist(shop: Shop) -> None:
    """It is named with the place that was searched and what to fix."""
    shop.configure({"shop": shop.settings(service="shopp")})
    run = shop.verify()
    assert run.is_usage_error("'shopp'", "shop", "123456789012", "us-east-1", "`service`", "list-services")


def test_a_service_that_was_deleted_half_of_several(shop: Shop) -> None:
    """One missing service of several ends the run: a verdict on the others would look like one on all."""
    shop.configure({"shop": shop.settings(), "gone": shop.settings(service="gone-service")})
    assert shop.verify().is_usage_error("'gone-service'")


def test_a_cluster_that_does_not_exist(shop: Shop) -> None:
    """It is named with region and account, and what to fix."""
    shop.configure(cluster="shopping")
    assert shop.verify().is_usage_error("cluster", "'shopping'", "us-east-1", "123456789012")


def test_a_region_in_which_the_cluster_is_not(shop: Shop) -> None:
    """The region that was looked in is named."""
    shop.configure(region="eu-west-1")
    assert shop.verify().is_usage_error("cluster", "eu-west-1")


def test_a_name_that_two_configured_services_share(shop: Shop) -> None:
    """The name of an ECS service that two configured services judge says neither of them: both are listed."""
    shop.configure({"web": shop.settings(container="app"), "worker": shop.settings(container="app")})
    assert shop.verify("--deploy-service=shop").is_usage_error("--deploy-service", "'shop'", "web", "worker")
    assert shop.asked("ecs:") == []


def test_a_service_option_that_names_nothing(shop: Shop) -> None:
    """The name that was given and those that there are stand in the message."""
    assert shop.verify("--deploy-service=shpo").is_usage_error("--deploy-service", "'shpo'", "shop")


def test_a_container_that_the_definition_does_not_have(shop: Shop) -> None:
    """Its name, and the names that there are, stand in the message."""
    shop.configure({"shop": shop.settings(container="web")})
    assert shop.verify().is_usage_error("container", "'web'", "app")


def test_toml_that_does_not_parse(shop: Shop, pytester: pytest.Pytester) -> None:
    """The file and the place in it are named."""
    pytester.path.joinpath("deploycheck.toml").write_text("[env.dev\ncluster = 'shop'\n", encoding="utf-8")
    assert shop.verify().is_usage_error("deploycheck.toml", "TOML", "line 1")
    assert shop.asked() == []


def test_a_key_that_is_misspelt(shop: Shop) -> None:
    """The file, the key's path and the nearest valid name are told."""
    shop.configure({"shop": {**shop.settings(), "contaner": "app"}})
    assert shop.verify().is_usage_error("deploycheck.toml", "env.dev.services.shop", "contaner", "container")


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--deploy-wait=soon", ("--deploy-wait", "soon", "5m")),
        ("--deploy-log-wait=-1s", ("--deploy-log-wait", "-1s")),
        ("--deploy-since=yesterday", ("--deploy-since", "yesterday")),
        ("--deploy-pushed-after=noon", ("--deploy-pushed-after", "noon", "today", "commit")),
        ("--deploy-image=shop:a b", ("shop:a b",)),
        ("--deploy-image=sha256:12", ("sha256:12", "64")),
        ("--deploy-image=blog=latest", ("blog", "shop")),
        ("--deploy-report=verdict.txt", ("--deploy-report", "verdict.txt", ".json")),
        ("--deploy-sandbox=healthy", ("--deploy-sandbox", "sandbox")),
        ("--deploy-config=nowhere.toml", ("nowhere.toml",)),
    ],
)
def test_an_option_that_cannot_be_used(shop: Shop, option: str, words: tuple[str, ...]) -> None:
    """The option, what was given and what is allowed stand in one message, before anything is looked at."""
    assert shop.verify(option).is_usage_error(*words)
    assert shop.asked("ecs:") == []


def test_images_that_do_not_exist(shop: Shop) -> None:
    """The check on the image fails and names what is not there; the rest of the chain is judged.

    A repository is named with account and region, a tag with its repository; of a digest that was never pushed the
    tasks run another one.
    """
    images = {"repository": "shopp:2", "tag": "shop:9", "digest": "sha256:" + "0" * 64}
    shop.configure({name: shop.settings(image=image) for name, image in images.items()})
    run = shop.verify()
    assert (run.status, run.verdict) == (1, ("REFUTED", "image"))
    repository, tag, digest = map(run.of, images)
    assert {repository.verdict, tag.verdict, digest.verdict} == {("REFUTED", "image")}
    failed = repository.checks["image-exists"]
    assert failed["status"] == "fail"
    assert all(word in failed["reason"] for word in ("repository", "shopp", "123456789012", "us-east-1"))
    assert failed["remedy"]
    assert repository.checks["image-repository"]["status"] == "fail"
    assert repository.checks["tasks-running"]["status"] == "pass"
    assert tag.outcome == "NOT_STARTED"
    assert tag.with_status("fail") == {"image-exists", "rollout-complete"}
    assert "tag 9" in tag.checks["image-exists"]["reason"]
    assert "shop" in tag.checks["image-exists"]["reason"]
    assert tag.checks["logs-1"]["status"] == "unproven"
    assert {"image-exists", "tasks-run-image"} <= digest.with_status("fail")


def test_a_log_group_that_does_not_exist(shop: Shop) -> None:
    """Its checks are in error, with the group and its region; all else is judged."""
    shop.aws.delete_log_group("/ecs/shop")
    run = shop.verify()
    assert (run.status, run.verdict) == (7, ("UNPROVEN", "logs"))
    assert run.with_status("error") == {"logs-1"}
    assert all(word in run.checks["logs-1"]["reason"] for word in ("/ecs/shop", "us-east-1"))
    assert run.checks["logs-1"]["remedy"]
    assert run.with_status("fail", "unproven") == set()
    assert "Traceback" not in run.text


def test_a_service_without_tasks_is_never_a_pass(shop: Shop) -> None:
    """With desired count 0, or where all tasks are gone, nothing runs: that fails, and what runs is unproven."""
    gone = shop.aws.create_service("gone", cluster="shop", image="shop:2", desired=2)
    shop.configure({"zero": shop.settings(), "gone": shop.settings(service="gone")})
    shop.service.scale(0)
    for task in gone.running_tasks:
        task.stop("EssentialContainerExited", "Essential container in task exited", exit_code=137)
    run = shop.verify()
    assert (run.status, run.verdict) == (1, ("REFUTED", "tasks"))
    for name, word in {"zero": "desired count of the service is 0", "gone": "0 of 2"}.items():
        service = run.of(name)
        assert service.verdict == ("REFUTED", "tasks")
        assert service.with_status("fail") == {"tasks-running"}
        assert word in service.checks["tasks-running"]["reason"]
        assert {"tasks-run-image", "logs-1"} <= service.with_status("unproven")


def test_an_image_that_is_not_in_ecr(shop: Shop) -> None:
    """An image in a registry that is not ours cannot be read: unproven, and never a guess."""
    shop.aws.create_service("cache", cluster="shop", image="docker.io/library/redis:7", desired=1)
    shop.configure({"cache": {"service": "cache"}}, require=["image", "rollout", "tasks"])
    run = shop.verify()
    assert (run.status, run.verdict) == (7, ("UNPROVEN", "image"))
    assert run.checks["image-exists"]["status"] == "unproven"
    assert "docker.io/library/redis:7" in run.checks["image-exists"]["reason"]
    assert run.checks["tasks-run-image"]["status"] == "unproven"
    assert run.checks["rollout-complete"]["status"] == "pass"
    assert shop.asked("ecr:") == []


def test_a_log_driver_that_cannot_be_read(shop: Shop) -> None:
    """Logs that go elsewhere are unproven, and the driver is named."""
    container = SandboxContainer(name="app", image="shop:2", log_driver="splunk")
    shop.service.roll_out(containers=[container], at=shop.aws.now() - timedelta(minutes=2))
    run = shop.verify()
    assert (run.status, run.verdict) == (7, ("UNPROVEN", "logs"))
    assert run.checks["logs-1"]["status"] == "unproven"
    assert "splunk" in run.checks["logs-1"]["reason"]
    assert run.with_status("fail", "error") == set()


def test_throttling_that_ends_is_not_noticed(shop: Shop) -> None:
    """Two refusals and then an answer are an answer."""
    shop.aws.fail("ecs:DescribeTasks", code="ThrottlingException", message="Rate exceeded", times=2)
    run = shop.verify()
    assert (run.status, run.verdict) == (0, ("VERIFIED", None))
    assert len(shop.asked("ecs:DescribeTasks")) >= 3


def test_throttling_that_never_ends_is_an_error(shop: Shop) -> None:
    """The checks concerned are in error and say so; the others go on; nothing is verified without its evidence."""
    shop.aws.fail("ecs:DescribeTasks", code="ThrottlingException", message="Rate exceeded")
    run = shop.verify()
    assert (run.status, run.verdict[0]) == (7, "UNPROVEN")
    assert {"tasks-run-image", "logs-1"} <= run.with_status("error")
    assert "throttled" in run.checks["tasks-run-image"]["reason"]
    assert "ecs:DescribeTasks" in run.checks["tasks-run-image"]["reason"]
    assert run.checks["rollout-complete"]["status"] == "pass"


def test_empty_pages_of_log_events_are_not_the_end(shop: Shop) -> None:
    """An empty page with a token is followed to the pages that have events, one by one."""
    now = shop.aws.now()
    for second in range(3):
        shop.service.log(f"line {second}", at=now - timedelta(minutes=5, seconds=-second))
    shop.aws.page_logs(size=1, empty_pages=True)
    shop.configure({"shop": shop.settings(logs=[{"expect": "line 2", "tasks": "all"}])})
    run = shop.verify()
    assert (run.status, run.verdict) == (0, ("VERIFIED", None))


def _is_of_the_run_so_far(run: Run) -> bool:
    assert run.status == 2, run.text
    assert run.document["complete"] is False
    assert run.document["verdict"] != "VERIFIED"
    assert "of the run so far" in run.text
    return True


def test_an_interrupted_run_reports_what_it_has(shop: Shop, pytester: pytest.Pytester) -> None:
    """After Ctrl-C the status is pytest's own, the report is written, says it is not whole, and verifies nothing."""
    pytester.makepyfile(
        """
        def test_before(running_tasks):
            assert len(running_tasks) == 2

        def test_stop(deployed_image):
            raise KeyboardInterrupt
        """
    )
    run = shop.verify()
    assert _is_of_the_run_so_far(run)
    assert run.document["verdict"] == "UNPROVEN"
    assert [test["outcome"] for test in run.document["tests"]] == ["passed"]


def test_an_interrupt_after_the_last_check_verifies_nothing(shop: Shop, pytester: pytest.Pytester) -> None:
    """Even where each check had passed by then, a run that did not come to its end is no proof."""
    pytester.makeconftest(
        """
        def pytest_runtest_logfinish(nodeid):
            if nodeid.endswith("logs-1"):
                raise KeyboardInterrupt
        """
    )
    run = shop.verify()
    assert _is_of_the_run_so_far(run)
    assert run.document["verdict"] == "UNPROVEN"
    assert run.with_status("fail", "unproven", "error") == set()
    assert run.checks["logs-1"]["status"] == "pass"


def test_an_interrupt_does_not_hide_what_was_refuted(shop: Shop, pytester: pytest.Pytester) -> None:
    """A failure before Ctrl-C stays refuted, and the status is pytest's own."""
    pytester.makepyfile(
        """
        def test_before(running_tasks):
            assert len(running_tasks) == 3

        def test_stop(deployed_image):
            raise KeyboardInterrupt
        """
    )
    run = shop.verify()
    assert _is_of_the_run_so_far(run)
    assert run.document["verdict"] == "REFUTED"


def test_a_wait_that_is_interrupted_reports_what_it_saw_last(shop: Shop, between_polls: BetweenPolls) -> None:
    """Ctrl-C while the rollout is waited for writes the last observation of it."""
    shop.service.roll_out(status="IN_PROGRESS", new_running=1)
    with between_polls(shop.aws, lambda: os.kill(os.getpid(), signal.SIGINT)):
        run = shop.verify("--deploy-wait=60s")
    assert _is_of_the_run_so_far(run)
    assert run.document["verdict"] == "UNPROVEN"
    assert run.outcome == "IN_PROGRESS"


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["one process", "a worker"])
def test_a_run_that_stops_at_the_first_failure(shop: Shop, workers: tuple[str, ...]) -> None:
    """With `-x` the report says what failed and that it is of the run so far."""
    shop.service.scale(0)
    run = shop.verify("-x", *workers)
    assert run.status == (2 if workers else 1)
    assert "INTERNALERROR" not in run.text
    assert run.document["complete"] is False
    assert run.verdict == ("REFUTED", "tasks")
    assert "of the run so far" in run.text


@pytest.mark.parametrize("operations", ["*", "ecs:*"])
def test_credentials_that_expire_while_the_rollout_is_waited_for(
    shop: Shop, between_polls: BetweenPolls, operations: str
) -> None:
    """An error after the start makes checks errors; it does not undo the start of the run."""
    shop.service.roll_out(at=shop.aws.now(), status="IN_PROGRESS", new_running=1)

    def expire() -> None:
        shop.aws.fail(operations, code="ExpiredTokenException", message="The security token has expired")

    with between_polls(shop.aws, expire):
        run = shop.verify("--deploy-wait=4s")
    assert run.report is not None, run.text
    assert run.status in {1, 7}
    assert run.document["verdict"] != "VERIFIED"
    assert "expired" in run.text
