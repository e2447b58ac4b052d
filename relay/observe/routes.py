"""Answer `/metrics`, to whoever holds a key or sits on this machine."""

from __future__ import annotations

from aiohttp import web

from relay.accounts.accounts import Accounts
from relay.http.errors import KEY_SCOPE, NOT_FOUND, UNAUTHORIZED
from relay.http.identity import Credential, Scope
from relay.http.routes import Auth, Call, Route
from relay.http.scopes import require
from relay.http.shapes import Shape
from relay.observe.exposition import CONTENT_TYPE, render
from relay.observe.metrics import Parts, collect


class MetricsRoute:
    """Answer one row; unless it is `enabled` the answer is 404, and not the page of the UI."""

    def __init__(self, parts: Parts, accounts: Accounts, *, enabled: bool) -> None:
        self._enabled = enabled
        self._parts = parts
        self._accounts = accounts

    def table(self) -> list[Route]:
        """Answer the row."""
        return [
            Route(
                "GET",
                "/metrics",
                self.metrics,
                "Show the relay's numbers to Prometheus: with an API key, or from this machine without a proxy",
                auth=Auth.NONE,
                shape=Shape(str, media="text/plain", any_auth=True),
                errors=(UNAUTHORIZED, KEY_SCOPE, NOT_FOUND),
            )
        ]

    async def metrics(self, call: Call) -> web.Response:
        """Answer the numbers; raises ApiError 401, 403 or 404.

        A cookie is not enough: what a page of a tunnelled service can fetch is none of its business.
        """
        if not self._enabled:
            raise NOT_FOUND()
        if not self._accounts.address.is_loopback(call.request):
            identity = await self._accounts.resolve(call.request)
            if identity.via is Credential.COOKIE:
                raise UNAUTHORIZED()
            require(identity, Scope.READ)
        return web.Response(text=render(collect(self._parts)), headers={"Content-Type": CONTENT_TYPE})
