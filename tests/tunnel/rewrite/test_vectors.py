"""Hold the vectors of tunnel.md 3.1 to 3.4 and what ours does beyond them (case 48)."""

from __future__ import annotations

import pytest

from relay.tunnel.rewrite import RewriteContext, rewrite_location
from relay.tunnel.rewrite.css import CssRewriter
from relay.tunnel.rewrite.html import HtmlRewriter
from relay.tunnel.rewrite.js import JsRewriter
from relay.tunnel.rewrite.urls import rewrite_url
from tests.tunnel.rewrite.pieces import CONTEXT, FACTORIES, B, run, whole

_PAGE = [
    ('<link rel="stylesheet" href="/a.css">', '<link rel="stylesheet" href="@/a.css">'),
    ('<meta http-equiv="refresh" content="0; URL=/x">', '<meta http-equiv="refresh" content="0; URL=@/x">'),
    ("<body style=\"background-image:url('/bg.png')\">", "<body style=\"background-image:url('@/bg.png')\">"),
    ('<img src="//cdn/x"><img src="a.png"><a href="https://e.com/">', None),
    ('<base href="/web/">', '<base href="@/web/">'),
    ('<script type="module">import "/src/main.tsx"</script>', '<script type="module">import "@/src/main.tsx"</script>'),
    ('<script type="module" src="/m.js"></script>', '<script type="module" src="@/m.js"></script>'),
    # Beyond PizzaPi.
    ("<img src=/a.png>", "<img src=@/a.png>"),
    ("<img SRC = '/a.png' alt='>'>", "<img SRC = '@/a.png' alt='>'>"),
    ("<img alt='>' src='/a.png'><img src='x' src='/second'>", "<img alt='>' src='@/a.png'><img src='x' src='/second'>"),
    ('<a href=" /x">', '<a href=" @/x">'),
    ('<img srcset="/a.png 1x, /b.png 2x,c.png">', '<img srcset="@/a.png 1x, @/b.png 2x,c.png">'),
    ('<img srcset="data:image/png;base64,/a,/b 1x, /c">', '<img srcset="data:image/png;base64,/a,/b 1x, @/c">'),
    ('<img srcset="/a,/b, /c (x,y) 2x,/d">', '<img srcset="@/a,/b, @/c (x,y) 2x,@/d">'),
    ('<link imagesrcset="/a 100w">', '<link imagesrcset="@/a 100w">'),
    ("<meta http-equiv=refresh content=\"0;url='/x'\">", "<meta http-equiv=refresh content=\"0;url='@/x'\">"),
    ('<meta http-equiv=refresh content="5;/x">', '<meta http-equiv=refresh content="5;@/x">'),
    ('<meta property="og:url" content="https://a/?url=/x">', None),
    ('<a href="http://localhost:3/x?y#z">', '<a href="@/x?y#z">'),
    ('<a href="http://127.0.0.1:9/x">', '<a href="/api/tunnel/s-1/9/x">'),
    ('<a href="http://localhost:3">', '<a href="@/">'),
    ('<a href="http://localhost.example/"><a href="ws://localhost/"><a href="mailto:a@b">', None),
    ('<a href="@/x"><a href="@?q"><a href="@">', None),
    ('<a href="@0/x">', '<a href="@@0/x">'),
    ('<form action="/f"><input formaction="/g">', '<form action="@/f"><input formaction="@/g">'),
    ('<object data="/o"></object><a data="/no">', '<object data="@/o"></object><a data="/no">'),
    ('<use xlink:href="/s.svg#a"/><image href="/i"/>', '<use xlink:href="@/s.svg#a"/><image href="@/i"/>'),
    (
        '<video poster="/p"><body background="/b"><html manifest="/m">',
        '<video poster="@/p"><body background="@/b"><html manifest="@/m">',
    ),
    ('<a ping="/a https://e.com/b">', '<a ping="@/a https://e.com/b">'),
    ('<div data-src="/x" title="/y"><img alt="src=&quot;/z&quot;">', None),
    ('<p style="background:url(&quot;/q&quot;)">', '<p style="background:url(&quot;@/q&quot;)">'),
    ('<style>@import "/x";a{b:url(/y)}</style>', '<style>@import "@/x";a{b:url(@/y)}</style>'),
    ("<script>var a = '/x'; url('/y')</script><textarea><img src='/z'></textarea><!-- <img src='/z'> -->", None),
    (
        '<script type=importmap>{"imports":{"/k/":"/v/"}}</script>',
        '<script type=importmap>{"imports":{"@/k/":"@/v/"}}</script>',
    ),
    ('<script src="/a.js" integrity="sha256-x" defer></script>', '<script src="@/a.js" defer></script>'),
    ('<script src="a.js" integrity=sha256-x></script>', '<script src="a.js"></script>'),
    ('<script src="https://cdn/a.js" integrity="sha256-x"></script>', None),
    ("<iframe srcdoc=\"<img src='x'>\">", None),
    ("<iframe srcdoc=\"<img src='/x'>\">", '<iframe srcdoc="&lt;img src=&#39;@/x&#39;&gt;">'),
]
_SCRIPT = [
    ('import{a}from"/a"', 'import{a}from"@/a"'),
    ("export * from '/c'", "export * from '@/c'"),
    ('import "/x.css"', 'import "@/x.css"'),
    ('import("/b")', 'import("@/b")'),
    ('new URL("/l.png", import.meta.url)', 'new URL("@/l.png", import.meta.url)'),
    ('import "@/x"; import "//cdn/x"; import "./x"; import "x"', None),
    ('Array.from("/a"); xfrom "/a"; "from \'/x\'"; // import "/x"', None),
    # Beyond PizzaPi.
    ('import(/* webpackChunkName: "x" */ "/a")', 'import(/* webpackChunkName: "x" */ "@/a")'),
    ('new Worker("/w.js");importScripts("/i.js")', 'new Worker("@/w.js");importScripts("@/i.js")'),
    ("import(`/l/${x}.js`)", "import(`@/l/${x}.js`)"),
    ("if (a) /['\"]/.test(b); import '/x'", "if (a) /['\"]/.test(b); import '@/x'"),
    ("x = a / b / '\"'; import '/x'", "x = a / b / '\"'; import '@/x'"),
    ("`${ {a: `}`} }`; import '/x'", "`${ {a: `}`} }`; import '@/x'"),
    ("class A { import(x) { return x } }; a.import(y); import.meta.url", None),
    ('import "http://localhost:3/x"', 'import "@/x"'),
]
_SHEET = [
    ("@import \"/x\";@import '/y'", "@import \"@/x\";@import '@/y'"),
    ("a{b:url(/x);c:url( \"/y\" );d:url('/z')}", "a{b:url(@/x);c:url( \"@/y\" );d:url('@/z')}"),
    ("a{b:url(//x);c:url(@/y);d:url(z);e:url(data:x)}", None),
    # Beyond PizzaPi.
    ("a{b:URL(/x)}@IMPORT '/y'", "a{b:URL(@/x)}@IMPORT '@/y'"),
    ('a{b:image-set("/x" 1x, "/y" type("/no") 2x)}', 'a{b:image-set("@/x" 1x, "@/y" type("/no") 2x)}'),
    ('/* url(/x) */ a{content:"url(/y)";--z:"/z"}', None),
]


