"""The dispatcher: guards, credentials, bodies, errors, shielding, headers, over real HTTP."""

from __future__ import annotations

import asyncio
import io
import json
import logging

import aiohttp
import pytest
from aiohttp import web

from relay.http.errors import RUNNER_NOT_FOUND, STORAGE_UNAVAILABLE, ApiError
from relay.http.routes import Auth, Body, Call, Json, Route
from relay.http.server import HttpLimits
from tests.http.harness import Setup, read_answer, serving


async def _echo(call: Call) -> Json:
    return {"params": dict(call.params), "raw": dict(call.raw_params), "body": call.body}


async def _whoami(call: Call) -> Json:
    return {"user": call.user.user_id, "via": call.user.via.value}


def _open(method: str, path: str, **options: object) -> Route:
    return Route(method, path, _echo, "echo", auth=Auth.NONE, **options)  # type: ignore[arg-type]  # test shorthand


async def test_json_is_answered_as_json() -> None:
    async def nothing(call: Call) -> Json:
        return None

    async def surrogate(call: Call) -> Json:
        return [json.loads('"\\ud800x"')]

    async def large(call: Call) -> Json:
        return ["x" * 3_000_000]

    rows = [
        _open("GET", "/api/echo/{name}"),
        Route("GET", "/api/null", nothing, "null", auth=Auth.NONE),
        Route("GET", "/api/surrogate", surrogate, "a lone surrogate", auth=Auth.NONE),
        Route("GET", "/api/large", large, "3 MB", auth=Auth.NONE),
    ]
    async with serving(rows) as served:
        answer = await served.get_raw("/api/echo/time%253Acron%20%C3%A4?x=1")
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json; charset=utf-8")
        assert json.loads(answer.body) == {
            "params": {"name": "time%3Acron ä"},
            "raw": {"name": "time%253Acron%20%C3%A4"},
            "body": {},
        }
        assert (await served.get_raw("/api/null")).body == b"null"
        assert (await served.get_raw("/api/surrogate")).body == b'["\\ud800x"]'
        assert len((await served.get_raw("/api/large")).body) == 3_000_004


async def test_a_broken_escape_in_a_parameter_is_a_400() -> None:
    async with serving([_open("GET", "/api/echo/{name}")]) as served:
        for target in ("/api/echo/%zz", "/api/echo/%", "/api/echo/%ff"):
            answer = await served.get_raw(target)
            assert answer.status == 400
            assert list(json.loads(answer.body)) == ["error"]


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/api/nothing"),
        ("POST", "/api/echo/x"),
        ("HEAD", "/api/echo/x"),
        ("PROPFIND", "/api/echo/x"),
        ("GET", "//api/echo/x"),
        ("GET", "/nothing"),
        ("OPTIONS", "*"),
        ("GET", "/api/echo/x/%zz"),
    ],
)
async def test_unknown_paths_and_methods_are_a_json_404(method: str, target: str) -> None:
    async with serving([_open("GET", "/api/echo/{name}")]) as served:
        answer = await served.get_raw(target, method=method)
        assert answer.status == 404
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        if method != "HEAD":
            assert json.loads(answer.body) == {"error": "Not found"}


async def test_a_connect_request_is_no_proxy() -> None:
    async with serving([_open("GET", "/api/echo/{name}")]) as served:
        answer = await served.get_raw("example.com:443", method="CONNECT")
        assert answer.status in {400, 404}
        assert b"example" not in answer.body


async def test_the_absolute_form_of_a_target_works() -> None:
    async with serving([_open("GET", "/api/echo/{name}")]) as served:
        assert (await served.get_raw(f"{served.origin}/api/echo/x")).status == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"POST /api/echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n{}",
        b"POST /api/echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /api/echo/x HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n",
        b"POST /api/echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"POST /api/echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_a_400_and_the_next_connection_works(request_bytes: bytes) -> None:
    async with serving([_open("POST", "/api/echo/{name}")]) as served:
        assert (await served.raw(request_bytes)).status == 400
        assert (await served.get_raw("/api/echo/x", method="POST")).status == 200


