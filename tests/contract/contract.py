"""Hold every answer of a relay under test to its API document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import cast

import jsonschema_rs
from aiohttp import web

from relay import jsontext
from relay.http.openapi import document, method_of, path_of
from relay.http.router import Router, target_path
from relay.http.routes import Route
from relay.http.server import HttpServer
from relay.http.shapes import Outside

Json = Mapping[str, object]


@dataclass(frozen=True)
class _Table:
    """Name a table by its rows: two relays with the same rows have the same document."""

    rows: tuple[tuple[str, str], ...]
    routes: tuple[Route, ...] = field(compare=False)


class Book:
    """Hold a document, and a validator for each schema that was needed."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        self.document: Json = document(routes, "test")
        paths = cast("Mapping[str, Mapping[str, Json]]", self.document["paths"])
        self.operations = {(method, path): one for path, methods in paths.items() for method, one in methods.items()}
        self._validators: dict[bytes, jsonschema_rs.Validator] = {}

    def complaint(self, schema: Json, value: object) -> str | None:
        """Say where a value is not as a schema of the document has it."""
        text = jsontext.dumps(schema)
        validator = self._validators.get(text)
        if validator is None:
            validator = jsonschema_rs.validator_for({**schema, "components": self.document["components"]})
            self._validators[text] = validator
        try:
            validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            return f"at {list(error.instance_path)}: {error.message}"
        return None


@cache
def _book(table: _Table) -> Book:
    return Book(table.routes)


class Contract:
    """Compare the answers of one server with its document; `problems` says where they differ."""

    def __init__(self, server: HttpServer) -> None:
        # Rigs of single rooms have rows of their own, which no document describes.
        routes = tuple(route for route in server.routes if route.shape is not None)
        self._router = Router(routes)
        self.book = _book(_Table(tuple((route.method, route.path) for route in routes), routes))
        self.problems: list[str] = []
        #: Every described operation that was answered, and with which statuses.
        self.seen: dict[tuple[str, str], set[int]] = {}
        server.app.on_response_prepare.append(self._observe)

    def check(self) -> None:
        """Fail when an answer was not as described."""
        assert self.problems == []

    async def _observe(self, request: web.Request, response: web.StreamResponse) -> None:
        found = self._router.find(request, target_path(request))
        if found is None or isinstance(found.route.shape, Outside):
            return
        problem = self._problem(found.route, response)
        if problem is not None:
            self.problems.append(f"{request.method} {found.route.path}: {response.status} {problem}")

    def _problem(self, route: Route, response: web.StreamResponse) -> str | None:
        operation = (method_of(route), path_of(route))
        self.seen.setdefault(operation, set()).add(response.status)
        answers = cast("Mapping[str, Json]", self.book.operations[operation]["responses"])
        answer = answers.get(str(response.status))
        if answer is None:
            return "is no described status"
        content = cast("Mapping[str, Json]", answer.get("content", {}))
        if not content or "*/*" in content or not isinstance(response, web.Response) or not response.body:
            return None
        if response.content_type not in content:
            return f"is {response.content_type}"
        body = response.body
        if response.content_type != "application/json" or not isinstance(body, bytes | bytearray):
            return None
        return self.book.complaint(cast("Json", content[response.content_type]["schema"]), jsontext.loads(body))
