"""HTTP exchanges against a scripted runner: their frames, their ends, what is live (tunnel.md 1.5 to 1.8, 7)."""

from __future__ import annotations

import asyncio
import hashlib
import random

import pytest

from relay.http.errors import ApiError
from relay.tunnel.limits import ExchangeLimits
from relay.tunnel.link import TunnelLimits
from tests.runners.rig import Options
from tests.tunnel.desk import BASE, PORT, Desk, eventually


@pytest.fixture
def limits() -> ExchangeLimits:
    return ExchangeLimits()


@pytest.fixture
def options(limits: ExchangeLimits) -> Options:
    return Options(exchanges=limits)


#: Longer than a busy machine stands still, where something is to be in time.
ANSWER_SOON = pytest.mark.parametrize("limits", [ExchangeLimits(answer_within=1.5)], ids=["soon"])
UPLOAD_SOON = pytest.mark.parametrize("limits", [ExchangeLimits(upload_idle=1.0)], ids=["soon"])


async def test_tunnel_16_a_get_without_a_body_is_sent_whole_at_once(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(f"{BASE}/a?b=1", desk.key, "Accept: */*")
        request = await desk.runner.request()
        headers = request.pop("headers")
        stream_id = request["id"]
        assert request == {"type": "request-start", "id": stream_id, "port": PORT, "method": "GET", "url": "/a?b=1"}
        assert headers == {"accept": "*/*"}
        assert await desk.runner.body(request) == b""
        await desk.runner.answer(request, b"hi", content_type="text/plain", content_length="2")
        answer = await browser.answer()
        assert (answer.status, answer.body, answer.one("content-type")) == (200, b"hi", "text/plain")
    assert len(desk.channel) == 0


async def test_tunnel_17_all_byte_values_pass_both_ways(desk: Desk) -> None:
    body = bytes(range(256)) * 4096
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key, f"Content-Length: {len(body)}", method="POST")
        sending = asyncio.create_task(browser.send(body))
        request = await desk.runner.request()
        assert hashlib.sha256(await desk.runner.body(request)).digest() == hashlib.sha256(body).digest()
        await sending
        await desk.runner.head(request)
        for start in range(0, len(body), 100_000):
            await desk.runner.data(request, body[start : start + 100_000])
        await desk.runner.end(request)
        answer = await browser.answer()
        assert answer.body == body


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
async def test_tunnel_18_bodies_of_every_method_are_sent_on_with_their_length(desk: Desk, method: str) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key, "Content-Length: 5", method=method)
        await browser.send(b"hello")
        request = await desk.runner.request()
        assert request["headers"] == {"content-length": "5"}
        assert await desk.runner.body(request) == b"hello"
        await desk.runner.answer(request)
        assert (await browser.answer()).body == b"ok"
        await browser.get(BASE, desk.key, "Transfer-Encoding: chunked", method=method)
        await browser.send(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        request = await desk.runner.request()
        assert request["headers"] == {}
        assert await desk.runner.body(request) == b"abcde"
        await desk.runner.answer(request)
        assert (await browser.answer()).body == b"ok"


async def test_tunnel_18_an_empty_post_keeps_its_length(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key, "Content-Length: 0", method="POST")
        request = await desk.runner.request()
        assert request["headers"] == {"content-length": "0"}
        assert await desk.runner.body(request) == b""


async def test_a_compressed_upload_stays_as_it_is(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key, "Content-Length: 4", "Content-Encoding: gzip", method="POST")
        await browser.send(b"\x1f\x8b\x00\x01")
        request = await desk.runner.request()
        assert request["headers"] == {"content-length": "4", "content-encoding": "gzip"}
        assert await desk.runner.body(request) == b"\x1f\x8b\x00\x01"


@ANSWER_SOON
async def test_tunnel_20_the_time_for_an_answer_begins_when_the_upload_has_ended(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key, "Content-Length: 6", method="POST")
        request = await desk.runner.request()
        for letter in b"abcdef":
            await browser.send(bytes((letter,)))
            await asyncio.sleep(0.3)
        assert await desk.runner.body(request) == b"abcdef"
        await desk.runner.answer(request)
        assert (await browser.answer()).body == b"ok"


@UPLOAD_SOON
async def test_an_upload_that_stalls_is_ended_with_408(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key, "Content-Length: 6", method="POST")
        await browser.send(b"abc")
        request = await desk.runner.request()
        answer = await browser.answer()
        assert (answer.status, answer.one("connection")) == (408, "close")
        assert (await desk.runner.take("request-end", request["id"]))["id"] == request["id"]


async def test_tunnel_21_an_early_answer_ends_the_upload(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key, "Content-Length: 104857600", method="POST")
        request = await desk.runner.request()
        await desk.runner.answer(request, b"too big", 413, content_length="7")
        answer = await browser.answer()
        assert (answer.status, answer.body, answer.one("connection")) == (413, b"too big", "close")
    await eventually(lambda: desk.channel.tasks == 0)
    assert "request-data-end" not in desk.runner.frames_of(request)


async def test_tunnel_22_every_piece_leaves_before_the_next_is_produced(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(f"{BASE}/events", desk.key)
        request = await desk.runner.request()
        await desk.runner.head(request, content_type="text/event-stream")
        answer = await browser.head()
        assert (answer.status, answer.one("transfer-encoding")) == (200, "chunked")
        for number in range(20):
            await desk.runner.data(request, b"data: %d\n\n" % number)
            assert await browser.chunk() == b"data: %d\n\n" % number
        await desk.runner.end(request)
        assert await browser.chunk() == b""


async def test_tunnel_23_the_head_leaves_without_a_body(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key)
        request = await desk.runner.request()
        await desk.runner.head(request, x_a="1")
        assert (await browser.head()).one("x-a") == "1"


async def test_tunnel_28_a_browser_that_leaves_ends_the_runners_work(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key)
        request = await desk.runner.request()
        await desk.runner.head(request)
        await desk.runner.data(request, b"x" * 1000)
        await browser.head()
        assert await browser.chunk() == b"x" * 1000
        browser.reset()
        await desk.runner.take("request-end", request["id"])
    await desk.runner.data(request, b"late")
    await desk.runner.end(request)
    await eventually(lambda: len(desk.channel) == 0)


async def test_tunnel_29_a_silent_stream_ends_with_its_browser(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key)
        request = await desk.runner.request()
        await desk.runner.head(request, content_type="text/event-stream")
        await browser.head()
    await desk.runner.take("request-end", request["id"])


async def test_tunnel_30_a_browser_may_leave_before_the_head(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key)
        request = await desk.runner.request()
    await desk.runner.take("request-end", request["id"])
    await desk.runner.answer(request)
    await eventually(lambda: len(desk.channel) == 0)


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("small", [True, False])
async def test_tunnel_31_a_body_that_breaks_off_is_never_whole(desk: Desk, version: str, small: bool) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key, version=version)
        request = await desk.runner.request()
        await desk.runner.head(request)
        await desk.runner.data(request, b"x" * (10 if small else 200_000))
        await desk.runner.send({"type": "response-data-abort", "id": request["id"], "reason": "request aborted"})
        answer = await browser.answer()
        assert not answer.complete


@pytest.mark.parametrize("sent", [0, 5, 10])
async def test_tunnel_32_a_body_shorter_than_its_length_is_never_whole(desk: Desk, sent: int) -> None:
    for ending in ("response-data-abort", "response-data-end"):
        async with desk.raw() as browser:
            await browser.get(BASE, desk.key)
            request = await desk.runner.request()
            await desk.runner.head(request, content_length="11")
            await browser.head()
            await desk.runner.data(request, b"x" * sent)
            await desk.runner.send({"type": ending, "id": request["id"]})
            assert len(await browser.reader.read()) == sent


async def test_a_body_longer_than_its_length_is_cut_and_never_reaches_the_next_answer(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key)
        request = await desk.runner.request()
        await desk.runner.head(request, content_length="3")
        await browser.head()
        await desk.runner.data(request, b"abcHTTP/1.1 200 OK\r\n\r\n")
        await desk.runner.take("request-end", request["id"])
        assert b"HTTP" not in await browser.reader.read()


async def test_a_whole_answer_of_the_wrong_length_is_a_bad_gateway(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key)
        request = await desk.runner.request()
        await desk.runner.answer(request, b"ab", content_length="3")
        answer = await browser.answer()
        assert answer.status == 502 or not answer.complete


async def test_tunnel_33_a_runner_that_goes_breaks_off_what_it_answered_and_is_503_for_the_rest(desk: Desk) -> None:
    async with desk.raw() as begun, desk.raw() as waiting:
        await begun.get(f"{BASE}/begun", desk.key)
        request = await desk.runner.request()
        await desk.runner.head(request)
        await desk.runner.data(request, b"half")
        await begun.head()
        assert await begun.chunk() == b"half"
        await waiting.get(f"{BASE}/waiting", desk.key)
        await desk.runner.request()
        await desk.runner.close()
        assert await begun.reader.read() == b""
        answer = await waiting.answer()
        assert (answer.status, answer.body) == (503, b'{"error":"Runner not available"}')


@ANSWER_SOON
async def test_tunnel_34_a_service_that_never_answers_is_504(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key)
        request = await desk.runner.request()
        answer = await browser.answer()
        assert (answer.status, answer.body) == (504, b'{"error":"Tunnel request timed out"}')
        await desk.runner.take("request-end", request["id"])
        await desk.runner.answer(request, b"late")


@ANSWER_SOON
async def test_tunnel_35_after_the_head_silence_has_no_end(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key)
        request = await desk.runner.request()
        await desk.runner.head(request)
        await browser.head()
        # Longer than the time for an answer.
        await asyncio.sleep(2.0)
        await desk.runner.data(request, b"at last")
        assert await browser.chunk() == b"at last"


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304), ("GET", 204)])
async def test_responses_without_a_body_keep_their_headers_and_the_connection(
    desk: Desk, method: str, status: int
) -> None:
    async with desk.raw() as browser:
        for _ in range(2):
            await browser.get(BASE, desk.key, method=method)
            request = await desk.runner.request()
            await desk.runner.head(request, status, content_length="12345", content_type="image/png", etag='"x"')
            await desk.runner.end(request)
            answer = await browser.answer(method)
            assert (answer.status, answer.one("etag")) == (status, '"x"')
            assert answer.all("transfer-encoding") == []
            if method == "HEAD":
                assert answer.one("content-length") == "12345"


