"""Put the script in its place, and read pages as browsers do (tunnel.md 3.6, 3.7, cases 51 to 53)."""

from __future__ import annotations

import pytest

from relay.tunnel.rewrite import RewriteContext
from relay.tunnel.rewrite.html import HtmlRewriter
from relay.tunnel.rewrite.kinds import Kind
from tests.tunnel.rewrite.pieces import CONTEXT, FACTORIES, B, body, run, script, whole


def _page(text: str | bytes) -> str:
    data = text.encode() if isinstance(text, str) else text
    return run(FACTORIES["html"], [data]).replace(script(), b"|").decode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("<!doctype html><html><head><title>x", "<!doctype html><html><head>|<title>x"),
        ("<HEAD lang='a>b'>x", "<HEAD lang='a>b'>|x"),
        ("<!doctype html>\n<!-- c -->\n<html>\n<body>", "<!doctype html>\n<!-- c -->\n<html>\n|<body>"),
        ("<!doctype html>text", "<!doctype html>|text"),
        ("<header>x</header>", "|<header>x</header>"),
        ("</p>", "|</p>"),
        ("< x", "|< x"),
        ("<title>x</title><head>", "|<title>x</title><head>"),
        ("<!-- <head> --><p>", "<!-- <head> -->|<p>"),
        ("", ""),
        (" \n<!-- c -->", " \n<!-- c -->"),
        ("<html>", "<html>"),
        ("<img unfinished", "<img unfinished"),
    ],
)
def test_tunnel_52_the_script_goes_after_head_or_before_what_shows_there_is_none(given: str, expected: str) -> None:
    assert _page(given) == expected


def test_tunnel_52_a_byte_order_mark_and_a_doctype_stay_in_front() -> None:
    out = body("html", b"\xef\xbb\xbf<!doctype html><p>")
    assert out == b"\xef\xbb\xbf<!doctype html>" + script() + b"<p>"


@pytest.mark.parametrize("size", [65_000, 70_000, 300_000])
def test_tunnel_52_an_attribute_above_64_kib_passes_and_the_rest_is_rewritten(size: int) -> None:
    long = "<img src='/a' alt='>" + "x" * size + "'>"
    out = _page(long + '<script title="' + "y" * size + "\">'<a href=/no>'</script><a href=/z>")
    assert out.endswith(f"\">'<a href=/no>'</script><a href={B}/z>")
    assert out.startswith("|<img src='" + (B if len(long) <= 65_536 else "") + "/a'")


def test_tunnel_51_the_head_and_the_script_leave_before_the_body_comes() -> None:
    transform = FACTORIES["html"]()
    assert transform.feed(b"<!doctype html><html><head>") == b"<!doctype html><html><head>" + script()
    assert transform.feed(b"<title>slow") == b"<title>slow"


def test_tunnel_53_latin_1_passes_byte_for_byte_outside_of_addresses() -> None:
    assert _page(b"<head><p title='caf\xe9'>\xff\x80<a href='/\xe9'>").encode("utf-8", "surrogateescape") == (
        b"<head>|<p title='caf\xe9'>\xff\x80<a href='" + B.encode() + b"/\xe9'>"
    )


@pytest.mark.parametrize("label", ["iso-2022-jp", "ISO-2022-KR"])
def test_tunnel_53_a_charset_of_escapes_in_meta_ends_the_rewriting(label: str) -> None:
    assert _page(f"<head><meta charset={label}><a href='/x'>").endswith("<a href='/x'>")
    in_content = f"<head><meta http-equiv=Content-Type content='text/html; charset={label}'><a href='/x'>"
    assert _page(in_content).endswith("<a href='/x'>")


def test_tunnel_53_in_shift_jis_markup_is_rewritten_and_scripts_are_not() -> None:
    page = (
        "<head><meta charset=Shift_JIS><a href='/x'><style>a{b:url(/y)}</style><script type=module>import '/z'</script>"
    )
    assert _page(page).endswith(
        f"<a href='{B}/x'><style>a{{b:url(/y)}}</style><script type=module>import '/z'</script>"
    )


@pytest.mark.parametrize(
    "raw",
    [
        "<script><!-- <script> </script> <a href='/no'> --></script>",
        "<script><!--> <a href='/no'></script>",
        "<script>'</scripty' + '<a href=/no>'</script>",
        "<style></styles><a href='/no'></style>",
        "<xmp><a href='/no'></xmp>",
        "<noembed><a href='/no'></noembed>",
        "<TITLE></titlex><a href='/no'></TITLE>",
        "<iframe><a href='/no'></iframe>",
    ],
)
def test_raw_text_ends_where_browsers_end_it(raw: str) -> None:
    assert whole(FACTORIES["part"], f"{raw}<a href='/y'>") == f"{raw}<a href='{B}/y'>"


def test_plain_text_never_ends() -> None:
    assert whole(FACTORIES["part"], "<plaintext></plaintext><a href='/no'>") == "<plaintext></plaintext><a href='/no'>"


def test_markup_without_scripts_is_rewritten_too() -> None:
    assert whole(FACTORIES["part"], "<noscript><img src='/x'></noscript>") == f"<noscript><img src='{B}/x'></noscript>"


def test_in_svg_a_closed_script_has_no_text() -> None:
    assert whole(FACTORIES["part"], "<svg><script/><a href='/x'/></svg><script/>'/no' <a href='/no'>") == (
        f"<svg><script/><a href='{B}/x'/></svg><script/>'/no' <a href='/no'>"
    )


def test_xhtml_gets_a_script_that_xml_can_read() -> None:
    context = RewriteContext(B, 3, "", "path")
    page = b"<?xml version='1.0'?><html><head><script src='/a'/><title/></head><body><a href='/b'/></body></html>"
    out = run(lambda: HtmlRewriter(context, xhtml=True), [page]).decode()
    injected = script(context, Kind.XHTML).decode()
    assert injected.startswith('<base data-pizzapi-tunnel-base="" href="/api/tunnel/s-1/3/" /><script data-pizzapi')
    assert "<![CDATA[" in injected
    assert out.count(injected) == 1
    assert out.replace(injected, "").endswith(
        f"<head><script src='{B}/a'/><title/></head><body><a href='{B}/b'/></body></html>"
    )


def test_xhtml_without_an_html_element_gets_no_second_root() -> None:
    assert run(lambda: HtmlRewriter(CONTEXT, xhtml=True), [b"<svg><a href='/x'/></svg>"]) == (
        f"<svg><a href='{B}/x'/></svg>".encode()
    )


def test_a_policy_in_meta_lets_the_script_of_frames_through() -> None:
    out = _page('<head><meta http-equiv="Content-Security-Policy" content="script-src \'self\'">')
    assert "content=\"script-src 'self' 'sha256-" in out


def test_hashes_in_an_import_map_go_where_files_are_rewritten() -> None:
    given = (
        '<script type="importmap">{"imports":{"a":"/a.js"},"integrity":{"/a.js":"x","https://cdn/b.js":"y"}}</script>'
    )
    out = whole(FACTORIES["part"], given)
    assert f'{{"imports": {{"a": "{B}/a.js"}}, "integrity": {{"https://cdn/b.js": "y"}}}}' in out
