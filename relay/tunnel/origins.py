"""Give tunnels host names of their own, and know them when they are asked for (tunnel.md 2.7)."""

from __future__ import annotations

import ipaddress
import logging
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from relay.http.client_address import ClientAddress
from relay.http.origins import host_name

log = logging.getLogger(__name__)

#: What is used out of the box: names under `localhost` lead browsers to their own machine, without a DNS entry.
LOCAL_DOMAIN: Final = "t.localhost"
_LABEL: Final = re.compile(r"[a-z0-9]{16,64}")
_SPELLED: Final = re.compile(r"(?:(https?)://)?([^/:@?#\s]+)(:\d{1,5})?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Domain:
    host: str
    scheme: str
    port: str


class TunnelOrigins:
    """Know the domain under which tunnels have hosts; `on` is False when an unusable one is configured.

    Without a configured domain it is `t.localhost`, offered only to requests that came to loopback or `localhost`
    themselves: a phone would look for it on itself.
    """

    def __init__(self, domain: str, base_url: str, address: ClientAddress) -> None:
        self._address = address
        self._configured: _Domain | None = None
        self.on = True
        spelled = domain.strip().rstrip("/")
        if spelled:
            self._configured = _parse(spelled, base_url)
            self.on = self._configured is not None
        host = LOCAL_DOMAIN if self._configured is None else self._configured.host
        self._suffix = "." + host

    def label(self, request: web.Request) -> str | None:
        """Answer the label in a request's Host, None when it asks for the relay itself."""
        host = request.headers.get("Host", "")
        if not self.on or len(host) <= len(self._suffix):
            return None
        name = host_name(host.strip().lower())
        if not name.endswith(self._suffix):
            return None
        label = name[: -len(self._suffix)]
        return label if _LABEL.fullmatch(label) else None

    def accepts(self, request: web.Request) -> bool:
        """Tell whether a request is for a tunnel's own host."""
        return self.label(request) is not None

    def url(self, request: web.Request, label: str) -> str | None:
        """Answer the address of a label for whoever sent this request, None when there is none that works there."""
        domain = self._domain(request)
        return None if domain is None else f"{domain.scheme}://{label}.{domain.host}{domain.port}/"

    def frame_source(self, request: web.Request) -> str | None:
        """Answer the CSP source of all tunnel hosts, None when none is offered to this request."""
        domain = self._domain(request)
        return None if domain is None else f"{domain.scheme}://*.{domain.host}{domain.port}"

    def scheme(self, request: web.Request) -> str:
        """Answer the scheme that browsers use for the tunnel's host."""
        return self._address.scheme(request) if self._configured is None else self._configured.scheme

    def _domain(self, request: web.Request) -> _Domain | None:
        if not self.on or self._configured is not None:
            return self._configured
        host = self._address.host(request)
        name = host_name(host)
        if not _is_local(name):
            return None
        # The port of the request and not ours: between browser and relay a port may be forwarded.
        port = host.rpartition("]")[2].partition(":")[2]
        return _Domain(LOCAL_DOMAIN, self._address.scheme(request), f":{port}" if port.isdigit() else "")


def _parse(spelled: str, base_url: str) -> _Domain | None:
    match = _SPELLED.fullmatch(spelled)
    if match is None:
        log.error("tunnel domain can't be read, tunnels have no hosts of their own", extra={"domain": spelled})
        return None
    host = match[2].lower()
    own = (urlsplit(base_url).hostname or "").lower() if base_url else ""
    if own and not _under_localhost(host) and _overlap(host, own):
        log.error("tunnel domain overlaps the relay's own host", extra={"domain": host, "base_host": own})
        return None
    scheme = (match[1] or ("http" if _under_localhost(host) else "https")).lower()
    return _Domain(host, scheme, match[3] or "")


def _overlap(one: str, other: str) -> bool:
    return one == other or one.endswith("." + other) or other.endswith("." + one)


def _under_localhost(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def _is_local(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
