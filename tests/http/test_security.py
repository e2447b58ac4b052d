"""The security headers and the hashes of inline scripts."""

from __future__ import annotations

import base64
import hashlib

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from relay.http.security import SecurityHeaders, inline_script_hashes


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize(
    ("html", "scripts"),
    [
        ("<script>a()</script>", ["a()"]),
        ("<SCRIPT>a()</SCRIPT >", ["a()"]),
        ("<script >\n a & b &amp; <b>\n</script>", ["\n a & b &amp; <b>\n"]),
        ("<script>a\r\nb\rc</script>", ["a\nb\nc"]),
        ('<script src="/x.js"></script><script type="module">x</script>', []),
        ("<script>1</script><p>text</p><script>2</script>", ["1", "2"]),
        ("<!-- <script>no</script> --><script>yes</script>", ["yes"]),
        ("<script>ä€</script>", ["ä€"]),
        ("<script></script>", [""]),
        ("<p>no script</p>", []),
    ],
)
def test_every_inline_script_without_attributes_is_hashed(html: str, scripts: list[str]) -> None:
    assert inline_script_hashes(html) == tuple(_source(script) for script in scripts)


def test_the_policy_is_that_of_the_contract() -> None:
    headers = SecurityHeaders()
    headers.allow_scripts(["'sha256-x'"])
    assert headers.policy(make_mocked_request("GET", "/")) == (
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' 'sha256-x'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' data: blob:; connect-src 'self' ws: wss: blob:; "
        "font-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'"
    )


def test_tunnel_origins_may_be_framed_where_the_request_allows_it() -> None:
    def source(request: web.Request) -> str | None:
        return "http://*.t.localhost:7492" if request.headers.get("Host") == "localhost:7492" else None

    headers = SecurityHeaders(source)
    near = headers.policy(make_mocked_request("GET", "/", headers={"Host": "localhost:7492"}))
    far = headers.policy(make_mocked_request("GET", "/", headers={"Host": "box.lan:7492"}))
    assert near.startswith("frame-src 'self' http://*.t.localhost:7492; default-src 'self'; ")
    assert far.startswith("default-src 'self'; ")
    headers.allow_scripts(["'sha256-y'"])
    assert "'sha256-y'" in headers.policy(make_mocked_request("GET", "/", headers={"Host": "localhost:7492"}))


def test_many_frame_sources_do_not_fill_the_memory() -> None:
    headers = SecurityHeaders(lambda request: f"http://{request.headers['Host']}")
    for number in range(100):
        host = f"h{number}"
        assert headers.policy(make_mocked_request("GET", "/", headers={"Host": host})).startswith(
            f"frame-src 'self' http://{host}; "
        )
    assert len(headers._policies) <= 16
