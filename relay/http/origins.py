"""Decide which web origins may act with a user's cookie (rest-account.md 12.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from relay.http.client_address import ClientAddress, parse_address

#: Where the bundled mobile app's pages live (rest-account.md 12.2).
MOBILE_ORIGINS: Final = ("capacitor://localhost", "https://localhost")
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


def normalise(origin: str) -> str:
    """Answer an origin as browsers write it: lower case, no default port, no path, no trailing slash.

    What has no scheme and host is answered as it came, trimmed; it then equals no Origin header but itself.
    """
    text = origin.strip()
    parts = urlsplit(text)
    if not parts.scheme or not parts.netloc:
        return text
    scheme = parts.scheme.lower()
    return f"{scheme}://{parts.netloc.lower().removesuffix(_DEFAULT_PORTS.get(scheme, '/'))}"


class OriginPolicy:
    """Know the trusted origins: the configured ones and, for each request, its own."""

    def __init__(self, configured: Iterable[str], address: ClientAddress) -> None:
        origins = [normalise(origin) for origin in configured if origin.strip()]
        self._configured = frozenset(origins)
        #: The first configured origin; None without any.
        self.first = origins[0] if origins else None
        self._address = address

    @property
    def configured(self) -> frozenset[str]:
        """Answer the configured origins, normalised."""
        return self._configured

    def trusted(self, request: web.Request, origin: str) -> bool:
        """Tell whether `origin`, the text of an Origin header, may act on this request."""
        return origin in self._configured or self.is_own(request, origin)

    def is_own(self, request: web.Request, origin: str) -> bool:
        """Tell whether `origin` is the one that this request was sent to.

        `https://<Host>` also counts when the effective scheme is http: a proxy that ends TLS need not say so. Never the
        other way round (rest-account.md 12.2).
        """
        host = self._address.host(request)
        if not host:
            return False
        if origin == f"https://{host.removesuffix(':443')}":
            return True
        return self._address.scheme(request) == "http" and origin == f"http://{host.removesuffix(':80')}"

    def host_is_safe(self, request: web.Request, names: Iterable[str]) -> bool:
        """Tell whether Host is an IP literal, localhost or one of `names`: no DNS name of a stranger's leads to it.

        This is the answer to DNS rebinding in the set-up rule (rest-account.md 4.1).
        """
        host = host_name(self._address.host(request))
        return host == "localhost" or parse_address(host) is not None or host in {name.lower() for name in names}


def host_name(host: str) -> str:
    """Cut the port off a Host header value; the brackets of an IPv6 literal go too."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()
