"""Tokens, hosts of their own, and who may use them (tunnel.md 2.7, 2.8, 5, 7)."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from relay.events import CredentialsRevoked, Event, RunnerConnected, SessionEndedForGood, UserRemoved
from relay.http.client_address import ClientAddress, ProxyPolicy
from relay.storage import Transaction
from relay.tunnel.access import checked_port
from relay.tunnel.labels import IDLE, LONGEST, PER_USER
from relay.tunnel.origins import TunnelOrigins
from relay.tunnel.tokens import Claims, TunnelTokens
from tests.clock import ManualClock
from tests.runners.rig import Options, until
from tests.tunnel.desk import BASE, PORT, Desk
from tests.tunnel.raw import Answer

NOW = 1_893_456_000.123
VECTOR = (
    "eyJ2IjoxLCJ1c2VySWQiOiJ1MSIsInNlc3Npb25JZCI6InJ1bm5lcjpyLTEiLCJwb3J0IjozMDAwLCJleHAiOjE4OTM0NTk2MDAsImF1ZCI6InBpen"
    "phcGk6dHVubmVsIiwiaWF0IjoxODkzNDU2MDAwLCJraWQiOiIxZWMxYzI2YiJ9.ITDoQPeOOpxyCJaSR6zL03IPCur4lj3uHK6FaqiTW70"
)
CLAIMS = Claims("u1", "runner:r-1", 3000)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def options(clock: ManualClock) -> Options:
    return Options(clock=clock)


async def get(desk: Desk, path: str, *lines: str, method: str = "GET") -> Answer:
    """Send one request that the relay itself answers."""
    async with desk.raw() as browser:
        await browser.get(path, *lines, method=method)
        return await browser.answer(method)


async def served(desk: Desk, path: str, *lines: str) -> bool:
    """Tell whether a request reaches the runner."""
    async with desk.raw() as browser:
        await browser.get(path, *lines)
        request = await desk.runner.request()
        await desk.runner.answer(request)
        return (await browser.answer()).body == b"ok"


def refused(answer: Answer) -> tuple[int, object]:
    return answer.status, json.loads(answer.body)["error"]


async def write(desk: Desk, statement: str, *values: str) -> None:
    """Change what is stored."""

    async def work(tx: Transaction) -> None:
        await tx.execute(statement, values)

    await desk.rig.storage.write(work)


async def store_session(desk: Desk) -> None:
    """Store a row of the live session s1."""
    await write(
        desk,
        "INSERT INTO relay_session (id, user_id, cwd, share_url, started_at, last_active_at)"
        " VALUES ('s1', ?, '/work', '', '2026', '2026')",
        desk.ann.id,
    )


async def end_session(desk: Desk) -> None:
    """Note the end of s1."""
    await write(desk, "UPDATE relay_session SET ended_at = '2026' WHERE id = 's1'")


async def change_owner(desk: Desk) -> None:
    """Make r1 bob's."""
    await write(desk, "UPDATE runner_identity SET user_id = ? WHERE runner_id = 'r1'", desk.bob.id)


# Tokens


def test_tunnel_70_tokens_are_those_of_the_published_server() -> None:
    tokens = TunnelTokens(b"s3cret", b"", ManualClock(NOW))
    assert tokens.mint(CLAIMS) == (VECTOR, 1_893_459_600)
    assert tokens.verify(VECTOR) == CLAIMS


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "a.b",
        VECTOR + ".x",
        VECTOR + "=",
        VECTOR[:-1],
        VECTOR[:-1] + "1",
        "x" + VECTOR,
        VECTOR.replace(".", "", 1),
        VECTOR.swapcase(),
        "é.é",
        "A" * 5000 + ".A",
    ],
)
def test_tunnel_69_a_changed_token_is_none(token: str) -> None:
    assert TunnelTokens(b"s3cret", b"", ManualClock(NOW)).verify(token) is None


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": True},
        {"v": 1.5},
        {"userId": ""},
        {"userId": 5},
        {"sessionId": ""},
        {"port": 0},
        {"port": 65536},
        {"port": "3000"},
        {"port": True},
        {"exp": 1_893_456_000},
        {"exp": "9e99"},
        {"exp": True},
        {"aud": "other"},
        {"kid": "00000000"},
        {"kid": ""},
        {"kid": None},
    ],
)
def test_tunnel_69_wrong_claims_are_refused_though_signed(change: dict[str, object]) -> None:
    tokens = TunnelTokens(b"s3cret", b"", ManualClock(NOW))
    body = {
        "v": 1,
        "userId": "u1",
        "sessionId": "runner:r-1",
        "port": 3000,
        "exp": 1_893_459_600,
        "aud": "pizzapi:tunnel",
        "iat": 1_893_456_000,
        "kid": "1ec1c26b",
    }

    def signed(claims: dict[str, object]) -> str:
        payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        return f"{payload}.{tokens._current.sign(payload)}"

    assert tokens.verify(signed(body)) == CLAIMS
    assert tokens.verify(signed({**body, **change})) is None


