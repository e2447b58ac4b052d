"""`/metrics` of a whole relay: who may read it, and that the numbers follow what happens."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from relay.accounts.api_keys import mint_live
from relay.app_settings import Tuning
from relay.clock import Clock
from relay.config import MetricsSettings
from relay.http.identity import Scope
from relay.observe.metrics import METRICS
from relay.runners.rpc import Family, RunnerOffline, RunnerRefused, RunnerTimeout
from tests.sessions.stage import Stage, until
from tests.viewers.wire import Json

FORWARDED = {"X-Forwarded-For": "203.0.113.9"}


class Watched(Stage):
    """A relay that shows its numbers."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, Clock(), Tuning())
        self._settings = dataclasses.replace(self._settings, metrics=MetricsSettings(enabled=True))


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Watched]:
    async with Watched(tmp_path / "data") as opened:
        yield opened


async def scrape(stage: Stage, **headers: str) -> tuple[int, dict[tuple[str, str], float]]:
    """Answer the status, and the numbers by name and value of the label."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{stage.url}/metrics", headers=headers) as response,
    ):
        text = await response.text()
        if response.status != 200:
            return response.status, {}
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    numbers = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if name != "le"}
            numbers[sample.name, "".join(labels.values())] = sample.value
    return 200, numbers


def is_number(n: int, body: Json) -> bool:
    """Tell whether a delivered event is the n-th."""
    event = body["event"]
    return isinstance(event, dict) and event.get("n") == n


async def numbers(stage: Stage) -> dict[tuple[str, str], float]:
    status, read = await scrape(stage)
    assert status == 200
    return read


async def test_it_is_not_there_unless_it_is_switched_on(tmp_path: Path) -> None:
    async with Stage(tmp_path / "data", Clock(), Tuning()) as stage:
        person = await stage.person("ann")
        assert (await stage.ask("GET", "/metrics", None)).status == 404
        assert (await stage.ask("GET", "/metrics", person)).status == 404


async def test_this_machine_may_read_it_a_proxy_on_it_only_with_a_key(stage: Watched) -> None:
    person = await stage.person("ann")
    assert (await scrape(stage))[0] == 200
    assert (await scrape(stage, **FORWARDED))[0] == 401
    assert (await scrape(stage, **{"X-Real-IP": "127.0.0.1"}))[0] == 401
    assert (await scrape(stage, **FORWARDED, **{"x-api-key": person.key}))[0] == 200
    assert (await scrape(stage, **FORWARDED, Authorization=f"Bearer {person.key}"))[0] == 200
    assert (await scrape(stage, **FORWARDED, **{"x-api-key": "pk_live_no"}))[0] == 401
    # A page of a tunnelled service has the browser's cookie, too.
    assert (await scrape(stage, **FORWARDED, Cookie=person.cookie))[0] == 401


@pytest.mark.parametrize(("scope", "status"), [("full", 200), ("read", 200), ("runner", 403), ("webhooks", 403)])
async def test_a_key_for_something_else_may_not_read_it(stage: Watched, scope: str, status: int) -> None:
    person = await stage.person("ann")
    minted = mint_live()
    await stage.app.accounts.keys.create(person.id, minted, name="scoped", expires_in=None, scope=Scope(scope))
    assert (await scrape(stage, **FORWARDED, **{"x-api-key": minted.raw}))[0] == status


async def test_every_metric_is_written_once_with_at_least_one_number(stage: Watched) -> None:
    read = await numbers(stage)
    names = [metric.name for metric, _ in METRICS]
    assert len(set(names)) == len(names)
    for metric, _ in METRICS:
        assert any(name == metric.name or name.startswith(f"{metric.name}_") for name, _ in read), metric.name
        assert metric.text.endswith(".")
    assert read["relay_tasks", ""] > 0
    assert read["process_open_fds", ""] > 5
    assert read["process_resident_memory_bytes", ""] > 2**20


async def test_sockets_sessions_events_and_deliveries_are_counted(stage: Watched) -> None:
    person = await stage.person("ann")
    before = await numbers(stage)
    agent = await stage.agent(person, "s1")
    viewers = [await (await stage.wire()).join("/viewer", {"apiKey": person.key}) for _ in range(3)]
    for viewer in viewers:
        await viewer.emit("switch_session", {"sessionId": "s1", "generation": 1})
        await viewer.take("connected")
    joined = await numbers(stage)
    assert joined["relay_sockets", "/viewer"] == 3
    assert joined["relay_sockets", "/relay"] == 1
    assert joined["relay_connections", ""] == 4
    assert joined["relay_connections_opened_total", ""] - before["relay_connections_opened_total", ""] == 4
    assert joined["relay_sessions", "connected"] == 1
    await agent.send(*({"type": "custom", "n": n} for n in range(10)))
    for viewer in viewers:
        for n in range(10):
            await viewer.take("event", partial(is_number, n))
    after = await numbers(stage)
    assert after["relay_agent_events_total", ""] - joined["relay_agent_events_total", ""] == 10
    assert after["relay_deliveries_total", "/viewer"] - joined["relay_deliveries_total", "/viewer"] == 30
    assert after["relay_messages_received_total", ""] - joined["relay_messages_received_total", ""] >= 10
    assert after["relay_messages_sent_total", ""] - joined["relay_messages_sent_total", ""] >= 40


async def test_calls_to_runners_are_timed_and_failures_told_apart(stage: Watched) -> None:
    person = await stage.person("ann")
    runner = await stage.runner(person)
    before = await numbers(stage)
    assert before["relay_runners", ""] == 1
    connected = stage.app.runners.registry.get("r1")
    assert connected is not None
    rpc = stage.app.runners.rpc

    call = asyncio.create_task(rpc.call(connected, "x", {}))
    body = await runner.socket.take("x")
    assert (await numbers(stage))["relay_queue_depth", "runner_calls"] == 1
    assert rpc.resolve(connected.socket, Family.GENERIC, body["requestId"], {"a": 1})
    assert await call == {"a": 1}
    refused = asyncio.create_task(rpc.call(connected, "y", {}))
    body = await runner.socket.take("y")
    assert rpc.reject(connected.socket, Family.GENERIC, body["requestId"], "no")
    with pytest.raises(RunnerRefused):
        await refused
    with pytest.raises(RunnerTimeout):
        await rpc.call(connected, "z", {}, timeout=0.01)
    lost = asyncio.create_task(rpc.call(connected, "w", {}))
    await runner.socket.take("w")
    await runner.leave()
    with pytest.raises(RunnerOffline):
        await lost
    after = await numbers(stage)
    assert after["relay_runner_call_seconds_count", "generic"] == 2
    assert 0 < after["relay_runner_call_seconds_sum", "generic"] < 60
    assert after["relay_runner_calls_failed_total", "timeout"] == 1
    assert after["relay_runner_calls_failed_total", "runner_gone"] == 1
    assert after["relay_runner_calls_failed_total", "refused"] == 1
    assert after["relay_queue_depth", "runner_calls"] == 0


async def test_the_write_behind_lags_until_it_is_written(stage: Watched) -> None:
    person = await stage.person("ann")
    agent = await stage.agent(person, "s1")
    await agent.active(3)
    persistence = stage.app.sessions.persistence
    await until(lambda: not any(persistence.pending.values()))
    read = await numbers(stage)
    assert read["relay_write_behind_lag_seconds", ""] == 0
    assert read["relay_write_behind_sessions", "rows"] == 0
    persistence.mark_row(stage.session("s1"))
    assert persistence.pending["rows"] == 1
    assert persistence.lag >= 0
    await until(lambda: persistence.lag > 0)
    await until(lambda: persistence.pending["rows"] == 0)


async def test_answers_are_counted_by_the_class_of_their_status(stage: Watched) -> None:
    before = await numbers(stage)
    await stage.ask("GET", "/api/nothing", None)
    await stage.ask("GET", "/api/me", None)
    await stage.ask("GET", "/health", None)
    after = await numbers(stage)
    assert after["relay_http_responses_total", "4xx"] - before["relay_http_responses_total", "4xx"] == 2
    assert after["relay_http_responses_total", "2xx"] - before["relay_http_responses_total", "2xx"] == 2
