"""Rewrite what a tunnelled service sends so that it works under the relay's prefix, while it streams (tunnel.md 3).

Pure: bytes in, bytes out, no sockets. For one response of path or token mode:

    rewriter = rewriter_for(status, method, headers, context)
    answer.headers = response_headers_for(status, headers, context)
    for data in body: for piece in rewriter.pieces(data): write(piece)     # as is where rewriter is None
    write(rewriter.finish())

`BrokenEncoding` out of `pieces` or `finish` means that the body is damaged: abort the connection, do not end it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from relay.tunnel.rewrite.context import Mode, RewriteContext
from relay.tunnel.rewrite.css import CssRewriter
from relay.tunnel.rewrite.decode import BrokenEncoding, decoder_for, is_identity
from relay.tunnel.rewrite.headers import response_headers
from relay.tunnel.rewrite.html import HtmlRewriter
from relay.tunnel.rewrite.js import JsRewriter
from relay.tunnel.rewrite.kinds import Kind, charset_of, has_body, is_double_byte, rewritable
from relay.tunnel.rewrite.stream import StreamRewriter, Transform
from relay.tunnel.rewrite.urls import rewrite_location

__all__ = [
    "BrokenEncoding",
    "Kind",
    "Mode",
    "RewriteContext",
    "StreamRewriter",
    "accept_encoding_for",
    "response_headers_for",
    "rewrite_location",
    "rewriter_for",
]

#: The runner drops the header (tunnel.md 1.5); one that does not must still hear that rewriting wants plain bytes.
_IDENTITY: Final = "identity"


def accept_encoding_for(request_headers: Mapping[str, str]) -> str:
    """Answer the `accept-encoding` for the service: plain bytes, whatever the browser offers (2.3)."""
    del request_headers
    return _IDENTITY


def rewriter_for(
    status: int, method: str, headers: Mapping[str, str], context: RewriteContext
) -> StreamRewriter | None:
    """Answer the rewriter of a response body; None where the body passes untouched.

    `headers` are the service's, found by lower-case name (any case where the mapping ignores case). Untouched are:
    other types than HTML, CSS and JavaScript, parts (206), HEAD, 204, 304, attachments, UTF-16 and its like, and
    encodings that cannot be undone here (their header stays).
    """
    kind = _kind(status, headers)
    if kind is None or not has_body(status, method):
        return None
    encoding = headers.get("content-encoding", "")
    decoder = None if is_identity(encoding) else decoder_for(encoding)
    injects = _injects(kind, context)
    transform = _transform(kind, headers, context, injects=injects)
    return StreamRewriter(kind, transform, decoder, injects=injects)


def response_headers_for(
    status: int, headers: Iterable[tuple[str, str]], context: RewriteContext
) -> list[tuple[str, str]]:
    """Answer the complete headers for the browser by 2.5, 3.6, 3.7 and 6.2, in order; path and token modes only.

    Right for HEAD and 304 as well: they describe what GET would answer. Add framing (chunked), nothing else.
    """
    pairs = list(headers)
    kind = _kind(status, {name.lower(): value for name, value in pairs})
    injects = kind is not None and _injects(kind, context)
    return response_headers(pairs, context, rewrites=kind, injects=injects)


def _kind(status: int, headers: Mapping[str, str]) -> Kind | None:
    """Answer as what this resource is rewritten, with an encoding that can be undone; else None."""
    kind = rewritable(status, headers)
    encoding = headers.get("content-encoding", "")
    if kind is not None and not is_identity(encoding) and decoder_for(encoding) is None:
        return None
    return kind


def _injects(kind: Kind, context: RewriteContext) -> bool:
    """Answer whether the interceptor goes into a page."""
    return kind in (Kind.HTML, Kind.XHTML) and context.wants_script


def _transform(kind: Kind, headers: Mapping[str, str], context: RewriteContext, *, injects: bool) -> Transform:
    """Answer the rewriter of one language."""
    if kind is Kind.CSS:
        return CssRewriter(context)
    if kind is Kind.JS:
        return JsRewriter(context)
    plain = is_double_byte(charset_of(headers.get("content-type", "")))
    return HtmlRewriter(context, xhtml=kind is Kind.XHTML, injects=injects, markup_only=plain)
