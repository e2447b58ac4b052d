"""The health routes."""

from __future__ import annotations

import asyncio
import json

import pytest

from relay.http.health import Health, Readiness
from relay.storage import Storage
from tests.clock import ManualClock
from tests.http.harness import serving


@pytest.mark.parametrize("path", ["/health", "/status", "/api/status"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PROPFIND"])
async def test_any_method_gets_the_whole_report(clock: ManualClock, path: str, method: str) -> None:
    health = Health(clock, Readiness(), "1.2.3", lambda: "2026-11-24T03:01:43.600Z")
    clock.advance(12.9)
    async with serving(health.routes()) as served:
        answer = await served.get_raw(path, method=method)
    assert answer.status == 200
    assert json.loads(answer.body) == {
        "status": "ok",
        "redis": True,
        "socketio": True,
        "uptime": 12,
        "version": {"server": None, "socketProtocol": 1, "buildTimestamp": "2026-11-24T03:01:43.600Z"},
        "relay": {"name": "relay", "version": "1.2.3"},
    }


async def test_head_gets_the_headers_alone(clock: ManualClock) -> None:
    async with serving(Health(clock, Readiness(), "1", None).routes()) as served:
        answer = await served.get_raw("/health", method="HEAD")
    assert answer.status == 200
    assert int(answer.headers["content-length"]) > 100


@pytest.mark.parametrize(("storage", "sockets", "status"), [(False, True, "degraded"), (True, False, "degraded")])
def test_a_part_that_does_not_work_degrades_it(clock: ManualClock, storage: bool, sockets: bool, status: str) -> None:
    report = Health(clock, Readiness(lambda: storage, lambda: sockets), "1", None).report()
    assert report["status"] == status
    assert report["redis"] is True
    assert report["socketio"] is sockets


async def test_a_foreign_page_can_ask_for_health_with_any_method_but_only_outside_of_the_api(
    clock: ManualClock,
) -> None:
    async with serving(Health(clock, Readiness(), "1", None).routes()) as served:
        foreign = ("Cookie: a=b", "Origin: https://evil.example")
        assert (await served.get_raw("/health", *foreign, method="POST")).status == 200
        assert (await served.get_raw("/status", *foreign, method="POST")).status == 200
        assert (await served.get_raw("/api/status", *foreign, method="POST")).status == 403


async def _answer(answers: bool) -> bool:
    return answers


async def _hang() -> bool:
    await asyncio.Event().wait()
    return True


@pytest.mark.parametrize(
    ("readiness", "status"),
    [
        (Readiness(), 200),
        (Readiness(answers=lambda: _answer(True)), 200),
        (Readiness(answers=lambda: _answer(False)), 503),
        (Readiness(storage=lambda: False), 503),
        (Readiness(sockets=lambda: False), 503),
    ],
)
async def test_ready_says_whether_the_parts_work(clock: ManualClock, readiness: Readiness, status: int) -> None:
    async with serving(Health(clock, readiness, "1", None).routes()) as served:
        answer = await served.get_raw("/ready")
    assert answer.status == status
    assert ("ready" in json.loads(answer.body)) is (status == 200)


async def test_a_database_that_hangs_is_not_ready(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.http.health.READY_WITHIN", 0.05)
    async with serving(Health(clock, Readiness(answers=_hang), "1", None).routes()) as served:
        assert (await served.get_raw("/ready")).status == 503
        assert (await served.get_raw("/health")).status == 200


async def test_a_relay_that_shuts_down_is_not_ready(clock: ManualClock) -> None:
    async with serving(Health(clock, Readiness(), "1", None).routes()) as served:
        assert (await served.get_raw("/ready")).status == 200
        await served.http.close()
        assert (await served.get_raw("/ready")).status == 503


async def test_a_real_database_answers_until_it_is_closed(storage: Storage) -> None:
    assert await storage.answers()
    await storage.close()
    assert not await storage.answers()
