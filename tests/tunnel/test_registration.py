"""The runner's tunnel socket: registration, replacement, heartbeats (tunnel.md 1.1 to 1.4, 7)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from relay.events import UserRemoved
from relay.tunnel.link import TunnelLimits
from tests.runners.rig import Options, Person, Rig, until

#: Longer than a busy machine stands still.
SOON = 2.0
QUICK = TunnelLimits(register_within=SOON, per_address=3, ping_every=0.1, silent_for=SOON, retry_after=0.02)


@pytest.fixture
def options() -> Options:
    return Options(tunnel=TunnelLimits(retry_after=0.02))


@asynccontextmanager
async def tunnel(rig: Rig) -> AsyncIterator[ClientWebSocketResponse]:
    async with rig.client.ws_connect(f"{rig.url}/_tunnel") as ws:
        yield ws


async def say(ws: ClientWebSocketResponse, frame: object) -> None:
    await ws.send_str(json.dumps(frame))


async def hear(ws: ClientWebSocketResponse) -> dict[str, object]:
    frame = json.loads(await ws.receive_str(timeout=30))
    assert isinstance(frame, dict)
    return frame


async def register(ws: ClientWebSocketResponse, person: Person, runner_id: str = "r1") -> dict[str, object]:
    await say(ws, {"type": "register", "runnerId": runner_id, "apiKey": person.key})
    return await hear(ws)


async def closed(ws: ClientWebSocketResponse) -> int | None:
    """Wait for the close; answer the code of the relay's close frame, 1006 when the connection was dropped."""
    async with asyncio.timeout(30):
        while (message := await ws.receive()).type not in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR):
            pass
    return int(message.data) if message.type is WSMsgType.CLOSE else ws.close_code


OK = {"type": "registered", "runnerId": "r1"}


async def test_tunnel_9_a_plain_request_is_told_to_upgrade(rig: Rig) -> None:
    for method in ("GET", "POST", "DELETE", "HEAD"):
        async with rig.client.request(method, f"{rig.url}/_tunnel?x=1") as response:
            assert (response.status, response.headers["Upgrade"]) == (426, "websocket")
            assert await response.text() == ("" if method == "HEAD" else "Expected WebSocket upgrade")
    async with rig.client.get(f"{rig.url}/_tunnel/") as response:
        assert response.status == 404


async def test_tunnel_1_a_tunnel_may_register_before_its_runner(rig: Rig) -> None:
    ann = await rig.person("ann")
    async with tunnel(rig) as ws:
        assert await register(ws, ann) == OK
        assert rig.links.get("r1", ann.id) is not None
        assert rig.links.get("r1", "somebody else") is None
        await rig.runner(ann)
        assert rig.links.get("r1", ann.id) is not None
    await until(lambda: len(rig.links) == 0)


async def test_a_binary_frame_with_the_same_json_counts(rig: Rig) -> None:
    ann = await rig.person("ann")
    async with tunnel(rig) as ws:
        await ws.send_bytes(json.dumps({"type": "register", "runnerId": "r1", "apiKey": ann.key}).encode())
        assert await hear(ws) == OK


async def test_compression_is_not_negotiated_and_origin_and_cookie_do_not_matter(rig: Rig) -> None:
    ann = await rig.person("ann")
    headers = {"Origin": "http://evil.example", **ann.by_cookie}
    async with rig.client.ws_connect(f"{rig.url}/_tunnel?q=1", headers=headers, compress=15) as ws:
        assert ws.compress == 0
        assert await register(ws, ann) == OK


async def test_tunnel_2_a_bad_key_is_told_and_closed(rig: Rig) -> None:
    for key in ("wrong", ""):
        async with tunnel(rig) as ws:
            await say(ws, {"type": "register", "runnerId": "r1", "apiKey": key})
            assert await hear(ws) == {"type": "error", "message": "Invalid API key"}
            assert await closed(ws) == 1008
    assert len(rig.links) == 0
    await until(lambda: rig.links.waiting("127.0.0.1") == 0)


@pytest.mark.parametrize("connected", [True, False])
async def test_tunnel_3_a_runner_of_another_user_is_an_invalid_key(rig: Rig, connected: bool) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    daemon = await rig.runner(ann)
    if not connected:
        await daemon.close()
        await until(lambda: len(rig.runners) == 0)
    async with tunnel(rig) as ws:
        assert await register(ws, bob) == {"type": "error", "message": "Invalid API key"}
        assert await closed(ws) == 1008


