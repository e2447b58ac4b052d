"""Load a rewritten application in Chromium, and see that no request leaves the prefix (tunnel.md 3.5, case 60)."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from aiohttp import web

from relay.tunnel.rewrite import RewriteContext, response_headers_for, rewriter_for

if TYPE_CHECKING:
    from playwright.async_api import Page

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
CHROMIUM: Final = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

B: Final = "/api/tunnel/s-1/3"
#: Of the browser itself.
_NOT_OURS: Final = frozenset({"/favicon.ico"})

PAGE: Final = Path(__file__).with_name("application.html").read_text("utf-8").replace("{{B}}", B)

FILES: Final[dict[str, tuple[str, str]]] = {
    "/web/": ("text/html", PAGE),
    "/frame.html": ("text/html", "<html><body><img src='/img/frame.png'></body></html>"),
    "/goto": ("text/html", "<script>location.href = '/arrived'</script>"),
    "/arrived": ("text/html", "<p id=arrived>here</p>"),
    "/css/main.css": ("text/css", "body { background: url('/img/main.png') } @import '/no-effect.css';"),
    "/css/link.css": ("text/css", "body { color: red }"),
    "/css/imported.css": ("text/css", "#a { border-image: url( /img/border.png ) }"),
    "/js/lib.js": ("text/javascript", "export * from '/js/inner.js'"),
    "/js/inner.js": ("text/javascript", "export default 1"),
    "/js/static.js": ("text/javascript", "fetch(new URL('/x/new-url', import.meta.url))"),
    "/js/module.js": ("text/javascript", "export default 2"),
    "/js/hot.js": ("text/javascript", "export default 3"),
    "/js/classic.js": ("text/javascript", "window.classic = true; import('/js/' + 'from-classic.js')"),
    "/js/from-classic.js": ("text/javascript", "export default 4"),
    "/js/worker.js": ("text/javascript", "importScripts('/js/imported.js')"),
    "/js/imported.js": ("text/javascript", "postMessage('imported')"),
}


class Relay:
    """Serve the application under the prefix, rewritten, and write down every path that is asked for."""

    def __init__(self) -> None:
        self.inside: set[str] = set()
        self.outside: set[str] = set()
        self.sockets = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a file, or an empty answer for the paths that only count."""
        path = request.path
        base = next((one for one in (B, "/api/tunnel/s-1/4") if path == one or path.startswith(f"{one}/")), None)
        if base is None:
            self.outside.add(path)
            return web.Response(status=404)
        self.inside.add(path.removeprefix("/api/tunnel/s-1/"))
        inner = path.removeprefix(base)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            socket = web.WebSocketResponse(protocols=("chat",))
            await socket.prepare(request)
            await socket.send_str("hello")
            self.sockets += 1
            await socket.receive()
            return socket
        kind, text = FILES.get(inner, ("text/plain", ""))
        context = RewriteContext(base, 3, inner, "path", frozenset({request.host}))
        headers = [("content-type", kind), ("content-security-policy", "script-src 'self' 'unsafe-inline'; img-src *")]
        rewriter = rewriter_for(200, "GET", dict(headers), context)
        data = text.encode()
        answer = data if rewriter is None else rewriter.feed(data) + rewriter.finish()
        response = web.Response(body=answer)
        for name, value in response_headers_for(200, headers, context):
            response.headers.add(name, value)
        return response


@pytest.fixture
async def relay() -> AsyncIterator[tuple[Relay, str]]:
    """A server on a loopback port, and its origin."""
    relay = Relay()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", relay.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield relay, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@contextlib.asynccontextmanager
async def browser_page() -> AsyncIterator[Page]:
    """Answer a page of a fresh browser."""
    async with playwright.async_playwright() as tool:
        browser = await tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield await browser.new_page()
        finally:
            await browser.close()


_FOLDERS: Final = {
    "img": (
        *("style.png", "attribute.png", "unquoted.png", "set1.png", "srcdoc.png", "property.png", "set-attribute.png"),
        *("inner.png", "adjacent.png", "text.png", "css-property.png", "frame.png"),
    ),
    "css": ("main.css", "imported.css", "link.css"),
    "js": (
        *("lib.js", "inner.js", "static.js", "worker.js", "imported.js", "module.js", "classic.js", "hot.js"),
        "from-classic.js",
    ),
    "x": (
        *("new-url", "srcdoc", "fetch", "fetch-url", "fetch-absolute", "fetch-localhost", "fetch-request"),
        *("fetch-prefixed", "xhr", "beacon", "events", "socket"),
    ),
}
EXPECTED: Final = {f"3/{folder}/{name}" for folder, names in _FOLDERS.items() for name in names} | {
    *("3/web/", "3/frame.html", "3/", "4/x/fetch-sibling"),
}


async def test_tunnel_60_no_request_of_a_page_leaves_the_prefix(relay: tuple[Relay, str]) -> None:
    server, origin = relay
    async with asyncio.timeout(60), browser_page() as page:
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(f"{origin}{B}/web/")
        await page.evaluate("window.done")
        failures = await page.evaluate("window.failures")
        await page.wait_for_load_state("networkidle")
    assert failures == []
    assert errors == []
    assert server.outside - _NOT_OURS == set()
    assert EXPECTED - server.inside == set()
    assert server.sockets == 2


async def test_tunnel_60_a_location_that_a_script_assigns_stays_in_the_tunnel(relay: tuple[Relay, str]) -> None:
    server, origin = relay
    async with asyncio.timeout(60), browser_page() as page:
        await page.goto(f"{origin}{B}/goto")
        await page.wait_for_selector("#arrived")
        assert await page.evaluate("location.pathname") == f"{B}/arrived"
    assert server.outside - _NOT_OURS == set()
