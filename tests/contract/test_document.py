"""The API document of the whole relay: every row of the table is in it, with types, and the page shows it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Final, cast

import aiohttp
import jsonschema_rs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from relay.app_settings import Tuning
from relay.http.client_address import ClientAddress, ProxyPolicy
from relay.http.openapi import method_of, path_of
from relay.http.origins import OriginPolicy
from relay.http.routes import Auth, Body, Call, Route
from relay.http.security import SecurityHeaders
from relay.http.server import HttpPolicy, HttpServer, json_response
from relay.http.shapes import PAGE, Ok, Outside, Shape
from relay.webui.serving import DIST
from tests.contract.contract import Contract
from tests.contract.world import Open
from tests.http.harness import resolve

#: Rows that are listed and not described, by the reason. More need a reason that is written here.
OUTSIDE: Final = {
    "a WebSocket or long-polling protocol of its own": 2,
    "what is behind the tunnel decides about requests and answers": 7,
    "it only refuses what no client means to send": 15,
    "browsers ask it before they call": 1,
}
Document = Mapping[str, object]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Open]:
    async with Open(tmp_path / "data", Tuning()) as made:
        yield made


async def _get(stage: Open, path: str) -> tuple[aiohttp.ClientResponse, str]:
    async with aiohttp.ClientSession() as http, http.get(f"{stage.url}{path}") as response:
        return response, await response.text()


def _operations(document: Document) -> Iterator[tuple[tuple[str, str], Document]]:
    for path, methods in cast("Mapping[str, Mapping[str, Document]]", document["paths"]).items():
        for method, operation in methods.items():
            yield (method, path), operation


async def test_every_row_of_the_table_is_described_once_or_listed_with_a_reason(stage: Open) -> None:
    _, text = await _get(stage, "/api/openapi.json")
    document = json.loads(text)
    described = [(method_of(row), path_of(row)) for row in stage.app.http.routes if isinstance(row.shape, Shape)]
    listed = [(row.method, path_of(row)) for row in stage.app.http.routes if isinstance(row.shape, Outside)]
    assert len(set(described)) == len(described)
    assert sorted(described) == sorted(key for key, _ in _operations(document))
    assert sorted(listed) == sorted((row["method"], row["path"]) for row in document["x-outside"])
    assert len(described) + len(listed) == len(stage.app.http.routes)
    # The page's redirects are there when the page is built.
    pages = {PAGE.reason: 4} if (DIST / "index.html").exists() else {}
    assert Counter(row["reason"] for row in document["x-outside"]) == OUTSIDE | pages


async def test_every_described_row_has_the_types_of_what_it_answers_and_reads(stage: Open) -> None:
    untyped = [
        f"{row.method} {row.path}"
        for row in stage.app.http.routes
        if isinstance(row.shape, Shape)
        and (not row.shape.response or (row.body is not Body.NONE and row.method != "GET" and not row.shape.request))
    ]
    assert untyped == []


async def test_every_reference_leads_to_a_type_and_every_type_is_referred_to(stage: Open) -> None:
    _, text = await _get(stage, "/api/openapi.json")
    components = cast("Mapping[str, Document]", json.loads(text)["components"])["schemas"]
    references = set(re.findall(r'"\$ref": ?"#/components/schemas/([^"]+)"', text))
    assert references <= set(components)
    assert {name for name in components if name not in references} == set()


async def test_every_schema_is_one_and_every_operation_has_its_own_name(stage: Open) -> None:
    _, text = await _get(stage, "/api/openapi.json")
    document = json.loads(text)
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate({**schema, "$schema": "https://json-schema.org/draft/2020-12/schema"})
    names = [operation["operationId"] for _, operation in _operations(document)]
    assert len(set(names)) == len(names)


async def test_the_document_is_made_once_and_anybody_may_read_it(stage: Open) -> None:
    first, text = await _get(stage, "/api/openapi.json")
    assert (first.status, first.content_type) == (200, "application/json")
    assert first.headers["Cache-Control"] == "no-cache"
    assert json.loads(text)["openapi"] == "3.1.0"
    assert (await _get(stage, "/api/openapi.json"))[1] == text


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.anchors: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            if name == "id":
                self.anchors.add(value or "")
            elif name in ("href", "src"):
                self.addresses.append(value or "")
            assert not name.startswith("on")


async def test_the_page_shows_every_operation_without_scripts_and_other_servers(stage: Open) -> None:
    response, text = await _get(stage, "/api/docs")
    assert (response.status, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    page = _Page()
    page.feed(text)
    _, document = await _get(stage, "/api/openapi.json")
    names = {str(operation["operationId"]) for _, operation in _operations(json.loads(document))}
    assert names <= page.anchors
    # What the Content-Security-Policy would refuse is not there (rest-account.md 12.6).
    assert page.tags["script"] == page.tags["link"] == page.tags["img"] == 0
    assert {address for address in page.addresses if not address.startswith("#")} == {"/api/openapi.json"}
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= page.anchors


async def test_an_answer_that_is_not_as_described_is_found() -> None:
    answers: list[web.Response] = []

    async def handle(call: Call) -> web.StreamResponse:
        return answers.pop()

    row = Route("GET", "/api/thing", handle, "Do it", auth=Auth.NONE, shape=Shape(Ok))
    address = ClientAddress(ProxyPolicy())
    server = HttpServer([row], HttpPolicy(resolve, address, OriginPolicy((), address), SecurityHeaders()))
    contract = Contract(server)
    async with TestClient(TestServer(server.app)) as client:
        for answer in (
            json_response({"ok": True}),
            json_response({"ok": False}),
            json_response({}),
            json_response({"error": "no"}, 418),
            web.Response(text="ok"),
        ):
            answers.append(answer)
            async with client.get("/api/thing"):
                pass
    assert len(contract.problems) == 4
