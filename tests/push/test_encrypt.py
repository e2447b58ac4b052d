"""Encryption for a browser's keys (RFC 8291)."""

from __future__ import annotations

import json

import pytest
from cryptography.exceptions import InvalidTag

from relay.push.encrypt import UnusableKeys, encrypt
from relay.push.limits import PushLimits
from tests.push.device import Browser, b64


def test_the_browser_reads_what_was_encrypted_for_it_and_nobody_else_does() -> None:
    browser = Browser()
    message = {"body": "Grüße 🦊"}
    body = encrypt(json.dumps(message).encode(), **browser.keys)
    assert browser.read(body) == message
    assert body != encrypt(json.dumps(message).encode(), **browser.keys)
    with pytest.raises(InvalidTag):
        Browser().read(body)


def test_the_largest_payload_fits_into_what_a_push_service_must_take() -> None:
    text = json.dumps({"body": ""}).encode()
    longest = json.dumps({"body": "x" * (PushLimits().payload - len(text))}).encode()
    assert len(longest) == PushLimits().payload
    assert len(encrypt(longest, **Browser().keys)) == 4096


@pytest.mark.parametrize("where", ["p256dh", "auth"])
@pytest.mark.parametrize("key", ["", "base64-encoded-key", "ä", "=", b64(bytes(15)), b64(bytes(65)), b64(b"\x04" * 65)])
def test_keys_that_are_none_are_told_apart_from_other_failures(where: str, key: str) -> None:
    with pytest.raises(UnusableKeys):
        encrypt(b"{}", **{**Browser().keys, where: key})
