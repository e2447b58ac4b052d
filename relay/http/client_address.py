"""Find out who is at the other end, through the proxies that may be believed (rest-account.md 12.5)."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from aiohttp import web

log = logging.getLogger(__name__)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Where a proxy of one's own stands when `trust_proxy` is on (rest-account.md 12.5).
_PRIVATE: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
)
#: Headers by which proxies and tunnels that end on this machine give themselves away.
_FORWARDING: Final = frozenset(
    {
        "forwarded",
        "via",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-original-forwarded-for",
        "true-client-ip",
        "cf-connecting-ip",
        "cf-ray",
        "fly-client-ip",
        "fastly-client-ip",
        "x-pizzapi-client-ip",
    }
)


class TrustProxy(Enum):
    """Say whose forwarding headers are believed when no networks are listed."""

    NOBODY = "false"
    LOOPBACK = "loopback"
    PRIVATE = "true"


@dataclass(frozen=True, slots=True)
class ProxyPolicy:
    """Say which proxies to believe; `depth` entries at the right end of X-Forwarded-For belong to further ones."""

    trust: TrustProxy = TrustProxy.LOOPBACK
    networks: tuple[Network, ...] = field(default=())
    depth: int = 0


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read networks and bare addresses; a bad entry is skipped with a warning (rest-account.md 12.5)."""
    networks: list[Network] = []
    for text in texts:
        try:
            networks.append(ipaddress.ip_network(text.strip(), strict=False))
        except ValueError:
            log.warning("skipping a trusted proxy network that can't be read", extra={"network": text})
    return tuple(networks)


def parse_address(text: str | None) -> Address | None:
    """Read an address, an IPv4-mapped one as IPv4; zone ids and ports are cut off; None when it is none."""
    if not text:
        return None
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


class ClientAddress:
    """Answer the address, scheme and host that a request really came with."""

    def __init__(self, policy: ProxyPolicy) -> None:
        self._policy = policy

    def ip(self, request: web.Request) -> str:
        """Answer the client's address, IPv4-mapped ones as IPv4; empty when the socket has none."""
        peer = request.remote or ""
        forwarded = request.headers.getall("X-Forwarded-For", ())
        if forwarded and self.trusts_peer(request):
            entries = [entry.strip() for entry in ",".join(forwarded).split(",")]
            index = len(entries) - 1 - self._policy.depth
            address = parse_address(entries[index]) if index >= 0 else None
            if address is not None:
                return str(address)
        if peer.startswith("::ffff:") or "%" in peer:
            return str(parse_address(peer) or peer)
        return peer

    def scheme(self, request: web.Request) -> str:
        """Answer "https" or "http": what the client's own connection uses.

        `X-Forwarded-Proto` counts only from a trusted proxy, and its first value (rest-account.md 12.5).
        """
        if request.transport is not None and request.transport.get_extra_info("sslcontext") is not None:
            return "https"
        forwarded = request.headers.get("X-Forwarded-Proto")
        if forwarded is not None and self.trusts_peer(request):
            first = forwarded.partition(",")[0].strip().lower()
            if first in {"http", "https"}:
                return first
        return "http"

    def host(self, request: web.Request) -> str:
        """Answer the Host header in lower case, with its port if it has one; empty when it is missing."""
        return request.headers.get("Host", "").strip().lower()

    def trusts_peer(self, request: web.Request) -> bool:
        """Tell whether the other end of the connection is a proxy that may be believed."""
        policy = self._policy
        if policy.trust is TrustProxy.NOBODY:
            return False
        address = parse_address(request.remote)
        if address is None:
            return False
        if address.is_loopback:
            return True
        if policy.networks:
            return any(address in network for network in policy.networks)
        return policy.trust is TrustProxy.PRIVATE and any(address in network for network in _PRIVATE)

    def is_forwarded(self, request: web.Request) -> bool:
        """Tell whether a proxy or tunnel handed this request on, judged by any header that such a thing sends."""
        return any(
            name.startswith("x-forwarded") or name in _FORWARDING for name in (key.lower() for key in request.headers)
        )

    def is_loopback(self, request: web.Request) -> bool:
        """Tell whether somebody on this machine asks, directly: the set-up rule of rest-account.md 4.1."""
        address = parse_address(request.remote)
        return address is not None and address.is_loopback and not self.is_forwarded(request)
