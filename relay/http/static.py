"""Serve the web UI's files, and its index page for the paths that the UI routes itself (rest-account.md 14)."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import orjson
from aiohttp import web

from relay.http.errors import NOT_FOUND, ApiError
from relay.http.router import decode
from relay.http.routes import Auth, Call, Route
from relay.http.security import SecurityHeaders, inline_script_hashes
from relay.http.shapes import PAGE

log = logging.getLogger(__name__)

#: Types by file name ending (rest-account.md 14); anything else is octet-stream.
MIME_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "application/javascript; charset=utf-8",
    ".mjs": "application/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".map": "application/json; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".svg": "image/svg+xml",
    ".ico": "image/x-icon",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
    ".webm": "video/webm",
    ".mp4": "video/mp4",
}
#: A missing file of these kinds is a stale chunk, not a page: an HTML answer would be cached as script.
_NEVER_A_PAGE: Final = (".js", ".mjs", ".css", ".map", ".wasm")
_FOREVER: Final = "public, max-age=31536000, immutable"
_REVALIDATE: Final = "no-cache"
#: The service worker library names its runtime by content.
_WORKBOX: Final = re.compile(r"workbox-[0-9a-f]{8,}\.js(\.map)?")
#: `index.html` and `build-info.json` are read whole; anything larger is not one of them.
_PAGE_LIMIT: Final = 4 * 2**20


@dataclass(frozen=True, slots=True)
class _Stamp:
    modified: int
    size: int


class StaticUi:
    """Serve one directory; the script hashes of its index page go into the Content-Security-Policy.

    The index page and the build info are read again when they change on disk, so a rebuilt UI needs no restart.
    """

    def __init__(self, root: Path, security: SecurityHeaders) -> None:
        """Raise OSError when `root` has no readable `index.html`."""
        self._root = root.resolve(strict=True)
        self._security = security
        self._index = self._root / "index.html"
        self._index_stamp: _Stamp | None = None
        self._build_stamp: _Stamp | None = None
        self._build_timestamp: str | None = None
        self._learn(self._read_index())
        self.build_timestamp()

    def routes(self) -> list[Route]:
        """Answer the redirect from the share URL that spawn hands out to the UI's own page (rest-runners.md 5.2)."""

        async def redirect(call: Call) -> web.StreamResponse:
            query = call.request.raw_path.partition("?")[2]
            target = f"/session/{quote(call.params['sessionId'], safe='')}" + (f"?{query}" if query else "")
            return web.Response(status=302, headers={"Location": target, "Cache-Control": _REVALIDATE})

        return [
            Route(method, "/sessions/{sessionId}", redirect, "Lead a share URL to the UI", auth=Auth.NONE, shape=PAGE)
            for method in ("GET", "HEAD")
        ]

    async def serve(self, request: web.Request, path: str) -> web.StreamResponse:
        """Answer the file for a raw path, or the index page; raises ApiError 404 for what is neither."""
        if request.method not in {"GET", "HEAD"} or path.startswith(("/api/", "/socket.io/")):
            raise NOT_FOUND()
        file = await asyncio.to_thread(self._find, path)
        if file == self._index:
            try:
                self._learn(await asyncio.to_thread(self._read_index))
            except OSError as error:
                raise NOT_FOUND() from error
        relative = file.relative_to(self._root).as_posix()
        headers = {
            "Content-Type": MIME_TYPES.get(file.suffix.lower(), "application/octet-stream"),
            "Cache-Control": cache_control(relative),
        }
        return web.FileResponse(file, headers=headers)

    def build_timestamp(self) -> str | None:
        """Answer `buildTimestamp` of `build-info.json`, None without one (rest-account.md 13.1)."""
        file = self._root / "build-info.json"
        stamp = _stamp(file)
        if stamp != self._build_stamp:
            self._build_stamp = stamp
            self._build_timestamp = _read_timestamp(file) if stamp is not None else None
        return self._build_timestamp

    def _find(self, path: str) -> Path:
        try:
            relative = decode(path).lstrip("/")
        except ApiError as error:
            raise NOT_FOUND() from error
        if "\0" in relative or "\\" in relative:
            raise NOT_FOUND()
        if not relative:
            return self._index
        try:
            # Links are followed first and judged after: what they lead to has to lie inside.
            file = (self._root / relative).resolve()
            if not file.is_relative_to(self._root) or file.is_dir():
                raise NOT_FOUND()
            if file.is_file():
                return file
        except (OSError, RuntimeError, ValueError) as error:
            raise NOT_FOUND() from error
        if relative.startswith("assets/") or relative.lower().endswith(_NEVER_A_PAGE):
            raise NOT_FOUND()
        return self._index

    def _read_index(self) -> tuple[_Stamp, tuple[str, ...]] | None:
        """Answer the stamp and script hashes of an index page that changed, None for the one that is known."""
        status = self._index.stat()
        stamp = _Stamp(status.st_mtime_ns, status.st_size)
        if stamp == self._index_stamp:
            return None
        with self._index.open("rb") as file:
            text = file.read(_PAGE_LIMIT).decode("utf-8", "replace")
        return stamp, inline_script_hashes(text)

    def _learn(self, news: tuple[_Stamp, tuple[str, ...]] | None) -> None:
        if news is not None:
            self._index_stamp, hashes = news
            self._security.allow_scripts(hashes)


def cache_control(relative: str) -> str:
    """Answer the Cache-Control of a file: forever for names that carry a hash, else ask every time."""
    if relative.startswith("assets/") or _WORKBOX.fullmatch(relative):
        return _FOREVER
    return _REVALIDATE


def _stamp(file: Path) -> _Stamp | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return _Stamp(status.st_mtime_ns, status.st_size)


def _read_timestamp(file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            value = orjson.loads(opened.read(_PAGE_LIMIT))
    except (OSError, ValueError):
        log.warning("the UI's build-info.json can't be read")
        return None
    stamp = value.get("buildTimestamp") if isinstance(value, dict) else None
    return stamp if isinstance(stamp, str) else None
