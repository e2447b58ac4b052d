"""The addresses and the QR code of `--lan`."""

from __future__ import annotations

import ipaddress

from relay.cli.lan import qr_code
from relay.http.lan import lan_addresses


def test_addresses_are_ipv4_of_this_machine_and_not_loopback() -> None:
    addresses = lan_addresses()
    assert len(addresses) == len(set(addresses))
    for text in addresses:
        address = ipaddress.IPv4Address(text)
        assert not address.is_loopback
        assert not address.is_unspecified


def test_a_qr_code_is_a_square_of_half_blocks() -> None:
    drawing = qr_code("http://192.168.178.20:7492").splitlines()
    assert len(drawing) > 10
    assert len({len(line) for line in drawing}) == 1
    assert set("".join(drawing)) <= set("█▀▄ ")
    assert qr_code("http://192.168.178.21:7492").splitlines() != drawing
