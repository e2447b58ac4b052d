"""Put the security headers on responses (rest-account.md 12.6)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from html.parser import HTMLParser
from typing import Final

from aiohttp import web

#: Headers of every response that is not a tunnel's. `camera=(self)` and not `camera=()`: the UI scans QR codes.
STANDARD_HEADERS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("X-XSS-Protection", "0"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("Permissions-Policy", "camera=(self), microphone=(), geolocation=()"),
)
#: The server says what it is, not which versions it is built from.
SERVER_NAME: Final = "relay"
#: Distinct frame sources whose finished policy is kept; there are two in practice.
_KEPT_POLICIES: Final = 16


def inline_script_hashes(html: str) -> tuple[str, ...]:
    """Answer the CSP sources (`'sha256-...'`) of every inline script without attributes, in document order.

    Browsers hash the text after newline normalisation, so this does too.
    """
    collector = _InlineScripts()
    collector.feed(html.replace("\r\n", "\n").replace("\r", "\n"))
    collector.close()
    return tuple(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in collector.texts)


class SecurityHeaders:
    """Hold the headers; the script hashes follow the UI that is served."""

    def __init__(self, frame_source: Callable[[web.Request], str | None] | None = None) -> None:
        """`frame_source` answers the tunnel origins that the UI may frame, None for none (tunnel.md 2.7)."""
        self._frame_source = frame_source
        self._hashes: tuple[str, ...] = ()
        self._policies: dict[str | None, str] = {}
        self._own_page = False

    def allow_scripts(self, hashes: Iterable[str]) -> None:
        """Replace the CSP sources of the inline scripts that may run."""
        self._hashes = tuple(hashes)
        self._policies.clear()

    def tighten(self) -> None:
        """Serve the relay's own page: no inline script, no evaluation, no form or base address of another site."""
        self._own_page = True
        self._policies.clear()

    def apply(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers that `response` does not set itself."""
        headers = response.headers
        for name, value in STANDARD_HEADERS:
            headers.setdefault(name, value)
        headers.setdefault("Content-Security-Policy", self.policy(request))
        headers["Server"] = SERVER_NAME

    def policy(self, request: web.Request) -> str:
        """Answer the Content-Security-Policy for a response to `request`."""
        source = None if self._frame_source is None else self._frame_source(request)
        policy = self._policies.get(source)
        if policy is None:
            policy = _own_policy(source) if self._own_page else _policy(source, self._hashes)
            if len(self._policies) < _KEPT_POLICIES:
                self._policies[source] = policy
        return policy


def _policy(frame_source: str | None, hashes: Iterable[str]) -> str:
    directives = [
        "default-src 'self'",
        " ".join(("script-src 'self' 'wasm-unsafe-eval'", *hashes)),
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "connect-src 'self' ws: wss: blob:",
        "font-src 'self' data:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    ]
    if frame_source is not None:
        directives.insert(0, f"frame-src 'self' {frame_source}")
    return "; ".join(directives)


def _own_policy(frame_source: str | None) -> str:
    """Answer the policy of the relay's own page, whose script comes from files alone.

    Style sheets may be written by script (the terminal does that for its colours), so inline style stays allowed.
    """
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self'",
            # Older browsers do not count a WebSocket to the same host as 'self'.
            "connect-src 'self' ws: wss:",
            f"frame-src 'self'{'' if frame_source is None else ' ' + frame_source}",
            "worker-src 'self'",
            "manifest-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


class _InlineScripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script" and not attrs:
            self._open = True
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[-1] += data
