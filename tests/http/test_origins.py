"""Which web origins may act with a user's cookie."""

from __future__ import annotations

import pytest

from relay.http.client_address import ClientAddress, ProxyPolicy
from relay.http.origins import MOBILE_ORIGINS, OriginPolicy, host_name, normalise
from tests.http.test_client_address import request_from

ADDRESS = ClientAddress(ProxyPolicy())


def _trusts(origin: str, *headers: tuple[str, str], peer: str = "192.168.1.9", encrypted: bool = False) -> bool:
    policy = OriginPolicy(["https://relay.example/", *MOBILE_ORIGINS], ADDRESS)
    return policy.trusted(request_from(peer, *headers, encrypted=encrypted), origin)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("https://relay.example", True),
        ("https://relay.example/", False),
        ("https://relay.example:8443", False),
        ("http://relay.example", False),
        ("https://relay.example.evil", False),
        ("https://evil-relay.example", False),
        ("capacitor://localhost", True),
        ("https://localhost", True),
        ("http://localhost", False),
        ("null", False),
        ("", False),
    ],
)
def test_configured_origins_match_exactly(origin: str, expected: bool) -> None:
    assert _trusts(origin, ("Host", "10.0.0.5:7492")) is expected


@pytest.mark.parametrize(
    ("origin", "host", "encrypted", "expected"),
    [
        ("http://10.0.0.5:7492", "10.0.0.5:7492", False, True),
        ("http://10.0.0.5:7493", "10.0.0.5:7492", False, False),
        ("http://10.0.0.6:7492", "10.0.0.5:7492", False, False),
        ("http://box.lan:7492", "BOX.lan:7492", False, True),
        ("http://box.lan", "box.lan:80", False, True),
        ("http://box.lan", "box.lan", False, True),
        ("http://[::1]:7492", "[::1]:7492", False, True),
        # A proxy that ends TLS need not say so ...
        ("https://box.lan", "box.lan", False, True),
        ("https://box.lan", "box.lan:443", False, True),
        ("https://box.lan:7492", "box.lan:7492", False, True),
        # ... but a page without TLS never speaks for a relay with it.
        ("http://box.lan", "box.lan", True, False),
        ("https://box.lan", "box.lan", True, True),
        ("http://", "", False, False),
        ("null", "box.lan", False, False),
    ],
)
def test_the_requests_own_origin_is_trusted(origin: str, host: str, encrypted: bool, expected: bool) -> None:
    assert _trusts(origin, ("Host", host), encrypted=encrypted) is expected


def test_the_scheme_of_the_own_origin_comes_from_a_trusted_proxy_only() -> None:
    headers = (("Host", "box.lan"), ("X-Forwarded-Proto", "https"))
    assert _trusts("http://box.lan", *headers, peer="192.168.1.9") is True
    assert _trusts("http://box.lan", *headers, peer="127.0.0.1") is False


def test_a_request_without_host_has_no_own_origin() -> None:
    assert _trusts("http://") is False
    assert _trusts("https://") is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" https://A.example:443/ ", "https://a.example"),
        ("HTTP://a.example:80", "http://a.example"),
        ("http://a.example:443", "http://a.example:443"),
        ("https://a.example/path?x", "https://a.example"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("nonsense", "nonsense"),
    ],
)
def test_configured_origins_are_normalised(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST:7492", True),
        ("127.0.0.1:7492", True),
        ("192.168.1.4", True),
        ("[::1]:7492", True),
        ("[fe80::1]", True),
        ("box.lan:7492", True),
        ("evil.example:7492", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("sub.box.lan", False),
        ("", False),
    ],
)
def test_only_addresses_and_known_names_are_safe_hosts(host: str, expected: bool) -> None:
    request = request_from("127.0.0.1", ("Host", host))
    assert OriginPolicy([], ADDRESS).host_is_safe(request, ["Box.lan"]) is expected


def test_a_host_name_loses_its_port() -> None:
    assert host_name("[::1]:80") == "::1"
    assert host_name("a.example:80") == "a.example"