def test_a_token_ends_and_the_previous_secret_counts_until_it_is_removed() -> None:
    clock = ManualClock(NOW)
    token, expires = TunnelTokens(b"old", b"", clock).mint(CLAIMS)
    assert TunnelTokens(b"new", b"old", clock).verify(token) == CLAIMS
    assert TunnelTokens(b"new", b"", clock).verify(token) is None
    assert TunnelTokens(b"new", b"other", clock).verify(token) is None
    clock.advance(expires - NOW - 1)
    assert TunnelTokens(b"old", b"", clock).verify(token) == CLAIMS
    clock.advance(1)
    assert TunnelTokens(b"old", b"", clock).verify(token) is None


async def test_tunnel_69_a_token_opens_its_scope_and_port_alone(desk: Desk) -> None:
    minted = await desk.mint()
    url = str(minted["url"])
    assert url == f"/api/tunnel/auth/{minted['token']}/runner%3Ar1/3000/"
    assert await served(desk, url)
    assert await served(desk, url.replace("/3000/", "/03000/"))
    assert await served(desk, url, "x-api-key: wrong", "Cookie: a=b")
    invalid = (401, "Invalid or expired tunnel token")
    for other in (
        url.replace("/3000/", "/3001/"),
        url.replace("runner%3Ar1", "runner%3Ar2"),
        url.replace("runner%3Ar1", "s1"),
        url.replace(str(minted["token"]), "a.b"),
        url.replace("/3000/", "/99999/"),
    ):
        assert refused(await get(desk, other)) == invalid, other
    for broken in ("runner%3", "%zz", "%ff"):
        assert refused(await get(desk, url.replace("runner%3A", broken))) == (400, "Bad tunnel token path")


async def test_tunnel_69_a_token_dies_with_its_session_or_with_its_owners_claim(desk: Desk, clock: ManualClock) -> None:
    await store_session(desk)
    url = str((await desk.mint(sessionId="s1"))["url"])
    assert await served(desk, url)
    await end_session(desk)
    assert refused(await get(desk, url)) == (401, "Tunnel token revoked")
    url = str((await desk.mint())["url"])
    await desk.rig.close_peers()
    await until(lambda: len(desk.rig.runners) == 0)
    assert await served(desk, url)
    await change_owner(desk)
    assert refused(await get(desk, url)) == (401, "Tunnel token revoked")


