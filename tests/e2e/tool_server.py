"""Stand in for an MCP server behind an OAuth login, on loopback: tools, discovery, registration, tokens.

Speaks MCP's streamable HTTP form (JSON-RPC 2.0 in POST bodies, specification 2025-03-26) and what its authorization
part asks of a server: RFC 9728 and 8414 (discovery), 7591 (registration) and 7636 (proof of possession of the code).
Where people say yes, the login page, is left to the test: `grant` answers the address that it sends them back to.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Final, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import web

from tests.e2e.transcript import JsonObject, as_object
from tests.e2e.waiting import Signal

TOOL: Final = "tea_time"
#: What the tool says.
ANSWER: Final = "tea is at four"


class ToolServer:
    """Serve the stand-in on a port of its own, in the loop of the test."""

    def __init__(self) -> None:
        self.changed = Signal()
        #: Methods that were called with a token, in order.
        self.called: list[str] = []
        #: Addresses that clients registered to come back to.
        self.redirects: list[str] = []
        self.port = 0
        self._challenges: dict[str, str] = {}
        self._tokens: set[str] = set()
        self._runner: web.AppRunner | None = None

    @property
    def base(self) -> str:
        """Answer the address of the authorization server, which is the same."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Answer the address of the tools."""
        return f"{self.base}/mcp"

    def grant(self, login: str) -> str:
        """Say yes on the login page of that address; answer where the browser is sent then."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(login).query).items()}
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert query["redirect_uri"] in self.redirects
        code = secrets.token_hex(8)
        self._challenges[code] = query["code_challenge"]
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/.well-known/oauth-protected-resource{rest:.*}", self._resource)
        app.router.add_get("/.well-known/oauth-authorization-server{rest:.*}", self._server)
        app.router.add_post("/register", self._register)
        app.router.add_post("/token", self._token)
        app.router.add_post("/mcp", self._tools)
        self._runner = web.AppRunner(app, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _resource(self, _request: web.Request) -> web.Response:
        return web.json_response({"resource": self.url, "authorization_servers": [self.base]})

    async def _server(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.base,
                "authorization_endpoint": f"{self.base}/authorize",
                "token_endpoint": f"{self.base}/token",
                "registration_endpoint": f"{self.base}/register",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            }
        )

    async def _register(self, request: web.Request) -> web.Response:
        wanted = as_object(await request.json())
        redirects = wanted["redirect_uris"]
        assert isinstance(redirects, list)
        self.redirects += [str(each) for each in redirects]
        return web.json_response({**wanted, "client_id": "client", "client_secret": "secret"}, status=201)

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        # A code is good for one try, whatever becomes of it.
        expected = self._challenges.pop(str(form.get("code")), None)
        digest = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        if expected is None or base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != expected:
            return web.json_response({"error": "invalid_grant"}, status=400)
        token = secrets.token_hex(16)
        self._tokens.add(token)
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": 3600})

    async def _tools(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self._tokens:
            where = f'Bearer resource_metadata="{self.base}/.well-known/oauth-protected-resource"'
            return web.json_response({"error": "unauthorized"}, status=401, headers={"WWW-Authenticate": where})
        asked = as_object(json.loads(await request.read()))
        method = str(asked.get("method"))
        self.called.append(method)
        self.changed.notify()
        if "id" not in asked:
            return web.Response(status=202)
        return web.json_response({"jsonrpc": "2.0", "id": asked["id"], "result": _result(method, asked)})


def _result(method: str, asked: JsonObject) -> JsonObject:
    if method == "initialize":
        version = as_object(asked.get("params")).get("protocolVersion")
        info = {"name": "tea", "version": "1"}
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
    if method == "tools/list":
        tool = {"name": TOOL, "description": "Tells when tea is", "inputSchema": {"type": "object", "properties": {}}}
        return {"tools": [tool]}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": ANSWER}]}
    return {}
