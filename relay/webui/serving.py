"""Serve the UI that comes with the relay, or say in one sentence how to get it."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import quote

from aiohttp import web

from relay.http.errors import NOT_FOUND
from relay.http.routes import Auth, Call, Route
from relay.http.security import SecurityHeaders
from relay.http.shapes import PAGE
from relay.http.static import StaticUi

#: Where the build hook puts the built page.
DIST: Final = Path(__file__).parent / "dist"
#: What `/` says when the page was not built.
HOW_TO_GET_IT: Final = (
    "The web UI is not built: install Node 20.19 or later, or let pip reach a package index, and install the relay "
    "once more; or name a built UI with --ui-dir.\n"
)


class OwnUi(StaticUi):
    """Serve the built page under a policy that lets no inline script run."""

    def __init__(self, security: SecurityHeaders, root: Path = DIST) -> None:
        """Raise OSError when the page was not built."""
        super().__init__(root, security)
        security.tighten()

    def routes(self) -> list[Route]:
        """Answer the redirects of the share URL and of the links that `pizza` prints when it asks to be let in.

        The published client's QR code holds `/setup-claim?t=` (rest-account.md 5); the page has `/link/{token}`.
        """

        async def redirect(call: Call) -> web.StreamResponse:
            token = call.request.query.get("t", "")
            return web.Response(
                status=302, headers={"Location": f"/link/{quote(token, safe='')}", "Cache-Control": "no-cache"}
            )

        return [
            *super().routes(),
            *(
                Route(
                    method,
                    "/setup-claim",
                    redirect,
                    "Lead the QR code of a runner to the UI",
                    auth=Auth.NONE,
                    shape=PAGE,
                )
                for method in ("GET", "HEAD")
            ),
        ]


class NoUi:
    """Stand in for a UI that was not built."""

    async def serve(self, request: web.Request, path: str) -> web.StreamResponse:
        """Answer at `/` how to get the UI; raises ApiError 404 for every other path."""
        if path != "/" or request.method not in {"GET", "HEAD"}:
            raise NOT_FOUND()
        return web.Response(text=HOW_TO_GET_IT, status=404, headers={"Cache-Control": "no-store"})


def own_ui(security: SecurityHeaders, root: Path = DIST) -> OwnUi | None:
    """Answer the UI that comes with the relay, None when it was not built."""
    try:
        return OwnUi(security, root)
    except OSError:
        return None