async def test_mint_says_what_is_missing(desk: Desk) -> None:
    async def mint(body: object, headers: dict[str, str]) -> tuple[int, object]:
        status, answer = await desk.rig.json("POST", "/api/tunnel-token", headers, body)
        assert isinstance(answer, dict)
        return status, answer.get("error")

    own, other = desk.ann.by_key, desk.bob.by_key
    assert await mint({"runnerId": "r1", "port": 1}, {}) == (401, "Missing API key (x-api-key header)")
    assert await mint([], own) == (400, "Invalid JSON")
    for body in ({}, {"port": 1}, {"sessionId": "", "runnerId": 5, "port": 1}):
        assert await mint(body, own) == (400, "Missing session or runner ID")
    for port in (0, 65536, -1, "x", "", None, True, 1.5, [1]):
        assert await mint({"runnerId": "r1", "port": port}, own) == (400, "Invalid port")
    for port in (1, 65535, "3000", 3000.0):
        assert await mint({"runnerId": "r1", "port": port}, own) == (200, None)
    assert await mint({"sessionId": "s9", "port": 1}, own) == (404, "Session not found")
    assert await mint({"runnerId": "r9", "port": 1}, own) == (404, "Runner not found")
    assert await mint({"sessionId": "s1", "port": 1}, other) == (403, "Forbidden")
    assert await mint({"runnerId": "r1", "port": 1}, other) == (403, "Forbidden")
    desk.rig.add_session(desk.ann, "s2")
    assert await mint({"sessionId": "s2", "port": 1}, own) == (503, "Session has no runner")
    answer = await get(desk, "/api/tunnel-token", desk.key)
    assert (answer.status, answer.one("allow")) == (405, "POST")
    async with desk.rig.client.post(f"{desk.rig.url}/api/tunnel-token", data=b"{", headers=own) as response:
        assert (response.status, await response.json()) == (400, {"error": "Invalid JSON"})


async def test_mint_answers_the_end_in_iso(desk: Desk, clock: ManualClock) -> None:
    assert (await desk.mint())["expiresAt"] == "2026-01-01T01:00:00.000Z"


# Hosts


async def test_tunnel_73_everything_on_a_tunnels_host_is_the_services(desk: Desk) -> None:
    host = f"Host: {await desk.host()}"
    for path in ("/_tunnel", "/api/auth/x", "/health", "/", "/api/tunnel-token", BASE, "/socket.io/"):
        async with desk.raw() as browser:
            await browser.get(path, host)
            request = await desk.runner.request()
            assert request["url"] == path
            await desk.runner.answer(request)
            assert (await browser.answer()).body == b"ok"


async def test_tunnel_71_only_a_known_label_of_the_right_shape_is_a_tunnel(desk: Desk) -> None:
    host = await desk.host()
    label, _, rest = host.partition(".")
    assert await served(desk, "/", f"Host: {host.upper()}")
    unknown = (404, "Unknown or expired tunnel")
    for name in ("a" * 16, "a" * 64, label[:-1] + ("0" if label[-1] != "0" else "1")):
        assert refused(await get(desk, "/", f"Host: {name}.{rest}")) == unknown
    for name in ("a" * 15, "a" * 65, f"{label}.x", "A-" * 10):
        assert refused(await get(desk, "/", f"Host: {name}.{rest}")) == (404, "Not found"), name
    assert refused(await get(desk, "/", f"Host: {rest}")) == (404, "Not found")