async def test_credentials_are_asked_for_and_judged() -> None:
    rows = [
        Route("GET", "/api/me", _whoami, "cookie or key"),
        Route("GET", "/api/key", _whoami, "key", auth=Auth.KEY),
        Route("GET", "/api/open", _whoami, "anybody", auth=Auth.NONE),
    ]
    cases: list[tuple[str, list[str], int, object]] = [
        ("/api/me", [], 401, "Missing API key (x-api-key header)"),
        ("/api/me", ["x-api-key: bad", "Cookie: session=good"], 401, "Invalid or expired API key"),
        ("/api/me", ["Cookie: session=good"], 200, "cookie"),
        ("/api/me", ["x-api-key: good"], 200, "x-api-key"),
        ("/api/me", ["Authorization: Bearer good"], 200, "bearer"),
        ("/api/me", ["Authorization: Bearer bad", "Cookie: session=good"], 200, "cookie"),
        ("/api/key", ["Cookie: session=good"], 401, "Missing API key (x-api-key header)"),
        ("/api/key", ["Authorization: Bearer bad", "Cookie: session=good"], 401, "Invalid or expired API key"),
        ("/api/key", ["x-api-key: good"], 200, "x-api-key"),
        ("/api/open", ["x-api-key: good"], 401, "Unauthorized"),
    ]
    async with serving(rows) as served:
        for target, headers, status, expected in cases:
            answer = await served.get_raw(target, *headers)
            value = json.loads(answer.body)
            assert (answer.status, value.get("via", value.get("error"))) == (status, expected), (target, headers)


@pytest.mark.parametrize(
    ("text", "lenient", "strict"),
    [
        (b'{"a": 1}', {"a": 1}, 200),
        (b'{"a": "\\ud83d"}', {"a": "\ud83d"}, 200),
        (b"", {}, 400),
        (b"null", {}, 400),
        (b"[1]", {}, 400),
        (b'"x"', {}, 400),
        (b"{", {}, 400),
        (b"\xff", {}, 400),
        (b'{"a": NaN}', {}, 400),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, {}, 400),
        (b'{"\\ud800":' * 50_000 + b"1" + b"}" * 50_000, {}, 400),
    ],
)
async def test_bodies_that_are_no_object_are_empty_or_refused(
    text: bytes, lenient: dict[str, object], strict: int
) -> None:
    rows = [_open("POST", "/lenient", body=Body.LENIENT), _open("POST", "/strict", body=Body.STRICT)]
    async with serving(rows) as served:
        async with served.session.post("/lenient", data=text) as answer:
            assert answer.status == 200
            assert (await answer.json())["body"] == lenient
        async with served.session.post("/strict", data=text) as answer:
            assert answer.status == strict
            if strict == 400:
                assert await answer.json() == {"error": "Invalid JSON body"}


async def test_a_route_without_a_body_ignores_one() -> None:
    async with serving([_open("POST", "/x")]) as served:
        async with served.session.post("/x", data=b'{"a": 1}') as answer:
            assert (await answer.json())["body"] == {}
        async with served.session.post("/x", data=b"second on the same connection") as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Content-Type": "text/plain"}, 200),
        ({"Content-Type": "text/plain", "Origin": "http://127.0.0.1"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}, 415),
        ({"Content-Type": "text/plain", "Sec-Fetch-Mode": "no-cors"}, 415),
        ({"Content-Type": "application/json;charset=UTF-8", "Origin": "http://127.0.0.1"}, 200),
        ({"Content-Type": "Application/JSON", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Content-Type": "application/merge-patch+json", "Origin": "http://127.0.0.1"}, 200),
        ({"Content-Type": "text/plain; charset=application/json", "Origin": "null"}, 415),
    ],
)
async def test_a_browsers_json_has_to_say_that_it_is_json(headers: dict[str, str], status: int) -> None:
    async with (
        serving([_open("POST", "/x", body=Body.LENIENT)]) as served,
        served.session.post("/x", data=b"{}", headers=headers) as answer,
    ):
        assert answer.status == status


async def test_a_browsers_request_without_a_body_needs_no_content_type() -> None:
    async with (
        serving([_open("POST", "/x", body=Body.LENIENT)]) as served,
        served.session.post("/x", headers={"Origin": served.origin}) as answer,
    ):
        assert answer.status == 200


