"""Coming back from the login of an MCP server: rest-account.md 10.1, sockets-agents.md 2.14."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from relay.app_settings import Tuning
from relay.sessions.mcp_oauth import MAX_NONCES, NONCE_LIFE, BadState, Login, Nonces, read_state
from tests.clock import ManualClock
from tests.sessions.stage import Stage
from tests.viewers.house import Person

PATH = "/api/mcp-oauth-callback"


def state(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


GOOD = {"sessionId": "s1", "nonce": "n1", "oauthState": "xyz"}


@pytest.fixture
async def stage(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Stage]:
    async with Stage(tmp_path / "data", clock, Tuning()) as made:
        yield made


@pytest.fixture
async def ann(stage: Stage) -> Person:
    return await stage.person("ann")


async def visit(stage: Stage, query: Mapping[str, str]) -> tuple[int, str]:
    """Answer status and page, after what every page must be."""
    async with aiohttp.ClientSession() as client, client.get(stage.url + PATH, params=query) as response:
        text = await response.text()
        assert response.content_type == "text/html"
        assert response.headers["Cache-Control"] == "no-store"
        assert "script" not in text
        title = text.partition("<title>")[2].partition("</title>")[0]
        assert f"<h1>{title}</h1>" in text
        return response.status, text


def titled(page: tuple[int, str]) -> tuple[int, str]:
    return page[0], page[1].partition("<title>")[2].partition("</title>")[0]


async def test_the_agent_gets_the_code_once(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann)
    query = {"code": "c0de", "state": state(GOOD)}
    assert titled(await visit(stage, query)) == (200, "Authentication Successful")
    assert await agent.socket.take("mcp_oauth_callback") == {
        "sessionId": "s1",
        "nonce": "n1",
        "code": "c0de",
        "state": state(GOOD),
        "oauthState": "xyz",
    }
    assert titled(await visit(stage, query)) == (409, "Already Used")
    assert titled(await visit(stage, {"code": "other", "state": state({**GOOD, "more": 1})})) == (409, "Already Used")
    assert titled(await visit(stage, {"code": "c", "state": state({**GOOD, "nonce": "n2"})})) == (
        200,
        "Authentication Successful",
    )
    assert (await agent.socket.take("mcp_oauth_callback"))["nonce"] == "n2"
    await agent.send({"type": "heartbeat", "active": False})
    assert "mcp_oauth_callback" not in agent.socket.unread()


async def test_what_was_not_in_the_state_is_not_sent(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann)
    raw = state({"sessionId": "s1", "nonce": "n"})
    await visit(stage, {"code": "c", "state": raw})
    body = await agent.socket.take("mcp_oauth_callback")
    assert body == {"sessionId": "s1", "nonce": "n", "code": "c", "state": raw}


async def test_two_visits_at_once_tell_the_agent_once(stage: Stage, ann: Person) -> None:
    await stage.agent(ann)
    pages = await asyncio.gather(*(visit(stage, {"code": "c", "state": state(GOOD)}) for _ in range(5)))
    assert sorted(status for status, _ in pages) == [200, 409, 409, 409, 409]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"error": "access_denied"}, (400, "Authentication Failed")),
        ({"error": "x", "code": "c", "state": "s"}, (400, "Authentication Failed")),
        ({}, (400, "Bad Request")),
        ({"code": "c"}, (400, "Bad Request")),
        ({"state": state(GOOD)}, (400, "Bad Request")),
        ({"code": "", "state": state(GOOD)}, (400, "Bad Request")),
        ({"code": "c", "state": "%%%"}, (400, "Bad Request")),
        ({"code": "c", "state": state([])}, (400, "Bad Request")),
        ({"code": "c", "state": state(None)}, (400, "Bad Request")),
        ({"code": "c", "state": state({"sessionId": "s1"})}, (400, "Bad Request")),
        ({"code": "c", "state": state({"nonce": "n"})}, (400, "Bad Request")),
        ({"code": "c", "state": state({"sessionId": 1, "nonce": "n"})}, (400, "Bad Request")),
        ({"code": "c", "state": state({"sessionId": "s1", "nonce": ""})}, (400, "Bad Request")),
    ],
)
async def test_what_leads_nowhere(stage: Stage, query: dict[str, str], expected: tuple[int, str]) -> None:
    assert titled(await visit(stage, query)) == expected


async def test_what_a_stranger_writes_is_escaped(stage: Stage) -> None:
    query = {"error": "x", "error_description": "<img src=x onerror='alert(1)'>&\"\ud83c\udf55"}
    _, text = await visit(
        stage, {key: value.encode("utf-16", "surrogatepass").decode("utf-16") for key, value in query.items()}
    )
    assert "&lt;img src=x onerror=&#x27;alert(1)&#x27;&gt;&amp;&quot;🍕" in text
    assert "<img" not in text


async def test_without_a_session_the_page_says_the_same(stage: Stage) -> None:
    assert titled(await visit(stage, {"code": "c", "state": state(GOOD)})) == (200, "Authentication Successful")


async def test_an_agent_that_is_away_is_waited_for(stage: Stage, ann: Person) -> None:
    await stage.agent(ann)
    await stage.restart()
    visiting = asyncio.create_task(visit(stage, {"code": "c", "state": state(GOOD)}))
    await asyncio.sleep(0.05)
    agent = await stage.agent(ann)
    assert titled(await visiting) == (200, "Authentication Successful")
    assert (await agent.socket.take("mcp_oauth_callback"))["code"] == "c"


async def test_a_visit_that_reached_no_agent_may_be_repeated(tmp_path: Path, clock: ManualClock) -> None:
    tuning = Tuning()
    tuning = replace(tuning, sessions=replace(tuning.sessions, agent_wait=0.05))
    async with Stage(tmp_path / "other", clock, tuning) as stage:
        ann = await stage.person("ann")
        await stage.agent(ann)
        await stage.restart()
        query = {"code": "c", "state": state(GOOD)}
        assert titled(await visit(stage, query)) == (503, "Server Error")
        agent = await stage.agent(ann)
        assert titled(await visit(stage, query)) == (200, "Authentication Successful")
        assert (await agent.socket.take("mcp_oauth_callback"))["nonce"] == "n1"


def test_a_used_nonce_is_remembered_for_a_quarter_of_an_hour(clock: ManualClock) -> None:
    nonces = Nonces(clock)
    assert nonces.use("s", "n")
    assert nonces.use("s", "m")
    assert nonces.use("sn", "")
    clock.advance(NONCE_LIFE - 0.1)
    assert not nonces.use("s", "n")
    clock.advance(0.1)
    assert nonces.use("s", "n")


def test_strangers_cannot_fill_the_memory(clock: ManualClock) -> None:
    nonces = Nonces(clock)
    for number in range(MAX_NONCES + 5):
        assert nonces.use("s", str(number))
    assert len(nonces._used) == MAX_NONCES
    assert not nonces.use("s", str(MAX_NONCES))


def test_states_are_read_as_leniently_as_upstream_does() -> None:
    raw = state({"sessionId": "s?>", "nonce": "~~~", "oauthState": None})
    login = Login("s?>", "~~~", {"oauthState": None})
    for text in (raw, raw + "==", raw.replace("-", "+").replace("_", "/"), f" {raw[:4]}\n{raw[4:]}"):
        assert read_state(text) == login
    with pytest.raises(BadState):
        read_state("a")
