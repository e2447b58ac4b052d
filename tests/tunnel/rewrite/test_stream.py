"""Choose which bodies are rewritten, undo their encodings, bound the output (tunnel.md 2.6, 3.6, cases 53 to 56)."""

from __future__ import annotations

import gzip
import importlib.util
import zlib
from typing import Final

import pytest

from relay.tunnel.rewrite import BrokenEncoding, RewriteContext, accept_encoding_for, response_headers_for, rewriter_for
from relay.tunnel.rewrite.decode import STEP, decoder_for
from tests.tunnel.rewrite.pieces import B, body, every, rewriter, script

PAGE: Final = b"<html><head></head><body><a href='/x'>" + b"text " * 50_000 + b"</body></html>"
DONE: Final = PAGE.replace(b"<head>", b"<head>" + script()).replace(b"'/x'", f"'{B}/x'".encode())
_HAS_BROTLI: Final = importlib.util.find_spec("brotli") is not None
_HAS_ZSTD: Final = (
    importlib.util.find_spec("backports.zstd") is not None if importlib.util.find_spec("backports") else False
)


def _raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", gzip.compress(PAGE)),
        ("x-gzip", gzip.compress(PAGE[:1000]) + gzip.compress(PAGE[1000:]) + b"\0\0\0"),
        ("GZIP", gzip.compress(PAGE)),
        ("deflate", zlib.compress(PAGE)),
        ("deflate", _raw_deflate(PAGE)),
        ("identity", PAGE),
    ],
)
def test_tunnel_54_a_page_that_is_compressed_though_nobody_asked_is_readable(encoding: str, data: bytes) -> None:
    assert body("html", data, {"content-encoding": encoding}) == DONE
    for size in (1, 7, 4096):
        found = rewriter("html", {"content-encoding": encoding})
        assert found is not None
        assert b"".join(map(found.feed, every(data, size))) + found.finish() == DONE


@pytest.mark.skipif(not _HAS_BROTLI, reason="the brotli package is not installed")
def test_tunnel_54_brotli_is_undone_where_its_package_is_installed() -> None:
    brotli = importlib.import_module("brotli")
    data = brotli.compress(PAGE)
    assert body("html", data, {"content-encoding": "br"}) == DONE
    cut = rewriter("html", {"content-encoding": "br"})
    assert cut is not None
    cut.feed(data[:-3])
    with pytest.raises(BrokenEncoding):
        cut.finish()
    with pytest.raises(BrokenEncoding):
        body("html", b"no brotli at all \xff\xff\xff", {"content-encoding": "br"})


@pytest.mark.skipif(not _HAS_ZSTD, reason="the backports.zstd package is not installed")
def test_tunnel_54_zstandard_is_undone_where_its_package_is_installed() -> None:
    zstd = importlib.import_module("backports.zstd")
    data = zstd.compress(PAGE[:1000]) + zstd.compress(PAGE[1000:])
    assert body("html", data, {"content-encoding": "zstd"}) == DONE
    for size in (1, 100):
        found = rewriter("html", {"content-encoding": "zstd"})
        assert found is not None
        assert b"".join(map(found.feed, every(data, size))) + found.finish() == DONE
    with pytest.raises(BrokenEncoding):
        body("html", data[:-3], {"content-encoding": "zstd"})
    with pytest.raises(BrokenEncoding):
        body("html", b"no zstandard at all", {"content-encoding": "zstd"})


@pytest.mark.parametrize("encoding", ["compress", "gzip, gzip", "unknown", *(() if _HAS_BROTLI else ("br",))])
def test_an_encoding_that_cannot_be_undone_passes_with_its_headers(encoding: str) -> None:
    headers = {"content-type": "text/html", "content-encoding": encoding, "content-length": "9", "etag": '"a"'}
    context = RewriteContext(B, 3, "/", "path")
    assert rewriter_for(200, "GET", headers, context) is None
    kept = dict(response_headers_for(200, headers.items(), context))
    assert {name: kept[name] for name in headers} == headers


@pytest.mark.parametrize("data", [gzip.compress(PAGE)[:-9], b"\x1f\x8b\x08\0\0", b"no gzip at all"])
def test_a_broken_or_cut_encoding_is_an_error_and_no_end(data: bytes) -> None:
    with pytest.raises(BrokenEncoding):
        body("html", data, {"content-encoding": "gzip"})


def test_a_single_byte_of_deflate_is_cut() -> None:
    with pytest.raises(BrokenEncoding):
        body("html", b"\x78", {"content-encoding": "deflate"})


