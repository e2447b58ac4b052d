"""The SSRF rule: every spelling of a private address, at subscribe and at connect (rest-account.md 8.2)."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, ip_address

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from relay.push.endpoint_guard import MAX_ENDPOINT, PrivateAddress, connector, is_allowed, is_public, read_ipv4
from tests.push.device import PushService


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:APA91b_-x",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAA?x=1#y",
        "https://push.example:8443/x",
        "https://push_host.example./",
        "https://8.8.8.8/x",
        "https://134744072/",
        "https://[2606:4700:4700::1111]/",
        "https://[::ffff:8.8.8.8]/",
        "https://localhost.example.com/",
        "https://10.example.com/",
        "https://bücher.example/",
        "https://172.32.0.1/",
    ],
)
def test_public_https_endpoints_are_allowed(endpoint: str) -> None:
    assert is_allowed(endpoint)


REFUSED = [
    # not a URL, not https
    "", "push.example", "https://", "https:///x", "http://push.example/", "ftp://push.example/", "HTTPS://",
    "https://push.example:99999/", "https://push.example:x/", "https://pu sh.example/", "https://push.example/\n",
    "https://user:secret@push.example/", "https://user@push.example/", "https://a..b/", "https://%31%32%37.0.0.1/",
    "https://push.example/" + "x" * MAX_ENDPOINT, "https://push.example/\ud800", "//push.example/", "data:,x",
    # loopback by name
    "https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://a.localhost/", "https://a.LocalHost./",
    # IPv4, dotted
    "https://127.0.0.1/", "https://127.1.2.3/", "https://127.0.0.1./", "https://10.0.0.1/", "https://172.16.0.1/",
    "https://172.31.255.255/", "https://192.168.1.1/", "https://169.254.169.254/latest", "https://0.0.0.0/",
    "https://0.1.2.3/", "https://100.64.0.1/", "https://224.0.0.1/", "https://255.255.255.255/", "https://198.18.0.1/",
    # IPv4, as integer, hexadecimal, octal, short
    "https://2130706433/", "https://0x7f000001/", "https://0X7F.0.0.1/", "https://017700000001/", "https://0177.0.0.1/",
    "https://127.1/", "https://127.0.1/", "https://0x7f.1/", "https://0/", "https://0x/", "https://0xa9fea9fe/",
    "https://3232235777/", "https://2130706433./", "https://١٢٧.0.0.1/", "https://127.0.0.1/", "https://127。0。0。1/",
    # numbers that are no address
    "https://4294967296/", "https://1.2.3.4.5/", "https://256.1.1.1/", "https://1.2.3.08/", "https://a.b.1/",
    # IPv6
    "https://[::1]/", "https://[::]/", "https://[0:0:0:0:0:0:0:1]/", "https://[fc00::1]/", "https://[fd12:3456::1]/",
    "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[febf::1]/", "https://[fec0::1]/", "https://[ff02::1]/",
    "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::ffff:10.0.0.1]/", "https://[::ffff:0:0]/",
    "https://[::127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[::1", "https://[x]/",
]  # fmt: skip


@pytest.mark.parametrize("endpoint", REFUSED)
def test_account_16_private_endpoints_are_refused_in_every_spelling(endpoint: str) -> None:
    assert not is_allowed(endpoint)


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:1234/x", "https://localhost/", "http://[::1]:1/", "https://push.example/"]
)
def test_the_setting_for_tests_allows_loopback_and_http(endpoint: str) -> None:
    assert is_allowed(endpoint, allow_private=True)


@pytest.mark.parametrize("endpoint", ["", "ftp://127.0.0.1/", "http://a:b@127.0.0.1/", "http://127.0.0.1:x/"])
def test_even_then_an_endpoint_has_to_be_a_web_address(endpoint: str) -> None:
    assert not is_allowed(endpoint, allow_private=True)


@given(
    value=st.integers(0, 2**32 - 1), form=st.sampled_from(["{0}", "{0:#x}", "0{0:o}", "{a}.{rest}", "{a:#o}.{b}.{c}"])
)
def test_every_spelling_of_a_number_is_the_address_that_browsers_see(value: int, form: str) -> None:
    a, b = value >> 24, (value >> 16) & 255
    text = form.format(value, a=a, b=b, c=value & 0xFFFF, rest=value & 0xFFFFFF).replace("0o", "0")
    address = read_ipv4(text)
    assert address == IPv4Address(value)
    assert is_allowed(f"https://{text}/") == is_public(address)


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "240.0.0.1", "192.88.99.1", "::ffff:192.168.0.1"])
def test_addresses_that_nobody_has_are_not_public(address: str) -> None:
    assert is_public(ip_address(address)) is (address == "192.88.99.1")


class _Lies(AbstractResolver):
    """A name server of somebody who wants to reach this machine."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            {"hostname": host, "host": address, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
            for address in self._addresses
        ]

    async def close(self) -> None:
        return None


async def test_a_public_name_that_resolves_to_a_private_address_is_not_connected_to(service: PushService) -> None:
    endpoint = f"http://push.example:{service.port}/x"
    guarded = connector(allow_private=False, at_once=1, resolver=_Lies("127.0.0.1"))
    async with aiohttp.ClientSession(connector=guarded) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await session.post(endpoint)
    assert isinstance(caught.value.os_error, PrivateAddress)
    assert service.received == []

    opened = connector(allow_private=True, at_once=1, resolver=_Lies("127.0.0.1"))
    async with aiohttp.ClientSession(connector=opened) as session, session.post(endpoint) as response:
        assert response.status == 201


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost", "2130706433", "0x7f.1"])
async def test_a_literal_address_is_judged_at_connect_too(service: PushService, host: str) -> None:
    guarded = connector(allow_private=False, at_once=1)
    async with aiohttp.ClientSession(connector=guarded) as session:
        with pytest.raises(aiohttp.ClientError):
            await session.post(f"http://{host}:{service.port}/x")
    assert service.received == []


async def test_a_name_with_several_private_addresses_reaches_none(service: PushService) -> None:
    guarded = connector(allow_private=False, at_once=1, resolver=_Lies("127.0.0.1", "127.0.0.2"))
    async with aiohttp.ClientSession(connector=guarded) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.post(f"http://push.example:{service.port}/x")
    assert service.received == []
