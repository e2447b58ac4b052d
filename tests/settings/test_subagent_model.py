"""The model for subagents: rest-account.md 7, sockets-agents.md 2.2."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
import pytest

from relay.app_settings import Tuning
from tests.clock import ManualClock
from tests.sessions.stage import Answer, Stage
from tests.viewers.house import Agent, Person

PATH = "/api/settings/subagent-model"
EVENT = "subagent_model_update"


@pytest.fixture
async def stage(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Stage]:
    async with Stage(tmp_path / "data", clock, Tuning()) as made:
        yield made


@pytest.fixture
async def ann(stage: Stage) -> Person:
    return await stage.person("ann")


async def put(stage: Stage, person: Person, body: Mapping[str, object]) -> tuple[int, object]:
    answer = await stage.ask("PUT", PATH, person, body)
    return answer.status, answer.body


async def read(stage: Stage, person: Person) -> object:
    answer: Answer = await stage.ask("GET", PATH, person)
    assert (answer.status, set(answer.body)) == (200, {"model"})
    return answer.body["model"]


async def silent(agent: Agent) -> None:
    """Hold that the agent heard of no model, once everything that was sent to it has arrived."""
    await agent.send({"type": "heartbeat", "active": False})
    assert EVENT not in agent.socket.unread()


@pytest.mark.parametrize(
    ("sent", "model"),
    [
        ("openai/gpt-5", "openai/gpt-5"),
        ("  openai/gpt-5\n", "openai/gpt-5"),
        ("openrouter/meta/llama:free", "openrouter/meta/llama:free"),
        ("", None),
        ("  ", None),
        (None, None),
        (7, None),
        (["openai/gpt-5"], None),
    ],
)
async def test_a_choice_is_kept_and_anything_else_clears_it(
    stage: Stage, ann: Person, sent: object, model: str | None
) -> None:
    assert await put(stage, ann, {"model": "first/one"}) == (200, {"ok": True, "model": "first/one"})
    assert await put(stage, ann, {"model": sent}) == (200, {"ok": True, "model": model})
    assert await read(stage, ann) == model
    await stage.restart()
    assert await read(stage, ann) == model


async def test_an_object_without_the_field_clears(stage: Stage, ann: Person) -> None:
    await put(stage, ann, {"model": "first/one"})
    assert await put(stage, ann, {"other": 1}) == (200, {"ok": True, "model": None})
    assert await read(stage, ann) is None


@pytest.mark.parametrize("sent", ["gpt-5", "/gpt-5", "openai/", "open ai/gpt-5", "openai/gpt 5", "openai/ gpt"])
async def test_what_is_no_model_is_refused_and_changes_nothing(stage: Stage, ann: Person, sent: str) -> None:
    await put(stage, ann, {"model": "first/one"})
    assert await put(stage, ann, {"model": sent}) == (400, {"error": 'Invalid model — expected "provider/id"'})
    assert await read(stage, ann) == "first/one"


@pytest.mark.parametrize("text", ["{", "[]", "null", '"openai/gpt-5"'])
async def test_a_body_that_is_no_object_changes_nothing(stage: Stage, ann: Person, text: str) -> None:
    await put(stage, ann, {"model": "first/one"})
    headers = {"x-api-key": ann.key, "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession() as client,
        client.put(stage.url + PATH, data=text.encode(), headers=headers) as response,
    ):
        assert (response.status, await response.json()) == (400, {"error": "Invalid JSON body"})
    assert await read(stage, ann) == "first/one"


async def test_nobody_else_reads_or_writes_it(stage: Stage, ann: Person) -> None:
    bob = await stage.person("bob")
    await put(stage, ann, {"model": "first/one"})
    await put(stage, bob, {"model": "second/two"})
    assert (await read(stage, ann), await read(stage, bob)) == ("first/one", "second/two")
    assert (await stage.ask("GET", PATH, None)).status == 401
    assert (await stage.ask("PUT", PATH, None, {"model": "x/y"})).status == 401


async def test_every_connected_worker_of_the_user_hears_of_a_change(stage: Stage, ann: Person) -> None:
    bob = await stage.person("bob")
    first, second, other = await stage.agent(ann), await stage.agent(ann, "s2"), await stage.agent(bob, "s3")
    for model in ("openai/gpt-5", None):
        await put(stage, ann, {"model": model})
        for agent in (first, second):
            assert await agent.socket.take(EVENT) == {"model": model}
    await silent(other)


async def test_changes_reach_workers_in_the_order_of_the_writes(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann)
    await asyncio.gather(*(put(stage, ann, {"model": f"p/{number}"}) for number in range(10)))
    heard = [await agent.socket.take(EVENT) for _ in range(10)]
    assert {str(body["model"]) for body in heard} == {f"p/{number}" for number in range(10)}
    assert heard[-1]["model"] == await read(stage, ann)


async def test_a_worker_hears_of_the_choice_right_after_it_registered(stage: Stage, ann: Person) -> None:
    without = await stage.agent(ann, "s1")
    await silent(without)
    await put(stage, ann, {"model": "openai/gpt-5"})
    agent = await stage.agent(ann, "s2")
    assert await agent.socket.take(EVENT) == {"model": "openai/gpt-5"}
    names = [name for name, _ in agent.socket.log]
    assert names.index("registered") < names.index(EVENT)
