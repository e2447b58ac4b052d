"""Hand the answer of an MCP server's OAuth login to the session that asked for it (rest-account.md 10.1)."""

from __future__ import annotations

import binascii
import hashlib
import html
import logging
import re
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from relay import jsontext
from relay.clock import Clock
from relay.http.errors import ErrorSpec
from relay.http.routes import Auth, Call, Route
from relay.http.shapes import HTML, Shape
from relay.sessions import schemas
from relay.sessions.registry import SessionRegistry

log = logging.getLogger(__name__)

#: Seconds for which a used nonce is remembered (10.1).
NONCE_LIFE: Final = 900.0
#: Nonces remembered; anybody can make them up, so there must be an end.
MAX_NONCES: Final = 10_000
#: The pages that are no success, for the API document; what they say depends.
BAD_RETURN: Final = ErrorSpec(400, "Authentication failed, or the request is no return from a login")
ALREADY_RETURNED: Final = ErrorSpec(409, "This callback has already been processed.")
AGENT_AWAY: Final = ErrorSpec(503, "The session is not connected. Please reload this page in a moment.")
_NO_BASE64: Final = re.compile(r"[^A-Za-z0-9+/]")
_HEADERS: Final = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>body {{ font-family: system-ui, sans-serif; max-width: 30em; margin: 5em auto; text-align: center }}</style>
</head>
<body>
<h1>{title}</h1>
<p>{text}</p>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Login:
    """Hold what the client put into `state`; `more` has `oauthState` when that was in it."""

    session_id: str
    nonce: str
    more: Mapping[str, object]


class BadState(ValueError):
    """Say why a `state` is of no use."""


class Nonces:
    """Remember what was used, for a time and in bounded memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._used: OrderedDict[bytes, float] = OrderedDict()

    def use(self, session_id: str, nonce: str) -> bool:
        """Take note of a nonce; False when it was used before."""
        now = self._clock.monotonic()
        while self._used and (next(iter(self._used.values())) <= now or len(self._used) >= MAX_NONCES):
            self._used.popitem(last=False)
        key = hashlib.sha256(f"{len(session_id)}:{session_id}:{nonce}".encode("utf-8", "surrogatepass")).digest()
        if key in self._used:
            return False
        self._used[key] = now + NONCE_LIFE
        return True

    def forget(self, session_id: str, nonce: str) -> None:
        """Let a nonce be used again, because nothing came of it."""
        key = hashlib.sha256(f"{len(session_id)}:{session_id}:{nonce}".encode("utf-8", "surrogatepass")).digest()
        self._used.pop(key, None)


class McpOAuth:
    """Answer the browser that comes back from a third party; nobody is signed in there, by design."""

    def __init__(self, registry: SessionRegistry, clock: Clock, agent_wait: float) -> None:
        """`agent_wait` is how many seconds the agent of a known session may take to come back."""
        self._registry = registry
        self._nonces = Nonces(clock)
        self._agent_wait = agent_wait

    def table(self) -> list[Route]:
        """Answer the row."""
        return [
            Route(
                "GET",
                "/api/mcp-oauth-callback",
                self.callback,
                "Return from the login of an MCP server",
                auth=Auth.NONE,
                errors=(BAD_RETURN, ALREADY_RETURNED, AGENT_AWAY),
                shape=Shape(str, query=schemas.OAuthReturn, media=HTML, error_media=HTML),
            )
        ]

    async def callback(self, call: Call) -> web.Response:
        """Answer a page for people, and tell the agent; 200 even if no such session is there, as upstream.

        A session whose agent is away gets some seconds to come back; after them the page asks to be loaded again, and
        the nonce stays good.
        """
        query = call.query
        error = query.get("error")
        if error:
            return _page(400, "Authentication Failed", query.get("error_description") or error)
        code, raw = query.get("code"), query.get("state")
        if not code or not raw:
            return _page(400, "Bad Request", "Missing code or state parameter.")
        try:
            login = read_state(raw)
        except BadState as reason:
            return _page(400, "Bad Request", str(reason))
        if not self._nonces.use(login.session_id, login.nonce):
            return _page(409, "Already Used", ALREADY_RETURNED.message)
        if not await self._tell(login, code, raw):
            self._nonces.forget(login.session_id, login.nonce)
            return _page(503, "Server Error", AGENT_AWAY.message)
        return _page(200, "Authentication Successful", "You can close this tab and return to your session.")

    async def _tell(self, login: Login, code: str, raw: str) -> bool:
        """Tell the session's agent; answer False when it is known but away."""
        if self._registry.get(login.session_id) is None:
            log.info("an MCP login came back for no live session", extra={"session_id": login.session_id[:64]})
            return True
        session = await self._registry.connected(login.session_id, self._agent_wait)
        if session is None or session.socket is None:
            return False
        body = {"sessionId": login.session_id, "nonce": login.nonce, "code": code, "state": raw, **login.more}
        session.socket.emit("mcp_oauth_callback", body)
        return True


def read_state(raw: str) -> Login:
    """Read `state` as leniently as upstream's base64url decoder; raises BadState."""
    text = _NO_BASE64.sub("", raw.replace("-", "+").replace("_", "/"))
    try:
        state = jsontext.loads(b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise BadState("Invalid state parameter.") from error
    if not isinstance(state, dict):
        raise BadState("Invalid state parameter.")
    session_id, nonce = state.get("sessionId"), state.get("nonce")
    if not isinstance(session_id, str) or not isinstance(nonce, str) or not session_id or not nonce:
        raise BadState("Invalid state: missing sessionId or nonce.")
    return Login(session_id, nonce, {"oauthState": state["oauthState"]} if "oauthState" in state else {})


def _page(status: int, title: str, text: str) -> web.Response:
    page = _PAGE.format(title=html.escape(title), text=html.escape(text))
    return web.Response(status=status, body=page.encode("utf-8", "replace"), headers=_HEADERS)