async def test_options_is_forwarded(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key, method="OPTIONS")
        request = await desk.runner.request()
        assert request["method"] == "OPTIONS"
        await desk.runner.answer(request, b"", 204, allow="GET")
        assert (await browser.answer()).one("allow") == "GET"


async def test_continue_is_said_after_the_caller_is_known(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, "Content-Length: 5", "Expect: 100-continue", method="POST")
        assert (await browser.answer()).status == 401
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key, "Content-Length: 5", "Expect: 100-continue", method="POST")
        assert (await browser.head()).status == 100
        await browser.send(b"hello")
        request = await desk.runner.request()
        assert request["headers"] == {"content-length": "5"}
        assert await desk.runner.body(request) == b"hello"
        await desk.runner.answer(request)
        assert (await browser.answer()).body == b"ok"


@UPLOAD_SOON
async def test_a_broken_upload_ends_the_exchange(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key, "Transfer-Encoding: chunked", method="POST")
        await browser.send(b"3\r\nabc\r\n")
        request = await desk.runner.request()
        await browser.send(b"zz\r\n")
        # The parser takes the rest for nothing at all, so this is a browser that sends nothing more.
        assert (await browser.answer()).status == 408
        await desk.runner.take("request-end", request["id"])
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key, "Content-Length: 10", method="POST")
        await browser.send(b"abc")
        request = await desk.runner.request()
    await desk.runner.take("request-end", request["id"])
    assert "request-data-end" not in desk.runner.frames_of(request)


