"""The expected image and those that run, side by side, and their layers, old against new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import zip_longest

from msgspec import Struct

from pytest_deploycheck.facts.image import Image, Layer
from pytest_deploycheck.facts.snapshot import Judged
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.wording import name_of, plural, step_of
from pytest_deploycheck.report.compared import short_hex
from pytest_deploycheck.report.html.digests import Digests
from pytest_deploycheck.report.model import ServiceReport
from pytest_deploycheck.report.moments import short_task, when

_NAMED = {
    "option": "named by --deploy-image",
    "configuration": "named in the configuration",
    "commit": "a tag holds the commit of the checkout",
    "task definition": "named by the task definition alone",
    "first observation": "named by the task definition when the run began",
}

_NEWER = "Newer in the same repository"
_MOST_TASKS, _MOST_NEWER = 8, 2
_KILO = 1000


class ImageCard(Struct, frozen=True):
    """An image as a page shows it.

    Attributes:
        heading: What it is to the service: the expected image, or one that runs.
        style: The name of its style, by its digest.
        is_expected: Whether it is the expected image.
        name: Its reference, or the start of its digest.
        digest: Its digest, or an empty string.
        rows: What is known of it, by name.
        tasks: The tasks that run it, a line each.
        is_missing: Whether it is not in its registry.
        runs: Whether it is an image that runs.
    """

    heading: str
    style: str
    is_expected: bool
    name: str
    digest: str
    rows: tuple[tuple[str, str], ...]
    tasks: tuple[str, ...] = ()
    is_missing: bool = False
    runs: bool = False


class LayerRow(Struct, frozen=True):
    """A layer of the expected image beside the one that was there before.

    Attributes:
        step: The build step that made it.
        before: The digest before; empty where there was none.
        now: The digest now; empty where there is none.
        size: Its size now, in words.
        state: `same`, `new` or `gone`.
    """

    step: str
    before: str
    now: str
    size: str
    state: str


class LayerTable(Struct, frozen=True):
    """The layers of the expected image, and of the one before.

    Attributes:
        origin: The image before, in words.
        rows: The layers, from the bottom up.
        summary: How many are the same and how many are new.
    """

    origin: str
    rows: tuple[LayerRow, ...]
    summary: str


def image_cards(service: ServiceReport, digests: Digests, now: datetime) -> list[ImageCard]:
    """Return the expected images, and after them those that run."""
    cards = []
    for judged in service.facts.judged:
        cards.append(_expected(judged, digests, now, several=len(service.facts.judged) > 1))
        running: dict[str | None, list[Task]] = {}
        for task in service.facts.running:
            running.setdefault(task.digest_of(judged.container), []).append(task)
        # What differs from the expected image is what a reader looks for.
        ordered = sorted(running.items(), key=lambda item: digests.style(item[0]) == "expected")
        cards += [_running(service, digest, tasks, digests, now) for digest, tasks in ordered]
        for image in (judged.newer or ())[:_MOST_NEWER]:
            name = image.tags[0] if image.tags else short_hex(image.digest)
            rows = tuple(_known(image, now))
            cards.append(
                ImageCard(
                    _NEWER, digests.style(image.digest), is_expected=False, name=name, digest=image.digest, rows=rows
                )
            )
        if not running:
            cards.append(ImageCard("What runs", "none", is_expected=False, name="no task", digest="", rows=()))
    return cards


def layer_table(service: ServiceReport) -> LayerTable | None:
    """Return the layers of the first judged image beside those before; None where one of the two is not known."""
    judged = next(iter(service.facts.judged), None)
    image = judged.expected.image if judged else None
    if judged is None or image is None or not image.layers:
        return None
    for origin, layers in _earlier(service, judged, image):
        if layers:
            rows = tuple(_rows(layers, image.layers))
            same = sum(row.state == "same" for row in rows)
            new = sum(row.state == "new" for row in rows)
            return LayerTable(origin, rows, f"{plural(new, 'layer')} new, {same} as before")
    return None


def _earlier(service: ServiceReport, judged: Judged, image: Image) -> Iterator[tuple[str, Sequence[Layer]]]:
    """The images whose layers may be compared: what ran before, or still runs."""
    baseline = service.facts.baseline
    if baseline and baseline.digest != image.digest:
        yield f"{baseline.origin} ({short_hex(baseline.digest)})", baseline.layers
    others = (*service.facts.running_images, *([judged.earlier] if judged.earlier else []), *judged.ran_before)
    for other in others:
        if other.digest != image.digest:
            yield f"{other.tags[0] if other.tags else 'an earlier image'} ({short_hex(other.digest)})", other.layers


def _rows(before: Sequence[Layer], now: Sequence[Layer]) -> Iterator[LayerRow]:
    old = {layer.digest for layer in before} | {layer.diff_id for layer in before if layer.diff_id}
    for was, layer in zip_longest(before, now):
        if layer is None:
            yield LayerRow(step_of(was), short_hex(was.digest), "", "", "gone")
            continue
        is_same = layer.digest in old or (layer.diff_id is not None and layer.diff_id in old)
        then = short_hex(was.digest) if was else ""
        state = "same" if is_same else "new"
        yield LayerRow(step_of(layer), then, short_hex(layer.digest), _size(layer.size), state)


def _expected(judged: Judged, digests: Digests, now: datetime, *, several: bool) -> ImageCard:
    lookup, image = judged.expected, judged.expected.image
    rows = [("container", judged.container)] if several else []
    rows += [("named", _NAMED[judged.namer])]
    if image:
        rows += _known(image, now)
    missing = {"repository": "the repository does not exist", "tag": "this tag does not exist"}
    if lookup.absent:
        rows.append(("registry", missing.get(lookup.absent, "this digest does not exist")))
    return ImageCard(
        "What was to be shipped",
        digests.style(lookup.digest) if lookup.digest else "none",
        is_expected=True,
        name=name_of(lookup.reference),
        digest=lookup.digest or "",
        rows=tuple(rows),
        is_missing=image is None,
    )


def _running(
    service: ServiceReport, digest: str | None, tasks: Sequence[Task], digests: Digests, now: datetime
) -> ImageCard:
    image = service.facts.image_of(digest) if digest else None
    if image is None and digest:
        expected = (one.expected.image for one in service.facts.judged)
        image = next((one for one in expected if one and one.digest == digest), None)
    lines = [
        f"{short_task(task.id)}, {f'started {when(task.started_at, now)}' if task.started_at else 'not started'}"
        for task in tasks[:_MOST_TASKS]
    ]
    lines += [f"and {len(tasks) - _MOST_TASKS} more"] if len(tasks) > _MOST_TASKS else []
    style = digests.style(digest)
    return ImageCard(
        f"What runs in {len(tasks)} of {plural(len(service.facts.running), 'task')}",
        style,
        is_expected=style == "expected",
        name=digests.label(digest),
        digest=digest or "",
        rows=tuple(_known(image, now)) if image else (),
        tasks=tuple(lines),
        runs=True,
    )


def _known(image: Image, now: datetime) -> list[tuple[str, str]]:
    config = image.configs[0] if image.configs else None
    rows = [("pushed", when(image.pushed_at, now))] if image.pushed_at else []
    rows += [("tags", ", ".join(image.tags))] if image.tags else []
    rows += [("built", when(config.created_at, now))] if config and config.created_at else []
    rows += [("revision", config.revision)] if config and config.revision else []
    return rows


def _size(number: int) -> str:
    amount, units = float(number), ["B", "kB", "MB", "GB"]
    while amount >= _KILO and len(units) > 1:
        amount, units = amount / _KILO, units[1:]
    return f"{amount:.3g} {units[0]}"
