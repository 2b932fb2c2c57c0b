from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path

import pytest

import pytest_deploycheck

PACKAGE = Path(pytest_deploycheck.__file__).parent
NAME = "pytest_deploycheck"
ROOMS = (
    "facts",
    "oci",
    "checkout",
    "observe",
    "judge",
    "report",
    "handles",
    "config",
    "run",
    "cli",
    "plugin",
    "sandbox",
)
SHARED = {"redaction", "errors"}
"""Small parts at the top that any room may use."""


def modules(room: str) -> list[Path]:
    """The files of a room."""
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files, f"no files in {room}"
    return files


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file, which several tests look at."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def import_statements(path: Path) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """The import statements of a file, wherever in the file."""
    return tuple(node for node in ast.walk(parsed(path)) if isinstance(node, ast.Import | ast.ImportFrom))


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Every module that a file imports, wherever in the file, with the names it takes from a package."""
    found: list[str] = []
    for node in import_statements(path):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.append(node.module or "")
            found += [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            found += [alias.name for alias in node.names]
    return tuple(found)


def inside(room: str) -> set[str]:
    """The parts of the package that a room imports, without its own, such as `config.settings` or `facts`."""
    found = set()
    for path in modules(room):
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == NAME and len(parts) > 1 and parts[1] != room:
                found.add(".".join(parts[1:3]) if parts[1] == "config" else parts[1])
    return found


def outside(*paths: Path) -> set[str]:
    """The packages of others that files import."""
    return {name.split(".")[0] for path in paths for name in imports(path)} - {NAME, ""}


def top() -> list[Path]:
    """The modules at the top of the package."""
    return sorted(PACKAGE.glob("*.py"))


def test_every_room_is_known() -> None:
    """A new room must be given its place among the arrows."""
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and list(path.glob("*.py"))}
    assert rooms <= {*ROOMS, *SHARED, "schemas"}
    assert set(ROOMS) <= rooms


@pytest.mark.parametrize(
    ("room", "allowed"),
    [
        ("facts", SHARED),
        ("oci", {"facts", "errors"}),
        ("checkout", {"facts", "oci", "errors", "config.settings", "config.patterns"}),
        ("judge", {"facts", "oci", "redaction", "config.settings"}),
        ("report", {"facts", "judge", "redaction", "config.settings"}),
        ("sandbox", set[str]()),
    ],
)
def test_arrows_run_one_way(room: str, allowed: set[str]) -> None:
    """A room imports only the rooms below it."""
    taken = {name for name in inside(room) if name != "config"}
    assert taken - allowed == set()


def test_the_console_script_is_a_skin_like_the_plugin() -> None:
    """The console script takes what it needs from the rooms that a script may use, and nothing of the plugin."""
    taken = {name.partition(".")[0] for name in inside("cli")}
    assert taken <= {"run", "config", "report", "sandbox", "facts", "judge", *SHARED, "__version__"}


@pytest.mark.parametrize("room", ["observe", "handles", "config", "run"])
def test_the_middle_knows_nothing_above(room: str) -> None:
    """The modules that observe, that tests hold and that configure know neither pytest's skin nor the sandbox."""
    assert not inside(room) & {"plugin", "cli", "sandbox"}


def test_observe_decides_nothing() -> None:
    """Looking is no judging: observe imports neither the judges nor the reports."""
    assert not inside("observe") & {"judge", "report", "handles", "run"}


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in {"observe", "sandbox"}])
def test_only_observe_calls_aws(room: str) -> None:
    """boto3 and botocore are imported by observe, and by the sandbox that fills its own world."""
    assert not outside(*modules(room)) & {"boto3", "botocore"}


def test_the_top_does_not_call_aws() -> None:
    """The modules at the top import neither boto3 nor botocore nor pytest."""
    assert not outside(*top()) & {"boto3", "botocore", "pytest", "_pytest", "moto"}


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "plugin"])
def test_only_the_plugin_imports_pytest(room: str) -> None:
    """The domain serves a script or a notebook as well: nothing below the plugin imports pytest."""
    assert not outside(*modules(room)) & {"pytest", "_pytest", "pluggy", "xdist", "pytest_timeout"}


def test_only_plugin_and_console_script_know_of_the_sandbox() -> None:
    """The rest of the package cannot tell the sandbox from AWS."""
    for room in ROOMS:
        if room not in {"plugin", "cli", "sandbox"}:
            assert "sandbox" not in inside(room), room
    for path in top():
        assert not any(name.startswith(f"{NAME}.sandbox") for name in imports(path)), path