async def test_pieces_of_uploads_are_small_and_take_turns(desk: Desk) -> None:
    body = random.Random(1).randbytes(300_000)
    async with desk.raw() as one, desk.raw() as two:
        for browser in (one, two):
            await browser.get(BASE, desk.key, f"Content-Length: {len(body)}", method="POST")
            await browser.send(body)
        requests = [await desk.runner.request(), await desk.runner.request()]
        await eventually(lambda: sum(frame["type"] == "request-data-end" for frame in desk.runner.frames) == 2)
        sizes = [len(str(frame["data"])) for frame in desk.runner.frames if frame["type"] == "request-data"]
        assert max(sizes) <= 64 * 1024
        for request in requests:
            assert await desk.runner.body(request) == body


async def test_keep_alive_serves_one_exchange_after_the_other(desk: Desk) -> None:
    async with desk.raw() as browser:
        for number in range(5):
            await browser.get(f"{BASE}/{number}", desk.key)
            request = await desk.runner.request()
            assert request["url"] == f"/{number}"
            await desk.runner.answer(request, b"%d" % number, content_length="1")
            assert (await browser.answer()).body == b"%d" % number


def test_a_failure_names_itself() -> None:
    from relay.tunnel.failures import TIMED_OUT

    error = TIMED_OUT.error()
    assert isinstance(error, ApiError)
    assert (error.status, error.message) == (504, "Tunnel request timed out")


def test_the_numbers_of_the_contract_are_the_defaults() -> None:
    limits = ExchangeLimits()
    assert (limits.high_water, limits.low_water, limits.pause) == (2**20, 256 * 1024, 0.1)
    assert (limits.answer_within, limits.upload_idle, limits.open_within) == (30.0, 120.0, 10.0)
    assert (limits.exchanges, limits.bridges, limits.piece) == (256, 128, 65536)
    assert (TunnelLimits().ping_every, TunnelLimits().silent_for) == (30.0, 90.0)
