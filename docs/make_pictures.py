"""Draw the reports of some scenarios into docs/pictures: python docs/make_pictures.py.

An SVG shows the terminal, a PNG the page in HTML. The PNG needs chromium and chromedriver, and the group `pictures` of
pyproject.toml. Beside them, pages.json keeps a digest of what each shows, by which a test notices that a picture is not
current.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
sys.path.insert(0, str(ROOT / "tests"))

from support.outline import Outline  # noqa: E402  # beside the tests, which use it as well
from support.scenarios import fleet_report, scenario_report  # noqa: E402

from pytest_deploycheck.report.html.rendering import TEMPLATES, to_html  # noqa: E402
from pytest_deploycheck.report.model import RunReport  # noqa: E402
from pytest_deploycheck.report.summary import summary_rows  # noqa: E402
from pytest_deploycheck.report.terminal.rows import (  # noqa: E402
    Line,
    Span,
    Tone,
    lines_of,
)

if TYPE_CHECKING:
    from selenium import webdriver

_SCENARIOS = ("healthy", "stale", "cached-layer", "not-restarted", "rolled-back")
SHOWN: Mapping[str, Callable[[], RunReport]] = {
    **{name: lambda name=name: scenario_report(name) for name in _SCENARIOS},  # type: ignore[misc]
    "fleet": fleet_report,
}
"""The reports that are shown, by the names of their pictures."""

_COLUMNS, _ROW, _CHARACTER, _MARGIN = 84, 19, 8.45, 16
_COLORS = {
    Tone.PLAIN: "#e6edf3",
    Tone.GOOD: "#5fd97b",
    Tone.BAD: "#ff8a82",
    Tone.OPEN: "#ecbb4e",
    Tone.STRONG: "#ffffff",
    Tone.QUIET: "#a3adb8",
}
_WIDTH, _COLORS_OF_A_PICTURE = 1000, 48


def terminal_lines(name: str, report: RunReport) -> list[Line]:
    """Return what a terminal of 84 columns shows of a run: the command, and the summary."""
    command = f"$ pytest --deploy-env={'prod' if name == 'fleet' else f'sandbox --deploy-sandbox={name}'}"
    lines = [Line((Span(command, Tone.STRONG),))]
    for line in lines_of(summary_rows(report), _COLUMNS):
        lines += _broken(line)
    return lines


def svg(lines: Sequence[Line]) -> str:
    """Return a picture of lines on a terminal."""
    width, height = round(_COLUMNS * _CHARACTER + 2 * _MARGIN), len(lines) * _ROW + 2 * _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace" '
        'font-size="14">',
        f"<title>{html.escape(str(lines[0]))}</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>',
    ]
    for number, line in enumerate(lines):
        spans = "".join(
            f'<tspan fill="{_COLORS[span.tone]}" font-weight="{700 if span.tone is Tone.STRONG else 400}">'
            f"{html.escape(span.text)}</tspan>"
            for span in line.spans
        )
        y = _MARGIN + 14 + number * _ROW
        parts.append(f'<text xml:space="preserve" x="{_MARGIN}" y="{y}" textLength="{_length(line)}">{spans}</text>')
    return "\n".join([*parts, "</svg>", ""])


def words_of(text: str) -> str:
    """Return a text without what differs from run to run: ids, digests, times and the width of lines."""
    return " ".join(re.sub(r"\b[0-9a-f]{8,}\b|\d+(\.\d+)?", "0", text).split())


def digest_of(page: str) -> str:
    """Return a digest of what a picture shows: text without what differs from run to run, and style."""
    looks = [(TEMPLATES / name).read_text(encoding="utf-8") for name in ("style.css", "chain.svg", "timeline.svg")]
    return hashlib.sha256("\n".join([words_of(Outline(page).text), *looks]).encode()).hexdigest()


def main() -> int:
    """Draw all pictures."""
    PICTURES.mkdir(exist_ok=True)
    pages = {}
    for name, run in SHOWN.items():
        report = run()
        (PICTURES / f"{name}.svg").write_text(svg(terminal_lines(name, report)), encoding="utf-8")
        pages[name] = to_html(report)
    _draw(pages)
    digests = {name: digest_of(page) for name, page in pages.items()}
    (PICTURES / "pages.json").write_text(json.dumps(digests, indent=2) + "\n", encoding="utf-8")
    return 0


def _broken(line: Line) -> list[Line]:
    """A line as a terminal breaks it that is too narrow for it."""
    if len(str(line)) <= _COLUMNS:
        return [line]
    tone = line.spans[-1].tone
    pieces = wrap(str(line), _COLUMNS, drop_whitespace=False, break_on_hyphens=False, replace_whitespace=False)
    return [Line((Span(piece, tone),)) for piece in pieces]


def _length(line: Line) -> int:
    return round(len(str(line)) * _CHARACTER)


def _draw(pages: Mapping[str, str]) -> None:
    """Draw pages as a browser shows them, down to the end of the timeline, or of the list of services."""
    from selenium import webdriver  # noqa: PLC0415  # only for pictures
    from selenium.webdriver.chrome.service import Service  # noqa: PLC0415

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for switch in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(switch)
    driver = webdriver.Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
    try:
        with tempfile.TemporaryDirectory() as folder:
            for name, page in pages.items():
                file = Path(folder) / f"{name}.html"
                file.write_text(page, encoding="utf-8")
                driver.get(file.as_uri())
                (PICTURES / f"{name}.png").write_bytes(_picture(driver))
    finally:
        driver.quit()


def _picture(driver: webdriver.Chrome) -> bytes:
    from PIL import Image  # noqa: PLC0415  # only for pictures

    screen = {"width": _WIDTH, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    end = "(document.querySelector('.fleet') || document.querySelector('.timeline')).getBoundingClientRect().bottom"
    clip = {"x": 0, "y": 0, "width": _WIDTH, "height": driver.execute_script(f"return {end} + 16"), "scale": 1}
    shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    image = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
    packed = io.BytesIO()
    image.quantize(_COLORS_OF_A_PICTURE).save(packed, "PNG", optimize=True)
    return packed.getvalue()


if __name__ == "__main__":
    sys.exit(main())
