"""`deploycheck sandbox`: a standing sandbox, and the one that a verification hosts for itself."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.cli import toml
from pytest_deploycheck.config.options import Given
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.run.settings import needs_sandbox, scenario

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox.hosting import HostedSandbox

_ENV = "local"
"""The environment of the configuration that is printed; `sandbox` would be hosted by the verification itself."""

_HIGHEST_PORT = 65535


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "sandbox",
        help="serve a scenario of the sandbox on a local port, until Ctrl-C",
        description="Serve AWS with a scenario in it on a port of 127.0.0.1, until Ctrl-C.",
        allow_abbrev=False,
    )
    parser.add_argument("scenario", metavar="SCENARIO", nargs="?", help="the scenario; default: healthy")
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="the port; default: 0, a free one")
    parser.add_argument("--list", action="store_true", help="list the scenarios, and end")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Serve until the process is told to end."""
    with needs_sandbox():
        from pytest_deploycheck.sandbox import Sandbox  # noqa: PLC0415  # moto is loaded only where asked for
        from pytest_deploycheck.sandbox.scenarios import SCENARIOS, build  # noqa: PLC0415
    if parsed.list:
        for known in SCENARIOS.values():
            print(f"{known.name:<20}{known.description}")
        return 0
    asked = Given((parsed.scenario,) if parsed.scenario else (), "SCENARIO")
    name = scenario(asked, SCENARIOS)
    sandbox = Sandbox()
    try:
        sandbox.start(parsed.port)
    except OSError as error:
        raise ConfigurationError(
            f"--port: {parsed.port} cannot be served on 127.0.0.1: {error.strerror}.",
            "Name another, or 0 for a free one.",
        ) from error
    ended = threading.Event()
    before = {one: signal.signal(one, lambda *_: ended.set()) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        table = build(name, sandbox)
        print(_described(name, SCENARIOS[name].description, sandbox.environ, table), flush=True)
        ended.wait()
    finally:
        sandbox.stop()
        for one, handler in before.items():
            signal.signal(one, handler)
    return 0


def host(asked: Given) -> HostedSandbox:
    """Host the scenario that an option names, which this process's AWS variables lead to until it is closed.

    Raises:
        ConfigurationError: The extra `sandbox` is not installed, or there is no such scenario.
    """
    with needs_sandbox():
        from pytest_deploycheck.sandbox.hosting import HostedSandbox  # noqa: PLC0415  # moto is loaded only where asked
        from pytest_deploycheck.sandbox.scenarios import SCENARIOS  # noqa: PLC0415
    return HostedSandbox(scenario(asked, SCENARIOS))


def _described(name: str, description: str, environ: Mapping[str, str], table: Mapping[str, Any]) -> str:
    endpoint = environ["AWS_ENDPOINT_URL"]
    exports = [f"export {key}={value}" for key, value in environ.items()]
    config = toml.environment(_ENV, {"region": environ["AWS_REGION"], "endpoint_url": endpoint, **table})
    return "\n".join(
        [
            f"# {name}: {description}",
            f"# Serving on {endpoint} until Ctrl-C.",
            "# The credentials are made up; for a shell in which to verify it:",
            *exports,
            "",
            f"# deploycheck.toml, for `deploycheck verify {_ENV}` or `pytest --deploy-env={_ENV}`:",
            config,
        ]
    )


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"found {text}; allowed: 0 to {_HIGHEST_PORT}")
    return port
