"""Acceptance checks of rest-account.md 18 that the HTTP floor answers for; one test per line, named after it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.http.health import Health, Readiness
from relay.http.routes import Auth, Body, Call, Json, Route
from relay.http.security import SecurityHeaders
from relay.http.static import StaticUi
from tests.clock import ManualClock
from tests.http.harness import Served, Setup, serving

MIB = 1_048_576
SCRIPT = "document.documentElement.dataset.theme = 'dark'"
INDEX = f"<!doctype html><head><script>\n{SCRIPT}\n</script></head><body></body>"


@pytest.fixture
async def served(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Served]:
    """A relay's HTTP floor with a UI."""

    async def accept(call: Call) -> Json:
        return {"keys": list(call.body)}

    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / "build-info.json").write_text('{"buildTimestamp": "2026-11-24T03:01:43.600Z"}')
    security = SecurityHeaders()
    ui = StaticUi(tmp_path, security)
    rows = [
        *Health(clock, Readiness(), "0.1.0", ui.build_timestamp).routes(),
        Route("POST", "/api/thing", accept, "takes JSON", auth=Auth.NONE, body=Body.LENIENT),
        Route("PUT", "/api/thing", accept, "takes JSON", body=Body.LENIENT),
        Route(
            "POST", "/api/sessions/{id}/attachments", accept, "takes more", auth=Auth.NONE, body=Body.LENIENT,
            limit=50 * MIB,
        ),
    ]  # fmt: skip
    setup = Setup(origins=["https://relay.example"], security=security, fallback=ui.serve)
    async with serving(rows, setup) as running:
        yield running


async def test_account_12_cross_origin_gate(served: Served) -> None:
    cookie = "Cookie: session=good"
    cases = [
        ((cookie, "Origin: https://evil.example"), 403),
        ((cookie, f"Origin: {served.origin}"), 200),
        ((cookie, "Origin: https://relay.example"), 200),
        (("Origin: https://evil.example",), 200),
        ((cookie, "Sec-Fetch-Site: cross-site"), 403),
        ((cookie, "Sec-Fetch-Site: same-origin"), 200),
        ((cookie,), 200),
        ((cookie, "Origin: null"), 403),
        ((cookie, "x-api-key: good", "Origin: https://evil.example"), 403),
        # An Origin that is trusted decides; the browser's word on the site is asked only without one.
        ((cookie, "Origin: https://relay.example", "Sec-Fetch-Site: cross-site"), 200),
    ]
    for headers, status in cases:
        answer = await served.get_raw("/api/thing", *headers, "Content-Length: 0", method="POST")
        assert answer.status == status, headers
        if status == 403:
            assert json.loads(answer.body) == {"error": "Cross-origin request rejected"}
    # It comes before the credentials, and judges unknown paths of the API as well.
    foreign = ("Cookie: session=bad", "Origin: https://evil.example")
    assert (await served.get_raw("/api/thing", *foreign, method="PUT")).status == 403
    assert (await served.get_raw("/api/unknown", *foreign, method="DELETE")).status == 403
    for method in ("GET", "HEAD", "OPTIONS"):
        assert (await served.get_raw("/api/unknown", *foreign, method=method)).status == 404


def _json_of(size: int) -> bytes:
    return b'{"a":"' + b"x" * (size - 8) + b'"}'


def _chunked(body: bytes) -> bytes:
    pieces = [body[start : start + 65_536] for start in range(0, len(body), 65_536)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


async def _post(served: Served, path: str, body: bytes, *, chunked: bool) -> tuple[int, object]:
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n\r\n" % (path.encode(), length)
    answer = await served.raw(head + (_chunked(body) if chunked else body))
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize("chunked", [False, True])
async def test_account_13_body_limit(served: Served, chunked: bool) -> None:
    too_large = {"error": "Payload Too Large: body exceeds 1048576 bytes"}
    assert await _post(served, "/api/thing", _json_of(MIB), chunked=chunked) == (200, {"keys": ["a"]})
    assert await _post(served, "/api/thing", _json_of(MIB + 1), chunked=chunked) == (413, too_large)
    attachments = "/api/sessions/s1/attachments"
    assert await _post(served, attachments, _json_of(3 * MIB), chunked=chunked) == (200, {"keys": ["a"]})


async def test_account_19_health_names_the_socket_protocol_and_no_newer_version(served: Served) -> None:
    report = json.loads((await served.get_raw("/health")).body)
    assert report["status"] == "ok"
    version = report["version"]
    assert type(version["socketProtocol"]) is int
    assert version["socketProtocol"] == 1
    # The UI shows a banner for a server that is newer than itself and for another build than its own.
    assert version["server"] is None
    assert version["buildTimestamp"] == "2026-11-24T03:01:43.600Z"


async def test_account_20_csp_hash_is_that_of_the_served_inline_script(served: Served) -> None:
    answer = await served.get_raw("/")
    script = re.search(rb"<script>(.*?)</script>", answer.body, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1]).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]
    # The same policy stands on every answer, errors included.
    error = await served.get_raw("/api/unknown")
    assert error.headers["content-security-policy"] == answer.headers["content-security-policy"]


async def test_account_21_unknown_paths(served: Served) -> None:
    answer = await served.get_raw("/api/x")
    assert (answer.status, json.loads(answer.body)) == (404, {"error": "Not found"})
    page = await served.get_raw("/session/abc")
    assert (page.status, page.body.decode()) == (200, INDEX)
    assert (await served.get_raw("/assets/missing.js")).status == 404
