"""E-mail rules: rest-account.md 2.2, 4.5."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.accounts.emails import is_library_email, is_registrable, is_sign_in_email


@pytest.mark.parametrize(
    ("email", "good"),
    [
        ("jo@example.com", True),
        ("Jo.X+tag@sub.example.co", True),
        ("j\u00f6@example.com", True),
        ("a@b@example.com", False),
        ("a@-x.com", False),
        ("a@x-.com", False),
        ("a@x.c", False),
        ("a@localhost", False),
        ("a@x..com", False),
        ("a@.x.com", False),
        ("a@x.com.", False),
        ("a@b\u00fccher.de", False),
        (" a@example.com", False),
        ("a b@example.com", False),
        ("@example.com", False),
        ("example.com", False),
        ("", False),
        ("a" * 64 + "@example.com", True),
        ("a" * 65 + "@example.com", False),
        ("\u00e4" * 33 + "@example.com", False),
        ("a@" + "b" * 63 + ".com", True),
        ("a@" + "b" * 64 + ".com", False),
        ("a@" + "b." * 130 + "com", False),
        ("\ud800@example.com", False),
        ("a\x00b@example.com", False),
    ],
)
def test_the_rule_of_register(email: str, good: bool) -> None:
    assert is_registrable(email) is good


@pytest.mark.parametrize(
    ("email", "good"),
    [
        ("jo@example.com", True),
        ("jo+x_y'z-1@a-b.example.com", True),
        (" jo@example.com", False),
        ("jo@example.com ", False),
        (".jo@example.com", False),
        ("jo.@example.com", False),
        ("j..o@example.com", False),
        ("jo@example.c", False),
        ("jo@example.c0m", False),
        ("jo@ex_ample.com", False),
        ("jo@localhost", False),
        ("j\u00f6@example.com", False),
        ("jo", False),
        ("", False),
    ],
)
def test_the_rule_of_sign_up(email: str, good: bool) -> None:
    assert is_library_email(email) is good


@given(st.text(max_size=60))
def test_whoever_got_an_account_can_sign_in(email: str) -> None:
    assert is_sign_in_email(email) == (is_registrable(email) or is_library_email(email))
