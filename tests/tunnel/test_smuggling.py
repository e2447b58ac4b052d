"""Requests that two parsers could read differently, at the listener and in what is sent on (tunnel.md 6.1 S12)."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.tunnel.desk import BASE, Desk

HIDDEN = b"GET /api/tunnel/runner/r1/3000/hidden HTTP/1.1\r\nHost: x\r\nx-api-key: %s\r\n\r\n"


async def outcome(desk: Desk, head: bytes, body: bytes = b"") -> tuple[bytes, list[object]]:
    """Send raw bytes and a hidden request behind them; answer what came back and the addresses that got through."""
    async with desk.raw() as browser:
        await browser.send(head.replace(b"KEY", desk.ann.key.encode()) + body)
        received = b""
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(0.5):
                while data := await browser.reader.read(65536):
                    received += data
    return received, [frame["url"] for frame in desk.runner.frames if frame["type"] == "request-start"]


def request(*lines: bytes, method: bytes = b"POST", target: bytes = BASE.encode() + b"/front") -> bytes:
    """Write a head with the owner's key."""
    return b"\r\n".join([method + b" " + target + b" HTTP/1.1", b"Host: x", b"x-api-key: KEY", *lines, b"", b""])


@pytest.mark.parametrize(
    "head",
    [
        request(b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        request(b"Transfer-Encoding: chunked", b"Content-Length: 5"),
        request(b"Content-Length: 5", b"Content-Length: 6"),
        request(b"Content-Length: 5, 6"),
        request(b"Content-Length: +5"),
        request(b"Content-Length: 0x5"),
        request(b"Content-Length: -1"),
        request(b"Content-Length : 5"),
        request(b"Content-Length:\x0b5"),
        request(b"Transfer-Encoding: chunked, identity"),
        request(b"Transfer-Encoding: xchunked"),
        request(b"Transfer-Encoding: identity"),
        request(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
        request(b"X-A: 1\r\n folded"),
        request(b" X-A: leading space"),
        request(b"X-A\x01: 1"),
        request(b"X-A\x00: 1"),
        request(b"X A: 1"),
        request(b": empty"),
        request(b"X-A: a\x00b"),
        request(b"X-A: a\rX-B: 1"),
        request(b"no colon"),
        request(target=BASE.encode() + b"/a b"),
        request(target=BASE.encode() + b"/a\x01b"),
        request(target=BASE.encode() + b"/a\x7fb"),
    ],
)
async def test_an_ambiguous_request_is_refused_and_nothing_behind_it_is_read(desk: Desk, head: bytes) -> None:
    hidden = HIDDEN % desk.ann.key.encode()
    received, urls = await outcome(desk, head, hidden)
    assert urls == [], received
    assert received[9:12] == b"400" or received == b"", received[:80]
    assert received.count(b"\r\nDate: ") <= 1


@pytest.mark.parametrize("ending", [b"\n", b"\r"])
async def test_bare_line_ends_are_no_line_ends(desk: Desk, ending: bytes) -> None:
    head = ending.join([b"GET " + BASE.encode() + b" HTTP/1.1", b"Host: x", b"x-api-key: KEY", b"", b""])
    _, urls = await outcome(desk, head)
    assert urls == []


async def test_two_hosts_never_reach_a_service(desk: Desk) -> None:
    host = await desk.host()
    _, urls = await outcome(desk, b"GET / HTTP/1.1\r\nHost: " + host.encode() + b"\r\nHost: x\r\n\r\n")
    assert urls == []


async def test_an_absolute_target_is_reduced_to_its_path(desk: Desk) -> None:
    _, urls = await outcome(desk, request(method=b"GET", target=b"http://evil.example" + BASE.encode() + b"/x?y=1"))
    assert urls == ["/x?y=1"]


async def test_a_chunked_request_behind_another_is_its_own(desk: Desk) -> None:
    async with desk.raw() as browser:
        head = request(b"Transfer-Encoding: chunked").replace(b"KEY", desk.ann.key.encode())
        await browser.send(head + b"3;ext=1\r\nabc\r\n0\r\n\r\n" + head + b"1\r\nz\r\n0\r\n\r\n")
        for expected in (b"abc", b"z"):
            got = await desk.runner.request()
            assert "transfer-encoding" not in str(got["headers"]).lower()
            assert await desk.runner.body(got) == expected
            await desk.runner.answer(got)
            assert (await browser.answer()).body == b"ok"


async def test_what_a_response_smuggles_stays_inside_its_body(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key)
        got = await desk.runner.request()
        forged = b"0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        await desk.runner.answer(got, forged, 200, transfer_encoding="chunked", connection="close")
        answer = await browser.answer()
        assert (answer.body, answer.complete) == (forged, True)
        await browser.get(BASE, desk.key)
        await desk.runner.answer(await desk.runner.request(), b"next")
        assert (await browser.answer()).body == b"next"


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "FOO", "get", "PROPFIND"])
async def test_tunnel_59_other_methods_are_refused_at_once(desk: Desk, method: str) -> None:
    received, urls = await outcome(desk, request(method=method.encode()))
    assert urls == []
    assert received[9:12] in (b"400", b"404", b"405"), received[:80]


async def test_tunnel_59_control_characters_in_values_are_refused_at_once(desk: Desk) -> None:
    for value in (b"a\x01b", b"a\x1fb", b"a\x7fb"):
        received, urls = await outcome(desk, request(b"X-A: " + value, method=b"GET"))
        assert (urls, received[9:12]) == ([], b"400"), value
