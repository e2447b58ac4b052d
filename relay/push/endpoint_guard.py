"""Keep pushes away from private addresses: when a browser subscribes and when the relay connects (rest-account.md 8.2).

An endpoint is a URL of the caller's choice that the relay will post to. Browsers read `https://2130706433/` as
127.0.0.1 and so do resolvers, hence the many spellings here; what a name resolves to is judged when the connection is
made, on the very address.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

#: Push services' endpoints have some hundred characters.
MAX_ENDPOINT: Final = 4096

Address = IPv4Address | IPv6Address
#: What asyncio wants to connect to: family, type, protocol, canonical name, socket address.
_AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]]

#: An ASCII host name; whatever else a parser left in it is not for us to guess.
_NAME: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_NUMBER: Final = re.compile(r"0x[0-9a-f]*|[0-9]+")
#: Forms of IPv6 that carry an IPv4 address in their last 32 bits: compatible, mapped, translated (RFC 4291, 6052).
_CARRIERS: Final = (IPv6Network("::/96"), IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))


class PrivateAddress(OSError):
    """Say that a connection to a private address was refused."""


def is_allowed(endpoint: str, *, allow_private: bool = False) -> bool:
    """Tell whether an endpoint may be stored and posted to, by its text alone.

    A valid `https` URL without credentials, whose host is a name other than `localhost` or a public address. With
    `allow_private`, `http` and any host will do.
    """
    if len(endpoint) > MAX_ENDPOINT or any(char <= " " or "\ud800" <= char <= "\udfff" for char in endpoint):
        return False
    try:
        url = URL(endpoint)
        host = url.raw_host or ""
        # Reading the port checks it.
        port = url.port
    except (ValueError, UnicodeError):
        return False
    if url.scheme not in (("https", "http") if allow_private else ("https",)) or not host or port is None:
        return False
    if url.raw_user is not None or url.raw_password is not None:
        return False
    return allow_private or _is_public_host(host)


def is_public(address: Address) -> bool:
    """Tell whether an address is on the public internet, whatever it is wrapped in."""
    if isinstance(address, IPv6Address):
        inner = _carried(address)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast


def read_ipv4(host: str) -> IPv4Address | None:
    """Read the spellings that browsers take for an IPv4 address: one to four parts, decimal, octal or hexadecimal.

    Answer None when `host` ends in no number and so is a name; raises ValueError for a number that is no address
    (WHATWG URL, the IPv4 parser).
    """
    parts = host.split(".")
    if not _NUMBER.fullmatch(parts[-1]):
        return None
    if len(parts) > 4:
        raise ValueError(host)
    numbers = [_part(part) for part in parts]
    *leading, last = numbers
    if any(number > 255 for number in leading) or last >= 256 ** (5 - len(numbers)):
        raise ValueError(host)
    value = last
    for index, number in enumerate(leading):
        value += number << (8 * (3 - index))
    return IPv4Address(value)


def connector(*, allow_private: bool, at_once: int, resolver: AbstractResolver | None = None) -> aiohttp.TCPConnector:
    """Make a connector that judges every address in the moment of connecting; a private one raises PrivateAddress.

    It is judged there and not when it is resolved, because a host that is an address is never resolved and a name may
    resolve to something else the next time.
    """
    factory: Callable[[_AddressInfo], socket.socket] | None = None if allow_private else _guarded_socket
    return aiohttp.TCPConnector(limit=at_once, resolver=resolver, socket_factory=factory)


def _guarded_socket(info: _AddressInfo) -> socket.socket:
    family, kind, protocol, _, address = info
    if not is_public(ip_address(str(address[0]))):
        raise PrivateAddress("a push endpoint leads to a private address")
    return socket.socket(family, kind, protocol)


def _is_public_host(host: str) -> bool:
    if ":" in host:
        try:
            return is_public(IPv6Address(host))
        except ValueError:
            return False
    name = host.lower().removesuffix(".")
    if not _NAME.fullmatch(name) or name == "localhost" or name.endswith(".localhost"):
        return False
    try:
        address = read_ipv4(name)
    except ValueError:
        return False
    return address is None or is_public(address)


def _part(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8 if text.startswith("0") else 10)


def _carried(address: IPv6Address) -> IPv4Address | None:
    """Answer the IPv4 address that an IPv6 address stands for."""
    if any(address in network for network in _CARRIERS):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour
