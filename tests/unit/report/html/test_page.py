from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace
from support.hostile import PLANTED, hostile_run
from support.runs import SITUATIONS, run_of, run_report, service_report
from support.worlds import (
    NEW,
    OLD,
    clock,
    completed,
    denied,
    digest,
    found,
    image,
    judged,
    never_restarted,
    old_image,
    unread,
)

from pytest_deploycheck.config.options import Given
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.facts.baseline import Previous
from pytest_deploycheck.facts.image import Layer
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.judge.finding import Status
from pytest_deploycheck.report.formats import FORMATS, render
from pytest_deploycheck.report.html import rendering
from pytest_deploycheck.report.html.digests import Digests
from pytest_deploycheck.report.html.images import layer_table
from pytest_deploycheck.report.html.rendering import page_view, to_html
from pytest_deploycheck.report.model import FleetReport
from pytest_deploycheck.run import report_files


class Page(HTMLParser):
    """A page, taken apart: its elements with their attributes, and the text outside of style and script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._inside = ""
        self.sources: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag in {"style", "script"} else ""

    def handle_endtag(self, tag: str) -> None:
        """Leave a style or a script."""
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, data: str) -> None:
        """Keep a text, or the source of a style or a script."""
        if self._inside:
            self.sources[self._inside] = self.sources.get(self._inside, "") + data
        elif data.strip():
            self.texts.append(data.strip())

    @property
    def text(self) -> str:
        """All that a person reads, folded or not."""
        return " ".join(" ".join(self.texts).split())

    def attributes(self, name: str) -> list[str]:
        """The values of an attribute, of all elements that have it."""
        return [value or "" for _, attributes in self.elements for key, value in attributes.items() if key == name]


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_page_has_the_verdict_and_the_broken_link(situation: str) -> None:
    """Whatever happened: the verdict is the heading, the broken link is marked once in each size, and all is closed."""
    report = run_of(SITUATIONS[situation]())
    text = to_html(report)
    page = Page(text)
    assert f"<h1>{report.verdict}</h1>" in text
    marked = len(re.findall(r'class="ring is-\w+ is-broken', text))
    assert marked == (2 if report.broken_link else 0)
    if report.broken_link:
        assert f"broken link: {report.broken_link}" in page.text
    assert len(text.encode()) < 300_000
    for tag in ("svg", "section", "details", "article", "table", "div", "ul", "dl"):
        assert len(re.findall(rf"<{tag}[ >]", text)) == text.count(f"</{tag}>"), tag


@pytest.mark.parametrize("situation", SITUATIONS)
def test_labels_lead_somewhere(situation: str) -> None:
    """Each id is there once, and each label of a section or a picture names an id that exists."""
    page = Page(to_html(run_of(SITUATIONS[situation]())))
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    assert set(page.attributes("aria-labelledby")) <= set(ids)
    assert {link.removeprefix("#") for link in page.attributes("href")} <= set(ids)
    assert {fill[5:-1] for fill in page.attributes("fill") if fill.startswith("url(")} <= set(ids)


def test_a_page_needs_nothing_from_elsewhere() -> None:
    """No address of a script, style, font or picture: the file is the report."""
    text = to_html(run_of(never_restarted()))
    page = Page(text)
    assert not page.attributes("src")
    assert "@import" not in text
    assert "url(http" not in text
    assert {tag for tag, _ in page.elements}.isdisjoint({"link", "img", "iframe", "object", "embed", "script"})
    assert not page.attributes("style")


def test_the_policy_names_the_style_and_the_script_that_there_are() -> None:
    """The Content Security Policy allows this style and this script by their hashes, and nothing else."""
    two = [service_report(replace(completed(), name=name)) for name in ("a", "b")]
    page = Page(to_html(run_report(*two)))
    (policy,) = [
        attributes["content"] or "" for tag, attributes in page.elements if tag == "meta" and "http-equiv" in attributes
    ]
    assert "default-src 'none'" in policy
    for name in ("style", "script"):
        hashed = base64.b64encode(hashlib.sha256(page.sources[name].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{hashed}'" in policy
    assert "unsafe" not in policy


def test_foreign_text_is_text() -> None:
    """Markup, escapes, marks that turn the direction and credentials of others are shown harmless, everywhere."""
    text = to_html(hostile_run())
    page = Page(text)
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "img"})
    assert text.count("</style>") == text.count("</title>") - text.count("<title id=") == 1
    assert PLANTED in page.text
    assert not page.attributes("onerror")
    for character in "\x1b\u202e":
        assert character not in text
    assert "hunter2222" not in text
    assert "<mark>planted</mark>" in text


def test_what_the_user_masks_is_masked_in_a_page() -> None:
    """The user's own patterns hold for the page too, names included."""
    report = replace(run_of(never_restarted()), mask=("shop",))
    assert "shop:latest" in to_html(run_of(never_restarted()))
    assert "shop:latest" not in to_html(report)


def test_the_expected_and_the_running_image_stand_side_by_side() -> None:
    """Both digests in full, which is the expected one, and since when each task runs."""
    (service,) = page_view(run_of(never_restarted()))["services"]
    expected, running = service["images"]
    assert (expected["digest"], running["digest"]) == (NEW, OLD)
    assert expected["is_expected"]
    assert not running["is_expected"]
    assert running["style"] == "other-0"
    assert len(running["tasks"]) == 2
    assert "started before the expected image was pushed" in service["story"]


def test_the_timeline_shows_that_tasks_started_before_the_push() -> None:
    """In the picture the bars of the old tasks begin left of the line of the push, and end at the line of the run."""
    (service,) = page_view(run_of(never_restarted()))["services"]
    for picture in service["pictures"]:
        push = next(guide for guide in picture["guides"] if guide["style"] == "expected")
        now = next(guide for guide in picture["guides"] if guide["style"] == "now")
        tasks = [bar for bar in picture["bars"] if bar["caption"].startswith("task")]
        assert len(tasks) == 2
        assert all(bar["x"] < push["x"] < now["x"] for bar in tasks)
        assert all(abs(bar["x"] + bar["width"] - now["x"]) < 1 for bar in tasks)
        assert all(bar["x"] >= 0 and bar["x"] + bar["width"] <= picture["width"] for bar in picture["bars"])


def test_tasks_that_run_the_expected_image_are_told_from_others() -> None:
    """The story of a good run: all tasks started after the push, with the style of the expected image."""
    (service,) = page_view(run_of(completed()))["services"]
    assert service["story"].startswith("All 2 running tasks started after the expected image was pushed")
    bars = [bar for bar in service["pictures"][0]["bars"] if bar["caption"].startswith("task")]
    assert {bar["style"] for bar in bars} == {"expected"}


@pytest.mark.parametrize(
    ("facts", "story"),
    [
        (completed(), "The only running task started after the expected image was pushed"),
        (never_restarted(), "The only running task runs another image; it started before the expected image was"),
    ],
)
def test_one_task_is_reported_in_the_singular(facts: ServiceFacts, story: str) -> None:
    """The story of the page is in the singular where one task runs."""
    assert facts.tasks
    (service,) = page_view(run_of(replace(facts, tasks=facts.tasks[:1])))["services"]
    assert service["story"].startswith(story)


def layered(*digests: str) -> tuple[Layer, ...]:
    """Layers with these digests."""
    return tuple(Layer(one, 1234567, created_by=f"COPY {number} /") for number, one in enumerate(digests))


def test_layers_old_against_new() -> None:
    """A layer that was there before is the same, another is new, and one that is left out is gone."""
    expected = found()
    assert expected.image is not None
    assert expected.image.manifest is not None
    before = replace(
        old_image(), manifest=replace(expected.image.manifest, layers=layered(digest("1"), digest("2"), digest("3")))
    )
    after = replace(expected.image, manifest=replace(expected.image.manifest, layers=layered(digest("1"), digest("4"))))
    world = completed(judged=[judged(replace(expected, image=after))], running_images=[before])
    table = layer_table(service_report(world))
    assert table is not None
    assert [row.state for row in table.rows] == ["same", "new", "gone"]
    assert table.rows[0].size == "1.23 MB"
    assert table.summary == "1 layer new, 1 as before"
    assert layer_table(service_report(completed(running_images=[]))) is None


def test_digests_have_styles_of_their_own() -> None:
    """The expected digest has one style wherever it is shown; others have theirs, also where none is known."""
    digests = Digests(never_restarted())
    assert digests.style(NEW) == "expected"
    assert digests.style(OLD) == digests.style(OLD) == "other-0"
    assert digests.style(None) == "other-1"
    assert digests.label(None) == "an unknown image"
    assert digests.label(digest("9")) == "9" * 12


