"""Run a deployment's tests together with each plugin of others, and write the table of docs/compatibility.md.

`nox -s plugins` installs the plugins and calls it; `python docs/make_compatibility.py NAME …` checks only some.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PAGE = Path(__file__).parent / "compatibility.md"
START, END = "<!-- plugins -->", "<!-- /plugins -->"

TESTS = """
import pytest

def test_it_passes(deployed_image, running_tasks):
    assert running_tasks.digests <= deployed_image.digests

def test_it_fails(deployed_image):
    assert deployed_image.tag == "another"

def test_it_is_unproven(deploy_env):
    deploy_env.wait_for_http("http://127.0.0.1:9/", timeout=0)
"""

EXPECTED = {"test_it_passes": {"passed"}, "test_it_fails": {"failed"}, "test_it_is_unproven": {"unproven"}}


@dataclass(frozen=True)
class Other:
    """A plugin of others, and how it is used beside a deployment's tests.

    Attributes:
        package: Its name on the package index.
        modules: The modules that hold its plugins.
        uses: The arguments of each run.
        variables: Variables of each run.
        tests: Further tests.
        note: A remark for readers.
    """

    package: str
    modules: tuple[str, ...]
    uses: tuple[tuple[str, ...], ...] = ((),)
    variables: tuple[tuple[str, str], ...] = ()
    tests: str = ""
    note: str = ""


OTHERS = (
    Other(
        "pytest-xdist",
        ("xdist.plugin", "xdist.looponfail"),
        (("-n2",),),
        note="only the controller observes AWS",
    ),
    Other(
        "pytest-timeout",
        (),
        (("--timeout=60", "--timeout-method=signal"), ("--timeout=60", "--timeout-method=thread")),
        note="a test that `thread` ends takes the process with it, so no report is written",
    ),
    Other("pytest-rerunfailures", ("pytest_rerunfailures",), (("--reruns=1",),), note="the last run counts"),
    Other("pytest-retry", ("pytest_retry.retry_plugin",), (("--retries=1",),), note="as above"),
    Other("flaky", ("flaky.flaky_pytest_plugin",), (("--force-flaky", "--max-runs=2"),), note="as above"),
    Other("pytest-randomly", ("pytest_randomly",), (("-p", "no:cacheprovider"),)),
    Other("pytest-repeat", ("pytest_repeat",), (("--count=2",),), note="the worst of the repetitions counts"),
    Other("pytest-check", ("pytest_check.plugin",), note="each gathered failure counts by itself"),
    Other(
        "pytest-asyncio",
        ("pytest_asyncio.plugin",),
        (("--asyncio-mode=auto",),),
        tests="async def test_it_passes_too(deployed_image):\n    assert deployed_image.digest\n",
    ),
    Other(
        "pytest-bdd",
        ("pytest_bdd.plugin",),
        tests="from pytest_bdd import scenarios, then\nscenarios('it.feature')\n"
        "@then('it runs')\ndef _(deployed_image):\n    assert deployed_image.digest\n",
    ),
    Other("pytest-html", ("pytest_metadata.plugin", "pytest_html.plugin"), (("--html=page.html",),)),
    Other("pytest-json-report", ("pytest_metadata.plugin", "pytest_jsonreport.plugin"), (("--json-report",),)),
    Other("allure-pytest", ("allure_pytest.plugin",), (("--alluredir=allure",),), note="unproven is `broken` there"),
    Other("pytest-sugar", ("pytest_sugar",), (("--force-sugar",),)),
    Other(
        "pytest-github-actions-annotate-failures",
        ("pytest_github_actions_annotate_failures.plugin",),
        variables=(("GITHUB_ACTIONS", "true"),),
    ),
)
"""The plugins, each with the ways in which it is used."""


def difference(other: Other, arguments: tuple[str, ...]) -> str:
    """Return the way in which a run beside a plugin differs from one without it; an empty text where it does not."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "test_it.py").write_text(TESTS, encoding="utf-8")
        (home / "test_more.py").write_text(other.tests, encoding="utf-8")
        (home / "it.feature").write_text("Feature: it\n  Scenario: it passes\n    Then it runs\n", encoding="utf-8")
        plugins = ("pytest_timeout", "pytest_deploycheck.plugin", *other.modules)
        loaded = [word for module in plugins for word in ("-p", module)]
        command = [sys.executable, "-m", "pytest", *loaded, "--deploy-env=sandbox", "--deploy-report=it.json"]
        ended = subprocess.run(
            [*command, *arguments],
            cwd=home,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **dict(other.variables)},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if not (home / "it.json").exists():
            return f"no report was written (exit status {ended.returncode})"
        report = json.loads((home / "it.json").read_text(encoding="utf-8"))
    outcomes: dict[str, set[str]] = {}
    for test in report["tests"]:
        name = re.sub(r"(_too)?(\[.*)?$", "", test["nodeid"].rpartition("::")[2])
        outcomes.setdefault(name, set()).add(test["outcome"])
    if outcomes != EXPECTED:
        return f"the outcomes are {outcomes}"
    if (ended.returncode, report["verdict"]) != (1, "REFUTED"):
        return f"the verdict is {report['verdict']}, the exit status {ended.returncode}"
    return ""


def row(other: Other) -> str:
    """Return the row of a plugin: its version, the ways of use that were run, and the result."""
    try:
        installed = version(other.package)
    except PackageNotFoundError:
        return f"| {other.package} | | | not installed |"
    found = {arguments: difference(other, arguments) for arguments in other.uses}
    problems = [f"{' '.join(arguments)}: {text}" for arguments, text in found.items() if text]
    uses = ", ".join(f"`{' '.join(arguments)}`" for arguments in other.uses if arguments)
    result = "; ".join(problems) or "same verdict, outcomes and exit status" + (f"; {other.note}" if other.note else "")
    return f"| {other.package} | {installed} | {uses} | {result} |"


def main(names: list[str]) -> int:
    """Check the plugins of these names, or all of them, and then write the page."""
    chosen = [other for other in OTHERS if not names or other.package in names]
    rows = [row(other) for other in chosen]
    sys.stdout.write("\n".join(rows) + "\n")
    if not names:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
        table = "\n".join(["| plugin | version | used with | result |", "| --- | --- | --- | --- |", *rows])
        PAGE.write_text(f"{before}{START}\n\n{table}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    return int(any("same verdict" not in one for one in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
