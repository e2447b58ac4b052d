"""Run the whole relay with runners, agents and HTTP callers at its door."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import aiohttp

from tests.viewers.house import Agent, House, Person
from tests.viewers.wire import WAIT, Joined, Json


@dataclass
class Answer:
    """One HTTP answer; `body` is its JSON object."""

    status: int
    body: Json
    headers: dict[str, str]


class Runner:
    """A daemon on `/runner`."""

    def __init__(self, socket: Joined, runner_id: str) -> None:
        self.socket = socket
        self.id = runner_id

    async def ready(self, session_id: str) -> None:
        await self.socket.emit("session_ready", {"sessionId": session_id})

    async def leave(self) -> None:
        await self.socket.wire.close()


class Stage(House):
    """A relay, and shorthands for those who call it."""

    async def runner(self, person: Person, runner_id: str = "r1", **profile: object) -> Runner:
        wire = await self.wire()
        socket = await wire.join("/runner", {"apiKey": person.key, "protocolVersion": 1, "clientVersion": "0.52.0"})
        await socket.emit("register_runner", {"runnerId": runner_id, "runnerSecret": "s", "name": "box", **profile})
        await socket.take("runner_registered")
        return Runner(socket, runner_id)

    async def ask(
        self, method: str, path: str, person: Person | None, body: Mapping[str, object] | None = None, **headers: str
    ) -> Answer:
        """Send one request with the person's key."""
        sent = {**({"x-api-key": person.key} if person is not None else {}), **headers}
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client,
            client.request(method, f"{self.url}{path}", json=body, headers=sent, allow_redirects=False) as response,
        ):
            text = await response.text()
            parsed = await response.json() if response.content_type == "application/json" and text else {}
            assert isinstance(parsed, dict)
            return Answer(response.status, parsed, dict(response.headers))

    async def spawn(self, person: Person, runner: Runner, **body: object) -> tuple[asyncio.Task[Answer], Json]:
        """Begin a spawn; answer the request under way and what the runner was told."""
        task = asyncio.create_task(self.ask("POST", "/api/runners/spawn", person, {"runnerId": runner.id, **body}))
        return task, await runner.socket.take("new_session")

    async def started(self, person: Person, runner: Runner, **body: object) -> str:
        """Spawn a session and let the runner say that it is ready; answer its id."""
        task, order = await self.spawn(person, runner, **body)
        session_id = str(order["sessionId"])
        await runner.ready(session_id)
        answer = await task
        assert answer.status == 200, answer.body
        return session_id

    async def child(self, person: Person, parent: Agent, session_id: str, **more: object) -> Agent:
        """Register an agent that names its parent."""
        return await self.agent(person, session_id, parentSessionId=parent.session_id, **more)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(WAIT):
        while not condition():
            await asyncio.sleep(0.005)


def failed(answer: list[object]) -> str:
    """Answer the error of an explicit, failed acknowledgement."""
    assert len(answer) == 1
    body = answer[0]
    assert isinstance(body, dict)
    assert body["ok"] is False
    error = body["error"]
    assert isinstance(error, str)
    return error
