"""Prove that the login of an MCP server comes back through the relay to the agent that asked for it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from tests.e2e.provider import Call, Say
from tests.e2e.stack import Stack
from tests.e2e.tool_server import ANSWER, TOOL, ToolServer
from tests.e2e.transcript import as_object
from tests.e2e.viewer import Viewer

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b")]


@pytest.fixture
async def tools() -> AsyncIterator[ToolServer]:
    """An MCP server that wants a login."""
    async with ToolServer() as server:
        yield server


def told(viewer: Viewer, kind: str) -> list[Mapping[str, object]]:
    """Answer the events of one type that the agent sent."""
    events = [as_object(payload.get("event")) for payload in viewer.events("event")]
    return [event for event in events if event.get("type") == kind]


async def visit(address: str) -> tuple[int, str]:
    """Go to a page as a browser that is signed in nowhere; answer status and text."""
    async with aiohttp.ClientSession() as http, http.get(address) as response:
        return response.status, await response.text()


async def test_a_login_comes_back_to_the_agent_once_and_its_tools_are_there(stack: Stack, tools: ToolServer) -> None:
    stack.provider.plan("^when is tea", Call(f"mcp__tea__{TOOL}"), Say("so it is"))
    session_id = await stack.spawn()
    viewer = await stack.viewer(session_id)
    servers = {"tea": {"url": tools.url, "transport": "streamable"}}
    settings = stack.folder / "runner-home" / ".pizzapi" / "config.json"
    known = json.loads(settings.read_text()) if settings.exists() else {}
    settings.write_text(json.dumps({**known, "mcpServers": servers}))
    reloaded = await stack.post(f"/api/runners/{stack.runner_id}/mcp/reload", {})
    assert reloaded["sessionIds"] == [session_id]

    await viewer.until(lambda: told(viewer, "mcp_auth_required") != [], "the agent to ask for a login", 30)
    back = tools.grant(str(told(viewer, "mcp_auth_required")[0]["authUrl"]))
    assert tools.redirects == [f"{stack.url}/api/mcp-oauth-callback"]
    status, page = await visit(back)
    assert (status, "Authentication Successful" in page) == (200, True)
    await viewer.until(lambda: told(viewer, "mcp_auth_complete") != [], "the agent to have its token", 20)
    await tools.changed.until(lambda: "tools/list" in tools.called, "the agent to ask for the tools", 20)
    assert (await visit(back))[0] == 409
    await viewer.until(lambda: viewer.events("exec_result") != [], "the result of the reload", 30)

    assert await viewer.tell("when is tea")
    await viewer.until_said("so it is")
    assert "tools/call" in tools.called
    assert stack.provider.heard(ANSWER)
    assert str(told(viewer, "mcp_auth_complete")[0]["serverName"]) == "tea"
    code = parse_qs(urlsplit(back).query)["code"][0]
    assert code not in stack.relay.process.output()