async def test_a_delete_body_is_read_and_limited() -> None:
    async with serving([_open("DELETE", "/x", body=Body.LENIENT, limit=20)]) as served:
        async with served.session.delete("/x", data=b'{"path": "/a"}') as answer:
            assert (await answer.json())["body"] == {"path": "/a"}
        async with served.session.delete("/x", data=b'{"path": "/aaaaaaaaaaaaaaa"}') as answer:
            assert answer.status == 413


async def test_the_guard_judges_unknown_paths_and_comes_before_the_credentials() -> None:
    rows = [Route("POST", "/api/me", _whoami, "me", body=Body.STRICT)]
    async with serving(rows) as served:
        for path in ("/api/me", "/api/unknown"):
            answer = await served.get_raw(path, "Content-Length: 1048577", method="POST")
            assert answer.status == 413
            assert json.loads(answer.body) == {"error": "Payload Too Large: body exceeds 1048576 bytes"}
            assert answer.headers["connection"] == "close"


async def test_a_body_that_never_ends_is_a_408_and_one_that_breaks_off_harms_nobody() -> None:
    rows = [_open("POST", "/x", body=Body.LENIENT)]
    async with serving(rows, Setup(limits=HttpLimits(body_timeout=0.2))) as served:
        answer = await served.get_raw("/x", "Content-Length: 5", method="POST")
        assert answer.status == 408
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await served.get_raw("/x", "Content-Length: 2", "", "{}", method="POST")).status == 200


async def test_a_client_that_waits_for_100_continue_gets_it_after_the_guards() -> None:
    rows = [Route("POST", "/api/me", _echo, "me", body=Body.STRICT)]
    async with serving(rows) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        head = b"POST /api/me HTTP/1.1\r\nHost: x\r\nx-api-key: %s\r\nContent-Length: 9\r\nExpect: %s\r\n\r\n"
        writer.write(head % (b"good", b"100-continue"))
        assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b'{"a": 12}')
        answer = await read_answer(reader)
        assert json.loads(answer.body)["body"] == {"a": 12}
        writer.close()
        assert (await served.raw(head % (b"bad", b"100-continue"))).status == 401
        assert (await served.raw(head % (b"good", b"200-maybe"))).status == 417


async def test_an_error_has_the_shape_that_its_area_wants() -> None:
    async def fail(call: Call) -> Json:
        raise ApiError(403, "No", code="FORBIDDEN", headers={"X-Why": "so"}, extra={"left": 3})

    async def missing(call: Call) -> Json:
        raise RUNNER_NOT_FOUND()

    rows = [
        Route("GET", "/api/coded", fail, "fails", auth=Auth.NONE),
        Route("GET", "/api/plain", missing, "fails", auth=Auth.NONE),
    ]
    async with serving(rows) as served:
        answer = await served.get_raw("/api/coded")
        assert answer.status == 403
        assert answer.headers["x-why"] == "so"
        assert json.loads(answer.body) == {"error": "No", "code": "FORBIDDEN", "message": "No", "left": 3}
        assert json.loads((await served.get_raw("/api/plain")).body) == {"error": "Runner not found"}


