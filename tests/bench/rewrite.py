"""Measure the rewriter of tunnelled pages: MB per CPU-second of HTML, CSS and JavaScript (tunnel.md 3.7)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from relay.tunnel.rewrite import RewriteContext, rewriter_for
from tests.bench.report import Report

#: What the runner sends at once.
_PIECE: Final = 64 * 1024
_RUNNER: Final = "0b0f6a1e-8c1f-4f43-9b7a-2f6f0d6f9a10"
_CONTEXT: Final = RewriteContext(f"/api/tunnel/runner/{_RUNNER}/5173", 5173, "/index.html", "path")

_TEXT: Final = b"Plain words as they stand in an article, with a few & signs, for a line or two of the window.\n" * 4
_PROSE: Final = b'<p class="text">' + _TEXT + b'See <a href="/docs/page.html#part">the page</a>.</p>\n'
_ROWS: Final = (
    b'<tr class="row odd" data-id="17"><td><a href="/items/17?tab=a&amp;x=1" title="Item">Item 17</a></td>'
    b'<td><img src="/img/17.png" alt=""></td><td style="color: red">12</td><td><b>x</b></td></tr>\n'
)
_SHEET: Final = (
    b'.card > .title:not(.small)::before{content:"\\f101";color:#1b2a3c;transform:translate(1px,-2px)}\n'
    b"@media (min-width:640px){.row .col-6{width:calc(50% - var(--gap));margin:0 auto;padding:4px 8px}}\n"
    b"/* what follows */ .icon{background:url(/img/icon.svg) no-repeat;border:1px solid rgba(0,0,0,.1)}\n"
)
_MODULE: Final = (
    b'import { thing, other as renamed } from "/src/lib/thing.js?v=1";\n'
    b"// What this does, in a line of words that may hold an apostrophe: don't.\n"
    b"export function compute(list, factor = 2) {\n"
    b'  const label = `total: ${list.length / factor} of ${renamed("x")}`;\n'
    b"  if (/^[a-z'\"]+$/i.test(label)) return list.map((item) => item.value / factor);\n"
    b'  return { label, kind: "sum", items: list.filter((item) => item.kind !== "none") };\n'
    b"}\n"
)
_BUNDLE: Final = (
    b'function t(e,n){var r=e.length,o=[];for(;r--;)o[r]=n(e[r]);return o.join("/")}var a={x:1,"y-z":[1,2,3],w:!0};'
    b'e.exports=function(e){if("string"!=typeof e)throw new TypeError("no string: "+e);return e.replace(/[&<>"]/g,i)};'
)


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold a document: what it is, its type and its bytes."""

    title: str
    content_type: str
    data: bytes


def samples(megabytes: int) -> list[Sample]:
    """Answer the documents, of so many MB each."""
    blocks = (
        ("HTML, prose", "text/html", _PROSE),
        ("HTML, a table of links", "text/html", _ROWS),
        ("CSS", "text/css", _SHEET),
        ("JavaScript, modules as written", "text/javascript", _MODULE),
        ("JavaScript, minified", "text/javascript", _BUNDLE),
    )
    return [Sample(title, kind, block * (megabytes * 10**6 // len(block))) for title, kind, block in blocks]


def sample_of(path: Path) -> Sample:
    """Answer a file as a document, by its name."""
    kinds = {".html": "text/html", ".htm": "text/html", ".css": "text/css"}
    return Sample(path.name, kinds.get(path.suffix, "text/javascript"), path.read_bytes())


def rewrite(documents: list[Sample]) -> list[Report]:
    """Rewrite each document once, in pieces of 64 KiB."""
    return [_one(document) for document in documents]


def _one(document: Sample) -> Report:
    """Measure one document; `wrong` is 1 where cutting it otherwise gives another output."""
    report = Report(f"rewrite: {document.title}, {len(document.data) / 1e6:.1f} MB")
    begun = time.process_time()
    output, longest = _run(document, _PIECE)
    used = time.process_time() - begun
    report.numbers = {
        "MB per CPU-second": len(document.data) / 1e6 / used,
        "longest step for 64 KiB, ms": longest * 1e3,
        "bytes added": float(len(output) - len(document.data)),
    }
    report.wrong = int(_run(document, 4099)[0] != output)
    return report


def _run(document: Sample, size: int) -> tuple[bytes, float]:
    """Answer the output, and the seconds of the longest step."""
    rewriter = rewriter_for(200, "GET", {"content-type": document.content_type}, _CONTEXT)
    if rewriter is None:
        raise ValueError(f"{document.content_type} is not rewritten")
    done: list[bytes] = []
    longest = 0.0
    for start in range(0, len(document.data), size):
        begun = time.perf_counter()
        done.append(rewriter.feed(document.data[start : start + size]))
        longest = max(longest, time.perf_counter() - begun)
    done.append(rewriter.finish())
    return b"".join(done), longest
