"""Change the headers of path and token tunnels (tunnel.md 2.5, 3.6, 3.7, 6.2, case 57)."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

import pytest

from relay.tunnel.rewrite import RewriteContext, response_headers_for
from relay.tunnel.rewrite.interceptor import script_source
from relay.tunnel.rewrite.kinds import Kind
from relay.tunnel.rewrite.policy import adapt_policy
from tests.tunnel.rewrite.pieces import CONTEXT, B, script

TOKEN: Final = RewriteContext("/api/tunnel/auth/t.s/s-1/3", 3, "/", "token")
HASH: Final = script_source(CONTEXT, Kind.HTML).policy_hash


def _answer(*pairs: tuple[str, str], status: int = 200, context: RewriteContext = CONTEXT) -> dict[str, str]:
    return {name.lower(): value for name, value in response_headers_for(status, pairs, context)}


def test_tunnel_57_session_path() -> None:
    answer = _answer(
        ("content-type", "text/html"),
        ("content-security-policy", "default-src 'self'"),
        ("x-frame-options", "DENY"),
        ("strict-transport-security", "max-age=1"),
        ("service-worker-allowed", "/"),
        ("set-cookie", "a=1"),
        ("x-pizzapi-tunnel-frame", "1"),
        ("x-pizzapi-tunnel", "1"),
        ("clear-site-data", "*"),
        ("alt-svc", "h3"),
        ("referrer-policy", "unsafe-url"),
        ("server", "mine"),
        ("access-control-allow-origin", "*"),
    )
    assert answer == {
        "content-type": "text/html",
        "content-security-policy": f"default-src 'self'; script-src 'self' {HASH}",
        "server": "mine",
        "access-control-allow-origin": "*",
        "x-frame-options": "SAMEORIGIN",
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "x-xss-protection": "0",
        "permissions-policy": "camera=(), microphone=(), geolocation=()",
        "cache-control": "private",
    }


def test_tunnel_57_token() -> None:
    answer = _answer(
        ("content-type", "image/png"),
        ("content-length", "5"),
        ("content-encoding", "gzip"),
        ("content-security-policy", "default-src 'self'"),
        ("x-frame-options", "DENY"),
        context=TOKEN,
    )
    assert "content-security-policy" not in answer
    assert "x-frame-options" not in answer
    assert answer["content-length"] == "5"
    assert answer["content-encoding"] == "gzip"
    assert answer["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("status", [200, 304])
def test_tunnel_55_what_describes_the_bytes_of_the_service_goes_where_they_are_rewritten(status: int) -> None:
    described = {
        "content-length": "5",
        "content-encoding": "gzip",
        "content-md5": "x",
        "digest": "x",
        "repr-digest": "x",
        "accept-ranges": "bytes",
    }
    answer = _answer(("content-type", "text/css"), ("etag", '"a"'), *described.items(), status=status)
    assert not described.keys() & answer.keys()
    assert answer["etag"] == 'W/"a"'
    part = _answer(("content-type", "text/css"), ("etag", '"a"'), *described.items(), status=206)
    assert described.items() <= part.items()
    assert part["etag"] == '"a"'


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("public, max-age=60, s-maxage=9", "private, max-age=60"),
        ("no-store", "no-store"),
        ("private", "private"),
        ("", "private"),
    ],
)
def test_a_rewritten_page_is_for_one_user(given: str, expected: str) -> None:
    assert _answer(("content-type", "text/html"), ("cache-control", given))["cache-control"] == expected
    assert _answer(("content-type", "image/png"), ("cache-control", given))["cache-control"] == given


def test_hop_by_hop_headers_and_those_that_connection_names_go() -> None:
    answer = _answer(
        ("connection", "close, X-Mine"), ("transfer-encoding", "chunked"), ("x-mine", "1"), ("x-other", "2")
    )
    assert {"connection", "transfer-encoding", "x-mine"} & answer.keys() == set()
    assert answer["x-other"] == "2"


def test_repeats_and_their_order_stay() -> None:
    pairs = response_headers_for(200, [("link", "</a>; rel=x"), ("x", "1"), ("link", "<b>, </c?d>; rel=y")], CONTEXT)
    assert pairs[:3] == [("link", f"<{B}/a>; rel=x"), ("x", "1"), ("link", f"<b>, <{B}/c?d>; rel=y")]


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("location", "/login", f"{B}/login"),
        ("content-location", "http://localhost:3/x", f"{B}/x"),
        ("refresh", "5; url=/x", f"5; url={B}/x"),
        ("refresh", "0;URL='/x'", f"0;URL='{B}/x'"),
        ("refresh", "5", "5"),
        ("sourcemap", "/a.map", f"{B}/a.map"),
    ],
)
def test_tunnel_47_headers_that_hold_addresses(name: str, given: str, expected: str) -> None:
    assert _answer((name, given))[name] == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("script-src 'self'", "script-src 'self' #"),
        ("script-src 'none'", "script-src #"),
        ("default-src 'none'", "default-src 'none'; script-src #"),
        (
            "default-src 'none'; script-src-elem 'self'; script-src x.y",
            "default-src 'none'; script-src-elem 'self' #; script-src x.y",
        ),
        ("script-src 'nonce-abc' 'unsafe-inline'", "script-src 'nonce-abc' 'unsafe-inline' #"),
        ("script-src 'strict-dynamic' 'unsafe-inline'", "script-src 'strict-dynamic' 'unsafe-inline' #"),
        ("script-src 'self' 'unsafe-inline'", "script-src 'self' 'unsafe-inline'"),
        ("img-src *", "img-src *"),
        ("script-src a; script-src b", "script-src a #"),
        ("Script-Src 'self';;", "script-src 'self' #"),
        ("script-src http://localhost:3; connect-src ws://127.0.0.1:*", "script-src 'self' #; connect-src 'self'"),
        ("script-src 'self', img-src *", "script-src 'self' #, img-src *"),
        ("report-uri /csp; script-src 'self'", "report-uri @/csp; script-src 'self' #"),
        ("base-uri 'none'", "base-uri 'none'"),
        ("frame-ancestors 'none'; sandbox", "frame-ancestors 'none'; sandbox"),
    ],
)
def test_the_policy_of_the_service_lets_the_script_through_and_nothing_else(given: str, expected: str) -> None:
    assert adapt_policy(given, CONTEXT, HASH, base=False) == expected.replace("#", HASH).replace("@", B)


def test_a_policy_lets_an_injected_base_through() -> None:
    context = RewriteContext(B, 3, "", "path")
    answer = _answer(("content-type", "text/html"), ("content-security-policy", "base-uri 'none'"), context=context)
    assert answer["content-security-policy"] == "base-uri 'self'"


def test_a_policy_of_something_without_the_script_only_gets_the_origin() -> None:
    answer = _answer(("content-type", "text/css"), ("content-security-policy", "script-src 'self'"))
    assert answer["content-security-policy"] == "script-src 'self'"


@pytest.mark.parametrize(("kind", "pattern"), [(Kind.HTML, b"(?s)<script [^>]*>(.*)</script>"), (Kind.XHTML, b"")])
def test_the_hash_is_that_of_the_text_of_the_script(kind: Kind, pattern: bytes) -> None:
    markup = script(CONTEXT, kind)
    found = re.search(pattern or rb"(?s)<script [^>]*>(.*)</script>", markup)
    assert found is not None
    text = found[1].replace(b"<![CDATA[", b"").replace(b"]]>", b"")
    digest = base64.b64encode(hashlib.sha256(text).digest()).decode()
    assert script_source(CONTEXT, kind).policy_hash == f"'sha256-{digest}'"