async def test_a_bug_is_a_500_that_tells_nothing_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(call: Call) -> Json:
        raise LookupError("secret detail")

    async def late(call: Call) -> Json:
        raise TimeoutError

    rows = [
        Route("GET", "/api/bug/{token}", fail, "fails", auth=Auth.NONE),
        Route("GET", "/api/late", late, "times out", auth=Auth.NONE),
    ]
    async with serving(rows) as served:
        answer = await served.get_raw("/api/bug/t0ken")
        assert answer.status == 500
        assert json.loads(answer.body) == {"error": "Internal server error"}
        assert answer.headers["x-request-id"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (await served.get_raw("/api/late")).status == 500
    record = next(record for record in caplog.records if record.name == "relay.http.server")
    assert record.levelno == logging.ERROR
    assert vars(record)["route"] == "GET /api/bug/{token}"
    assert "t0ken" not in record.getMessage()
    assert record.exc_info is not None


async def test_a_rooms_exceptions_can_have_a_catalogue_entry() -> None:
    class Down(Exception):
        pass

    class FarDown(Down):
        pass

    async def fail(call: Call) -> Json:
        raise FarDown("disk is gone")

    setup = Setup(errors={Down: STORAGE_UNAVAILABLE})
    async with serving([Route("GET", "/api/x", fail, "fails", auth=Auth.NONE)], setup) as served:
        answer = await served.get_raw("/api/x")
        assert answer.status == 503
        assert json.loads(answer.body) == {"error": "The relay's database is unavailable"}


async def test_redirects_pass_and_aiohttps_refusals_become_json() -> None:
    async def away(call: Call) -> web.StreamResponse:
        raise web.HTTPFound("/elsewhere")

    async def socket(call: Call) -> web.StreamResponse:
        answer = web.WebSocketResponse()
        await answer.prepare(call.request)
        return answer

    rows = [
        Route("GET", "/away", away, "redirects", auth=Auth.NONE),
        Route("GET", "/socket", socket, "upgrades", auth=Auth.NONE, streamed=True),
    ]
    async with serving(rows) as served:
        answer = await served.get_raw("/away")
        assert (answer.status, answer.headers["location"]) == (302, "/elsewhere")
        assert answer.headers["x-frame-options"] == "DENY"
        answer = await served.get_raw("/socket")
        assert answer.status == 400
        assert list(json.loads(answer.body)) == ["error"]


async def test_an_upgrade_row_is_an_ordinary_row() -> None:
    async def socket(call: Call) -> web.StreamResponse:
        answer = web.WebSocketResponse()
        await answer.prepare(call.request)
        async for message in answer:
            await answer.send_str(f"{call.user.user_id} {message.data}")
        return answer

    rows = [Route("GET", "/_tunnel", socket, "upgrades", body=Body.RAW, limit=None, streamed=True)]
    async with serving(rows) as served:
        async with served.session.ws_connect("/_tunnel", headers={"x-api-key": "good"}) as connection:
            await connection.send_str("hello")
            assert await connection.receive_str(timeout=5) == "u1 hello"
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await served.session.ws_connect("/_tunnel")
        assert caught.value.status == 401


async def test_a_handler_that_is_not_streamed_survives_its_client() -> None:
    entered, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work(call: Call) -> Json:
        entered.set()
        await go_on.wait()
        done.set()
        return {}

    async with serving([Route("POST", "/work", work, "works", auth=Auth.NONE)]) as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"POST /work HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(entered.wait(), 5)
        writer.transport.abort()
        # The server has noticed when nothing but the shielded task is left of the request.
        await asyncio.wait_for(_no_connections(served.listener), 5)
        go_on.set()
        await asyncio.wait_for(done.wait(), 5)


async def _no_connections(listener: object) -> None:
    runner = vars(listener)["_runner"]
    while runner.server.connections:
        await asyncio.sleep(0.01)


async def test_a_streamed_handler_ends_with_its_client() -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def stream(call: Call) -> web.StreamResponse:
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return web.Response()

    async with serving([Route("GET", "/stream", stream, "streams", auth=Auth.NONE, streamed=True)]) as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(entered.wait(), 5)
        writer.transport.abort()
        await asyncio.wait_for(cancelled.wait(), 5)


async def test_a_stream_that_fails_is_cut_and_never_ends_cleanly() -> None:
    async def stream(call: Call) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(call.request)
        await answer.write(b"first")
        raise RUNNER_NOT_FOUND()

    async with serving([Route("GET", "/stream", stream, "streams", auth=Auth.NONE, streamed=True)]) as served:
        with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError)):
            async with served.session.get("/stream") as answer:
                await answer.read()


async def test_a_socket_that_fails_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    async def socket(call: Call) -> web.StreamResponse:
        answer = web.WebSocketResponse()
        await answer.prepare(call.request)
        await answer.send_str("first")
        raise LookupError("broken")

    async with serving([Route("GET", "/socket", socket, "upgrades", auth=Auth.NONE, streamed=True)]) as served:
        connection = await served.session.ws_connect("/socket")
        kinds = [(await connection.receive(timeout=5)).type for _ in range(2)]
        assert kinds[-1] in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == [
        "request handler failed"
    ]


