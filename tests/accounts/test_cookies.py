"""The session cookie: rest-account.md 2.3."""

from __future__ import annotations

import string
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.accounts import cookies

SECRET = b"0123456789abcdef0123456789abcdef"
TOKEN = "AbCdEfGhIjKlMnOpQrStUvWxYz012345"
VALUE = "AbCdEfGhIjKlMnOpQrStUvWxYz012345.VpKMwILzKQ6hTLa8RiRzrmLSiJ1NAzaH4Iwy9vevoCo%3D"


def test_account_03_the_cookie_vector_verifies() -> None:
    assert cookies.sign(SECRET, TOKEN) == VALUE
    assert cookies.unsign(SECRET, VALUE) == TOKEN
    assert cookies.unsign(SECRET, unquote(VALUE)) == TOKEN


@pytest.mark.parametrize(
    "value",
    [
        "",
        ".",
        TOKEN,
        TOKEN + ".",
        VALUE + "A",
        VALUE.replace("V", "W", 1),
        "x" + VALUE,
        VALUE.replace("%3D", ""),
        VALUE.replace("%3D", "%"),
        TOKEN + "." + "\u00e4" * 43 + "=",
        "A" * 10_000,
    ],
)
def test_a_signature_that_is_not_ours_is_refused(value: str) -> None:
    assert cookies.unsign(SECRET, value) is None


@given(st.text(max_size=200))
def test_any_text_is_refused_without_a_crash(value: str) -> None:
    assert cookies.unsign(SECRET, value) is None
    assert cookies.read_signed(SECRET, value, cookies.SESSION_TOKEN) is None


@given(st.text(alphabet=string.ascii_letters + string.digits + ".", min_size=1, max_size=60))
def test_what_is_signed_is_read_back(text: str) -> None:
    assert cookies.unsign(SECRET, cookies.sign(SECRET, text)) == text


def test_both_names_are_read_the_secure_one_first() -> None:
    one, two = cookies.sign(SECRET, "one"), cookies.sign(SECRET, "two")
    name = cookies.SESSION_TOKEN
    assert cookies.read_signed(SECRET, f"{name}={one}; a=b; __Secure-{name}={two}", name) == "two"
    assert cookies.read_signed(SECRET, f"{name}={one}; __Secure-{name}=broken", name) == "one"
    assert cookies.read_signed(SECRET, f'{name}="{one}"', name) == "one"
    assert cookies.read_signed(SECRET, f"x{name}={one}; {name}x={two}", name) is None


def test_the_attributes_are_upstreams_to_the_byte() -> None:
    name = cookies.SESSION_TOKEN
    assert (
        cookies.set_cookie(name, "v", secure=False, max_age=604800)
        == "better-auth.session_token=v; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax"
    )
    assert (
        cookies.set_cookie(name, "v", secure=True, max_age=604800)
        == "__Secure-better-auth.session_token=v; Max-Age=604800; Path=/; HttpOnly; Secure; SameSite=Lax"
    )
    assert (
        cookies.set_cookie(name, "v", secure=False, max_age=None)
        == "better-auth.session_token=v; Path=/; HttpOnly; SameSite=Lax"
    )