@pytest.mark.parametrize("room", ["facts", "judge", "report", "oci", "checkout", "handles"])
def test_the_inner_rooms_are_light(room: str) -> None:
    """The rooms that hold the domain import neither the schema checker nor the emulator; one the templates."""
    assert not outside(*modules(room)) & {"jsonschema", "moto", "flask"}
    engine = [path.relative_to(PACKAGE).as_posix() for path in modules(room) if "jinja2" in outside(path)]
    assert engine == (["report/html/rendering.py"] if room == "report" else [])


@pytest.mark.parametrize("room", ["judge", "report", "oci"])
def test_pure_rooms_do_no_input_and_no_output(room: str) -> None:
    """Judging and reporting are pure: no clock, no network, no files, no processes."""
    taken = outside(*modules(room))
    assert not taken & {"time", "socket", "subprocess", "urllib", "http", "os", "threading", "concurrent", "random"}


def module_name(path: Path) -> str:
    """The name by which a file of the package is imported."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_graph(files: Iterable[Path]) -> dict[str, set[str]]:
    """The modules of the package that each of its modules imports, at the top, in functions or for types."""
    known = {module_name(path): path for path in files}
    return {name: dependencies(path, known) - {name} for name, path in known.items()}


def dependencies(path: Path, known: Collection[str]) -> set[str]:
    """The modules among the known ones that a file imports, wherever in the file."""
    found: set[str] = set()
    for node in import_statements(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        else:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            # A module that is taken from its package depends on nothing that the package itself imports.
            found |= names if names <= set(known) else {node.module or ""}
    return found & set(known)


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """The groups of modules that reach each other, by Tarjan's algorithm."""
    found: list[set[str]] = []
    stack: list[str] = []
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}

    def visit(name: str) -> None:
        order[name] = lowest[name] = len(order)
        stack.append(name)
        for target in sorted(graph[name]):
            if target not in order:
                visit(target)
            if target in stack:
                lowest[name] = min(lowest[name], lowest[target])
        if lowest[name] == order[name]:
            group = set(stack[stack.index(name) :])
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(group)

    for name in graph:
        if name not in order:
            visit(name)
    return found


def test_circles_are_found() -> None:
    """The search for circles sees a circle of any length, and none where there is none."""
    chain: dict[str, set[str]] = {"a": {"b"}, "b": {"c"}, "c": set()}
    assert circles(chain) == []
    assert circles({**chain, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Each module can be understood after those that it imports."""
    graph = import_graph(sorted(PACKAGE.rglob("*.py")))
    assert [sorted(group) for group in circles(graph)] == []


def test_the_world_of_the_sandbox_knows_neither_its_api_nor_its_controls() -> None:
    """The state of the sandbox does not depend on the ways to read and to change it."""
    for path in modules("sandbox/world"):
        above = tuple(f"{NAME}.sandbox.{room}" for room in ("api", "controls", "sandbox", "scenarios"))
        assert not [name for name in imports(path) if name.startswith(above)], path


HEAVY = ("boto3", "botocore", "jsonschema", "moto", "jinja2", "msgspec")


@pytest.mark.parametrize("module", ["pytest_deploycheck.plugin", "pytest_deploycheck"])
def test_importing_the_plugin_is_light(module: str) -> None:
    """Every pytest run imports the plugin: it loads neither AWS, schema, emulator, templates nor converters."""
    code = f"import sys, {module}\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert finished.stdout.strip() == "[]"


def test_importing_the_domain_does_not_load_pytest() -> None:
    """`pytest_deploycheck.verify` works in a script: importing the way through loads neither pytest nor boto3."""
    code = (
        "import sys, pytest_deploycheck.run.verification, pytest_deploycheck.cli.main\n"
        "print([name for name in ('pytest', '_pytest', 'boto3', 'botocore', 'moto') if name in sys.modules])"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert finished.stdout.strip() == "[]"


def test_each_class_has_a_name_of_its_own() -> None:
    """A name stands for one thing in the whole package."""
    homes: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(str(path.relative_to(PACKAGE)))
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


def test_each_folder_holds_at_most_fifteen_modules() -> None:
    """A reader takes in a room at once."""
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    crowded = {folder.name: len(list(folder.glob("*.py"))) for folder in folders if len(list(folder.glob("*.py"))) > 15}
    assert crowded == {}