def test_an_empty_body_with_an_encoding_is_empty() -> None:
    for encoding in ("gzip", "deflate"):
        assert body("html", b"", {"content-encoding": encoding}) == b""


def test_a_bomb_comes_out_in_small_pieces() -> None:
    data = gzip.compress(b"x" * (64 << 20))
    found = rewriter("html", {"content-encoding": "gzip"})
    assert found is not None
    total = 0
    for piece in found.pieces(data):
        assert 0 < len(piece) <= STEP + len(script())
        total += len(piece)
    assert total == (64 << 20) + len(script())


@pytest.mark.parametrize(
    ("status", "method", "extra"),
    [
        (206, "GET", {}),
        (204, "GET", {}),
        (304, "GET", {}),
        (200, "HEAD", {}),
        (200, "GET", {"content-type": "application/json"}),
        (200, "GET", {"content-type": "text/plain"}),
        (200, "GET", {"content-type": ""}),
        (200, "GET", {"content-disposition": 'Attachment; filename="a.html"'}),
        (200, "GET", {"content-type": "text/html; charset=UTF-16LE"}),
        (200, "GET", {"content-type": 'text/html;charset="iso-2022-jp"'}),
        (200, "GET", {"content-type": "text/css; charset=Shift_JIS"}),
        (200, "GET", {"content-type": "application/javascript; charset=gbk"}),
    ],
)
def test_tunnel_55_what_passes_untouched(status: int, method: str, extra: dict[str, str]) -> None:
    headers = {"content-type": "text/html", **extra}
    assert rewriter_for(status, method, headers, RewriteContext(B, 3, "/", "path")) is None


@pytest.mark.parametrize("status", [200, 201, 404, 500, 302])
def test_pages_of_every_other_status_are_rewritten(status: int) -> None:
    assert rewriter("html", status=status) is not None


@pytest.mark.parametrize(
    "content_type",
    [
        *("TEXT/HTML", "application/xhtml+xml", "text/css;charset=utf-8", "text/javascript", "application/javascript"),
        *("application/x-javascript", "text/ecmascript", "application/typescript", "text/html; charset=latin1"),
    ],
)
def test_the_types_that_are_rewritten(content_type: str) -> None:
    assert rewriter_for(200, "GET", {"content-type": content_type}, RewriteContext(B, 3, "/", "path")) is not None


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff", b"\xff\xfe\0\0"])
def test_tunnel_53_utf_16_and_utf_32_pass_by_their_mark(mark: bytes) -> None:
    data = mark + "<a href='/x'>".encode("utf-16-le")
    assert body("html", data) == data
    for size in (1, 3):
        found = rewriter("html")
        assert found is not None
        assert b"".join(map(found.feed, every(data, size))) + found.finish() == data


@pytest.mark.parametrize("data", [b"\xef", b"\xef\xbb", b"\xef\xbb\xbf", b"\xff", b"\0\0\xfe", b""])
def test_a_body_of_a_part_of_a_mark_comes_out(data: bytes) -> None:
    assert body("css", data) == data


@pytest.mark.parametrize(
    ("dest", "injected"),
    [(None, 1), ("document", 1), ("iframe", 1), ("frame", 1), ("embed", 1), ("object", 1), ("empty", 0), ("script", 0)],
)
def test_parts_of_pages_that_scripts_fetch_get_no_script(dest: str | None, injected: int) -> None:
    context = RewriteContext(B, 3, "/x", "path", fetch_dest=dest)
    found = rewriter("html", context=context)
    assert found is not None
    out = found.feed(b"<a href='/x'>") + found.finish()
    assert out.count(script(context)) == injected == int(found.injects)
    assert f"<a href='{B}/x'>".encode() in out


def test_tunnel_56_a_script_of_40_mib_streams() -> None:
    block = b"import a from '/a';\nconst text = 'import \"/no\"'; // \"\n" + b"x = y / 2; z = [1, 2, 3];\n" * 41_000
    found = rewriter("js")
    assert found is not None
    size = taken = 0
    for _ in range(40):
        taken += len(block)
        size += len(found.feed(block))
        assert taken + 40 * len(B) - size < 1024
    size += len(found.finish())
    assert taken > 40 << 20
    assert size == taken + 40 * len(B)


def test_the_service_is_asked_for_plain_bytes() -> None:
    assert accept_encoding_for({"accept-encoding": "gzip, br"}) == "identity"


def test_an_unknown_coding_has_no_decoder() -> None:
    assert decoder_for("aws-chunked") is None
