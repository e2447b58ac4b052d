"""Who may join a namespace, and who is cut (sockets-agents.md 1.4, sockets-browsers.md 1.2)."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from socketio.exceptions import ConnectionError as Refused

from relay.accounts.handshake import Admission, compatible
from relay.events import UserRemoved
from tests.runners.peer import Peer
from tests.runners.rig import Rig, until

AGENTS = ("/runner", "/relay")
BROWSERS = ("/runners", "/viewer")
CONNECT = '40{namespace},{{"apiKey":"{key}"}}'


async def packets(rig: Rig, first: str, headers: dict[str, str] | None = None) -> list[str]:
    """Send a CONNECT packet over a bare WebSocket; answer what comes until a Socket.IO packet or the end."""
    url = f"{rig.url}/socket.io/?EIO=4&transport=websocket"
    got: list[str] = []
    async with rig.client.ws_connect(url, headers=headers or {}) as ws:
        await ws.receive_str(timeout=5)
        await ws.send_str(first)
        async for message in ws:
            got.append(message.data)
            if message.data.startswith("4"):
                break
    return got


@pytest.mark.parametrize("namespace", AGENTS)
async def test_agents_check_01_a_bad_key_gets_unauthorized_before_any_connect(rig: Rig, namespace: str) -> None:
    ann = await rig.person("ann")
    for auth in ('{"apiKey":"wrong"}', '{"apiKey":""}', '{"apiKey":5}', '{"apiKey":null}', "{}", ""):
        assert await packets(rig, f"40{namespace},{auth}") == [f'44{namespace},{{"message":"unauthorized"}}']
    # A cookie is no credential here.
    assert await packets(rig, f"40{namespace},{{}}", ann.by_cookie) == [f'44{namespace},{{"message":"unauthorized"}}']


@pytest.mark.parametrize("namespace", AGENTS)
async def test_agents_check_01_a_failing_key_check_closes_without_a_packet_and_works_later(
    rig: Rig, namespace: str
) -> None:
    ann = await rig.person("ann")
    connect = CONNECT.format(namespace=namespace, key=ann.key)
    async with rig.broken_table("apikey"):
        assert await packets(rig, connect) == []
    (answer,) = await packets(rig, connect)
    assert answer.startswith(f'40{namespace},{{"sid":')


@pytest.mark.parametrize("namespace", AGENTS)
async def test_a_foreign_origin_is_nothing_to_agents(rig: Rig, namespace: str) -> None:
    ann = await rig.person("ann")
    connect = CONNECT.format(namespace=namespace, key=ann.key)
    (answer,) = await packets(rig, connect, {"Origin": "http://evil.example"})
    assert answer.startswith(f"40{namespace}")


@pytest.mark.parametrize("namespace", BROWSERS)
async def test_browsers_check_01_a_foreign_origin_is_refused_even_with_a_valid_key_and_an_absent_one_accepted(
    rig: Rig, namespace: str
) -> None:
    ann = await rig.person("ann")
    connect = CONNECT.format(namespace=namespace, key=ann.key)
    refusal = [f'44{namespace},{{"message":"forbidden: untrusted origin"}}']
    assert await packets(rig, connect, {"Origin": "http://evil.example"}) == refusal
    assert await packets(rig, connect, {"Origin": "null"}) == refusal
    assert await packets(rig, f"40{namespace}", {"Origin": "http://evil.example", **ann.by_cookie}) == refusal
    for headers in ({}, {"Origin": rig.url}, {"Origin": "http://trusted.example"}):
        (answer,) = await packets(rig, connect, headers)
        assert answer.startswith(f"40{namespace}")
        (answer,) = await packets(rig, f"40{namespace}", {**headers, **ann.by_cookie})
        assert answer.startswith(f"40{namespace}")
    unauthorized = [f'44{namespace},{{"message":"unauthorized"}}']
    assert await packets(rig, f"40{namespace}") == unauthorized
    assert await packets(rig, f"40{namespace}", {"Cookie": "better-auth.session_token=forged.sig"}) == unauthorized


@pytest.mark.parametrize("namespace", BROWSERS)
async def test_an_invalid_key_falls_through_to_the_cookie(rig: Rig, namespace: str) -> None:
    ann = await rig.person("ann")
    connect = CONNECT.format(namespace=namespace, key="wrong")
    (answer,) = await packets(rig, connect, ann.by_cookie)
    assert answer.startswith(f"40{namespace}")
    assert await packets(rig, connect) == [f'44{namespace},{{"message":"unauthorized"}}']


@pytest.mark.parametrize("namespace", BROWSERS)
async def test_a_failing_check_closes_the_browser_without_a_packet(rig: Rig, namespace: str) -> None:
    ann = await rig.person("ann")
    async with rig.broken_table("cookie_session"):
        assert await packets(rig, f"40{namespace}", ann.by_cookie) == []
    async with rig.broken_table("apikey"):
        assert await packets(rig, CONNECT.format(namespace=namespace, key=ann.key)) == []
    (answer,) = await packets(rig, f"40{namespace}", ann.by_cookie)
    assert answer.startswith(f"40{namespace}")


async def test_the_admission_says_who_and_with_what(rig: Rig) -> None:
    ann = await rig.person("ann")
    await rig.peer("/runner", {"apiKey": ann.key, "protocolVersion": 1, "clientVersion": " 0.52.0 ", "pid": "x"})
    await rig.peer("/relay", {"apiKey": ann.key, "protocolVersion": 2, "clientVersion": 7})
    (runner,) = rig.namespaces["runner"].sockets.values()
    (agent,) = rig.namespaces["relay"].sockets.values()
    assert isinstance(runner.data, Admission)
    assert isinstance(agent.data, Admission)
    assert (runner.data.user_id, runner.data.user_name) == (ann.id, "ann")
    assert (runner.data.client_version, runner.data.protocol_compatible) == ("0.52.0", True)
    assert (agent.data.client_version, agent.data.protocol_compatible) == (None, False)
    assert runner.data.credential_id == agent.data.credential_id != ""


@pytest.mark.parametrize(
    ("announced", "ours"),
    [
        (1, True),
        (1.0, True),
        ("1", True),
        ("01", True),
        (None, True),
        ("x", True),
        (True, True),
        (1.5, True),
        ([], True),
        (2, False),
        (0, False),
        ("2", False),
        (-1, False),
    ],
)
def test_an_unknown_protocol_version_counts_as_ours(announced: object, ours: bool) -> None:
    assert compatible(announced) is ours


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()))
def test_any_protocol_version_is_judged(announced: object) -> None:
    assert compatible(announced) in (True, False)


async def gone(peer: Peer) -> None:
    await asyncio.wait_for(peer.gone.wait(), 5)
    assert peer.gone_reason != Peer.kicked


async def test_a_revoked_key_cuts_its_sockets_without_a_packet_and_no_others(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    daemon = await rig.runner(ann)
    agent = await rig.peer("/relay", {"apiKey": ann.key})
    browser = await rig.feed_of(ann)
    other = await rig.runner(bob, "r2", "s2")
    await rig.accounts.mint_cli_key(ann.id)
    await gone(daemon)
    await gone(agent)
    await until(lambda: rig.runners.get("r1") is None)
    assert not browser.gone.is_set()
    assert not other.gone.is_set()
    with pytest.raises(Refused, match="failed to connect"):
        await rig.runner_socket(ann)


async def test_revoked_cookie_sessions_cut_their_browsers(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    browser, stranger = await rig.feed_of(ann), await rig.feed_of(bob)
    daemon = await rig.runner(ann)
    await rig.accounts.sessions.revoke_all(ann.id)
    await gone(browser)
    assert not stranger.gone.is_set()
    assert not daemon.gone.is_set()


async def test_a_removed_user_is_cut_everywhere(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    browser, daemon = await rig.feed_of(ann), await rig.runner(ann)
    stranger = await rig.feed_of(bob)
    rig.bus.publish(UserRemoved(ann.id))
    await gone(browser)
    await gone(daemon)
    assert not stranger.gone.is_set()


async def test_one_connection_may_carry_namespaces_of_two_credentials(rig: Rig) -> None:
    ann = await rig.person("ann")
    url = f"{rig.url}/socket.io/?EIO=4&transport=websocket"
    async with rig.client.ws_connect(url, headers=ann.by_cookie) as ws:
        await ws.receive_str(timeout=5)
        await ws.send_str("40/runners")
        assert (await ws.receive_str(timeout=5)).startswith("40/runners")
        await ws.receive_str(timeout=5)
        await ws.send_str(CONNECT.format(namespace="/viewer", key="wrong-" + ann.key))
        assert (await ws.receive_str(timeout=5)).startswith("40/viewer")
        await ws.send_str('40/relay,{"apiKey":"wrong"}')
        assert await ws.receive_str(timeout=5) == '44/relay,{"message":"unauthorized"}'
        await ws.send_str("40/none")
        assert await ws.receive_str(timeout=5) == '44/none,{"message":"Invalid namespace"}'
        assert ws.closed is False
        assert isinstance(ws, aiohttp.ClientWebSocketResponse)
