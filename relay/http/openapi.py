"""Write the OpenAPI 3.1 document from the route table (OpenAPI Specification 3.1.0, section 4).

Types come from the rows' shapes, errors from the rows and from what every row may answer (rest-account.md 12).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

import msgspec

from relay.http.errors import (
    BODY_BROKEN_OFF,
    CROSS_ORIGIN,
    EXPECTATION_FAILED,
    INTERNAL,
    INVALID_JSON,
    INVALID_KEY,
    JSON_CONTENT_TYPE_REQUIRED,
    KEY_SCOPE,
    MALFORMED_LENGTH,
    MALFORMED_PATH,
    MISSING_KEY,
    PAYLOAD_TOO_LARGE,
    REQUEST_TIMEOUT,
    SHUTTING_DOWN,
    STORAGE_UNAVAILABLE,
    ErrorSpec,
)
from relay.http.identity import Scope
from relay.http.routes import Auth, Body, Route
from relay.http.shapes import JSON, Outside, Shape

Json = dict[str, object]

_REF: Final = "#/components/schemas/{name}"
_PARAMETER: Final = re.compile(r"\{([A-Za-z_]+)(?::(?:path|tail))?\}")
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: A message that is nothing but a gap, and what stands for it.
_ONLY_GAP: Final = re.compile(r"\{\w+\}")
_SOME_TEXT: Final = "The text says what went wrong"
#: What every operation may answer.
_EVERYWHERE: Final = (MALFORMED_LENGTH, EXPECTATION_FAILED, INTERNAL, SHUTTING_DOWN, STORAGE_UNAVAILABLE)
_BODIES: Final = {
    Body.LENIENT: "A JSON object; anything else, no body included, counts as {}.",
    Body.STRICT: "A JSON object; anything else is 400.",
    Body.NONE: "Not read.",
    Body.RAW: "Read by the handler.",
}
_LENIENT_FIELDS: Final = (
    " Fields that are not named here are ignored, and so are optional fields of another type unless an error below "
    "says otherwise."
)
_SCHEMES: Final[Json] = {
    "cookie": {"type": "apiKey", "in": "cookie", "name": "better-auth.session_token"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
_BY_KEY: Final = ("apiKey", "bearer")
_SECURITY: Final[Mapping[Auth, tuple[str, ...]]] = {
    Auth.NONE: (),
    Auth.KEY: _BY_KEY,
    Auth.SESSION: ("cookie", *_BY_KEY),
}


def document(routes: Iterable[Route], version: str) -> Json:
    """Answer the document of a table; raises ValueError for a row without a shape."""
    described: list[tuple[Route, Shape]] = []
    outside: list[Json] = []
    for route in routes:
        match route.shape:
            case Shape() as shape:
                described.append((route, shape))
            case Outside(reason):
                outside.append(
                    {"method": route.method, "path": path_of(route), "summary": route.summary, "reason": reason}
                )
            case None:
                raise ValueError(f"a route without a shape: {route.method} {route.path}")
    schemas = _Schemas(shape for _, shape in described)
    paths: dict[str, Json] = {}
    for route, shape in described:
        paths.setdefault(path_of(route), {})[method_of(route)] = _operation(route, shape, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "relay",
            "version": version,
            "description": "The HTTP interface of the relay between coding agents' runners and browsers.",
        },
        "paths": paths,
        "components": {"schemas": schemas.shown(), "securitySchemes": _SCHEMES},
        "x-outside": outside,
    }


def path_of(route: Route) -> str:
    """Answer a row's path as the document has it: `{target:path}` is `{target}`."""
    return _PARAMETER.sub(r"{\1}", route.path)


def method_of(route: Route) -> str:
    """Answer a row's method as the document has it; a row for every method is described as GET."""
    return "get" if route.method == "*" else route.method.lower()


def security_of(route: Route) -> tuple[str, ...]:
    """Answer the names of the schemes of which a caller needs one; none when anybody may call."""
    return _SECURITY[route.auth]


def errors_of(route: Route) -> dict[int, list[str]]:
    """Answer the texts of every error that a row may answer, by status."""
    specs: list[ErrorSpec] = [*route.errors]
    if route.auth is not Auth.NONE:
        specs += (MISSING_KEY, INVALID_KEY)
        if not all(route.admits(scope, route.method) for scope in Scope):
            specs.append(KEY_SCOPE)
    if "{" in route.path:
        specs.append(MALFORMED_PATH)
    if route.method not in _SAFE:
        if route.origin_checked:
            specs.append(CROSS_ORIGIN)
        if route.limit is not None:
            specs.append(PAYLOAD_TOO_LARGE.filled(limit=route.limit))
    if route.body is not Body.NONE:
        specs += (REQUEST_TIMEOUT, BODY_BROKEN_OFF, JSON_CONTENT_TYPE_REQUIRED)
    if route.body is Body.STRICT:
        specs.append(INVALID_JSON)
    texts: dict[int, list[str]] = {}
    for spec in (*specs, *_EVERYWHERE):
        found = texts.setdefault(spec.status, [])
        text = _SOME_TEXT if _ONLY_GAP.fullmatch(spec.message) else spec.message
        if text not in found:
            found.append(text)
    return dict(sorted(texts.items()))


