"""The client's address, scheme and host, through proxies that may be believed and others."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Sequence

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from relay.http.client_address import ClientAddress, ProxyPolicy, TrustProxy, parse_address, parse_networks


class _Transport:
    """Know the peer of a connection, and whether it is encrypted."""

    def __init__(self, peer: str, encrypted: bool) -> None:
        self._known = {"peername": (peer, 50000), "sslcontext": object() if encrypted else None}

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._known.get(name, default)


def request_from(peer: str, *headers: tuple[str, str], encrypted: bool = False) -> web.Request:
    """Make a request whose connection comes from `peer`."""
    return make_mocked_request("GET", "/", headers=CIMultiDict(headers), transport=_Transport(peer, encrypted))


def _ip(peer: str, xff: str | Sequence[str], policy: ProxyPolicy) -> str:
    values = [xff] if isinstance(xff, str) else xff
    return ClientAddress(policy).ip(request_from(peer, *(("X-Forwarded-For", value) for value in values)))


NOBODY = ProxyPolicy(TrustProxy.NOBODY)
LOOPBACK = ProxyPolicy()
PRIVATE = ProxyPolicy(TrustProxy.PRIVATE)
LISTED = ProxyPolicy(networks=parse_networks(["203.0.113.0/24", "2001:db8::5"]))


@pytest.mark.parametrize(
    ("policy", "peer", "forwarded", "expected"),
    [
        (LOOPBACK, "127.0.0.1", "198.51.100.1", "198.51.100.1"),
        (LOOPBACK, "127.8.0.1", "198.51.100.1", "198.51.100.1"),
        (LOOPBACK, "::1", "198.51.100.1", "198.51.100.1"),
        (LOOPBACK, "::ffff:127.0.0.1", "198.51.100.1", "198.51.100.1"),
        (LOOPBACK, "10.0.0.1", "198.51.100.1", "10.0.0.1"),
        (LOOPBACK, "203.0.113.9", "198.51.100.1", "203.0.113.9"),
        (NOBODY, "127.0.0.1", "198.51.100.1", "127.0.0.1"),
        (PRIVATE, "10.1.2.3", "198.51.100.1", "198.51.100.1"),
        (PRIVATE, "172.31.0.1", "198.51.100.1", "198.51.100.1"),
        (PRIVATE, "172.32.0.1", "198.51.100.1", "172.32.0.1"),
        (PRIVATE, "169.254.1.1", "198.51.100.1", "198.51.100.1"),
        (PRIVATE, "fd00::1", "198.51.100.1", "198.51.100.1"),
        (PRIVATE, "fe80::1%eth0", "198.51.100.1", "198.51.100.1"),
        (PRIVATE, "203.0.113.9", "198.51.100.1", "203.0.113.9"),
        (LISTED, "203.0.113.9", "198.51.100.1", "198.51.100.1"),
        (LISTED, "2001:db8::5", "198.51.100.1", "198.51.100.1"),
        (LISTED, "2001:db8::6", "198.51.100.1", "2001:db8::6"),
        (LISTED, "127.0.0.1", "198.51.100.1", "198.51.100.1"),
        (LISTED, "10.0.0.1", "198.51.100.1", "10.0.0.1"),
        # The right-most entry is the one that the proxy itself wrote.
        (LOOPBACK, "127.0.0.1", "192.0.2.1, 198.51.100.1", "198.51.100.1"),
        (LOOPBACK, "127.0.0.1", ["192.0.2.1", "198.51.100.1"], "198.51.100.1"),
        (ProxyPolicy(depth=1), "127.0.0.1", "192.0.2.1, 198.51.100.1", "192.0.2.1"),
        (ProxyPolicy(depth=2), "127.0.0.1", "192.0.2.1, 198.51.100.1", "127.0.0.1"),
        (LOOPBACK, "127.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        (LOOPBACK, "127.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        (LOOPBACK, "127.0.0.1", "198.51.100.1:443", "198.51.100.1"),
        (LOOPBACK, "127.0.0.1", "unknown", "127.0.0.1"),
        (LOOPBACK, "127.0.0.1", "", "127.0.0.1"),
        (LOOPBACK, "::ffff:10.0.0.7", "198.51.100.1", "10.0.0.7"),
    ],
)
def test_whose_forwarded_for_is_believed(
    policy: ProxyPolicy, peer: str, forwarded: str | list[str], expected: str
) -> None:
    assert _ip(peer, forwarded, policy) == expected


def test_a_list_of_networks_has_no_effect_when_nobody_is_trusted() -> None:
    policy = ProxyPolicy(TrustProxy.NOBODY, parse_networks(["203.0.113.0/24"]))
    assert _ip("203.0.113.9", "198.51.100.1", policy) == "203.0.113.9"


def test_an_internal_client_address_header_is_never_believed() -> None:
    request = request_from("127.0.0.1", ("x-pizzapi-client-ip", "198.51.100.1"))
    assert ClientAddress(LOOPBACK).ip(request) == "127.0.0.1"


@pytest.mark.parametrize(
    ("peer", "encrypted", "proto", "expected"),
    [
        ("203.0.113.9", False, None, "http"),
        ("203.0.113.9", True, None, "https"),
        ("203.0.113.9", False, "https", "http"),
        ("127.0.0.1", False, "https", "https"),
        ("127.0.0.1", False, "HTTPS, http", "https"),
        ("127.0.0.1", False, "http, https", "http"),
        ("127.0.0.1", False, "gopher", "http"),
        ("127.0.0.1", True, "http", "https"),
    ],
)
def test_the_scheme_is_the_clients_own(peer: str, encrypted: bool, proto: str | None, expected: str) -> None:
    headers = [] if proto is None else [("X-Forwarded-Proto", proto)]
    assert ClientAddress(LOOPBACK).scheme(request_from(peer, *headers, encrypted=encrypted)) == expected


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("127.0.0.1", [], True),
        ("::1", [], True),
        ("::ffff:127.0.0.1", [], True),
        ("192.168.1.2", [], False),
        ("127.0.0.1", [("X-Forwarded-For", "127.0.0.1")], False),
        ("127.0.0.1", [("x-forwarded-anything", "1")], False),
        ("127.0.0.1", [("Forwarded", "for=127.0.0.1")], False),
        ("127.0.0.1", [("Via", "1.1 proxy")], False),
        ("127.0.0.1", [("CF-Connecting-IP", "1.2.3.4")], False),
        ("127.0.0.1", [("X-Real-IP", "127.0.0.1")], False),
        ("127.0.0.1", [("X-Forward", "1")], True),
    ],
)
def test_only_a_direct_request_of_this_machine_is_loopback(
    peer: str, headers: list[tuple[str, str]], expected: bool
) -> None:
    assert ClientAddress(LOOPBACK).is_loopback(request_from(peer, *headers)) is expected


def test_bad_networks_are_skipped_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        networks = parse_networks(["10.0.0.0/8", "10.0.0.0/99", "nonsense", " ::1 ", "10.1.2.3/8"])
    assert networks == tuple(ipaddress.ip_network(text) for text in ("10.0.0.0/8", "::1/128", "10.0.0.0/8"))
    assert [vars(record)["network"] for record in caplog.records] == ["10.0.0.0/99", "nonsense"]


@given(st.ip_addresses())
def test_every_address_reads_back(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    assert parse_address(str(address)) == (mapped or address)


@given(st.text(max_size=60))
def test_no_forwarding_header_breaks_the_address(text: str) -> None:
    value = text.replace("\r", "").replace("\n", "").replace("\0", "")
    assert ipaddress.ip_address(_ip("127.0.0.1", value, LOOPBACK))