async def test_tunnel_4_an_unclaimed_id_is_first_come_first_served(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    async with tunnel(rig) as first, tunnel(rig) as second:
        assert await register(first, ann) == OK
        message = {"type": "error", "message": "Runner already registered by another user"}
        assert await register(second, bob) == message
        assert await closed(second) == 1008
        assert rig.links.get("r1", ann.id) is not None


async def test_a_squatter_is_evicted_when_the_owner_registers_the_runner(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    async with tunnel(rig) as squatter:
        assert await register(squatter, bob) == OK
        await rig.runner(ann)
        assert await closed(squatter) == 1008
    assert len(rig.links) == 0
    async with tunnel(rig) as ws:
        assert await register(ws, ann) == OK


async def test_the_owner_on_record_takes_the_tunnel_back(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    async with tunnel(rig) as squatter, tunnel(rig) as own:
        assert await register(squatter, bob) == OK
        # Claimed without anybody being told, as by another process on the same database.
        daemon = await rig.runner(ann, "other", "s1")
        await rig.storage.write(
            lambda tx: tx.execute("UPDATE runner_identity SET runner_id = 'r1' WHERE runner_id = 'other'")
        )
        assert await register(own, ann) == OK
        assert await closed(squatter) == 1000
        assert rig.links.get("r1", ann.id) is not None
        assert not daemon.gone.is_set()


async def test_a_second_tunnel_of_the_runner_replaces_the_first(rig: Rig) -> None:
    ann = await rig.person("ann")
    async with tunnel(rig) as old, tunnel(rig) as new:
        assert await register(old, ann) == OK
        before = rig.links.get("r1", ann.id)
        assert await register(new, ann) == OK
        assert await closed(old) == 1000
        after = rig.links.get("r1", ann.id)
        assert after is not None
        assert after is not before
        # The end of the old one must not take the new one along.
        assert await register(new, ann) == OK
        assert rig.links.get("r1", ann.id) is after


async def test_a_second_id_on_one_socket_is_a_protocol_error(rig: Rig) -> None:
    ann = await rig.person("ann")
    async with tunnel(rig) as ws:
        assert await register(ws, ann) == OK
        await say(ws, {"type": "register", "runnerId": "r2", "apiKey": ann.key})
        assert await closed(ws) == 1008
    await until(lambda: len(rig.links) == 0)
    assert rig.links.get("r2", ann.id) is None


async def test_everything_but_a_registration_is_ignored_before_it(rig: Rig) -> None:
    ann = await rig.person("ann")
    async with tunnel(rig) as ws:
        for text in ("", "{", "[]", "5", '{"type":"pong"}', '{"type":"register"}', '{"type":"register","runnerId":5}'):
            await ws.send_str(text)
        await ws.send_bytes(b"\xff\xfe")
        await say(ws, {"type": "register", "runnerId": "", "apiKey": ann.key})
        await say(ws, {"type": "response-start", "id": "x"})
        assert await register(ws, ann) == OK


async def test_garbage_after_the_registration_harms_nothing(rig: Rig) -> None:
    ann = await rig.person("ann")
    async with tunnel(rig) as ws:
        assert await register(ws, ann) == OK
        for text in ("", "{", "[]", '{"type":5}', '{"type":"response-data","id":"x","data":"y"}', '{"type":"pong"}'):
            await ws.send_str(text)
        await ws.send_bytes(b"\xff\xfe")
        await ws.send_str("x" * 5_000_000)
        assert await register(ws, ann) == OK


async def test_a_large_frame_before_the_registration_closes(rig: Rig) -> None:
    ann = await rig.person("ann")
    register_frame = {"type": "register", "runnerId": "r1", "apiKey": ann.key, "padding": ""}
    fits = 16 * 1024 - len(json.dumps(register_frame))
    async with tunnel(rig) as ws:
        await say(ws, {**register_frame, "padding": "x" * fits})
        assert await hear(ws) == OK
    async with tunnel(rig) as ws:
        await say(ws, {**register_frame, "padding": "x" * (fits + 1)})
        assert await closed(ws) == 1009
    async with tunnel(rig) as ws:
        await ws.send_bytes(b"x" * 16 * 1024 + b"x")
        assert await closed(ws) == 1009


async def test_a_frame_above_the_limit_closes_with_1009(tmp_path_factory: pytest.TempPathFactory) -> None:
    rig = Rig(tmp_path_factory.mktemp("rig") / "relay.db", Options(tunnel=TunnelLimits(max_frame=50_000)))
    await rig.open()
    ann = await rig.person("ann")
    async with tunnel(rig) as ws:
        assert await register(ws, ann) == OK
        await ws.send_str("x" * 50_000)
        assert await register(ws, ann) == OK
        await ws.send_str("x" * 50_001)
        assert await closed(ws) == 1009
    await until(lambda: len(rig.links) == 0)
    await rig.close()


async def test_a_failing_database_is_waited_for_and_never_an_error(rig: Rig) -> None:
    ann = await rig.person("ann")
    async with tunnel(rig) as ws, rig.broken_table("apikey"), rig.broken_table("runner_identity"):
        await say(ws, {"type": "register", "runnerId": "r1", "apiKey": ann.key})
        with pytest.raises(TimeoutError):
            await ws.receive(timeout=0.2)
        # The first receive was given up, which closes this client; its relay side must go on without a trace.
    async with tunnel(rig) as ws:
        assert await register(ws, ann) == OK


async def test_a_check_that_works_again_registers_the_waiting_socket(rig: Rig) -> None:
    ann = await rig.person("ann")
    async with tunnel(rig) as ws:
        async with rig.broken_table("apikey"):
            await say(ws, {"type": "register", "runnerId": "r1", "apiKey": ann.key})
            await asyncio.wait({asyncio.ensure_future(asyncio.sleep(0.1))})
        assert await hear(ws) == OK


async def test_tunnel_6_a_socket_that_closes_during_the_check_does_not_register(rig: Rig) -> None:
    ann = await rig.person("ann")
    async with tunnel(rig) as present:
        assert await register(present, ann) == OK
        holder = rig.links.get("r1", ann.id)
        second = await rig.person("second")
        async with rig.broken_table("apikey"):
            async with tunnel(rig) as ws:
                await say(ws, {"type": "register", "runnerId": "r2", "apiKey": second.key})
                await until(lambda: rig.links.waiting("127.0.0.1") == 1)
            await until(lambda: rig.links.waiting("127.0.0.1") == 0)
        assert rig.links.get("r1", ann.id) is holder
        assert await register(present, ann) == OK
        assert len(rig.links) == 1


class TestQuick:
    """What takes time in life, with shortened times."""

    @pytest.fixture
    def options(self) -> Options:
        return Options(tunnel=QUICK)

    async def test_a_socket_that_does_not_register_is_closed(self, rig: Rig) -> None:
        async with tunnel(rig) as ws:
            await ws.send_str('{"type":"pong"}')
            assert await closed(ws) == 1008
        await until(lambda: rig.links.waiting("127.0.0.1") == 0)

    async def test_a_check_that_never_works_ends_with_try_again_later(self, rig: Rig) -> None:
        ann = await rig.person("ann")
        async with rig.broken_table("apikey"), tunnel(rig) as ws:
            await say(ws, {"type": "register", "runnerId": "r1", "apiKey": ann.key})
            assert await closed(ws) == 1013
        assert len(rig.links) == 0

    async def test_tunnel_7_a_registered_socket_is_pinged_and_lives_on(self, rig: Rig) -> None:
        ann = await rig.person("ann")
        async with tunnel(rig) as ws:
            assert await register(ws, ann) == OK
            for _ in range(25):
                assert await hear(ws) == {"type": "ping"}
                await say(ws, {"type": "pong"})
            assert rig.links.get("r1", ann.id) is not None

    async def test_any_frame_shows_that_the_runner_lives(self, rig: Rig) -> None:
        ann = await rig.person("ann")
        async with tunnel(rig) as ws:
            await register(ws, ann)
            for _ in range(25):
                await hear(ws)
                await ws.send_str("not even JSON")
            assert rig.links.get("r1", ann.id) is not None

    async def test_a_runner_that_misses_heartbeats_is_evicted(self, rig: Rig) -> None:
        ann = await rig.person("ann")
        async with tunnel(rig) as ws:
            await register(ws, ann)
            pings = 0
            while (message := await ws.receive(timeout=30)).type is WSMsgType.TEXT:
                assert json.loads(message.data) == {"type": "ping"}
                pings += 1
            assert pings >= 3
            assert rig.links.get("r1", ann.id) is None

    async def test_unregistered_sockets_are_bounded_per_address_and_the_oldest_goes(self, rig: Rig) -> None:
        ann = await rig.person("ann")
        async with tunnel(rig) as registered:
            assert await register(registered, ann) == OK
            sockets = [await rig.client.ws_connect(f"{rig.url}/_tunnel") for _ in range(4)]
            assert await closed(sockets[0]) == 1006
            assert rig.links.waiting("127.0.0.1") == 3
            assert await register(sockets[1], ann, "r2") == {"type": "registered", "runnerId": "r2"}
            assert len(rig.links) == 2
            for ws in sockets:
                await ws.close()


async def test_a_revoked_key_and_a_removed_user_lose_their_tunnel(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    async with tunnel(rig) as ws, tunnel(rig) as other:
        await register(ws, ann)
        await register(other, bob, "r2")
        await rig.accounts.mint_cli_key(ann.id)
        assert await closed(ws) == 1008
        assert rig.links.get("r2", bob.id) is not None
        rig.bus.publish(UserRemoved(bob.id))
        assert await closed(other) == 1008
    async with tunnel(rig) as ws:
        assert await register(ws, ann) == {"type": "error", "message": "Invalid API key"}


async def test_a_shutdown_closes_every_socket_at_once_and_new_ones_too(rig: Rig) -> None:
    ann = await rig.person("ann")
    async with tunnel(rig) as ws, tunnel(rig) as waiting:
        await register(ws, ann)
        codes, _ = await asyncio.gather(asyncio.gather(closed(ws), closed(waiting)), rig.links.close())
        assert list(codes) == [1001, 1001]
        async with tunnel(rig) as late:
            assert await closed(late) == 1001
    assert isinstance(rig.client, aiohttp.ClientSession)