async def test_tunnel_71_a_label_slides_for_an_hour_and_ends_after_twelve(desk: Desk, clock: ManualClock) -> None:
    host = f"Host: {await desk.host()}"
    unused = f"Host: {await desk.host()}"
    for _ in range(LONGEST // (IDLE - 60)):
        clock.advance(IDLE - 60)
        assert await served(desk, "/", host)
    assert refused(await get(desk, "/", unused)) == (404, "Unknown or expired tunnel")
    clock.advance(LONGEST % (IDLE - 60) + 1)
    assert refused(await get(desk, "/", host)) == (404, "Unknown or expired tunnel")


async def test_tunnel_75_labels_and_tokens_survive_a_restart(desk: Desk) -> None:
    host, url = await desk.host(), str((await desk.mint())["url"])
    await desk.rig.restart()
    assert refused(await get(desk, url)) == (503, "Runner not available")
    assert refused(await get(desk, "/", f"Host: {host}")) == (503, "Runner not available")


async def test_a_user_has_so_many_labels_and_the_oldest_go(desk: Desk) -> None:
    first = await desk.host()
    last = [await desk.host() for _ in range(PER_USER)][-1]
    assert refused(await get(desk, "/", f"Host: {first}")) == (404, "Unknown or expired tunnel")
    assert await served(desk, "/", f"Host: {last}")


async def test_a_label_is_revoked_like_a_token(desk: Desk) -> None:
    await store_session(desk)
    host = f"Host: {await desk.host(sessionId='s1')}"
    assert await served(desk, "/", host)
    await end_session(desk)
    assert refused(await get(desk, "/", host)) == (401, "Tunnel revoked")
    kept = f"Host: {await desk.host()}"
    desk.rig.bus.publish(UserRemoved(desk.ann.id))
    assert refused(await get(desk, "/", kept)) == (404, "Unknown or expired tunnel")


async def test_a_phone_is_not_sent_to_its_own_localhost(desk: Desk) -> None:
    body = json.dumps({"runnerId": "r1", "port": 1}).encode()
    for host, has in (("localhost:7492", True), ("127.0.0.1", True), ("[::1]:80", True), ("192.168.0.5:7492", False)):
        async with desk.raw() as browser:
            await browser.get(
                "/api/tunnel-token",
                desk.key,
                f"Host: {host}",
                f"Content-Length: {len(body)}",
                method="POST",
            )
            await browser.send(body)
            answer = json.loads((await browser.answer()).body)
        assert ("hostUrl" in answer) is has, host
        if host == "localhost:7492":
            assert answer["hostUrl"].startswith("http://")
            assert answer["hostUrl"].endswith(".t.localhost:7492/")


async def test_the_ui_may_frame_the_tunnels_that_it_is_offered(desk: Desk) -> None:
    for host, source in (("localhost:7492", "http://*.t.localhost:7492"), ("relay.example", None)):
        policy = (await get(desk, "/api/none", f"Host: {host}")).one("content-security-policy")
        assert policy.startswith(f"frame-src 'self' {source}; " if source else "default-src"), policy


# Ports, people, order


@pytest.mark.parametrize("digits", ["0", "65536", "99999", "00000", "9" * 30])
def test_tunnel_43_ports_out_of_range_are_invalid(digits: str) -> None:
    with pytest.raises(Exception, match="Invalid port"):
        checked_port(digits)
    assert checked_port("03000") == 3000


async def test_tunnel_44_strangers_unknown_ids_and_absent_runners_have_their_own_answers(desk: Desk) -> None:
    stranger = f"x-api-key: {desk.bob.key}"
    assert refused(await get(desk, BASE, stranger)) == (403, "Forbidden")
    assert refused(await get(desk, f"/api/tunnel/s1/{PORT}", stranger)) == (403, "Forbidden")
    assert refused(await get(desk, "/api/tunnel/runner/r9/1", desk.key)) == (404, "Runner not found")
    assert refused(await get(desk, "/api/tunnel/s9/1", desk.key)) == (404, "Session not found")
    desk.rig.add_session(desk.ann, "s2")
    assert refused(await get(desk, "/api/tunnel/s2/1", desk.key)) == (503, "Session has no runner")
    assert refused(await get(desk, "/api/tunnel/runner/%zz/1", desk.key)) == (400, "Missing runner ID")
    assert refused(await get(desk, "/api/tunnel/%ff/1", desk.key)) == (400, "Missing session ID")
    await desk.runner.close()
    await until(lambda: len(desk.rig.links) == 0)
    assert refused(await get(desk, BASE, desk.key)) == (503, "Runner not available")


async def test_tunnel_45_a_bad_key_decides_even_beside_a_good_cookie(desk: Desk) -> None:
    cookie = f"Cookie: {desk.ann.cookie}"
    assert await served(desk, BASE, cookie)
    assert refused(await get(desk, BASE)) == (401, "Missing API key (x-api-key header)")
    invalid = (401, "Invalid or expired API key")
    assert refused(await get(desk, BASE, "x-api-key: stale")) == invalid
    assert refused(await get(desk, BASE, "x-api-key: stale", cookie)) == invalid
    assert refused(await get(desk, f"{BASE}?apiKey={desk.ann.key}")) == (401, "Missing API key (x-api-key header)")


async def test_tunnel_46_a_foreign_page_cannot_post_with_the_owners_cookie(desk: Desk) -> None:
    cookie = f"Cookie: {desk.ann.cookie}"
    for line in ("Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"):
        answer = await get(desk, BASE, cookie, line, "Content-Length: 0", method="POST")
        assert refused(answer) == (403, "Cross-origin request rejected")


async def test_somebody_elses_socket_never_carries_the_owners_requests(desk: Desk) -> None:
    await desk.runner.close()
    await until(lambda: len(desk.rig.links) == 0)
    link_user = desk.rig.links.get("r1", desk.bob.id)
    assert link_user is None
    assert refused(await get(desk, BASE, desk.key)) == (503, "Runner not available")


@pytest.mark.parametrize("what", ["key", "everything", "user", "session", "runner"])
async def test_what_is_open_is_cut_when_the_right_to_it_ends(desk: Desk, what: str) -> None:
    link = desk.rig.links.get("r1", desk.ann.id)
    assert link is not None
    assert link.holder is not None
    # The runner's own key stays, so that it is not its socket that ends.
    key = link.holder.credential_id
    link.holder = replace(link.holder, credential_id="another", user_id=desk.ann.id)
    path = f"/api/tunnel/s1/{PORT}" if what == "session" else BASE
    async with desk.raw() as streaming, desk.raw() as untouched:
        await untouched.get(str((await desk.mint(port=1))["url"]) if what != "user" else BASE, desk.key)
        other = await desk.runner.request()
        await streaming.get(path, desk.key)
        request = await desk.runner.request()
        await desk.runner.head(request)
        await streaming.head()
        ann = desk.ann.id
        events: dict[str, Event] = {
            "key": CredentialsRevoked(ann, frozenset({key})),
            "everything": CredentialsRevoked(ann, frozenset({key, "x"})),
            "user": UserRemoved(ann),
            "session": SessionEndedForGood(ann, "s1", "user"),
            "runner": RunnerConnected(desk.bob.id, "r1"),
        }
        desk.rig.bus.publish(events[what])
        assert await streaming.reader.read() == b""
        if what in ("key", "everything", "session"):
            await desk.runner.take("request-end", request["id"])
            await desk.runner.answer(other)
            assert (await untouched.answer()).body == b"ok"


@pytest.mark.parametrize(
    ("domain", "base_url", "on"),
    [
        ("t.relay.example", "https://relay.example", False),
        ("relay.example", "https://relay.example:8443", False),
        ("example", "https://relay.example", False),
        ("tunnels.example", "https://relay.example", True),
        ("xrelay.example", "https://relay.example", True),
        ("t.localhost", "http://localhost:7492", True),
        ("bad/host", "", False),
        ("a b", "", False),
        ("", "", True),
    ],
)
async def test_tunnel_72_a_domain_that_overlaps_the_relays_own_is_off(domain: str, base_url: str, on: bool) -> None:
    assert TunnelOrigins(domain, base_url, ClientAddress(ProxyPolicy())).on is on


@pytest.mark.parametrize("options", [Options(tunnel_domain="http://t.example.org:8444/")])
async def test_a_configured_domain_is_used_everywhere_with_its_scheme_and_port(desk: Desk) -> None:
    answer = await desk.mint()
    host = str(answer["hostUrl"]).removeprefix("http://").rstrip("/")
    assert host.endswith(".t.example.org:8444")
    async with desk.raw() as browser:
        await browser.get("/", f"Host: {host.removesuffix(':8444')}")
        request = await desk.runner.request()
        headers = request["headers"]
        assert isinstance(headers, dict)
        assert headers["x-forwarded-proto"] == "http"
        await desk.runner.answer(request)
        assert (await browser.answer()).status == 200
    policy = (await get(desk, "/api/none", "Host: relay.example")).one("content-security-policy")
    assert policy.startswith("frame-src 'self' http://*.t.example.org:8444; ")


@pytest.mark.parametrize("options", [Options(tunnel_domain="t.r.example", base_url="https://r.example")])
async def test_tunnel_72_a_domain_that_is_off_offers_nothing(desk: Desk) -> None:
    assert "hostUrl" not in await desk.mint()
    policy = (await get(desk, "/api/none")).one("content-security-policy")
    assert "frame-src" not in policy
