"""Run the interceptor under Node, in a page of a few classes, and see what calls become (tunnel.md 3.5, case 60)."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from relay.tunnel.rewrite import RewriteContext
from relay.tunnel.rewrite.kinds import Kind
from tests.tunnel.rewrite.pieces import CONTEXT, B, script

NODE: Final = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="no node on this machine")
ORIGIN: Final = "https://relay.example"

#: What a URL becomes in every place that takes HTTP URLs (`@` is the prefix, `^` the origin).
_HTTP: Final = (
    ("/x", "@/x"),
    ("", ""),
    ("x/y", "x/y"),
    ("?q", "?q"),
    ("#f", "#f"),
    ("@", "@"),
    ("@/x", "@/x"),
    ("@?q", "@?q"),
    ("@0/x", "@@0/x"),
    ("/api/tunnel/s-1/44/x", "/api/tunnel/s-1/44/x"),
    ("//cdn/x", "//cdn/x"),
    ("^/x?y#z", "^@/x?y#z"),
    ("^@/x", "^@/x"),
    ("^", "^@/"),
    ("^?q", "^@/?q"),
    ("//relay.example/x", "^@/x"),
    ("http://localhost:3/x", "^@/x"),
    ("http://localhost", "^@/"),
    ("HTTP://LOCALHOST:3/x", "^@/x"),
    ("http://127.0.0.1:4/x", "^/api/tunnel/s-1/4/x"),
    ("http://[::1]:3?q", "^@/?q"),
    ("https://e.com/x", "https://e.com/x"),
    ("http://localhost.e.com/x", "http://localhost.e.com/x"),
    ("http://relay.example:81/x", "http://relay.example:81/x"),
    ("blob:^/1", "blob:^/1"),
    ("data:,/x", "data:,/x"),
    ("javascript:0", "javascript:0"),
)
_SOCKET: Final = (
    ("ws://localhost:3/x", "wss://relay.example@/x"),
    ("ws://localhost:4", "wss://relay.example/api/tunnel/s-1/4/"),
    ("wss://relay.example:/?token=1", "wss://relay.example@/?token=1"),
    ("ws://relay.example:443?q", "wss://relay.example@/?q"),
    ("wss://relay.example@/x", "wss://relay.example@/x"),
    ("/x", "wss://relay.example@/x"),
    ("wss://e.com/x", "wss://e.com/x"),
    ("ws://127.0.0.1.e.com/x", "ws://127.0.0.1.e.com/x"),
)


def _run(cases: list[str], *, context: RewriteContext = CONTEXT, location: str = f"{ORIGIN}{B}/web/") -> list[object]:
    code = re.search(rb"(?s)<script [^>]*>(.*)</script>", script(context, Kind.HTML))
    assert code is not None
    job = {"script": code[1].decode("ascii"), "location": location, "cases": cases}
    assert NODE is not None
    done = subprocess.run(
        [NODE, str(Path(__file__).with_name("node_page.js"))],
        input=json.dumps(job).encode(),
        capture_output=True,
        timeout=30,
        check=True,
    )
    answers: list[object] = json.loads(done.stdout)
    return answers


def _full(text: str) -> str:
    return text.replace("@", B).replace("^", ORIGIN)


@pytest.mark.parametrize(
    "call",
    [
        *(
            "fetch(U)",
            "new XMLHttpRequest().open('GET', U)",
            "new EventSource(U)",
            "new Worker(U)",
            "new SharedWorker(U)",
        ),
        *("new History().pushState(0, '', U)", "new History().replaceState(0, '', U)", "new Navigator().sendBeacon(U)"),
        *("open(U)", "new Element().setAttribute('src', U)", "new Element().setAttribute('HREF', U)"),
        *(
            "new Element().setAttributeNS('', 'xlink:href', U)",
            "new HTMLScriptElement().src = U",
            "new HTMLImageElement().src = U",
        ),
        *("new HTMLAnchorElement().href = U", "new HTMLFormElement().action = U", "globalThis.__pizzapiTunnelUrl(U)"),
        "new ServiceWorkerContainer().register(U)",
    ],
)
def test_tunnel_60_http_addresses(call: str) -> None:
    before, after = re.split(r"\bU\b", call)
    answers = _run([before + json.dumps(_full(given)) + after for given, _ in _HTTP])
    assert answers == [_full(expected) for _, expected in _HTTP]


def test_tunnel_60_socket_addresses() -> None:
    answers = _run([f"new WebSocket({json.dumps(_full(given))}) && 0" for given, _ in _SOCKET])
    assert answers == [_full(expected) for _, expected in _SOCKET]
    assert _run([f"new WebSocket({json.dumps('/x')}) && 0"], location=f"http://localhost:7492{B}/") == [
        f"ws://localhost:7492{B}/x"
    ]


def test_tunnel_60_url_objects_and_requests() -> None:
    answers = _run(
        [
            f"fetch(new URL('{ORIGIN}/x'))",
            "fetch(new URL('https://e.com/x'))",
            "fetch(new Request('/x'))",
            "fetch(new Request('/x')) && 0",
            "new WebSocket(new URL('ws://localhost:3/x')) && 0",
            "new Request('/x').url",
        ]
    )
    inside = f"{ORIGIN}{B}/x"
    assert answers == [inside, "https://e.com/x", inside, inside, f"wss://relay.example{B}/x", inside]


def test_tunnel_60_classes_stay_classes() -> None:
    mine = "class X extends WebSocket { more() { return 1 } }; const x = new X('/x'); note(%s)"
    answers = _run(
        [
            *(
                mine % check
                for check in ("x.more()", "x instanceof X && x instanceof WebSocket", "x.constructor === X")
            ),
            "const w = new WebSocket('/x'); note(w.constructor === WebSocket)",
            "[WebSocket.CONNECTING, WebSocket.OPEN, WebSocket.CLOSING, WebSocket.CLOSED, EventSource.OPEN].join()",
            "fetch.name + fetch.length",
            "Object.keys(globalThis).includes('__pizzapiTunnelUrl')",
        ]
    )
    assert answers == ["1", "true", "true", "true", "0,1,2,3,1", "fetch1", False]


def test_tunnel_60_an_address_of_another_port_is_kept_when_it_comes_back() -> None:
    there = "/api/tunnel/s-1/31/x"
    answers = _run(
        [f"fetch('{there}')", "fetch('http://localhost:31/x')", f"fetch('{there}')", f"fetch('{ORIGIN}{there}')"]
    )
    assert answers == [f"{B}{there}", f"{ORIGIN}{there}", there, f"{ORIGIN}{there}"]


def test_tunnel_60_markup_and_styles_that_scripts_write() -> None:
    cases = {
        "new Element().innerHTML = \"<img alt='>' src='/x'>\"": f"<img alt='>' src='{B}/x'>",
        "new Element().outerHTML = '<a href=/y>/z</a>'": f"<a href={B}/y>/z</a>",
        "new Element().insertAdjacentHTML('x', '<img srcset=\"/a 1x, /b 2x\">')": f'<img srcset="{B}/a 1x, {B}/b 2x">',
        "document.write('<script src=/a><', '/script>')": f"<script src={B}/a></script>",
        "new HTMLStyleElement().textContent = 'a{b:url(/x)}@import \"/y\"'": f'a{{b:url({B}/x)}}@import "{B}/y"',
        "new Element().textContent = 'url(/x)'": "url(/x)",
        "new HTMLStyleElement().appendChild({nodeType: 3, data: 'a{b:url(\"/x\")}'})": f'a{{b:url("{B}/x")}}',
        "new HTMLImageElement().srcset = '/a 1x, https://e.com/b 2x'": f"{B}/a 1x, https://e.com/b 2x",
        "new Element().setAttribute('title', '/x')": "/x",
    }
    assert _run(list(cases)) == list(cases.values())


def test_cookies_of_a_page_stay_under_its_prefix() -> None:
    cases = {
        "document.cookie = 'a=1; path=/; domain=e.com; secure'": f"a=1; path={B}/; secure",
        f"document.cookie = 'a=1;Path={B}/x'": f"a=1;Path={B}/x",
        "document.cookie = 'a=path=/'": "a=path=/",
    }
    assert _run(list(cases)) == list(cases.values())


def test_with_a_token_other_ports_are_not_opened() -> None:
    context = RewriteContext("/api/tunnel/auth/t.s/s/3", 3, "/", "token")
    answers = _run(["fetch('http://localhost:4/x')", "fetch('/api/tunnel/auth/t.s/s/4/x')"], context=context)
    assert answers == [f"{ORIGIN}{context.prefix}/x", f"{context.prefix}/api/tunnel/auth/t.s/s/4/x"]


def test_the_script_can_stand_in_html_and_xml() -> None:
    for kind in (Kind.HTML, Kind.XHTML):
        inner = script(CONTEXT, kind).split(b">", 1)[1].removesuffix(b"</script>")
        assert b"</script" not in inner.lower()
        assert b"<!--" not in inner
        assert inner.count(b"]]>") == (1 if kind is Kind.XHTML else 0)
        assert f'var B="{B}"'.encode() in inner
    assert script().startswith(b"<script data-pizzapi-tunnel-intercept>")
