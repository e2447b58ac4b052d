"""Find the addresses under which other machines reach this one."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
import sys
from typing import Final

#: An address that nobody has (RFC 5737); "connecting" a datagram socket to it sends nothing but shows the way out.
_NOWHERE: Final = ("192.0.2.1", 9)
#: Linux: ask for the IPv4 address of an interface (linux/sockios.h).
_SIOCGIFADDR: Final = 0x8915
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  # compared, not bound


def is_everywhere(host: str) -> bool:
    """Tell whether a listener on `host` listens on all interfaces."""
    return host in _EVERYWHERE


def is_loopback_name(host: str) -> bool:
    """Tell whether `host`, a name or an address, stands for the machine that says it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def lan_addresses() -> list[str]:
    """Answer this machine's IPv4 addresses but loopback, the one towards the default route first."""
    found = [*_towards_outside(), *_of_interfaces(), *_of_host_name()]
    return [
        text
        for text in dict.fromkeys(found)
        if not (address := ipaddress.ip_address(text)).is_loopback and not address.is_unspecified
    ]


def _towards_outside() -> list[str]:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_NOWHERE)
        return [str(probe.getsockname()[0])]
    return []


def _of_interfaces() -> list[str]:
    if sys.platform != "linux":
        return []
    import fcntl

    addresses: list[str] = []
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            with contextlib.suppress(OSError):
                addresses.append(socket.inet_ntoa(fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)[20:24]))
    return addresses


def _of_host_name() -> list[str]:
    with contextlib.suppress(OSError):
        return socket.gethostbyname_ex(socket.gethostname())[2]
    return []
