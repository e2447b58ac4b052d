"""Hand every request of an aiohttp application to one handler, past aiohttp's own router.

aiohttp's router works on decoded, normalised paths and answers in its own words where nothing matches; the contract
wants raw paths and JSON (rest-account.md 12.1).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import NoReturn

from aiohttp import web

Dispatch = Callable[[web.Request], Awaitable[web.StreamResponse]]


def catch_all(dispatch: Dispatch) -> web.Application:
    """Make an application whose every request goes to `dispatch`, `Expect` headers included."""
    app = web.Application()
    app.router.register_resource(_Everything(dispatch))
    return app


async def _expect_nothing(request: web.Request) -> None:
    """Leave `Expect: 100-continue` to the dispatcher, which answers it after its guards."""


class _Everything(web.AbstractResource):
    """Match every path that begins with a slash, at the root of aiohttp's resource tree."""

    def __init__(self, dispatch: Dispatch) -> None:
        super().__init__()
        self._route = web.ResourceRoute("*", dispatch, self, expect_handler=_expect_nothing)

    @property
    def canonical(self) -> str:
        return "/"

    async def resolve(self, request: web.Request) -> tuple[web.UrlMappingMatchInfo, set[str]]:
        return web.UrlMappingMatchInfo({}, self._route), set()

    def url_for(self, **kwargs: str) -> NoReturn:
        raise NotImplementedError("the route table builds no URLs")

    def add_prefix(self, prefix: str) -> NoReturn:
        raise NotImplementedError("the route table is no sub-application")

    def raw_match(self, path: str) -> bool:
        return path.startswith("/")

    def get_info(self) -> NoReturn:
        raise NotImplementedError("the route table describes itself")

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[web.AbstractRoute]:
        return iter((self._route,))