def _check(kind: str, given: str, expected: str | None) -> None:
    given = given.replace("@im", "\0").replace("@IM", "\1").replace("@", B).replace("\0", "@im").replace("\1", "@IM")
    wanted = given
    if expected is not None:
        wanted = (
            expected.replace("@im", "\0").replace("@IM", "\1").replace("@", B).replace("\0", "@im").replace("\1", "@IM")
        )
    assert whole(FACTORIES[kind], given) == wanted


@pytest.mark.parametrize(("given", "expected"), _PAGE)
def test_tunnel_48_pages(given: str, expected: str | None) -> None:
    _check("part", given, expected)


@pytest.mark.parametrize(("given", "expected"), _SCRIPT)
def test_tunnel_48_scripts(given: str, expected: str | None) -> None:
    _check("js", given, expected)


@pytest.mark.parametrize(("given", "expected"), _SHEET)
def test_tunnel_48_style_sheets(given: str, expected: str | None) -> None:
    _check("css", given, expected)


def test_tunnel_48_a_page_with_a_base_of_its_own_keeps_exactly_that_one() -> None:
    page = run(FACTORIES["html"], [b'<html><head><base href="/web/"></head></html>']).decode()
    assert page.count("<base") == 1
    assert f'<base href="{B}/web/">' in page