async def test_a_client_that_leaves_a_stream_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    entered, left, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def stream(call: Call) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(call.request)
        entered.set()
        try:
            while True:
                await left.wait()
                await answer.write(b"x" * 65_536)
        finally:
            ended.set()

    async with serving([Route("GET", "/stream", stream, "streams", auth=Auth.NONE)]) as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(entered.wait(), 5)
        writer.transport.abort()
        await asyncio.wait_for(_no_connections(served.listener), 5)
        left.set()
        await asyncio.wait_for(ended.wait(), 5)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_after_close_open_connections_are_told_to_go() -> None:
    async with serving([_open("GET", "/x")]) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        ask = b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n"
        writer.write(ask)
        assert (await read_answer(reader)).status == 200
        await served.http.close()
        writer.write(ask)
        answer = await read_answer(reader)
        assert (answer.status, answer.headers["connection"]) == (503, "close")
        assert json.loads(answer.body) == {"error": "The relay is shutting down"}
        writer.close()


async def test_long_urls_and_cookies_are_taken_up_to_16_kib() -> None:
    async with serving([_open("GET", "/x")]) as served:
        assert (await served.get_raw("/x?" + "a" * 12_000, "Cookie: a=" + "b" * 12_000)).status == 200
        assert (await served.get_raw("/x", "Cookie: a=" + "b" * 20_000)).status == 400


async def test_close_waits_for_a_shielded_handler_and_then_cancels_it() -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def work(call: Call) -> Json:
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return {}

    setup = Setup(limits=HttpLimits(finish=0.1))
    async with serving([Route("GET", "/work", work, "works", auth=Auth.NONE)], setup) as served:
        request = asyncio.ensure_future(served.get_raw("/work"))
        await asyncio.wait_for(entered.wait(), 5)
        await served.http.close()
        assert cancelled.is_set()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await request


async def test_every_response_has_the_security_headers_but_those_that_bring_their_own() -> None:
    async def own(call: Call) -> web.StreamResponse:
        if call.params["what"] == "fail":
            raise RUNNER_NOT_FOUND()
        return web.Response(text="x", headers={"X-Frame-Options": "SAMEORIGIN"})

    async def page(call: Call) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Security-Policy": "default-src 'none'"})
        answer.headers.add("Set-Cookie", "a=1")
        answer.headers.add("Set-Cookie", "b=2")
        await answer.prepare(call.request)
        await answer.write_eof()
        return answer

    rows = [
        Route("GET", "/own/{what}", own, "a tunnel", auth=Auth.NONE, own_headers=True, streamed=True),
        Route("GET", "/page", page, "a page", auth=Auth.NONE),
    ]
    async with serving(rows) as served:
        async with served.session.get("/own/x") as answer:
            assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
            assert "Content-Security-Policy" not in answer.headers
        for path in ("/own/fail", "/page", "/api/unknown"):
            async with served.session.get(path) as answer:
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["X-Frame-Options"] == "DENY"
                assert answer.headers["X-XSS-Protection"] == "0"
                assert answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
                assert "camera=" in answer.headers["Permissions-Policy"]
                assert answer.headers["Server"] == "relay"
        async with served.session.get("/page") as answer:
            assert answer.headers["Content-Security-Policy"] == "default-src 'none'"
            assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]


async def test_a_host_row_is_outside_of_every_guard() -> None:
    def tunnel_host(request: web.Request) -> bool:
        return request.headers.get("Host", "").endswith(".t.localhost")

    rows = [
        Route(
            "*", "/{rest:tail}", _echo, "tunnel", auth=Auth.NONE, body=Body.RAW, limit=None, host=tunnel_host,
            own_headers=True, streamed=True,
        ),
        _open("GET", "/api/x"),
    ]  # fmt: skip
    async with serving(rows) as served:
        headers = {"Host": "a.t.localhost", "Cookie": "a=b", "Origin": "https://evil.example"}
        async with served.session.post("/api/x", headers=headers, data=io.BytesIO(b"x" * 2_000_000)) as answer:
            assert answer.status == 200
            assert (await answer.json())["params"] == {"rest": "api/x"}
            assert "X-Frame-Options" not in answer.headers
        async with served.session.get("/api/x") as answer:
            assert (await answer.json())["params"] == {}


async def test_requests_on_one_connection_are_answered_in_order() -> None:
    async with serving([_open("GET", "/api/echo/{name}")]) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"".join(b"GET /api/echo/%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(20)))
        for number in range(20):
            assert json.loads((await read_answer(reader)).body)["params"] == {"name": str(number)}
        writer.close()
