"""`GET /api/addresses`: what the page that connects a runner offers."""

from __future__ import annotations

from dataclasses import replace

from relay.http.addresses import Reach
from relay.http.lan import lan_addresses

HERE = Reach(base_url="", host="", everywhere=False, scheme="http", port=7492)


def test_a_relay_that_listens_here_alone_names_no_address() -> None:
    for host in ("", "127.0.0.1", "::1", "localhost", "relay.localhost"):
        assert replace(HERE, host=host).addresses() == []


def test_a_relay_in_the_network_names_the_addresses_of_its_interfaces() -> None:
    expected = [f"http://{address}:7492" for address in lan_addresses()]
    assert replace(HERE, everywhere=True).addresses() == expected
    assert replace(HERE, host="0.0.0.0").addresses() == expected


def test_the_configured_address_comes_first_and_once() -> None:
    proxied = replace(HERE, base_url="https://relay.example.org/", host="relay.example.org", scheme="https", port=443)
    assert proxied.addresses() == ["https://relay.example.org", "https://relay.example.org:443"]


def test_an_ipv6_host_stands_in_brackets() -> None:
    assert replace(HERE, host="2001:db8::7").addresses() == ["http://[2001:db8::7]:7492"]
