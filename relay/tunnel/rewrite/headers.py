"""Turn the response headers of a service into those that the browser gets in path and token modes (2.5, 3.7, 6.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from relay.tunnel.rewrite.context import RewriteContext
from relay.tunnel.rewrite.interceptor import script_source
from relay.tunnel.rewrite.kinds import Kind
from relay.tunnel.rewrite.policy import adapt_policy
from relay.tunnel.rewrite.urls import rewrite_location

Pairs = list[tuple[str, str]]

#: Between two hops only, or recomputed by the server (RFC 9110 7.6.1, T17).
_HOP: Final = frozenset(
    (
        *("connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade"),
        *("proxy-authenticate", "proxy-authorization"),
    )
)
#: Would act on the whole origin of the relay, which is not the service's (6.2); internal marks can be forged (S11).
_ORIGIN_WIDE: Final = frozenset(
    (
        *("set-cookie", "set-cookie2", "service-worker-allowed", "clear-site-data", "set-login", "accept-ch"),
        *("strict-transport-security", "public-key-pins", "public-key-pins-report-only", "alt-svc", "nel", "report-to"),
        *("reporting-endpoints", "origin-agent-cluster", "x-pizzapi-tunnel", "x-pizzapi-tunnel-frame"),
    )
)
#: Replaced by ours.
_REPLACED: Final = frozenset(
    ("x-frame-options", "referrer-policy", "x-content-type-options", "x-xss-protection", "permissions-policy")
)
#: Describe the bytes that the service sent and not those that leave here; a range of them would be another document's.
_OF_THE_BYTES: Final = frozenset(
    (
        *("content-length", "content-encoding", "content-md5", "digest", "repr-digest", "content-digest"),
        "accept-ranges",
    )
)
_POLICIES: Final = frozenset(("content-security-policy", "content-security-policy-report-only"))
_ADDRESSES: Final = frozenset(("location", "content-location", "sourcemap", "x-sourcemap"))
_REFRESH: Final = re.compile(r"(?is)(\s*[\d.]*\s*[;,]\s*(?:url\s*=\s*)?[\"']?)(.*)")
_LINK: Final = re.compile(r"<([^<>]*)>")
#: As 2.5 says; `same-origin` because `no-referrer` makes browsers send `Origin: null`.
_OURS: Final = (
    ("Referrer-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-XSS-Protection", "0"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
)


def response_headers(
    headers: Iterable[tuple[str, str]], context: RewriteContext, *, rewrites: Kind | None, injects: bool
) -> Pairs:
    """Answer the headers for the browser, in order, repeats as repeats.

    `rewrites` is the language as which the resource is rewritten, also where this response has no body (HEAD, 304):
    its length and its tag must be those of the rewritten one. `injects` says whether the interceptor goes into it.
    Names keep their case; `Date` and `Server` stay the service's. Framing is the caller's.
    """
    pairs = list(headers)
    dropped = _HOP | _ORIGIN_WIDE | _REPLACED | _named_by_connection(pairs)
    answer: Pairs = []
    for name, value in pairs:
        lowered = name.lower()
        if lowered in dropped or (rewrites is not None and lowered in _OF_THE_BYTES):
            continue
        changed = _changed(lowered, value, context, rewrites, injects=injects)
        if changed is not None:
            answer.append((name, changed))
    if context.mode == "path":
        answer.append(("X-Frame-Options", "SAMEORIGIN"))
    answer.extend(_OURS)
    if rewrites is not None:
        _make_private(answer)
    return answer


def _named_by_connection(pairs: Pairs) -> frozenset[str]:
    """Answer the names that `Connection` declares to be of this hop."""
    listed = ",".join(value for name, value in pairs if name.lower() == "connection")
    return frozenset(word.strip().lower() for word in listed.split(",") if word.strip())


def _changed(name: str, value: str, context: RewriteContext, rewrites: Kind | None, *, injects: bool) -> str | None:
    """Answer the value of one header, None to drop it."""
    if name in _ADDRESSES:
        return rewrite_location(value, context)
    if name == "refresh":
        found = _REFRESH.fullmatch(value)
        return value if found is None else found[1] + rewrite_location(found[2], context)
    if name == "link":
        return _LINK.sub(lambda found: f"<{rewrite_location(found[1], context)}>", value)
    if name == "etag" and rewrites is not None:
        return value if value.startswith("W/") else f"W/{value}"
    if name in _POLICIES:
        if context.mode == "token":
            return None
        script_hash = script_source(context, rewrites).policy_hash if injects and rewrites is not None else None
        return adapt_policy(value, context, script_hash, base=injects and not context.request_path)
    return value


def _make_private(answer: Pairs) -> None:
    """Keep shared caches from the rewritten document: it holds the prefix of one user (3.6)."""
    for index, (name, value) in enumerate(answer):
        if name.lower() == "cache-control":
            parts = [part.strip() for part in value.split(",") if part.strip()]
            kept = [part for part in parts if not part.lower().startswith(("public", "private", "s-maxage"))]
            unstored = any(part.lower() == "no-store" for part in kept)
            answer[index] = (name, ", ".join(kept if unstored else ["private", *kept]))
            return
    answer.append(("Cache-Control", "private"))
