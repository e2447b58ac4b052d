"""Run documents through the rewriters, whole and in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Final

from relay.tunnel.rewrite import RewriteContext, StreamRewriter, rewriter_for
from relay.tunnel.rewrite.css import CssRewriter
from relay.tunnel.rewrite.html import HtmlRewriter
from relay.tunnel.rewrite.interceptor import script_source
from relay.tunnel.rewrite.js import JsRewriter
from relay.tunnel.rewrite.kinds import Kind
from relay.tunnel.rewrite.stream import Transform

#: The prefix of the vectors in tunnel.md 3.2.
B: Final = "/api/tunnel/s-1/3"
CONTEXT: Final = RewriteContext(B, 3, "/web/index.html", "path", frozenset({"relay.example:7492"}))
#: A page part that a script fetches: nothing is injected, so that outputs are short.
PART: Final = RewriteContext(B, 3, "/web/index.html", "path", fetch_dest="empty")
TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "xhtml": "application/xhtml+xml",
    "css": "text/css",
    "js": "text/javascript",
}

Factory = Callable[[], Transform]


def html_part() -> Transform:
    """Answer a rewriter that injects nothing."""
    return HtmlRewriter(PART, injects=False)


def html_page() -> Transform:
    """Answer a rewriter that injects."""
    return HtmlRewriter(CONTEXT)


def css() -> Transform:
    """Answer a rewriter of style sheets."""
    return CssRewriter(CONTEXT)


def js() -> Transform:
    """Answer a rewriter of scripts."""
    return JsRewriter(CONTEXT)


FACTORIES: Final[dict[str, Factory]] = {"html": html_page, "part": html_part, "css": css, "js": js}


def script(context: RewriteContext = CONTEXT, kind: Kind = Kind.HTML) -> bytes:
    """Answer what is put into a page."""
    return script_source(context, kind).markup


def run(make: Factory, pieces: Iterable[bytes]) -> bytes:
    """Answer the output for these pieces."""
    transform = make()
    return b"".join([*(transform.feed(piece) for piece in pieces), transform.finish()])


def whole(make: Factory, text: str | bytes) -> str:
    """Answer the output for one piece, without what was injected."""
    data = text.encode() if isinstance(text, str) else text
    return run(make, [data]).replace(script(), b"").decode("utf-8", "surrogateescape")


def every(data: bytes, size: int) -> list[bytes]:
    """Cut into pieces of one size."""
    return [data[start : start + size] for start in range(0, len(data), size)]


def at(data: bytes, *places: int) -> list[bytes]:
    """Cut at these places."""
    cuts = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(cuts)]


def rewriter(
    kind: str, headers: Mapping[str, str] | None = None, context: RewriteContext = CONTEXT, status: int = 200
) -> StreamRewriter | None:
    """Answer the rewriter for a GET of this kind."""
    return rewriter_for(status, "GET", {"content-type": TYPES[kind], **(headers or {})}, context)


def body(kind: str, data: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    """Answer the rewritten body of a GET, in one piece."""
    found = rewriter(kind, headers)
    assert found is not None
    return found.feed(data) + found.finish()