def test_the_argument_of_a_computed_import_is_guarded_and_nothing_else() -> None:
    out = whole(FACTORIES["js"], "import(a + b, {with: {type: 'json'}}); f(a)")
    assert out.startswith("import((globalThis.__pizzapiTunnelUrl||")
    assert out.endswith(")(a + b), {with: {type: 'json'}}); f(a)")
    assert whole(FACTORIES["js"], "import('/x'); import('./y'); import()").count("__pizzapi") == 0


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/login", f"{B}/login"),
        ("http://localhost:3/x?y#z", f"{B}/x?y#z"),
        ("HTTPS://LOCALHOST/x", f"{B}/x"),
        ("http://127.0.0.1:5/x", "/api/tunnel/s-1/5/x"),
        ("http://[::1]:3", f"{B}/"),
        ("http://localhost?a", f"{B}/?a"),
        ("http://relay.example:7492/x", f"{B}/x"),
        (f"http://relay.example:7492{B}/x", f"{B}/x"),
        (f"{B}/x", f"{B}/x"),
        (B, B),
        (f"{B}000/x", f"{B}{B}000/x"),
        *(
            (same, same)
            for same in ("", "x", "?a", "#b", "//e.com/", "/\\e.com", "https://e.com/", "http://0.0.0.0:3/")
        ),
        *(
            (same, same)
            for same in ("http://localhost@e.com/", "http://localhost:99999/", "http://relay.example/", "a:b")
        ),
    ],
)
def test_tunnel_47_location(url: str, expected: str) -> None:
    assert rewrite_location(url, CONTEXT) == expected


def test_a_token_opens_one_port_and_so_do_its_urls() -> None:
    context = RewriteContext("/api/tunnel/auth/t.s/runner%3Ar/3", 3, "/", "token")
    assert rewrite_location("http://localhost:5/x", context) == "/api/tunnel/auth/t.s/runner%3Ar/3/x"


def test_from_the_bare_prefix_relative_addresses_start_at_the_root_of_the_service() -> None:
    context = RewriteContext(B, 3, "", "path")
    assert rewrite_location("login", context) == f"{B}/login"
    assert rewrite_location("?q", context) == f"{B}/?q"
    assert rewrite_location("#f", context) == "#f"
    page = run(lambda: HtmlRewriter(context), [b"<html><head><title>x</title>"]).decode()
    assert page.index(f'<base data-pizzapi-tunnel-base="" href="{B}/">') < page.index("<script data-pizzapi")


def test_a_prefix_cannot_end_a_string() -> None:
    context = RewriteContext("/api/tunnel/it's(1)/3", 3, "/", "path")
    assert context.prefix == "/api/tunnel/it%27s%281%29/3"
    for make, text in ((CssRewriter, b"a{b:url('/x')}"), (JsRewriter, b"import '/x'")):
        assert b"it%27s%281%29/3/x" in make(context).feed(text)
    for bad in ("", "x", "/x/", "/\u00e9"):
        with pytest.raises(ValueError, match="prefix"):
            RewriteContext(bad, 3, "/", "path")


def test_white_space_around_an_address_stays() -> None:
    assert rewrite_url(b"\n /x ", CONTEXT) == b"\n " + B.encode() + b"/x "