class _Schemas:
    """Describe the types of all shapes at once, so that each is written once and referred to."""

    def __init__(self, shapes: Iterable[Shape]) -> None:
        given = list(shapes)
        self._queries = [shape.query for shape in given if shape.query is not None]
        types = [kind for shape in given for kind in (shape.response, shape.request, shape.query, shape.error) if kind]
        described, components = msgspec.json.schema_components(types, schema_hook=_anything, ref_template=_REF)
        self._described = {id(kind): schema for kind, schema in zip(types, described, strict=True)}
        # The list keeps the types alive, and so their ids apart.
        self._types = types
        self.components: Json = dict(components)

    def of(self, kind: object) -> Json:
        """Answer the schema of a type, mostly a reference."""
        return cast("Json", self._described[id(kind)])

    def shown(self) -> Json:
        """Answer the types that operations refer to; those of queries are written out as parameters."""
        hidden = {str(self.of(kind).get("$ref")).rpartition("/")[2] for kind in self._queries}
        return {name: schema for name, schema in self.components.items() if name not in hidden}

    def resolved(self, kind: object) -> Json:
        """Answer the schema of a named type itself."""
        reference = self.of(kind).get("$ref")
        if not isinstance(reference, str):
            return self.of(kind)
        return cast("Json", self.components[reference.rpartition("/")[2]])


def _anything(kind: type) -> Json:
    """Describe `object`, which is any JSON; raises NotImplementedError for what is no JSON at all."""
    if kind is object:
        return {"description": "Any JSON."}
    raise NotImplementedError(kind)


def _operation(route: Route, shape: Shape, schemas: _Schemas) -> Json:
    operation: Json = {
        "operationId": _operation_id(route),
        "tags": [_tag(route)],
        "summary": route.summary,
        "parameters": [*_path_parameters(route), *_query_parameters(shape, schemas)],
        "responses": _responses(route, shape, schemas),
    }
    if route.method == "*":
        operation["description"] = "Every method is answered alike."
    if route.auth is Auth.NONE and shape.any_auth:
        operation["security"] = [{}, *({name: []} for name in _SECURITY[Auth.SESSION])]
    else:
        operation["security"] = [{name: []} for name in security_of(route)]
    if shape.request is not None:
        operation["requestBody"] = _request_body(route, shape, schemas)
    return operation


def _operation_id(route: Route) -> str:
    words = re.findall(r"[A-Za-z0-9]+", path_of(route))
    return "_".join((method_of(route), *words))


def _tag(route: Route) -> str:
    return path_of(route).removeprefix("/api").split("/")[1]


def _path_parameters(route: Route) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PARAMETER.findall(route.path)
    ]


def _query_parameters(shape: Shape, schemas: _Schemas) -> list[Json]:
    if shape.query is None:
        return []
    described = schemas.resolved(shape.query)
    properties = cast("Mapping[str, Json]", described.get("properties", {}))
    required = cast("Sequence[str]", described.get("required", ()))
    parameters: list[Json] = []
    for name, schema in properties.items():
        parameter: Json = {"name": name, "in": "query", "required": name in required, "schema": schema}
        if isinstance(schema.get("description"), str):
            parameter["description"] = schema["description"]
        parameters.append(parameter)
    return parameters


def _request_body(route: Route, shape: Shape, schemas: _Schemas) -> Json:
    described = schemas.resolved(shape.request)
    text = _BODIES[route.body] + (_LENIENT_FIELDS if shape.takes == JSON else "")
    return {
        "description": text,
        "required": route.body is Body.STRICT or bool(described.get("required")),
        "content": {shape.takes: {"schema": schemas.of(shape.request)}},
    }


def _responses(route: Route, shape: Shape, schemas: _Schemas) -> Json:
    good: Json = {"description": "Done"}
    if shape.response is not None and route.method != "HEAD":
        good["content"] = {shape.media: {"schema": schemas.of(shape.response)}}
    responses: Json = {str(status): good for status in shape.statuses}
    for status, texts in errors_of(route).items():
        answer: Json = {"description": "; ".join(texts)}
        if shape.error is not None and route.method != "HEAD":
            answer["content"] = _error_content(shape, schemas)
        responses.setdefault(str(status), answer)
    return responses


def _error_content(shape: Shape, schemas: _Schemas) -> Json:
    json: Json = {JSON: {"schema": schemas.of(shape.error)}}
    return json if shape.error_media == JSON else {**json, shape.error_media: {"schema": {"type": "string"}}}
