"""Who may connect to `/viewer` and `/hub`, and over what (sockets-browsers.md 1)."""

from __future__ import annotations

import asyncio

import pytest
import socketio

from tests.viewers.house import House, Person, contents, events
from tests.viewers.wire import WAIT, Refused

NAMESPACES = ["/viewer", "/hub"]


@pytest.mark.parametrize("namespace", NAMESPACES)
async def test_browsers_01_a_foreign_origin_is_refused_even_with_a_valid_key(
    house: House, ann: Person, namespace: str
) -> None:
    wire = await house.wire({"Origin": "http://evil.example"})
    with pytest.raises(Refused, match=r"^forbidden: untrusted origin$"):
        await wire.join(namespace, {"apiKey": ann.key})
    assert not wire.closed.is_set()


@pytest.mark.parametrize("namespace", NAMESPACES)
async def test_browsers_01_no_origin_is_accepted_and_no_credentials_are_unauthorized(
    house: House, ann: Person, namespace: str
) -> None:
    wire = await house.wire()
    for auth in ({}, {"apiKey": "wrong"}, {"apiKey": 5}):
        with pytest.raises(Refused, match=r"^unauthorized$"):
            await wire.join(namespace, {**auth})
    assert (await wire.join(namespace, {"apiKey": ann.key})).name == namespace


async def test_browsers_02_namespaces_share_a_connection_and_leave_it_one_by_one(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    wire = await house.wire({"Cookie": ann.cookie, "Origin": house.url})
    hub, viewer = await wire.join("/hub", {}), await wire.join("/viewer", {})
    await viewer.emit("switch_session", {"sessionId": "s1"})
    await viewer.take("connected")
    await wire.leave(viewer)
    await hub.emit("subscribe_session_meta", {"sessionId": "s1"})
    await hub.take("state_snapshot")
    assert len(house.session("s1").audience) == 0
    again = await wire.join("/viewer", {})
    await again.emit("switch_session", {"sessionId": "s1"})
    await again.take("connected")
    await agent.end(hub)
    await again.until_kicked()
    assert not hub.kicked
    assert not wire.closed.is_set()


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]])
async def test_browsers_02_polling_websocket_and_the_upgrade_work(
    house: House, ann: Person, transports: list[str]
) -> None:
    agent = await house.agent(ann)
    await agent.active(3)
    agent.socket.answers["input"] = True
    client = socketio.AsyncClient(reconnection=False)
    got: asyncio.Queue[tuple[str, object]] = asyncio.Queue()

    async def arrived(event: str, body: object) -> None:
        got.put_nowait((event, body))

    client.on("*", arrived, namespace="/viewer")
    await client.connect(
        house.url, namespaces=["/viewer"], headers={"Cookie": ann.cookie}, transports=transports, wait_timeout=WAIT
    )
    try:
        await client.emit("switch_session", {"sessionId": "s1", "generation": 1}, namespace="/viewer")
        async with asyncio.timeout(WAIT):
            assert (await got.get())[0] == "connected"
            assert (await got.get())[0] == "service_announce"
            name, body = await got.get()
            assert name == "event"
            assert isinstance(body, dict)
            assert contents(body) == ["m0", "m1", "m2"]
            assert await client.call("input", {"text": "x"}, namespace="/viewer", timeout=WAIT) is True
    finally:
        await client.disconnect()
        await client.shutdown()


@pytest.fixture
def big() -> dict[str, object]:
    """A state of 50 MB."""
    messages = [{"role": "user", "content": "x" * 500_000, "timestamp": index} for index in range(100)]
    return {"type": "session_active", "state": {"messages": messages}}


async def test_browsers_02_a_snapshot_of_50_mb_passes(house: House, ann: Person, big: dict[str, object]) -> None:
    agent = await house.agent(ann)
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1"})
    await viewer.take("connected")
    await agent.send(big)
    assert len(contents(await viewer.take("event"))) == 100
    joining, returning = await house.viewer(ann), await house.viewer(ann)
    await joining.emit("switch_session", {"sessionId": "s1"})
    assert len(contents(await joining.take("event"))) == 50
    await returning.emit("switch_session", {"sessionId": "s1", "lastSeq": 0})
    body = await returning.take("event")
    assert (body["seq"], len(contents(body))) == (1, 100)
    assert len(events(viewer)) == 1
