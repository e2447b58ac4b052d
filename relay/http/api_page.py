"""Write the API document as one HTML page: no script, no other address, styles inline (rest-account.md 12.6)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Final, cast

Json = Mapping[str, object]

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882 }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
nav a { margin-right: .8rem; white-space: nowrap }
details { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0; padding: .3rem .8rem }
summary { cursor: pointer; overflow-wrap: anywhere }
summary b { display: inline-block; min-width: 4.2rem }
code, pre { font: 14px/1.4 ui-monospace, monospace }
pre { background: var(--soft); border-radius: 6px; padding: .6rem; overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid var(--line); padding: .2rem .6rem .2rem 0; text-align: left; vertical-align: top }
"""
_CALLERS: Final = {
    (): "Anybody may call it.",
    ("apiKey", "bearer"): "Needs an API key, in <code>x-api-key</code> or as a Bearer token.",
}
_SESSION: Final = "Needs a session cookie, or an API key in <code>x-api-key</code> or as a Bearer token."


def page(document: Json) -> str:
    """Answer the page of an OpenAPI document, operations grouped by tag, types at the end."""
    groups: dict[str, list[str]] = {}
    for path, method, operation in operations(document):
        tag = str(cast("list[object]", operation["tags"])[0])
        groups.setdefault(tag, []).append(_operation(path, method, operation))
    info = cast("Json", document["info"])
    title = f"{escape(str(info['title']))} {escape(str(info['version']))}"
    links = " ".join(f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in groups)
    sections = "".join(f'<h2 id="{escape(tag)}">{escape(tag)}</h2>{"".join(rows)}' for tag, rows in groups.items())
    schemas = cast("Mapping[str, Json]", cast("Json", document["components"])["schemas"])
    types = "".join(_type(name, schema) for name, schema in sorted(schemas.items()))
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}: HTTP interface</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head><body>'
        f"<h1>{title}</h1><p>{escape(str(info['description']))} "
        f'For programs: <a href="/api/openapi.json">OpenAPI 3.1</a>.</p>'
        f"<nav>{links} <a href='#not-described'>not described</a> <a href='#types'>types</a></nav>{sections}"
        f"{_outside(document)}<h2 id='types'>types</h2>{types}</body></html>"
    )


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Yield path, method in lower case and operation of everything that a document describes."""
    for path, methods in cast("Mapping[str, Mapping[str, Json]]", document["paths"]).items():
        for method, operation in methods.items():
            yield path, method, operation


def _operation(path: str, method: str, operation: Json) -> str:
    parts = [f"<p>{_callers(operation)}</p>"]
    if "description" in operation:
        parts.append(f"<p>{escape(str(operation['description']))}</p>")
    parameters = cast("list[Json]", operation["parameters"])
    if parameters:
        rows = "".join(_parameter(parameter) for parameter in parameters)
        parts.append(f"<table><tr><th>Parameter</th><th>In</th><th>Type</th></tr>{rows}</table>")
    body = operation.get("requestBody")
    if isinstance(body, dict):
        parts.append(f"<p>Request: {escape(str(body['description']))} {_content(body)}</p>")
    responses = cast("Mapping[str, Json]", operation["responses"])
    rows = "".join(
        f"<tr><td>{status}</td><td>{escape(str(response['description']))}</td><td>{_content(response)}</td></tr>"
        for status, response in responses.items()
    )
    parts.append(f"<table><tr><th>Status</th><th>When</th><th>Body</th></tr>{rows}</table>")
    heading = f"<b>{method.upper()}</b> <code>{escape(path)}</code> {escape(str(operation['summary']))}"
    return _folded(str(operation["operationId"]), heading, "".join(parts))


def _callers(operation: Json) -> str:
    schemes = tuple(name for entry in cast("list[Json]", operation["security"]) for name in entry)
    return _CALLERS.get(schemes, _SESSION)


def _parameter(parameter: Json) -> str:
    name = f"<code>{escape(str(parameter['name']))}</code>"
    needed = "" if parameter["required"] else " (optional)"
    schema = _schema(cast("Json", parameter["schema"]))
    return f"<tr><td>{name}{needed}</td><td>{parameter['in']}</td><td>{schema}</td></tr>"


def _content(holder: Json) -> str:
    content = cast("Mapping[str, Json]", holder.get("content", {}))
    return ", ".join(f"{_schema(cast('Json', one['schema']))} <i>{escape(media)}</i>" for media, one in content.items())


def _schema(schema: Json) -> str:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        name = escape(reference.rpartition("/")[2])
        return f'<a href="#type-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_schema(one) for one in cast("list[Json]", schema["anyOf"]))
    if schema.get("type") == "array":
        return f"array of {_schema(cast('Json', schema.get('items', {})))}"
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in cast("list[object]", schema["enum"]))
    return escape(str(schema.get("type", "anything")))


def _type(name: str, schema: Json) -> str:
    text = json.dumps(schema, indent=2, ensure_ascii=False)
    return _folded(f"type-{name}", f"<code>{escape(name)}</code>", f"<pre>{escape(text)}</pre>")


def _folded(anchor: str, heading: str, content: str) -> str:
    return f'<details id="{escape(anchor)}"><summary>{heading}</summary>{content}</details>'


def _outside(document: Json) -> str:
    rows = "".join(
        f"<tr><td>{escape(str(row['method']))} <code>{escape(str(row['path']))}</code></td>"
        f"<td>{escape(str(row['summary']))}</td><td>{escape(str(row['reason']))}</td></tr>"
        for row in cast("list[Json]", document["x-outside"])
    )
    return (
        f"<h2 id='not-described'>not described</h2><table><tr><th>Address</th><th>What it does</th><th>Why</th></tr>"
        f"{rows}</table>"
    )