def test_a_fleet_can_be_filtered() -> None:
    """Several services: a list with their verdicts and a filter; one service needs neither."""
    services = [
        service_report(replace(completed(), name="good")),
        service_report(replace(never_restarted(), name="bad")),
    ]
    text = to_html(run_report(*services))
    page = Page(text)
    assert [one for one in page.attributes("data-name") if one == "bad"] == ["bad", "bad"]
    assert "REFUTED" in page.attributes("data-verdict")
    assert 'class="filter"' in text
    assert 'class="filter"' not in to_html(run_of(completed()))


def test_nothing_verified_and_interrupted_runs_are_noted_on_top() -> None:
    """A page without a service says that nothing was verified; one of a run that was interrupted says so first."""
    assert "Nothing was verified." in Page(to_html(run_report())).text
    text = Page(to_html(run_of(completed(), complete=False))).text
    assert text.index("did not come to its end") < text.index("Chain of evidence")


def test_an_environment_that_could_not_be_observed_is_noted_on_top() -> None:
    """Of several environments the page names the one that could not be observed, why, and what to do."""
    good = run_report(service_report(completed()))
    unseen = replace(
        good, environment="prod", services=(), observation=replace(good.observation, problem=denied("x:Y"))
    )
    fleet = FleetReport((good, unseen), (), judgement=good.judgement, complete=True)
    text = Page(render(fleet, FORMATS[".html"])).text
    assert "prod could not be observed: x:Y is denied to the caller. Allow the action x:Y, run again." in text
    assert text.index("could not be observed") < text.index("Chain of evidence")


def test_a_page_is_known_as_a_report() -> None:
    """Its generator stands near its start, so that a later run knows it as its own and removes it."""
    text = to_html(hostile_run())
    assert FORMATS[".html"].is_own(text)
    assert not FORMATS[".html"].is_own("<!DOCTYPE html><title>mine</title>")


def test_without_jinja2_a_page_is_a_usage_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is said before anything is verified, with the command that installs it."""
    monkeypatch.setattr(report_files, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="jinja2, which is not installed") as caught:
        report_files.report_targets(Given(("r.html",), "--deploy-report"), tmp_path, {})
    assert "pytest-deploycheck[html]" in str(caught.value)


def test_the_moment_of_the_run_is_in_the_page() -> None:
    """Ages count from the time of the observation, which the page names in UTC."""
    assert "2025-11-26 11:40:00 UTC" in Page(to_html(run_of(completed()))).text
    assert rendering.page_view(run_of(completed()))["observed_at"].startswith(f"{clock('11:40'):%Y-%m-%d}")


def test_every_status_has_a_sign_of_its_own_shape() -> None:
    """Without colour the statuses are told apart by shapes and words."""
    signs = {}
    for status in ("pass", "fail", "unproven", "error", "none"):
        chain = rendering.templates().get_template("chain.svg").module
        signs[status] = re.sub(r'class="[^"]*"', "", str(chain.glyph(status, 10, 10, 5)))  # type: ignore[attr-defined]
    assert len(set(signs.values())) == len(signs)
    assert set(signs) == {*(set(Status) - {Status.SKIP}), "none"}


def test_layers_are_compared_with_the_baseline_first() -> None:
    """The image of the baseline is the one that a reader compares with; no image is compared with itself."""
    layers = (Layer(digest("0"), 5),)
    world = replace(completed(), baseline=Previous("the baseline of yesterday", OLD, layers=layers))
    table = layer_table(service_report(world))
    assert table is not None
    assert table.origin.startswith("the baseline of yesterday (aaaa")
    assert [row.state for row in table.rows] == ["new"]
    same = completed(running_images=[image(NEW), old_image()])
    table = layer_table(service_report(same))
    assert table is not None
    assert table.origin.startswith("v1 (aaaa")


def test_nothing_known_is_no_picture() -> None:
    """Without a rollout, a task or a push there is nothing to draw; the page has the reasons all the same."""
    assert "<svg" in to_html(run_of(completed()))
    (service,) = page_view(run_of(unread()))["services"]
    assert not service["pictures"]
    assert "ecs:DescribeServices" in Page(to_html(run_of(unread()))).text


def test_an_image_without_a_push_time_is_not_drawn_as_pushed() -> None:
    """With pull rights alone the time of the push is not known, and the picture does not guess."""
    unknown = completed(judged=[judged(found(pushed_at=None))])
    assert "expected image pushed" in to_html(run_of(completed()))
    assert "expected image pushed" not in to_html(run_of(unknown))
