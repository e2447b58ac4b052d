"""Keep other sites' pages from signing people in and out (rest-account.md 2.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from relay.accounts.auth_errors import denied
from relay.http.origins import OriginPolicy, normalise

_CROSS_SITE: Final = "Cross-site navigation login blocked. This request appears to be a CSRF attack."
_METADATA: Final = ("Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest")
_CALLBACKS: Final = ("callbackURL", "redirectTo", "errorCallbackURL", "newUserCallbackURL")
#: A path on this host: one slash, then nothing that a browser could read as a host or a scheme.
_SAFE_PATH: Final = re.compile(r"/(?![/\\]|%2[fF]|%5[cC])[\w\-.+/@%]*(?:\?[\w\-.+/=&%@]*)?", re.ASCII)


class OriginGate:
    """Judge where a request to an auth endpoint comes from and where it wants to lead."""

    def __init__(self, origins: OriginPolicy, patterns: tuple[str, ...]) -> None:
        """`patterns` are trusted for the auth endpoints alone; `*` and `?` are wildcards."""
        self._origins = origins
        self._patterns = tuple(_pattern(text) for text in patterns)

    def check(self, request: web.Request, body: Mapping[str, object], *, login: bool) -> None:
        """Raise AuthError 403 for a foreign origin or a foreign callback URL."""
        if "Cookie" in request.headers:
            self._check_origin(request)
        elif login and any(name in request.headers for name in _METADATA):
            site = request.headers.get("Sec-Fetch-Site", "").lower()
            if site == "cross-site" and request.headers.get("Sec-Fetch-Mode", "").lower() == "navigate":
                raise denied(403, _CROSS_SITE)
            self._check_origin(request)
        for name in _CALLBACKS:
            url = body.get(name) or request.query.get(name)
            if url and not (isinstance(url, str) and self._may_lead_to(request, url)):
                raise denied(403, f"Invalid {name}")

    def _check_origin(self, request: web.Request) -> None:
        origin = request.headers.get("Origin") or _origin_of(request.headers.get("Referer", ""))
        if not origin or origin == "null":
            raise denied(403, "Missing or null Origin")
        if not self._trusts(request, origin):
            raise denied(403, "Invalid origin")

    def _trusts(self, request: web.Request, origin: str) -> bool:
        return self._origins.trusted(request, origin) or any(pattern.fullmatch(origin) for pattern in self._patterns)

    def _may_lead_to(self, request: web.Request, url: str) -> bool:
        if url.startswith("/"):
            return _SAFE_PATH.fullmatch(url) is not None
        origin = _origin_of(url)
        return bool(origin) and self._trusts(request, origin)


def _origin_of(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    # A user name in a URL looks like a host to people; no client of ours sends one.
    if not parts.scheme or not parts.netloc or "@" in parts.netloc or "\\" in url:
        return ""
    return normalise(f"{parts.scheme}://{parts.netloc}")


def _pattern(text: str) -> re.Pattern[str]:
    """Read a trusted origin; a wildcard never crosses a slash, so that `https://*.a` ends in that host."""
    escaped = re.escape(normalise(text)).replace(r"\*", r"[^/]*").replace(r"\?", "[^/]")
    return re.compile(escaped)
