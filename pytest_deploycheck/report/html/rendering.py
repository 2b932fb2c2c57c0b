"""The page of a run: its view, the templates, and the policy that lets nothing else run in it."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.judge.wording import at
from pytest_deploycheck.redaction import clean
from pytest_deploycheck.report.fleet.flattened import flattened
from pytest_deploycheck.report.generator import generator
from pytest_deploycheck.report.html.services import service_view
from pytest_deploycheck.report.model import FleetReport, RunReport

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
"""The folder of the templates, with the style and the script of the page."""

_LONGEST_TEXT = 20_000
"""Characters of one text that the page keeps: evidence is folded away, and must not make the page a heavy one."""


def to_html(report: RunReport) -> str:
    """Return the report as a page of one file, with everything masked that looks like a credential."""
    return _page(report, ())


def fleet_to_html(report: FleetReport) -> str:
    """Return the report of several environments as a page, with those that could not be observed."""
    problems = [
        [clean(text, own=one.mask) for text in (one.environment, problem.message, problem.remedy)]
        for one in report.environments
        if (problem := one.observation.problem)
    ]
    return _page(flattened(report), problems)


def _page(report: RunReport, problems: Sequence[Sequence[str]]) -> str:
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    script = (TEMPLATES / "filter.js").read_text(encoding="utf-8")
    page = templates().get_template("page.html")
    return page.render(
        **page_view(report), problems=problems, style=style, script=script, policy=_policy(style, script)
    )


def page_view(report: RunReport) -> dict[str, Any]:
    """Return what the page shows, as plain values that are fit to be shown."""
    identity, observed = report.observation.identity, report.observation.observed_at
    ordered = sorted(report.services, key=lambda one: one.verdict.rank)
    services = [service_view(service, report, number) for number, service in enumerate(ordered, 1)]
    return {
        "counts": list(Counter(service.verdict for service in services).items()),
        "generator": generator(),
        "verdict": str(report.verdict),
        "broken": report.broken_link or "",
        "environment": clean(report.environment, own=report.mask),
        "account": clean(identity.account, own=report.mask),
        "region": clean(identity.region, own=report.mask),
        "endpoint": clean(identity.endpoint or "", own=report.mask),
        "observed_at": at(observed),
        "complete": report.complete,
        "replay_of": clean(report.replay_of, own=report.mask),
        "services": fit_to_be_shown(msgspec.to_builtins(services), report.mask),
    }


def fit_to_be_shown(value: Any, own: Sequence[str]) -> Any:
    """Return plain values with each text in them cleaned: no control characters, no credentials."""
    if isinstance(value, str):
        return clean(value, _LONGEST_TEXT, own)
    if isinstance(value, Mapping):
        return {key: fit_to_be_shown(item, own) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fit_to_be_shown(item, own) for item in value]
    return value


@cache
def templates() -> Environment:
    """Return the environment of the templates, in which every value is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415  # loaded only for pages

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _policy(style: str, script: str) -> str:
    """The Content Security Policy: this style and this script by their hashes, and nothing else."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
