"""What services see of a request and browsers of a response, at each kind of address (tunnel.md 2.3 to 2.5, 6.2, 7)."""

from __future__ import annotations

import pytest

from tests.tunnel.desk import BASE, PORT, Desk
from tests.tunnel.raw import Answer

SECRETS = ("Cookie: sid=1", "Authorization: Basic eA==", "Referer: http://r/auth/secret/", "Range: bytes=0-1")
COOKIES = ["a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Domain=example.com; Path=/", "b=2; Domain =x; Secure"]


async def addresses(desk: Desk) -> dict[str, tuple[str, list[str]]]:
    """Answer path and header lines of each kind of address."""
    token = str((await desk.mint())["url"]).rstrip("/")
    return {
        "runner": (BASE, [desk.key]),
        "session": (f"/api/tunnel/s1/{PORT}", [desk.key]),
        "token": (token, []),
        "host": ("", [f"Host: {await desk.host()}"]),
    }


async def exchange(desk: Desk, path: str, lines: list[str], **headers: object) -> tuple[dict[str, object], Answer]:
    """Make one exchange; answer what the runner got and what the browser got."""
    async with desk.raw() as browser:
        await browser.get(path, *lines)
        request = await desk.runner.request()
        await desk.runner.answer(request, b"ok", **headers)
        return request, await browser.answer()


async def test_tunnel_38_private_headers_and_query_stay_at_the_relay(desk: Desk) -> None:
    for mode, (base, lines) in (await addresses(desk)).items():
        query = "?apiKey=k&tunnelToken=t&q=1&%61piKey=z"
        request, _ = await exchange(desk, f"{base}/x{query}", [*lines, *SECRETS, "X-PizzaPi-Client-Ip: 1.2.3.4"])
        if mode == "host":
            continue
        assert (request["url"], request["headers"]) == ("/x?q=1", {"range": "bytes=0-1"}), mode
        assert not {"preserveAuth", "host"} & set(request)


async def test_tunnel_39_a_host_of_its_own_passes_them(desk: Desk) -> None:
    host = await desk.host()
    request, _ = await exchange(desk, "/x?apiKey=k&q=1", [f"Host: {host}", *SECRETS, "X-Forwarded-Host: evil"])
    assert (request["url"], request["preserveAuth"], request["host"]) == ("/x?apiKey=k&q=1", True, host)
    assert request["headers"] == {
        "cookie": "sid=1",
        "authorization": "Basic eA==",
        "referer": "http://r/auth/secret/",
        "range": "bytes=0-1",
        "x-forwarded-host": host,
        "x-forwarded-proto": "http",
    }


@pytest.mark.parametrize(
    "target", ["/?a=b%20c&d&s=%2F~", "/a%2Fb/%C3%A9", "/a%E9b", "/%", "/a;b=c//d", "/x?", "/x?a=%zz&=&&b"]
)
async def test_tunnel_40_and_41_path_and_query_keep_their_bytes(desk: Desk, target: str) -> None:
    expected = target.removesuffix("?")
    for mode, (base, lines) in (await addresses(desk)).items():
        request, _ = await exchange(desk, base + target, lines)
        assert request["url"] == expected, mode


async def test_tunnel_40_the_query_keeps_its_bytes(desk: Desk) -> None:
    request, _ = await exchange(desk, f"{BASE}/?a=b%20c&d&s=%2F~", [desk.key])
    assert request["url"] == "/?a=b%20c&d&s=%2F~"


async def test_tunnel_41_escapes_in_the_path_stay(desk: Desk) -> None:
    request, _ = await exchange(desk, f"{BASE}/a%2Fb/%C3%A9", [desk.key])
    assert request["url"] == "/a%2Fb/%C3%A9"


async def test_tunnel_42_dot_segments_are_resolved_before_anything_matches(desk: Desk) -> None:
    for path in (f"/api/tunnel/s1/{PORT}/%2e%2e/%2e%2e/x", f"/api/tunnel/s1/{PORT}/../../x"):
        async with desk.raw() as browser:
            await browser.get(path, desk.key)
            assert (await browser.answer()).status == 404
    request, _ = await exchange(desk, f"{BASE}/a/%2E./b", [desk.key])
    assert request["url"] == "/b"
    assert desk.runner.frames_of(request) == ["request-data-end"]


async def test_hop_by_hop_headers_end_here_in_both_directions(desk: Desk) -> None:
    lines = [
        "Connection: keep-alive, X-Mine, Content-Type",
        "X-Mine: 1",
        "Content-Type: text/plain",
        "TE: trailers",
        "Upgrade: h2c",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic eA==",
        "Accept-Encoding: br",
        "X-A: 1",
        "X-A: 2",
    ]
    request, answer = await exchange(
        desk,
        BASE,
        [desk.key, *lines],
        connection="x-private, close",
        x_private="1",
        keep_alive="timeout=5",
        upgrade="h2c",
        transfer_encoding="chunked",
        trailer="x",
    )
    assert request["headers"] == {"content-type": "text/plain", "x-a": "1, 2"}
    got = {name for name, _ in answer.headers}
    assert not {"x-private", "keep-alive", "upgrade", "trailer", "connection"} & got


async def test_tunnel_36_cookies_of_an_own_host_lose_their_domain_alone(desk: Desk) -> None:
    _, answer = await exchange(desk, "/", [f"Host: {await desk.host()}"], set_cookie=COOKIES)
    assert answer.all("set-cookie") == [
        "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/",
        "b=2; Secure",
    ]


