"""Serve the API document and a page to read it, both made from the route table (../design.md, How data flows)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import web

from relay import jsontext
from relay.http.api_page import page
from relay.http.openapi import document
from relay.http.routes import Auth, Call, Route
from relay.http.shapes import HTML, Shape

Json = dict[str, object]

#: A newer relay has another document under the same address.
_HEADERS: Final = {"Cache-Control": "no-cache"}


class ApiDocs:
    """Answer the document and the page; each is written once, when it is first asked for."""

    def __init__(self, table: Callable[[], Sequence[Route]], version: str) -> None:
        """`table` answers every row of the relay, these two included."""
        self._table = table
        self._version = version
        self._document: bytes | None = None
        self._page: bytes | None = None

    def routes(self) -> list[Route]:
        """Answer the rows, which anybody may read: what they say is public."""
        return [
            Route(
                "GET",
                "/api/openapi.json",
                self.document,
                "Describe this interface in OpenAPI 3.1",
                auth=Auth.NONE,
                shape=Shape(Json),
            ),
            Route(
                "GET",
                "/api/docs",
                self.page,
                "Describe this interface for people",
                auth=Auth.NONE,
                shape=Shape(str, media=HTML),
            ),
        ]

    async def document(self, call: Call) -> web.Response:
        """Answer the OpenAPI document."""
        if self._document is None:
            self._document = jsontext.dumps(document(self._table(), self._version))
        return web.Response(body=self._document, content_type="application/json", headers=_HEADERS)

    async def page(self, call: Call) -> web.Response:
        """Answer the page, which needs neither scripts nor another server."""
        if self._page is None:
            self._page = page(document(self._table(), self._version)).encode()
        return web.Response(body=self._page, content_type=HTML, charset="utf-8", headers=_HEADERS)
