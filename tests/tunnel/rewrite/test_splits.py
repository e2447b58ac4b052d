"""Cut documents in every way: the output is that of the whole, and little is held (tunnel.md 3.7, cases 49 and 50)."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.tunnel.rewrite.html import TAG_CAP
from relay.tunnel.rewrite.importmap import CAP
from relay.tunnel.rewrite.js import HOLD
from tests.tunnel.rewrite.corpus import CSS, DOCUMENTS, HTML, JS
from tests.tunnel.rewrite.pieces import FACTORIES, B, at, css, every, html_part, js, run, script

#: What a URL in hand may hold: as 3.7 says, a keyword and the length of the prefix, with a little white space.
_URL_HOLD: Final = 96 + len(B)
_SCRAPS: Final = {
    "html": (
        *(b"<a href='/x'>", b"<a href=/x>", b"<", b">", b'"', b"'", b"=", b"/", b" ", b"<!--", b"-->", b"--", b"x"),
        *(b"<script>", b"</script>", b"<style>", b"</style>", b"<script type=module>", b"import '/x'", b"url(/x)"),
        *(b"<svg>", b"<script/>", b"<title>", b"</title>", b"<head>", b"<![CDATA[", b"]]>", b"<?", b"<!", b"</"),
        *(b"style='", b"srcset='/a 1x,/b'", b"&quot;", b"\n", b"<meta charset=", b"<iframe srcdoc='", b"</SCRIPT "),
        *(b"<b", b"<IMG", b' href="x"', b' src="/y"', b" SRC=/z", b' style="a(b"', b' style="url(/q)"', b' title="'),
        *(b" data-x='1'", b" disabled", b" data", b' href="h"', b" href", b"<br/>", b"</b>", b' ping="/p"', b" x="),
    ),
    "css": (
        *(
            b"url(",
            b"/x",
            b")",
            b"(",
            b'"',
            b"'",
            b"/*",
            b"*/",
            b"*",
            b"/",
            b"\\",
            b"\n",
            b"\r",
            b" ",
            b"@import",
            b"a",
        ),
        *(b"image-set(", b",", B.encode(), b"http://localhost:3", b"\xc3\xa9", b"1x", b"url('/y')"),
    ),
    "js": (
        *(
            b"import",
            b"from",
            b"import(",
            b"(",
            b")",
            b"{",
            b"}",
            b"[",
            b"]",
            b"`",
            b"${",
            b"'",
            b'"',
            b"/",
            b"//",
            b"/*",
        ),
        *(
            b"*/",
            b"\\",
            b"\n",
            b"\r",
            b" ",
            b"x",
            b",",
            b"return",
            b"if",
            b"'/x'",
            b'"/y"',
            b"`/z`",
            b".",
            b"+",
            b"new URL(",
        ),
        *(B.encode(), b"1", b"=>", b"\xc3\xa9", b"import(y)", b"u=/'/;", b"importScripts("),
    ),
}


@pytest.mark.parametrize(("kind", "data"), DOCUMENTS)
def test_tunnel_49_every_split_into_two_and_pieces_of_one_size_give_the_same(kind: str, data: bytes) -> None:
    make = FACTORIES[kind]
    expected = run(make, [data])
    for size in (1, 2, 3, 5, 17, 1000):
        assert run(make, every(data, size)) == expected, size
    for place in range(0, len(data), 1 + len(data) // 700):
        assert run(make, at(data, place)) == expected, place


def test_tunnel_49_a_page_of_200_kib_in_pieces_is_that_page() -> None:
    data = b"".join(HTML[:2]) * 800
    assert len(data) > 200 * 1024
    expected = run(FACTORIES["html"], [data])
    assert expected.count(script()) == 1
    for size in (7, 1021, 65536):
        assert run(FACTORIES["html"], every(data, size)) == expected


@pytest.mark.parametrize("kind", ["html", "css", "js"])
@settings(max_examples=250, deadline=None)
@given(draw=st.data())
def test_tunnel_49_random_documents_in_random_pieces(kind: str, draw: st.DataObject) -> None:
    data = b"".join(draw.draw(st.lists(st.sampled_from(_SCRAPS[kind]), max_size=40)))
    places = draw.draw(st.lists(st.integers(0, max(0, len(data))), max_size=8))
    make = FACTORIES[kind]
    expected = run(make, [data])
    assert run(make, at(data, *places)) == expected
    assert run(make, every(data, 1)) == expected


@pytest.mark.parametrize("kind", ["part", "css", "js"])
@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=300).map(lambda raw: raw.replace(b"/", b"-").replace(b"import", b"imp")))
def test_bytes_without_addresses_pass_as_they_are(kind: str, data: bytes) -> None:
    assert run(FACTORIES[kind], [data]) == data


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (kind, data)
        for kind, data in DOCUMENTS
        if kind in ("part", "css") and b"import(x)" not in data and b":9" not in data
    ],
)
def test_what_is_prefixed_is_not_prefixed_again(kind: str, data: bytes) -> None:
    once = run(FACTORIES[kind], [data])
    assert run(FACTORIES[kind], [once]) == once


@pytest.mark.parametrize("data", [one for one in JS if b"import(" not in one])
def test_scripts_without_computed_imports_are_the_same_the_second_time(data: bytes) -> None:
    once = run(js, [data])
    assert run(js, [once]) == once


@pytest.mark.parametrize(
    ("kind", "pieces", "expected"),
    [
        ("css", (b"a{b:url(/", b"x)}"), f"a{{b:url({B}/x)}}"),
        ("part", (b"<img sr", b'c="/a">'), f'<img src="{B}/a">'),
        ("js", (b"impo", b'rt "/a"'), f'import "{B}/a"'),
        ("part", (b"<script>'/no'</scr", b"ipt><img src='/a'>"), f"<script>'/no'</script><img src='{B}/a'>"),
        ("part", (b"\xc3", b"\xa9<img src='/\xc3", b"\xa9'>"), f"é<img src='{B}/é'>"),
        ("part", (b"<!-- <img src='/no'>", b" unfinished"), "<!-- <img src='/no'> unfinished"),
        ("css", (B[:9].encode(), b""), B[:9]),
        ("css", (f"url({B[:9]}".encode(), f"{B[9:]}/x)".encode()), f"url({B}/x)"),
        ("js", (f"import '{B[:-1]}".encode(), f"{B[-1]}0'".encode()), f"import '{B}{B}0'"),
    ],
)
def test_tunnel_50_awkward_cuts(kind: str, pieces: tuple[bytes, ...], expected: str) -> None:
    assert run(FACTORIES[kind], pieces).decode() == expected


@pytest.mark.parametrize(("kind", "data"), [*(("css", one) for one in CSS), *(("js", one) for one in JS)])
def test_tunnel_50_styles_and_scripts_hold_no_more_than_the_address_in_hand(kind: str, data: bytes) -> None:
    limit = _URL_HOLD + (HOLD if kind == "js" and b"import(" in data else 0)
    transform = FACTORIES[kind]()
    given_back = 0
    for taken, piece in enumerate(every(data, 1), 1):
        given_back += len(transform.feed(piece))
        assert taken - given_back <= limit


def test_tunnel_50_a_page_holds_no_more_than_a_tag() -> None:
    for data, limit in ((b"<a " + b"x" * 300_000, TAG_CAP), (b"<!-- " + b"x" * 300_000, 4), (b"x" * 300_000, 0)):
        transform = html_part()
        held = 0
        for piece in every(data, 4096):
            held += len(piece) - len(transform.feed(piece))
            assert held <= limit + 4096
        assert len(transform.finish()) == held


def test_an_endless_import_map_is_let_go() -> None:
    transform = html_part()
    out = transform.feed(b'<script type=importmap>{"a":"/' + b"x" * (CAP + 10))
    assert len(out) > CAP
    assert b'"/xxx' in out


def test_an_endless_computed_import_is_let_go() -> None:
    transform = js()
    assert transform.feed(b"import(x") == b"import("
    assert len(transform.feed(b"+y" * HOLD)) > HOLD


def test_nested_templates_without_end_are_let_go() -> None:
    data = b"`${" * 5000
    assert run(js, every(data, 1000)) == data


def test_text_leaves_at_once() -> None:
    assert html_part().feed(b"some text") == b"some text"
    assert css().feed(b"a{color:red}") == b"a{color:red}"
    assert js().feed(b"let a = 1;\n") == b"let a = 1;\n"