async def test_tunnel_37_no_cookie_reaches_the_relays_own_origin(desk: Desk) -> None:
    for mode, (base, lines) in (await addresses(desk)).items():
        if mode != "host":
            _, answer = await exchange(desk, base, lines, set_cookie=COOKIES)
            assert answer.all("set-cookie") == [], mode


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/login", "{base}/login"),
        ("http://localhost:3000/x?y#z", "{base}/x?y#z"),
        ("https://e.com/", "https://e.com/"),
        ("//e.com/", "//e.com/"),
        ("next", "next"),
    ],
)
async def test_tunnel_47_locations_lead_back_through_the_tunnel(desk: Desk, location: str, expected: str) -> None:
    for mode, (base, lines) in (await addresses(desk)).items():
        _, answer = await exchange(desk, base + "/", lines, location=location)
        if mode != "host":
            assert answer.one("location") == expected.format(base=base), mode
        elif location.startswith("http://localhost"):
            assert answer.one("location") == "/x?y#z"
        else:
            assert answer.one("location") == location


async def test_tunnel_57_security_headers_follow_the_kind_of_address(desk: Desk) -> None:
    sent = {
        "content_security_policy": "default-src 'none'",
        "x_frame_options": "DENY",
        "strict_transport_security": "max-age=1",
        "service_worker_allowed": "/",
        "clear_site_data": '"*"',
        "x_pizzapi_tunnel": "1",
        "x_pizzapi_tunnel_frame": "1",
        "referrer_policy": "unsafe-url",
    }
    for mode, (base, lines) in (await addresses(desk)).items():
        _, answer = await exchange(desk, base + "/", lines, **sent)
        names = {name for name, _ in answer.headers}
        assert answer.one("referrer-policy") == "same-origin"
        assert answer.one("x-content-type-options") == "nosniff"
        assert answer.one("x-xss-protection") == "0"
        assert answer.one("permissions-policy") == "camera=(), microphone=(), geolocation=()"
        assert not {"x-pizzapi-tunnel", "x-pizzapi-tunnel-frame", "server"} & names
        assert answer.all("x-frame-options") == (["SAMEORIGIN"] if mode in ("runner", "session") else []), mode
        assert ("content-security-policy" in names) is (mode in ("runner", "session"))
        wide = {"service-worker-allowed", "clear-site-data", "strict-transport-security"}
        assert names & wide == (wide if mode == "host" else set())


async def test_the_services_own_date_and_server_stay_and_nothing_is_added(desk: Desk) -> None:
    _, answer = await exchange(desk, BASE, [desk.key], date="Mon, 01 Jan 2030 00:00:00 GMT", server="x/1")
    assert (answer.one("date"), answer.one("server")) == ("Mon, 01 Jan 2030 00:00:00 GMT", "x/1")
    assert answer.all("content-type") == []


@pytest.mark.parametrize(
    ("sent", "wire"),
    [(b"caf\xc3\xa9", "caf\u00e9"), (b"caf\xe9", "caf\u00e9"), ("\u20ac".encode(), "\u00e2\u0082\u00ac")],
)
async def test_tunnel_58_and_59_request_values_arrive_as_utf8_or_doubly_encoded(
    desk: Desk, sent: bytes, wire: str
) -> None:
    request, _ = await exchange(desk, BASE, [desk.key, "X-N: " + sent.decode("latin-1")])
    assert request["headers"] == {"x-n": wire}


@pytest.mark.parametrize("frame", ["caf\u00e9", "caf\u00c3\u00a9"])
async def test_tunnel_58_response_values_arrive_as_utf8(desk: Desk, frame: str) -> None:
    _, answer = await exchange(desk, BASE, [desk.key], x_n=frame)
    assert answer.one("x-n").encode("latin-1") == "café".encode()


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\x00b", "a\x01", "\ud800", "a\nb", 5, None, {"a": 1}])
async def test_response_values_that_http_cannot_carry_are_left_out(desk: Desk, value: object) -> None:
    _, answer = await exchange(desk, BASE, [desk.key], x_bad=value, x_good="1", **{"bad name": "x", "bad:": "y"})
    names = {name for name, _ in answer.headers}
    assert "x-good" in names
    assert not {"x-bad", "x-evil", "bad name", "bad"} & names


@pytest.mark.parametrize("length", ["5, 6", "-1", "1e3", "+2", "0x2", "9" * 30, "", ["2", "3"]])
async def test_an_ambiguous_length_of_a_response_is_a_bad_gateway(desk: Desk, length: object) -> None:
    _, answer = await exchange(desk, BASE, [desk.key], content_length=length)
    assert (answer.status, b"Tunnel error" in answer.body) == (502, True)


async def test_a_repeated_equal_length_is_one(desk: Desk) -> None:
    _, answer = await exchange(desk, BASE, [desk.key], content_length=["2", "2"])
    assert (answer.one("content-length"), answer.body) == ("2", b"ok")


async def test_a_service_worker_is_not_served_on_the_relays_own_origin(desk: Desk) -> None:
    for mode, (base, lines) in (await addresses(desk)).items():
        if mode == "host":
            _, answer = await exchange(desk, "/sw.js", [*lines, "Service-Worker: script"])
            assert answer.status == 200
            continue
        async with desk.raw() as browser:
            await browser.get(base + "/sw.js", *lines, "Service-Worker: script")
            assert (await browser.answer()).status == 404, mode


async def test_a_tunnelled_page_may_not_act_on_the_relay(desk: Desk) -> None:
    own = {"Origin": desk.rig.url, **desk.ann.by_cookie}
    for referer, status in ((f"{desk.rig.url}{BASE}/page", 403), (f"{desk.rig.url}/ui", 200)):
        answer = await desk.rig.json(
            "POST", "/api/tunnel-token", {**own, "Referer": referer}, {"runnerId": "r1", "port": 1}
        )
        assert answer[0] == status, answer
