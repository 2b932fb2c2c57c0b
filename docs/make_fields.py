"""Write the table of fields on the page on the JSON report from its schema: python docs/make_fields.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_deploycheck import schemas

PAGE = Path(__file__).with_name("json-report.md")
BEGIN, END = "<!-- fields -->", "<!-- end of fields -->"


def fields(node: Mapping[str, Any], schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path of each property below a part of the schema, with its description."""
    node = _resolved(node, schema)
    for name, one in node.get("properties", {}).items():
        own = f"{path}.{name}" if path else name
        yield own, one["description"]
        # Those of an environment are the same as those of a report on one.
        if own != "environments[].facts":
            yield from fields(one, schema, own)
    if "items" in node:
        yield from fields(node["items"], schema, f"{path}[]")
    extra = node.get("additionalProperties")
    if isinstance(extra, Mapping):
        yield from fields(extra, schema, f"{path}.NAME")


def table() -> str:
    """Return the table of all properties."""
    schema = schemas.load("report")
    rows = [f"| `{path}` | {text} |" for path, text in fields(schema, schema)]
    return "\n".join(["| field | meaning |", "| --- | --- |", *rows])


def page() -> str:
    """Return the page with the table of today's schema."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}"


def _resolved(node: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a part of the schema in place of a reference to it, and of alternatives the one that is not null."""
    if "$ref" in node:
        return _resolved(schema["$defs"][node["$ref"].rpartition("/")[2]], schema)
    for one in node.get("anyOf", ()):
        if one.get("type") != "null":
            return _resolved(one, schema)
    return node


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
